// The inner loops of Leiden, in AssemblyScript: the same additions in the same order as src/algorithms/leiden-kernel.ts, the
// oracle, so that both give equal communities. All arrays belong to the caller; see `LeidenWorkspace` for what they mean.

const NOISE: f64 = 1e-10;

// Indices into the state array, as in leiden-workspace.ts.
const HEAD: i32 = 0;
const WAITING: i32 = 1;
const EMPTIES: i32 = 2;
const MOVES: i32 = 3;
const RANDOM: i32 = 4;
const WRITTEN: i32 = 5;

function int(array: usize, i: i32): i32 {
  return load<i32>(array + ((<usize>i) << 2));
}

function setInt(array: usize, i: i32, value: i32): void {
  store<i32>(array + ((<usize>i) << 2), value);
}

function num(array: usize, i: i32): f64 {
  return load<f64>(array + ((<usize>i) << 3));
}

function setNum(array: usize, i: i32, value: f64): void {
  store<f64>(array + ((<usize>i) << 3), value);
}

function exponential(x: f64): f64 {
  if (x < -700) return 0;
  const r = x / 1024;
  let y =
    1 + r * (1 + (r / 2) * (1 + (r / 3) * (1 + (r / 4) * (1 + (r / 5) * (1 + (r / 6) * (1 + (r / 7) * (1 + r / 8)))))));
  for (let i = 0; i < 10; i++) y *= y;
  return y;
}

export function moveNodes(
  n: i32,
  offsets: usize,
  targets: usize,
  weights: usize,
  strength: usize,
  community: usize,
  total: usize,
  members: usize,
  empty: usize,
  queue: usize,
  queued: usize,
  linked: usize,
  touched: usize,
  state: usize,
  scale: f64,
  budget: i32,
): i32 {
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
    setInt(queued, v, 0);
    const from = int(community, v);
    const start = int(offsets, v);
    const end = int(offsets, v + 1);
    budget -= end - start + 1;
    let candidates = 0;
    for (let p = start; p < end; p++) {
      const c = int(community, int(targets, p));
      const sum = num(linked, c);
      setInt(touched, candidates, c);
      candidates += i32(sum === 0);
      setNum(linked, c, sum + num(weights, p));
    }
    const k = num(strength, v);
    const expected = k * scale;
    let best = from;
    let bestGain = num(linked, from) - expected * (num(total, from) - k) + NOISE * k;
    for (let i = 0; i < candidates; i++) {
      const c = int(touched, i);
      const gain = num(linked, c) - expected * num(total, c);
      setNum(linked, c, 0);
      if (gain > bestGain && c !== from) {
        bestGain = gain;
        best = c;
      }
    }
    if (bestGain < 0 && int(members, from) > 1) best = int(empty, --empties);
    if (best === from) continue;
    moves++;
    setInt(community, v, best);
    setNum(total, from, num(total, from) - k);
    setNum(total, best, num(total, best) + k);
    setInt(members, best, int(members, best) + 1);
    const left = int(members, from) - 1;
    setInt(members, from, left);
    if (left === 0) setInt(empty, empties++, from);
    for (let p = start; p < end; p++) {
      const u = int(targets, p);
      const already = int(queued, u);
      const joins = i32(already === 0) & i32(int(community, u) !== best);
      setInt(queued, u, already | joins);
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
  return waiting === 0 ? 1 : 0;
}

export function sumExternal(
  n: i32,
  offsets: usize,
  targets: usize,
  weights: usize,
  community: usize,
  external: usize,
  from: i32,
  budget: i32,
): i32 {
  let v = from;
  for (; v < n && budget > 0; v++) {
    const c = int(community, v);
    let sum: f64 = 0;
    const start = int(offsets, v);
    const end = int(offsets, v + 1);
    for (let p = start; p < end; p++) if (int(community, int(targets, p)) === c) sum += num(weights, p);
    setNum(external, v, sum);
    budget -= end - start + 1;
  }
  return v;
}

export function refine(
  n: i32,
  offsets: usize,
  targets: usize,
  weights: usize,
  strength: usize,
  community: usize,
  total: usize,
  linked: usize,
  touched: usize,
  refined: usize,
  refinedTotal: usize,
  refinedMembers: usize,
  external: usize,
  state: usize,
  scale: f64,
  theta: f64,
  from: i32,
  budget: i32,
): i32 {
  let random = int(state, RANDOM);
  let v = from;
  for (; v < n && budget > 0; v++) {
    budget--;
    if (int(refinedMembers, v) !== 1 || int(refined, v) !== v) continue;
    const c = int(community, v);
    const k = num(strength, v);
    const totalOfC = num(total, c);
    if (num(external, v) < scale * k * (totalOfC - k)) continue;
    const start = int(offsets, v);
    const end = int(offsets, v + 1);
    budget -= end - start;
    let candidates = 0;
    for (let p = start; p < end; p++) {
      const u = int(targets, p);
      if (int(community, u) !== c) continue;
      const r = int(refined, u);
      const sum = num(linked, r);
      setInt(touched, candidates, r);
      candidates += i32(sum === 0);
      setNum(linked, r, sum + num(weights, p));
    }
    let best = v;
    let bestGain = NOISE * k;
    let eligible = 0;
    for (let j = 0; j < candidates; j++) {
      const r = int(touched, j);
      const strengthOfR = num(refinedTotal, r);
      const gain = num(linked, r) - scale * k * strengthOfR;
      if (gain <= NOISE * k || num(external, r) < scale * strengthOfR * (totalOfC - strengthOfR)) {
        setNum(linked, r, 0);
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
        sum += exponential((num(linked, r) - scale * k * num(refinedTotal, r) - bestGain) / theta);
      }
      random ^= random << 13;
      random ^= random >>> 17;
      random ^= random << 5;
      let draw = (<f64>(<u32>random) / 4294967296) * sum;
      for (let j = 0; j < eligible && draw >= 0; j++) {
        const r = int(touched, j);
        best = r;
        draw -= exponential((num(linked, r) - scale * k * num(refinedTotal, r) - bestGain) / theta);
      }
    }
    const toBest = num(linked, best);
    for (let j = 0; j < eligible; j++) setNum(linked, int(touched, j), 0);
    if (best === v) continue;
    setInt(refined, v, best);
    setInt(refinedMembers, v, 0);
    setInt(refinedMembers, best, int(refinedMembers, best) + 1);
    setNum(refinedTotal, best, num(refinedTotal, best) + k);
    setNum(external, best, num(external, best) + (num(external, v) - 2 * toBest));
  }
  setInt(state, RANDOM, random);
  return v;
}

export function aggregate(
  offsets: usize,
  targets: usize,
  weights: usize,
  strength: usize,
  coarseOffsets: usize,
  coarseTargets: usize,
  coarseWeights: usize,
  coarseStrength: usize,
  linked: usize,
  touched: usize,
  refined: usize,
  order: usize,
  starts: usize,
  state: usize,
  communities: i32,
  from: i32,
  budget: i32,
): i32 {
  let written = int(state, WRITTEN);
  let c = from;
  for (; c < communities && budget > 0; c++) {
    let candidates = 0;
    let sum: f64 = 0;
    const last = int(starts, c + 1);
    for (let i = int(starts, c); i < last; i++) {
      const v = int(order, i);
      sum += num(strength, v);
      const start = int(offsets, v);
      const end = int(offsets, v + 1);
      budget -= end - start + 1;
      for (let p = start; p < end; p++) {
        const d = int(refined, int(targets, p));
        if (d === c) continue;
        const weight = num(linked, d);
        setInt(touched, candidates, d);
        candidates += i32(weight === 0);
        setNum(linked, d, weight + num(weights, p));
      }
    }
    for (let i = 0; i < candidates; i++) {
      const d = int(touched, i);
      setInt(coarseTargets, written, d);
      setNum(coarseWeights, written, num(linked, d));
      setNum(linked, d, 0);
      written++;
    }
    setInt(coarseOffsets, c + 1, written);
    setNum(coarseStrength, c, sum);
  }
  setInt(state, WRITTEN, written);
  return c;
}
