import { type LeidenWorkspace, type LevelGraph, STATE } from "./leiden-workspace.ts";

/**
 * The three inner loops of Leiden. There are two implementations with equal results, bit for bit: this file in TypeScript
 * (the oracle), and `assembly/leiden.ts` compiled to WebAssembly. Each call does about `budget` edge visits and returns, so
 * that the driver can poll for cancellation.
 */
export interface LeidenKernel {
  /** Moves queued nodes to the best neighbouring community until the queue is empty. True when it is. */
  moveNodes(space: LeidenWorkspace, graph: LevelGraph, scale: number, budget: number): boolean;
  /** Sums, from node `from` on, each node's weight to the rest of its community. Returns the next node, n when done. */
  sumExternal(space: LeidenWorkspace, graph: LevelGraph, from: number, budget: number): number;
  /** Merges, from node `from` on, single nodes into refined communities. Returns the next node. */
  refine(space: LeidenWorkspace, graph: LevelGraph, scale: number, theta: number, from: number, budget: number): number;
  /** Writes, from refined community `from` on, the rows of the aggregated graph. Returns the next community. */
  aggregate(
    space: LeidenWorkspace,
    graph: LevelGraph,
    coarse: LevelGraph,
    communities: number,
    from: number,
    budget: number,
  ): number;
}

/** Relative to a node's strength: gains below it are rounding noise and could make nodes swing for ever. */
const NOISE = 1e-10;

/** One step of xorshift32 (Marsaglia 2003); never 0 for a state that is not 0. */
export function nextRandom(state: number): number {
  let x = state;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  return x;
}

/**
 * e^x for x ≤ 0, by the same few additions and multiplications as the WebAssembly kernel: the machine's own `exp` may
 * differ in the last bit between engines, and one bit is enough to choose another community. Relative error < 1e-12.
 */
export function exponential(x: number): number {
  if (x < -700) return 0;
  const r = x / 1024;
  let y =
    1 + r * (1 + (r / 2) * (1 + (r / 3) * (1 + (r / 4) * (1 + (r / 5) * (1 + (r / 6) * (1 + (r / 7) * (1 + r / 8)))))));
  for (let i = 0; i < 10; i++) y *= y;
  return y;
}

function moveNodes(space: LeidenWorkspace, graph: LevelGraph, scale: number, budget: number): boolean {
  const { community, total, members, empty, queue, queued, linked, touched, state } = space;
  const { n, offsets, targets, weights, strength } = graph;
  let head = state[STATE.head]!;
  let waiting = state[STATE.waiting]!;
  let empties = state[STATE.empties]!;
  let moves = state[STATE.moves]!;
  let tail = head + waiting;
  if (tail >= n) tail -= n;
  while (waiting > 0 && budget > 0) {
    const v = queue[head]!;
    if (++head === n) head = 0;
    waiting--;
    queued[v] = 0;
    const from = community[v]!;
    const start = offsets[v]!;
    const end = offsets[v + 1]!;
    budget -= end - start + 1;
    let candidates = 0;
    for (let p = start; p < end; p++) {
      const c = community[targets[p]!]!;
      if (linked[c] === 0) touched[candidates++] = c;
      linked[c]! += weights[p]!;
    }
    // The gain of joining community c is w(v, c) - resolution * k(v) * K(c) / 2m, with v taken out of its own first.
    const k = strength[v]!;
    const expected = k * scale;
    let best = from;
    let bestGain = linked[from]! - expected * (total[from]! - k) + NOISE * k;
    for (let i = 0; i < candidates; i++) {
      const c = touched[i]!;
      const gain = linked[c]! - expected * total[c]!;
      linked[c] = 0;
      if (gain > bestGain && c !== from) {
        bestGain = gain;
        best = c;
      }
    }
    if (bestGain < 0 && members[from]! > 1) best = empty[--empties]!;
    if (best === from) continue;
    moves++;
    community[v] = best;
    total[from]! -= k;
    total[best]! += k;
    members[best]!++;
    if (--members[from]! === 0) empty[empties++] = from;
    for (let p = start; p < end; p++) {
      const u = targets[p]!;
      if (queued[u] === 0 && community[u] !== best) {
        queued[u] = 1;
        queue[tail] = u;
        if (++tail === n) tail = 0;
        waiting++;
      }
    }
  }
  state[STATE.head] = head;
  state[STATE.waiting] = waiting;
  state[STATE.empties] = empties;
  state[STATE.moves] = moves;
  return waiting === 0;
}

function sumExternal(space: LeidenWorkspace, graph: LevelGraph, from: number, budget: number): number {
  const { community, external } = space;
  const { n, offsets, targets, weights } = graph;
  let v = from;
  for (; v < n && budget > 0; v++) {
    const c = community[v]!;
    let sum = 0;
    const end = offsets[v + 1]!;
    for (let p = offsets[v]!; p < end; p++) if (community[targets[p]!] === c) sum += weights[p]!;
    external[v] = sum;
    budget -= end - offsets[v]! + 1;
  }
  return v;
}

function refine(
  space: LeidenWorkspace,
  graph: LevelGraph,
  scale: number,
  theta: number,
  from: number,
  budget: number,
): number {
  const { community, total, linked, touched, refined, refinedTotal, refinedMembers, external, state } = space;
  const { n, offsets, targets, weights, strength } = graph;
  let random = state[STATE.random]!;
  let v = from;
  for (; v < n && budget > 0; v++) {
    budget--;
    if (refinedMembers[v] !== 1 || refined[v] !== v) continue;
    const c = community[v]!;
    const k = strength[v]!;
    // A node that is not well connected to the rest of its community stays alone (Traag et al. 2019, algorithm A.2, R).
    if (external[v]! < scale * k * (total[c]! - k)) continue;
    const end = offsets[v + 1]!;
    budget -= end - offsets[v]!;
    let candidates = 0;
    for (let p = offsets[v]!; p < end; p++) {
      const u = targets[p]!;
      if (community[u] !== c) continue;
      const r = refined[u]!;
      if (linked[r] === 0) touched[candidates++] = r;
      linked[r]! += weights[p]!;
    }
    let best = v;
    let bestGain = NOISE * k;
    let eligible = 0;
    for (let j = 0; j < candidates; j++) {
      const r = touched[j]!;
      const strengthOfR = refinedTotal[r]!;
      const gain = linked[r]! - scale * k * strengthOfR;
      if (gain <= NOISE * k || external[r]! < scale * strengthOfR * (total[c]! - strengthOfR)) {
        linked[r] = 0;
        continue;
      }
      touched[eligible++] = r;
      if (gain > bestGain) {
        bestGain = gain;
        best = r;
      }
    }
    if (theta > 0 && eligible > 1) {
      // A merge is drawn with probability proportional to e^(gain / theta), relative to the best for range.
      let sum = 0;
      for (let j = 0; j < eligible; j++) {
        const r = touched[j]!;
        sum += exponential((linked[r]! - scale * k * refinedTotal[r]! - bestGain) / theta);
      }
      random = nextRandom(random);
      let draw = ((random >>> 0) / 4294967296) * sum;
      for (let j = 0; j < eligible && draw >= 0; j++) {
        const r = touched[j]!;
        best = r;
        draw -= exponential((linked[r]! - scale * k * refinedTotal[r]! - bestGain) / theta);
      }
    }
    const toBest = linked[best]!;
    for (let j = 0; j < eligible; j++) linked[touched[j]!] = 0;
    if (best === v) continue;
    refined[v] = best;
    refinedMembers[v] = 0;
    refinedMembers[best]!++;
    refinedTotal[best]! += k;
    external[best]! += external[v]! - 2 * toBest;
  }
  state[STATE.random] = random;
  return v;
}

function aggregate(
  space: LeidenWorkspace,
  graph: LevelGraph,
  coarse: LevelGraph,
  communities: number,
  from: number,
  budget: number,
): number {
  const { linked, touched, refined, order, starts, state } = space;
  const { offsets, targets, weights, strength } = graph;
  let written = state[STATE.written]!;
  let c = from;
  for (; c < communities && budget > 0; c++) {
    let candidates = 0;
    let sum = 0;
    for (let i = starts[c]!, last = starts[c + 1]!; i < last; i++) {
      const v = order[i]!;
      sum += strength[v]!;
      const end = offsets[v + 1]!;
      budget -= end - offsets[v]! + 1;
      for (let p = offsets[v]!; p < end; p++) {
        const d = refined[targets[p]!]!;
        if (d === c) continue;
        if (linked[d] === 0) touched[candidates++] = d;
        linked[d]! += weights[p]!;
      }
    }
    for (let i = 0; i < candidates; i++) {
      const d = touched[i]!;
      coarse.targets[written] = d;
      coarse.weights[written] = linked[d]!;
      linked[d] = 0;
      written++;
    }
    coarse.offsets[c + 1] = written;
    coarse.strength[c] = sum;
  }
  state[STATE.written] = written;
  return c;
}

/** The oracle and the fallback where WebAssembly is not to be had. */
export const typescriptLeidenKernel: LeidenKernel = { moveNodes, sumExternal, refine, aggregate };
