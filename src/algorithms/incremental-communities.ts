import { type CommunityChange, changeOf } from "./community-change.ts";
import { levelsFrom } from "./community-hierarchy.ts";
import { CommunityLevel } from "./community-level.ts";
import { mergeCommunities } from "./community-merge.ts";
import { followParents, LEAVE_ABOVE, moveFrontier, Scratch } from "./community-moves.ts";
import type { Control } from "./control.ts";
import type { CsrGraph, NodeIndices } from "./csr.ts";
import { leiden } from "./leiden.ts";
import type { LeidenResult } from "./leiden-driver.ts";
import { SlackGraph } from "./slack-graph.ts";

export interface IncrementalOptions {
  /** Default 1. */
  resolution?: number;
  /** Seed of the full runs. Default 1. */
  seed?: number;
  /** Levels to keep, the top one included. Default 3. */
  maxLevels?: number;
  /** Iterations of a full run. Default 2. */
  iterations?: number;
}

/** Edges to set: a weight above 0 inserts or changes, 0 removes. Setting twice changes nothing. */
export interface EdgeEdits {
  sources: NodeIndices;
  targets: NodeIndices;
  weights: ArrayLike<number>;
}

/** After this share of edges changed, all nodes are looked at again; the figures are measured, see bench/analytics. */
const REFRESH_AT = 0.05;
/** After this share, a full run is made for comparison ... */
const COMPARE_AT = 0.2;
/** ... and adopted if its modularity is better by more than this share: below it, stable communities are worth more. */
const ADOPT_ABOVE = 0.005;

/**
 * Communities of a changing graph, kept up to date at the cost of what changed, with ids that stay.
 *
 * A batch of edits puts the ends of the changed edges into a queue; nodes move to better communities until it is empty, and
 * connectivity is repaired exactly, level by level from the top. No community at any level is ever disconnected, and each
 * is a union of communities of the level below.
 *
 * Cost: `update` follows the change, not the graph. Memory: `estimateMemory`.
 * Source: frontier as in Sahu, "DF Louvain" (2024); persistent sub-communities after HIT-Leiden (2026), without its
 * super-graphs.
 *
 * A call that throws (`AlgorithmCancelled`, `RangeError`) may leave half a batch behind: throw the object away and go back
 * to the last serialised state.
 */
export class IncrementalCommunities {
  readonly graph: SlackGraph;
  readonly options: Required<IncrementalOptions>;
  /** Finest first; the last is the partition that maximises modularity. */
  levels: CommunityLevel[];
  /** Nodes that were removed and not used again. */
  readonly absent = new Set<number>();
  /** Changed edges since all nodes were last looked at, and since the last full run. */
  changedSinceRefresh = 0;
  changedSinceFull = 0;
  /** Weight inside the communities of the top level, each edge counted from both ends. */
  inside = 0;
  private readonly scratch = new Scratch();

  constructor(graph: SlackGraph, levels: CommunityLevel[], options: IncrementalOptions) {
    this.graph = graph;
    this.levels = levels;
    const { resolution = 1, seed = 1, maxLevels = 3, iterations = 2 } = options;
    this.options = { resolution, seed, maxLevels: Math.max(1, maxLevels), iterations };
    this.recount();
  }

  /** Starts with a full run. */
  static fromGraph(csr: CsrGraph, options: IncrementalOptions = {}, control: Control = {}): IncrementalCommunities {
    const graph = SlackGraph.fromCsr(csr);
    const result = new IncrementalCommunities(graph, [new CommunityLevel(graph, identity(csr.n))], options);
    result.levels = levelsFrom(graph, result.fullRun(csr, control).levels, result.options.maxLevels);
    result.resetChanges();
    result.recount();
    return result;
  }

  get n(): number {
    return this.graph.n;
  }

  get top(): CommunityLevel {
    return this.levels.at(-1)!;
  }

  /** Adds isolated nodes, using the places of removed ones first. Returns their indices. */
  addNodes(count: number): number[] {
    const indices = [...this.absent].sort((a, b) => a - b).slice(0, count);
    for (const v of indices) {
      this.absent.delete(v);
      for (const level of this.levels) level.revive(v);
    }
    const first = this.graph.addNodes(count - indices.length);
    for (const level of this.levels) level.addNodes(first);
    for (let v = first; v < this.graph.n; v++) {
      indices.push(v);
      for (let l = 0; l + 1 < this.levels.length; l++) {
        this.levels[l]!.parent[this.levels[l]!.community[v]!] = this.levels[l + 1]!.community[v]!;
      }
    }
    return indices;
  }

  /**
   * Applies edits and brings the communities up to date; looks at all nodes, or makes a full run for comparison, when enough
   * has changed (`due`). Removed nodes lose their edges; their indices may be used again.
   *
   * @throws RangeError for a node that does not exist or an unusable weight.
   */
  update(edits: EdgeEdits, control: Control = {}, removedNodes: Iterable<number> = []): CommunityChange {
    const edited: [number, number][] = [];
    const frontier = new Set<number>();
    for (let e = 0; e < edits.sources.length; e++) {
      this.edit(edits.sources[e]!, edits.targets[e]!, edits.weights[e]!, frontier, edited);
    }
    const removed = [...removedNodes].filter((v) => !this.absent.has(v));
    for (const v of removed) {
      for (const u of [...this.graph.neighbours(v)]) this.edit(v, u, 0, frontier, edited);
      this.edit(v, v, 0, frontier, edited);
      this.absent.add(v);
    }
    this.changedSinceRefresh += edited.length;
    this.changedSinceFull += edited.length;
    let kind: CommunityChange["kind"] = edited.length > 0 ? "update" : "none";
    this.settle(frontier, control, LEAVE_ABOVE.update);
    for (const v of removed) for (const level of this.levels) level.retire(v);
    const due = this.due();
    if (due !== "none") {
      kind = due === "full" && this.compareFull(control) ? "full" : "refresh";
      if (kind === "refresh") this.refreshLevels(control);
    }
    return this.takeChange(kind, edited);
  }

  /** What the amount of change asks for: `refresh` at 5 % of the edges, `full` (a comparison) at 20 %. */
  due(): "none" | "refresh" | "full" {
    const edges = Math.max(1, this.graph.edges);
    if (this.changedSinceFull > COMPARE_AT * edges) return "full";
    return this.changedSinceRefresh > REFRESH_AT * edges ? "refresh" : "none";
  }

  /** Looks at all nodes and merges whole communities where that is better. O(n + m). */
  refresh(control: Control = {}): CommunityChange {
    this.refreshLevels(control);
    return this.takeChange("refresh", []);
  }

  /**
   * Makes a full run and adopts it if its modularity is better by more than `adoptAbove` (a share, default 0.005);
   * communities keep the ids of those that they overlap most.
   */
  compare(control: Control = {}, adoptAbove = ADOPT_ABOVE): CommunityChange {
    return this.takeChange(this.compareFull(control, adoptAbove) ? "full" : "none", []);
  }

  /** Modularity of the top level, from running sums. O(n). */
  modularity(): number {
    const all = this.graph.twiceWeight;
    if (!(all > 0)) return 0;
    const { size, total } = this.top;
    let expected = 0;
    for (let c = 0; c < size.length; c++) if (size[c]! > 0) expected += (total[c]! / all) ** 2;
    return this.inside / all - this.options.resolution * expected;
  }

  /** Community id of each node at a level (default: the top), -1 for removed nodes. */
  membership(level = this.levels.length - 1): Float64Array {
    const { community, id } = this.levels[level]!;
    const result = new Float64Array(this.n);
    for (let v = 0; v < this.n; v++) result[v] = id[community[v]!]!;
    for (const v of this.absent) result[v] = -1;
    return result;
  }

  private edit(a: number, b: number, weight: number, frontier: Set<number>, edited: [number, number][]): void {
    const { graph, top } = this;
    if (weight > 0 && (this.absent.has(a) || this.absent.has(b)))
      throw new RangeError(`edge {${a}, ${b}} of a removed node`);
    const strengthA = graph.strength[a]!;
    const strengthB = graph.strength[b]!;
    const before = graph.setWeight(a, b, weight);
    if (before === weight) return;
    for (const level of this.levels) {
      level.total[level.community[a]!]! += graph.strength[a]! - strengthA;
      if (a !== b) level.total[level.community[b]!]! += graph.strength[b]! - strengthB;
      if (weight === 0) level.edgeRemoved(a, b);
    }
    edited.push([a, b]);
    const together = top.community[a] === top.community[b];
    if (together) this.inside += 2 * (weight - before);
    // Only these can make a move pay: a stronger tie to another community, or a weaker one to the own.
    if (together ? weight < before : weight > before) {
      frontier.add(a);
      frontier.add(b);
    }
  }

  /** Moves and repairs at the top until nothing is left to do, then lets the lower levels follow. */
  private settle(frontier: Iterable<number>, control: Control, leaveAbove: number): void {
    const scale = this.scale();
    let next: Iterable<number> = frontier;
    // Pieces that were split off may move on. Few do so twice; the last word is always that of the repair.
    for (let round = 0; round < 8; round++) {
      this.inside += moveFrontier(this.top, next, scale, this.scratch, control, leaveAbove);
      const split = this.top.repair(control);
      if (split.length === 0) break;
      next = split;
    }
    this.followDown(control);
  }

  private followDown(control: Control): void {
    for (let l = this.levels.length - 2; l >= 0; l--) {
      const above = this.levels[l + 1]!;
      followParents(this.levels[l]!, above, above.moved, this.scale(), this.scratch, control);
    }
  }

  private refreshLevels(control: Control): void {
    this.recount();
    this.settle(this.present(), control, LEAVE_ABOVE.refresh);
    const { resolution, seed } = this.options;
    while (mergeCommunities(this.top, { ...control, resolution, seed, onProgress: undefined })) {
      this.recount();
      this.settle(this.present(), control, LEAVE_ABOVE.refresh);
    }
    this.recount();
    this.changedSinceRefresh = 0;
  }

  private compareFull(control: Control, adoptAbove = ADOPT_ABOVE): boolean {
    this.recount();
    const result = this.fullRun(this.graph.toCsr(), control);
    this.changedSinceFull = 0;
    const current = this.modularity();
    if (!(result.modularity > current + Math.abs(current) * adoptAbove)) return false;
    this.levels = levelsFrom(this.graph, result.levels, this.options.maxLevels, this.levels);
    this.changedSinceRefresh = 0;
    this.recount();
    return true;
  }

  private fullRun(csr: CsrGraph, control: Control): LeidenResult {
    const { resolution, seed, iterations } = this.options;
    return leiden(csr, { resolution, seed, iterations, shouldStop: control.shouldStop, signal: control.signal });
  }

  private scale(): number {
    return this.graph.twiceWeight > 0 ? this.options.resolution / this.graph.twiceWeight : 0;
  }

  private *present(): Iterable<number> {
    for (let v = 0; v < this.n; v++) if (!this.absent.has(v)) yield v;
  }

  /** Computes all running sums anew. O(n + m). */
  recount(): void {
    const { graph } = this;
    const { community } = this.top;
    this.inside = 0;
    graph.twiceWeight = 0;
    for (let v = 0; v < graph.n; v++) {
      graph.strength[v] = 2 * graph.loops[v]!;
      this.inside += 2 * graph.loops[v]!;
      for (let p = graph.starts[v]!, end = p + graph.lengths[v]!; p < end; p++) {
        graph.strength[v]! += graph.weights[p]!;
        if (community[graph.targets[p]!] === community[v]) this.inside += graph.weights[p]!;
      }
      graph.twiceWeight += graph.strength[v]!;
    }
    for (const level of this.levels) level.sumTotals();
  }

  resetChanges(): void {
    for (const level of this.levels) level.resetChanges();
  }

  private takeChange(kind: CommunityChange["kind"], edited: [number, number][]): CommunityChange {
    const levels = this.levels.map((level) => changeOf(level, edited));
    const movedNodes = this.top.moved.size;
    this.resetChanges();
    return { kind, levels, movedNodes, modularity: this.modularity() };
  }
}

function identity(n: number): Int32Array {
  const result = new Int32Array(n);
  for (let v = 0; v < n; v++) result[v] = v;
  return result;
}
