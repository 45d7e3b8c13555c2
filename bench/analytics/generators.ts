import { seeded } from "../../test/data/seeded.ts";

/** Graphs with known properties, made by own code and the same on every machine. */
export interface EdgePairs {
  name: string;
  n: number;
  sources: Uint32Array;
  targets: Uint32Array;
}

/** A draw from a power law x^-exponent between low and high. */
function powerLaw(random: () => number, exponent: number, low: number, high: number): number {
  const e = 1 - exponent;
  return (low ** e + random() * (high ** e - low ** e)) ** (1 / e);
}

function shuffle(array: Uint32Array, random: () => number): Uint32Array {
  for (let i = array.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const held = array[i]!;
    array[i] = array[j]!;
    array[j] = held;
  }
  return array;
}

/** Edges without loops and repetitions; a set of pairs as one sorted array of numbers, 8 bytes an edge. */
class PairCollector {
  private readonly n: number;
  private keys: Float64Array;
  private count = 0;

  constructor(n: number, expected: number) {
    this.n = n;
    this.keys = new Float64Array(expected);
  }

  add(a: number, b: number): void {
    if (a === b) return;
    if (this.count === this.keys.length) {
      const larger = new Float64Array(this.keys.length * 2);
      larger.set(this.keys);
      this.keys = larger;
    }
    this.keys[this.count++] = Math.min(a, b) * this.n + Math.max(a, b);
  }

  finish(name: string): EdgePairs {
    const sorted = this.keys.subarray(0, this.count).sort();
    let kept = 0;
    for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[kept++] = sorted[i]!;
    const sources = new Uint32Array(kept);
    const targets = new Uint32Array(kept);
    for (let i = 0; i < kept; i++) {
      sources[i] = Math.floor(sorted[i]! / this.n);
      targets[i] = sorted[i]! % this.n;
    }
    return { name, n: this.n, sources, targets };
  }
}

/**
 * In the manner of the LFR benchmark (Lancichinetti, Fortunato, Radicchi 2008): power laws of degree (2.5) and community
 * size (1.5, 20 to `largest`), each node with the share `mixing` of its edges to other communities. Stubs are paired at
 * random; loops and repetitions are dropped.
 */
export function lfr(n: number, averageDegree: number, mixing: number, largest: number, seed: number): EdgePairs {
  const random = seeded(seed);
  const degrees = new Float64Array(n);
  const highest = Math.min(n / 10, Math.max(50, Math.sqrt(n) * 2));
  let sum = 0;
  for (let v = 0; v < n; v++) {
    degrees[v] = powerLaw(random, 2.5, 1, highest);
    sum += degrees[v]!;
  }
  for (let v = 0; v < n; v++) degrees[v] = Math.max(1, Math.round((degrees[v]! * averageDegree * n) / sum));
  const order = shuffle(
    Uint32Array.from({ length: n }, (_, v) => v),
    random,
  );
  const pairs = new PairCollector(n, Math.ceil((averageDegree * n) / 2));
  const pair = (stubs: number[]) => {
    const shuffled = shuffle(Uint32Array.from(stubs), random);
    for (let i = 0; i + 1 < shuffled.length; i += 2) pairs.add(shuffled[i]!, shuffled[i + 1]!);
  };
  for (let first = 0; first < n; ) {
    const size = Math.min(n - first, Math.round(powerLaw(random, 1.5, 20, largest)));
    const stubs: number[] = [];
    for (const v of order.subarray(first, first + size)) {
      const inside = Math.min(size - 1, Math.round(degrees[v]! * (1 - mixing)));
      for (let i = 0; i < inside; i++) stubs.push(v);
    }
    pair(stubs);
    first += size;
  }
  const outside: number[] = [];
  for (let v = 0; v < n; v++) for (let i = 0; i < Math.round(degrees[v]! * mixing); i++) outside.push(v);
  pair(outside);
  return pairs.finish(`lfr ${label(n)}`);
}

/** R-MAT (Chakrabarti, Zhan, Faloutsos 2004) with the customary 0.57, 0.19, 0.19: skewed degrees, hardly any communities. */
export function rmat(n: number, edges: number, seed: number): EdgePairs {
  const random = seeded(seed);
  const levels = Math.ceil(Math.log2(n));
  const pairs = new PairCollector(n, edges);
  for (let e = 0; e < edges; ) {
    let a = 0;
    let b = 0;
    for (let l = 0; l < levels; l++) {
      const draw = random();
      a = 2 * a + (draw >= 0.76 ? 1 : 0);
      b = 2 * b + ((draw >= 0.57 && draw < 0.76) || draw >= 0.95 ? 1 : 0);
    }
    if (a >= n || b >= n || a === b) continue;
    pairs.add(a, b);
    e++;
  }
  return pairs.finish(`r-mat ${label(n)}`);
}

function label(n: number): string {
  return n >= 1e6 ? `${n / 1e6} M` : `${n / 1e3} k`;
}

export interface Edits {
  sources: Uint32Array;
  targets: Uint32Array;
  weights: number[];
}

/** Removes and inserts about `count` edges in all; `local` ones inside neighbourhoods of 30 nodes, a tenth of them far. */
export function randomEdits(
  n: number,
  neighbours: (v: number) => Uint32Array,
  count: number,
  local: boolean,
  seed: number,
): Edits {
  const random = seeded(seed);
  const pick = (length: number) => Math.floor(random() * length);
  const edits: [number, number, number][] = [];
  const cut = (v: number) => {
    const row = neighbours(v);
    if (row.length > 0) edits.push([v, row[pick(row.length)]!, 0]);
  };
  while (edits.length < count) {
    if (!local) {
      cut(pick(n));
      edits.push([pick(n), pick(n), 1]);
      continue;
    }
    const ball = [pick(n)];
    for (let i = 0; i < ball.length && ball.length < 30; i++) {
      for (const u of neighbours(ball[i]!)) if (ball.length < 30 && !ball.includes(u)) ball.push(u);
    }
    for (let i = 0; i < 12; i++) {
      cut(ball[pick(ball.length)]!);
      const far = random() < 0.1;
      edits.push([ball[pick(ball.length)]!, far ? pick(n) : ball[pick(ball.length)]!, 1]);
    }
  }
  const usable = edits.slice(0, count).filter(([a, b]) => a !== b);
  return {
    sources: Uint32Array.from(usable, (e) => e[0]),
    targets: Uint32Array.from(usable, (e) => e[1]),
    weights: usable.map((e) => e[2]),
  };
}
