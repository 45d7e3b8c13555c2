import { CommunityLevel } from "./community-level.ts";
import type { Control } from "./control.ts";
import type { SlackGraph } from "./slack-graph.ts";

/**
 * Weakly connected components of a graph that gains and loses edges.
 *
 * A lost edge costs a search from both its ends (at most about twice the smaller part if they come apart), a new one that
 * joins two components costs the smaller of them. `labels` are those of `connectedComponents`.
 */
export class IncrementalComponents {
  private readonly graph: SlackGraph;
  private readonly level: CommunityLevel;
  private known: number;

  /** O(n + m). The graph may be shared: tell this object of every change by `update`. */
  constructor(graph: SlackGraph) {
    this.graph = graph;
    this.known = graph.n;
    this.level = new CommunityLevel(graph, componentsOf(graph));
  }

  get count(): number {
    return this.level.count;
  }

  /**
   * Follows changes that the graph has already made: nodes added, edges removed, edges added. Each list may name an edge
   * that did both; what counts is the graph as it is now.
   */
  update(
    removed: Iterable<readonly [number, number]>,
    added: Iterable<readonly [number, number]>,
    control: Control = {},
  ) {
    const { level, graph } = this;
    level.addNodes(this.known);
    this.known = graph.n;
    // Removals first: joining walks through a component, and must reach all of it.
    for (const [a, b] of removed) level.edgeRemoved(a, b);
    level.repair(control);
    for (const [a, b] of added) if (graph.weightOf(a, b) > 0) this.join(a, b);
    level.resetChanges();
  }

  connected(a: number, b: number): boolean {
    return this.level.community[a] === this.level.community[b];
  }

  /** The smallest node of each node's component. O(n). */
  labels(): Int32Array {
    const { community, size } = this.level;
    const smallest = new Int32Array(size.length).fill(-1);
    const labels = new Int32Array(this.graph.n);
    for (let v = 0; v < labels.length; v++) {
      const c = community[v]!;
      if (smallest[c]! < 0) smallest[c] = v;
      labels[v] = smallest[c]!;
    }
    return labels;
  }

  private join(a: number, b: number): void {
    const { level, graph } = this;
    if (this.connected(a, b)) return;
    const [small, large] = level.size[level.community[a]!]! <= level.size[level.community[b]!]! ? [a, b] : [b, a];
    const from = level.community[small]!;
    const to = level.community[large]!;
    const stack = [small];
    level.transfer(small, to);
    for (let v = stack.pop(); v !== undefined; v = stack.pop()) {
      for (const u of graph.neighbours(v)) {
        if (level.community[u] !== from) continue;
        level.transfer(u, to);
        stack.push(u);
      }
    }
  }
}

/** A number from 0 to n - 1 for each component: its smallest node. */
function componentsOf(graph: SlackGraph): Int32Array {
  const component = new Int32Array(graph.n).fill(-1);
  const stack: number[] = [];
  for (let start = 0; start < graph.n; start++) {
    if (component[start]! >= 0) continue;
    component[start] = start;
    stack.push(start);
    for (let v = stack.pop(); v !== undefined; v = stack.pop()) {
      for (const u of graph.neighbours(v)) {
        if (component[u]! >= 0) continue;
        component[u] = start;
        stack.push(u);
      }
    }
  }
  return component;
}
