import { type Control, stopIfAsked } from "./control.ts";
import type { CsrGraph } from "./csr.ts";
import type { LeidenKernel } from "./leiden-kernel.ts";
import { type LeidenWorkspace, type LevelGraph, STATE } from "./leiden-workspace.ts";
import { connectedPieces, modularity } from "./modularity.ts";

export interface LeidenOptions extends Control {
  /** Above 1 gives more and smaller communities. Default 1. */
  resolution?: number;
  /** Chooses where the walk that orders the nodes begins, and the draws of `theta`. The same seed on the same graph gives
   * the same communities, on every machine. Default 1. */
  seed?: number;
  /** Runs of the whole algorithm, each starting from the communities of the last; ends early when none moves. Default 2. */
  iterations?: number;
  /** Aggregations in one iteration. Default 32, which real graphs do not reach. */
  maxLevels?: number;
  /** Randomness of the refinement in units of edge weight; 0 takes the best merge, as leidenalg does. Default 0. */
  theta?: number;
  /** `typescript` is the oracle: equal results, a little slower. Default `wasm`, except for small graphs. */
  kernel?: "wasm" | "typescript";
  /** Communities to start from, any numbers from 0 to n - 1. Default: each node alone. */
  initial?: ArrayLike<number>;
  /** Called with each finished aggregation of an iteration; `total` is `iterations * maxLevels`, an upper bound. */
  onProgress?: (done: number, total: number) => void;
}

export interface LeidenResult {
  /** [0] is the finest partition, the last is `membership`; each level maps nodes to communities 0..k-1 and each community
   * is a union of communities of the level below. Levels are distinct. */
  levels: Int32Array[];
  /** Community of each node, 0..communities-1 in order of the smallest node. */
  membership: Int32Array;
  communities: number;
  modularity: number;
  /** Iterations that were carried out. */
  iterations: number;
}

/** Edge visits between two polls for cancellation: about 5 ms. */
const BUDGET = 1 << 18;

/** The driver, for either kernel; `space` must hold a copy of the graph where the kernel can reach it. */
export function leidenWith(
  kernel: LeidenKernel,
  space: LeidenWorkspace,
  graph: CsrGraph,
  options: LeidenOptions,
): LeidenResult {
  const { n } = graph;
  const { resolution = 1, seed = 1, iterations = 2, maxLevels = 32, theta = 0, initial } = options;
  if (!(resolution > 0)) throw new RangeError(`resolution is ${resolution}`);
  const { original } = space;
  let partition: Int32Array = new Int32Array(n);
  for (let i = 0; i < n; i++) partition[i] = initial === undefined ? i : initial[original[i]!]!;
  let levels: Int32Array[] = [partition];
  let twiceEdges = 0;
  for (let i = 0; i < n; i++) twiceEdges += space.graphs[0].strength[i]!;
  const scale = twiceEdges > 0 ? resolution / twiceEdges : 0;
  space.state[STATE.random] = mix(seed);
  let done = 0;
  let coarsest: LevelGraph | undefined;
  for (let iteration = 0; iteration < Math.max(1, iterations); iteration++) {
    const progress = (level: number) => options.onProgress?.(iteration * maxLevels + level, iterations * maxLevels);
    const result = iterate(kernel, space, partition, { scale, theta, maxLevels, control: options, progress });
    levels = result.levels;
    partition = levels.at(-1)!;
    coarsest = result.coarsest;
    done++;
    if (result.moves === 0) break;
  }
  const nested = inOriginalOrder(levels, space);
  const membership = nested.at(-1)!;
  return {
    levels: nested,
    membership,
    communities: count(membership),
    modularity: coarsest ? modularityApart(coarsest, resolution) : modularity(graph, membership, resolution),
    iterations: done,
  };
}

/** Levels by the given graph's nodes, communities numbered in order of their smallest node; equal levels only once. */
function inOriginalOrder(levels: Int32Array[], space: LeidenWorkspace): Int32Array[] {
  const result: Int32Array[] = [];
  let before = Number.POSITIVE_INFINITY;
  for (const level of levels) {
    const partition = new Int32Array(level.length);
    for (let i = 0; i < level.length; i++) partition[space.original[i]!] = level[i]!;
    const communities = renumber(partition, partition.length, space.touched);
    if (communities < before) result.push(partition);
    before = communities;
  }
  return result;
}

interface IterationOptions {
  scale: number;
  theta: number;
  maxLevels: number;
  control: Control;
  progress: (level: number) => void;
}

/** One run from the given communities down to a partition whose aggregation cannot be improved by moving a node. */
function iterate(
  kernel: LeidenKernel,
  space: LeidenWorkspace,
  start: Int32Array,
  { scale, theta, maxLevels, control, progress }: IterationOptions,
): { levels: Int32Array[]; moves: number; coarsest?: LevelGraph } {
  let graph = space.graphs[0];
  space.community.set(start);
  renumber(space.community, graph.n, space.touched);
  /** Node of the level's graph that each node of the finest graph is part of. */
  const place = new Int32Array(graph.n);
  for (let v = 0; v < place.length; v++) place[v] = v;
  const levels: Int32Array[] = [];
  let moves = 0;
  for (let level = 0; ; level++) {
    fillTotals(space, graph);
    for (let v = 0; v < graph.n; v++) space.queue[v] = v;
    space.queued.fill(1, 0, graph.n);
    space.state[STATE.head] = 0;
    space.state[STATE.waiting] = graph.n;
    space.state[STATE.moves] = 0;
    do stopIfAsked(control);
    while (!kernel.moveNodes(space, graph, scale, BUDGET));
    moves += space.state[STATE.moves]!;
    const communities = renumber(space.community, graph.n, space.touched);
    if (communities === graph.n) break;
    let refined = 0;
    if (level < maxLevels) {
      fillTotals(space, graph);
      refined = refinePartition(kernel, space, graph, scale, theta, control);
    }
    if (level >= maxLevels || refined === graph.n) {
      // Nothing could be merged one by one (or no level is left): whole communities are, but only what is connected.
      const pieces = connectedPieces(graph, space.community);
      space.refined.set(pieces);
      refined = renumber(space.refined, graph.n, space.touched);
      if (refined === graph.n) break;
    }
    const { refined: part } = space;
    for (let v = 0; v < place.length; v++) place[v] = part[place[v]!]!;
    levels.push(place.slice());
    progress(level + 1);
    if (level >= maxLevels) break;
    const coarse = level % 2 === 0 ? space.graphs[1] : space.graphs[2];
    aggregateGraph(kernel, space, graph, coarse, refined, control);
    // Each node of the aggregated graph starts in the community that its members were in before refinement.
    for (let v = 0; v < graph.n; v++) space.touched[space.refined[v]!] = space.community[v]!;
    space.community.set(space.touched.subarray(0, refined));
    renumber(space.community, refined, space.queue);
    graph = coarse;
  }
  if (levels.length === 0) levels.push(place.slice());
  // Without a limit on levels, the last graph's nodes are the communities.
  return { levels, moves, coarsest: levels.length <= maxLevels ? graph : undefined };
}

/** Modularity with each node of an aggregated graph a community of its own: cheaper than over the finest graph. */
function modularityApart({ n, offsets, weights, strength }: LevelGraph, resolution: number): number {
  let all = 0;
  for (let c = 0; c < n; c++) all += strength[c]!;
  if (all === 0) return 0;
  let between = 0;
  for (let p = 0; p < offsets[n]!; p++) between += weights[p]!;
  let expected = 0;
  for (let c = 0; c < n; c++) expected += (strength[c]! / all) ** 2;
  return 1 - between / all - resolution * expected;
}

function refinePartition(
  kernel: LeidenKernel,
  space: LeidenWorkspace,
  graph: LevelGraph,
  scale: number,
  theta: number,
  control: Control,
): number {
  const { n } = graph;
  for (let v = 0; v < n; v++) space.refined[v] = v;
  space.refinedTotal.set(graph.strength.subarray(0, n));
  space.refinedMembers.fill(1, 0, n);
  for (let v = 0; v < n; stopIfAsked(control)) v = kernel.sumExternal(space, graph, v, BUDGET);
  for (let v = 0; v < n; stopIfAsked(control)) v = kernel.refine(space, graph, scale, theta, v, BUDGET);
  return renumber(space.refined, n, space.touched);
}

function aggregateGraph(
  kernel: LeidenKernel,
  space: LeidenWorkspace,
  graph: LevelGraph,
  coarse: LevelGraph,
  communities: number,
  control: Control,
): void {
  const { n } = graph;
  const { starts, order, refined, touched } = space;
  starts.fill(0, 0, communities + 1);
  for (let v = 0; v < n; v++) starts[refined[v]! + 1]!++;
  for (let c = 0; c < communities; c++) starts[c + 1]! += starts[c]!;
  touched.set(starts.subarray(0, communities));
  for (let v = 0; v < n; v++) order[touched[refined[v]!]!++] = v;
  coarse.n = communities;
  coarse.offsets[0] = 0;
  space.state[STATE.written] = 0;
  for (let c = 0; c < communities; stopIfAsked(control)) {
    c = kernel.aggregate(space, graph, coarse, communities, c, BUDGET);
  }
}

/** Totals, member counts and the stack of unused numbers for the communities as they are. */
function fillTotals(space: LeidenWorkspace, graph: LevelGraph): void {
  const { n, strength } = graph;
  const { community, total, members, empty, state } = space;
  total.fill(0, 0, n);
  members.fill(0, 0, n);
  for (let v = 0; v < n; v++) {
    total[community[v]!]! += strength[v]!;
    members[community[v]!]!++;
  }
  let empties = 0;
  for (let c = n - 1; c >= 0; c--) if (members[c] === 0) empty[empties++] = c;
  state[STATE.empties] = empties;
}

/** Renumbers the first n entries to 0..k-1 in order of appearance and returns k. `scratch` needs n entries. */
function renumber(numbers: Int32Array, n: number, scratch: Int32Array): number {
  scratch.fill(-1, 0, n);
  let k = 0;
  for (let v = 0; v < n; v++) {
    const c = numbers[v]!;
    if (scratch[c]! < 0) scratch[c] = k++;
    numbers[v] = scratch[c]!;
  }
  return k;
}

/** Number of communities of a partition that is numbered from 0 without gaps. */
function count(partition: Int32Array): number {
  let k = 0;
  for (let v = 0; v < partition.length; v++) if (partition[v]! >= k) k = partition[v]! + 1;
  return k;
}

/** Spreads a small seed over 32 bits (the finaliser of MurmurHash3); never 0, which xorshift could not leave. */
function mix(seed: number): number {
  let x = seed | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  x ^= x >>> 16;
  return x === 0 ? 0x9e3779b9 | 0 : x;
}
