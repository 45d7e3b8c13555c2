// The inner loops of Leiden, in AssemblyScript: the same additions in the same order as src/algorithms/leiden-kernel.ts, the
// oracle, so that both give equal communities. All arrays belong to the caller; see `LeidenWorkspace` for what they mean.
// Each function takes tables of their addresses, in the order of leiden-wasm.ts, and whether weights are integers.

const NOISE: f64 = 1e-10;

// Indices into the state array, as in leiden-workspace.ts.
const HEAD: i32 = 0;
const WAITING: i32 = 1;
const EMPTIES: i32 = 2;
const MOVES: i32 = 3;
const RANDOM: i32 = 4;
const WRITTEN: i32 = 5;

// Indices into the table of a level's graph ...
const OFFSETS: i32 = 0;
const TARGETS: i32 = 1;
const WEIGHTS: i32 = 2;
const STRENGTH: i32 = 3;

// ... and into that of the workspace.
const STATE: i32 = 0;
const COMMUNITY: i32 = 1;
const TOTAL: i32 = 2;
const MEMBERS: i32 = 3;
const EMPTY: i32 = 4;
const QUEUE: i32 = 5;
const QUEUED: i32 = 6;
const LINKED: i32 = 7;
const TOUCHED: i32 = 8;
const REFINED: i32 = 9;
const REFINED_TOTAL: i32 = 10;
const REFINED_MEMBERS: i32 = 11;
const EXTERNAL: i32 = 12;
const ORDER: i32 = 13;
const STARTS: i32 = 14;

function at(table: usize, i: i32): usize {
  return load<u32>(table + ((<usize>i) << 2));
}

function int(array: usize, i: i32): i32 {
  return load<i32>(array + ((<usize>i) << 2));
}

function setInt(array: usize, i: i32, value: i32): void {
  store<i32>(array + ((<usize>i) << 2), value);
}

// Weights and sums of weights are of the type W: i32, or f64 where they are not all integers.
function num<W>(array: usize, i: i32): W {
  return load<W>(array + <usize>i * sizeof<W>());
}

function setNum<W>(array: usize, i: i32, value: W): void {
  store<W>(array + <usize>i * sizeof<W>(), value);
}

function real<W>(array: usize, i: i32): f64 {
  return <f64>load<W>(array + <usize>i * sizeof<W>());
}

function exponential(x: f64): f64 {
  if (x < -700) return 0;
  const r = x / 1024;
  let y =
    1 + r * (1 + (r / 2) * (1 + (r / 3) * (1 + (r / 4) * (1 + (r / 5) * (1 + (r / 6) * (1 + (r / 7) * (1 + r / 8)))))));
  for (let i = 0; i < 10; i++) y *= y;
  return y;
}

export function moveNodes(space: usize, graph: usize, integers: bool, n: i32, scale: f64, budget: i32): bool {
  return integers ? move<i32>(space, graph, n, scale, budget) : move<f64>(space, graph, n, scale, budget);
}

function move<W>(space: usize, graph: usize, n: i32, scale: f64, budget: i32): bool {
  const offsets = at(graph, OFFSETS);
  const targets = at(graph, TARGETS);
  const weights = at(graph, WEIGHTS);
  const strength = at(graph, STRENGTH);
  const community = at(space, COMMUNITY);
  const total = at(space, TOTAL);
  const members = at(space, MEMBERS);
  const empty = at(space, EMPTY);
  const queue = at(space, QUEUE);
  const queued = at(space, QUEUED);
  const linked = at(space, LINKED);
  const touched = at(space, TOUCHED);
  const state = at(space, STATE);
  let head = int(state, HEAD);
  let waiting = int(state, WAITING);
  let empties = int(state, EMPTIES);
  let moves = int(state, MOVES);
  let tail = head + waiting;
  if (tail >= n) tail -= n;
  while (waiting > 0 && budget > 0) {
    const v = int(queue, head);
    if (++head === n) head = 0;
    waiting--;
    store<u8>(queued + v, 0);
    const from = int(community, v);
    const start = int(offsets, v);
    const end = int(offsets, v + 1);
    budget -= end - start + 1;
    let candidates = 0;
    for (let p = start; p < end; p++) {
      const c = int(community, int(targets, p));
      const sum = num<W>(linked, c);
      setInt(touched, candidates, c);
      candidates += i32(sum === 0);
      setNum<W>(linked, c, sum + num<W>(weights, p));
    }
    const k = real<W>(strength, v);
    const expected = k * scale;
    let best = from;
    let bestGain = real<W>(linked, from) - expected * (real<W>(total, from) - k) + NOISE * k;
    for (let i = 0; i < candidates; i++) {
      const c = int(touched, i);
      const gain = real<W>(linked, c) - expected * real<W>(total, c);
      setNum<W>(linked, c, 0);
      if (gain > bestGain && c !== from) {
        bestGain = gain;
        best = c;
      }
    }
    if (bestGain < 0 && int(members, from) > 1) best = int(empty, --empties);
    if (best === from) continue;
    moves++;
    setInt(community, v, best);
    const weight = num<W>(strength, v);
    setNum<W>(total, from, num<W>(total, from) - weight);
    setNum<W>(total, best, num<W>(total, best) + weight);
    setInt(members, best, int(members, best) + 1);
    const left = int(members, from) - 1;
    setInt(members, from, left);
    if (left === 0) setInt(empty, empties++, from);
    for (let p = start; p < end; p++) {
      const u = int(targets, p);
      const already = <i32>load<u8>(queued + u);
      const joins = i32(already === 0) & i32(int(community, u) !== best);
      store<u8>(queued + u, already | joins);
      setInt(queue, tail, u);
      waiting += joins;
      tail += joins;
      if (tail === n) tail = 0;
    }
  }
  setInt(state, HEAD, head);
  setInt(state, WAITING, waiting);
  setInt(state, EMPTIES, empties);
  setInt(state, MOVES, moves);
  return waiting === 0;
}

export function sumExternal(space: usize, graph: usize, integers: bool, n: i32, from: i32, budget: i32): i32 {
  return integers ? sum<i32>(space, graph, n, from, budget) : sum<f64>(space, graph, n, from, budget);
}

function sum<W>(space: usize, graph: usize, n: i32, from: i32, budget: i32): i32 {
  const offsets = at(graph, OFFSETS);
  const targets = at(graph, TARGETS);
  const weights = at(graph, WEIGHTS);
  const community = at(space, COMMUNITY);
  const external = at(space, EXTERNAL);
  let v = from;
  for (; v < n && budget > 0; v++) {
    const c = int(community, v);
    let sum: W = 0;
    const start = int(offsets, v);
    const end = int(offsets, v + 1);
    for (let p = start; p < end; p++) sum += num<W>(weights, p) * <W>i32(int(community, int(targets, p)) === c);
    setNum<W>(external, v, sum);
    budget -= end - start + 1;
  }
  return v;
}

export function refine(
  space: usize,
  graph: usize,
  integers: bool,
  n: i32,
  scale: f64,
  theta: f64,
  from: i32,
  budget: i32,
): i32 {
  return integers
    ? merge<i32>(space, graph, n, scale, theta, from, budget)
    : merge<f64>(space, graph, n, scale, theta, from, budget);
}

function merge<W>(space: usize, graph: usize, n: i32, scale: f64, theta: f64, from: i32, budget: i32): i32 {
  const offsets = at(graph, OFFSETS);
  const targets = at(graph, TARGETS);
  const weights = at(graph, WEIGHTS);
  const strength = at(graph, STRENGTH);
  const community = at(space, COMMUNITY);
  const total = at(space, TOTAL);
  const linked = at(space, LINKED);
  const touched = at(space, TOUCHED);
  const refined = at(space, REFINED);
  const refinedTotal = at(space, REFINED_TOTAL);
  const refinedMembers = at(space, REFINED_MEMBERS);
  const external = at(space, EXTERNAL);
  const state = at(space, STATE);
  let random = int(state, RANDOM);
  let v = from;
  for (; v < n && budget > 0; v++) {
    budget--;
    if (int(refinedMembers, v) !== 1 || int(refined, v) !== v) continue;
    const c = int(community, v);
    const k = real<W>(strength, v);
    const totalOfC = real<W>(total, c);
    if (real<W>(external, v) < scale * k * (totalOfC - k)) continue;
    const start = int(offsets, v);
    const end = int(offsets, v + 1);
    budget -= end - start;
    let candidates = 0;
    for (let p = start; p < end; p++) {
      const u = int(targets, p);
      const same = i32(int(community, u) === c);
      const r = int(refined, u);
      const sum = num<W>(linked, r);
      setInt(touched, candidates, r);
      candidates += i32(sum === 0) & same;
      setNum<W>(linked, r, sum + num<W>(weights, p) * <W>same);
    }
    let best = v;
    let bestGain = NOISE * k;
    let eligible = 0;
    for (let j = 0; j < candidates; j++) {
      const r = int(touched, j);
      const strengthOfR = real<W>(refinedTotal, r);
      const gain = real<W>(linked, r) - scale * k * strengthOfR;
      if (gain <= NOISE * k || real<W>(external, r) < scale * strengthOfR * (totalOfC - strengthOfR)) {
        setNum<W>(linked, r, 0);
        continue;
      }
      setInt(touched, eligible++, r);
      if (gain > bestGain) {
        bestGain = gain;
        best = r;
      }
    }
    if (theta > 0 && eligible > 1) {
      let sum: f64 = 0;
      for (let j = 0; j < eligible; j++) {
        const r = int(touched, j);
        sum += exponential((real<W>(linked, r) - scale * k * real<W>(refinedTotal, r) - bestGain) / theta);
      }
      random ^= random << 13;
      random ^= random >>> 17;
      random ^= random << 5;
      let draw = (<f64>(<u32>random) / 4294967296) * sum;
      for (let j = 0; j < eligible && draw >= 0; j++) {
        const r = int(touched, j);
        best = r;
        draw -= exponential((real<W>(linked, r) - scale * k * real<W>(refinedTotal, r) - bestGain) / theta);
      }
    }
    const toBest = num<W>(linked, best);
    for (let j = 0; j < eligible; j++) setNum<W>(linked, int(touched, j), 0);
    if (best === v) continue;
    setInt(refined, v, best);
    setInt(refinedMembers, v, 0);
    setInt(refinedMembers, best, int(refinedMembers, best) + 1);
    setNum<W>(refinedTotal, best, num<W>(refinedTotal, best) + num<W>(strength, v));
    setNum<W>(external, best, num<W>(external, best) + (num<W>(external, v) - 2 * toBest));
  }
  setInt(state, RANDOM, random);
  return v;
}

export function aggregate(
  space: usize,
  graph: usize,
  coarse: usize,
  integers: bool,
  communities: i32,
  from: i32,
  budget: i32,
): i32 {
  return integers
    ? contract<i32>(space, graph, coarse, communities, from, budget)
    : contract<f64>(space, graph, coarse, communities, from, budget);
}

function contract<W>(space: usize, graph: usize, coarse: usize, communities: i32, from: i32, budget: i32): i32 {
  const offsets = at(graph, OFFSETS);
  const targets = at(graph, TARGETS);
  const weights = at(graph, WEIGHTS);
  const strength = at(graph, STRENGTH);
  const coarseOffsets = at(coarse, OFFSETS);
  const coarseTargets = at(coarse, TARGETS);
  const coarseWeights = at(coarse, WEIGHTS);
  const coarseStrength = at(coarse, STRENGTH);
  const linked = at(space, LINKED);
  const touched = at(space, TOUCHED);
  const refined = at(space, REFINED);
  const order = at(space, ORDER);
  const starts = at(space, STARTS);
  const state = at(space, STATE);
  let written = int(state, WRITTEN);
  let c = from;
  for (; c < communities && budget > 0; c++) {
    let candidates = 0;
    let sum: W = 0;
    const last = int(starts, c + 1);
    for (let i = int(starts, c); i < last; i++) {
      const v = int(order, i);
      sum += num<W>(strength, v);
      const start = int(offsets, v);
      const end = int(offsets, v + 1);
      budget -= end - start + 1;
      for (let p = start; p < end; p++) {
        const d = int(refined, int(targets, p));
        const other = i32(d !== c);
        const weight = num<W>(linked, d);
        setInt(touched, candidates, d);
        candidates += i32(weight === 0) & other;
        setNum<W>(linked, d, weight + num<W>(weights, p) * <W>other);
      }
    }
    for (let i = 0; i < candidates; i++) {
      const d = int(touched, i);
      setInt(coarseTargets, written, d);
      setNum<W>(coarseWeights, written, num<W>(linked, d));
      setNum<W>(linked, d, 0);
      written++;
    }
    setInt(coarseOffsets, c + 1, written);
    setNum<W>(coarseStrength, c, sum);
  }
  setInt(state, WRITTEN, written);
  return c;
}
