import type { NodeIndices } from "./csr.ts";

/**
 * Weakly connected components of a growing graph (union-find with path halving; the root is the smallest node).
 *
 * For graphs that also lose edges see `IncrementalComponents`.
 */
export class ConnectedComponents {
  private parent: Int32Array;
  /** Number of nodes. */
  n = 0;
  /** Number of components. */
  count = 0;

  constructor(n: number) {
    this.parent = new Int32Array(n);
    this.addNodes(n);
  }

  /** Adds nodes, each a component of its own. Returns the index of the first. */
  addNodes(count: number): number {
    const first = this.n;
    if (first + count > this.parent.length) {
      const larger = new Int32Array(Math.max(first + count, 2 * this.parent.length));
      larger.set(this.parent);
      this.parent = larger;
    }
    for (let v = first; v < first + count; v++) this.parent[v] = v;
    this.n += count;
    this.count += count;
    return first;
  }

  /** Joins the components of both ends. True if they were two. O(log n) amortised. */
  addEdge(a: number, b: number): boolean {
    const rootA = this.find(a);
    const rootB = this.find(b);
    if (rootA === rootB) return false;
    if (rootA < rootB) this.parent[rootB] = rootA;
    else this.parent[rootA] = rootB;
    this.count--;
    return true;
  }

  addEdges(sources: NodeIndices, targets: NodeIndices): void {
    for (let e = 0; e < sources.length; e++) this.addEdge(sources[e]!, targets[e]!);
  }

  /** The smallest node of the component of v: its stable label. */
  find(v: number): number {
    if (!(v >= 0 && v < this.n)) throw new RangeError(`node ${v} is outside 0..${this.n - 1}`);
    const { parent } = this;
    let root = v;
    while (parent[root] !== root) {
      parent[root] = parent[parent[root]!]!;
      root = parent[root]!;
    }
    return root;
  }

  /** The label of each node. O(n). */
  labels(): Int32Array {
    return Int32Array.from({ length: this.n }, (_, v) => this.find(v));
  }
}

/** The smallest node of each node's weakly connected component. O((n + m) log n). */
export function connectedComponents(n: number, sources: NodeIndices, targets: NodeIndices): Int32Array {
  const components = new ConnectedComponents(n);
  components.addEdges(sources, targets);
  return components.labels();
}
