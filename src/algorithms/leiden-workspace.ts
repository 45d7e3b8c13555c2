import type { CsrGraph } from "./csr.ts";

/** Where arrays come from: the JavaScript heap, or the memory of a WebAssembly module. */
export interface Allocator {
  i32(length: number): Int32Array;
  u32(length: number): Uint32Array;
  f64(length: number): Float64Array;
}

export const heapAllocator: Allocator = {
  i32: (length) => new Int32Array(length),
  u32: (length) => new Uint32Array(length),
  f64: (length) => new Float64Array(length),
};

/** A graph of one level of aggregation, without self-loops: they count only in `strength`. `n` nodes are in use. */
export interface LevelGraph {
  n: number;
  offsets: Uint32Array;
  targets: Uint32Array;
  weights: Float64Array;
  strength: Float64Array;
}

/** Indices into `LeidenWorkspace.state`. */
export const STATE = { head: 0, waiting: 1, empties: 2, moves: 3, random: 4, written: 5 } as const;

/**
 * Everything that the kernels read and write, allocated once for all levels. All arrays have one entry per node of the
 * finest graph, if nothing else is said.
 */
export interface LeidenWorkspace {
  /** [0] is the given graph, [1] and [2] take turns for the aggregated ones. */
  graphs: [LevelGraph, LevelGraph, LevelGraph];
  /** Community of each node; total strength, number of members of each community; stack of unused community numbers. */
  community: Int32Array;
  total: Float64Array;
  members: Int32Array;
  empty: Int32Array;
  /** Ring of nodes still to look at, and which are in it. */
  queue: Int32Array;
  queued: Int32Array;
  /** Weight from the node at hand to each community (0 outside a step), and the communities that have one. */
  linked: Float64Array;
  touched: Int32Array;
  /** Refined community of each node; its total strength, number of members, weight to the rest of its community. */
  refined: Int32Array;
  refinedTotal: Float64Array;
  refinedMembers: Int32Array;
  external: Float64Array;
  /** Order in which refinement visits the nodes; nodes by refined community while aggregating. */
  order: Int32Array;
  /** n + 1 entries: where each refined community begins in `order` while aggregating. */
  starts: Int32Array;
  /** See `STATE`. */
  state: Int32Array;
}

/** Bytes that `leidenWorkspace` takes for n nodes and a graph with `halves` row entries. */
export function leidenWorkspaceBytes(n: number, halves: number): number {
  return 3 * (halves * 12 + (n + 1) * 12) + (n + 1) * 4 * 10 + n * 8 * 4 + 4096;
}

/** Copies the graph, without its self-loops, into a fresh workspace. O(n + m). */
export function leidenWorkspace(graph: CsrGraph, allocator: Allocator): LeidenWorkspace {
  const { n } = graph;
  const halves = graph.targets.length;
  const level = (): LevelGraph => ({
    n: 0,
    offsets: allocator.u32(n + 1),
    targets: allocator.u32(halves),
    weights: allocator.f64(halves),
    strength: allocator.f64(n),
  });
  const workspace: LeidenWorkspace = {
    graphs: [level(), level(), level()],
    community: allocator.i32(n),
    total: allocator.f64(n),
    members: allocator.i32(n),
    empty: allocator.i32(n),
    queue: allocator.i32(n),
    queued: allocator.i32(n),
    linked: allocator.f64(n),
    touched: allocator.i32(n),
    refined: allocator.i32(n),
    refinedTotal: allocator.f64(n),
    refinedMembers: allocator.i32(n),
    external: allocator.f64(n),
    order: allocator.i32(n),
    starts: allocator.i32(n + 1),
    state: allocator.i32(8),
  };
  const finest = workspace.graphs[0];
  finest.n = n;
  let q = 0;
  for (let v = 0; v < n; v++) {
    let sum = 0;
    for (let p = graph.offsets[v]!, end = graph.offsets[v + 1]!; p < end; p++) {
      const w = graph.weights[p]!;
      sum += w;
      if (graph.targets[p] === v) continue;
      finest.targets[q] = graph.targets[p]!;
      finest.weights[q] = w;
      q++;
    }
    finest.offsets[v + 1] = q;
    finest.strength[v] = sum;
  }
  return workspace;
}
