import { type Control, stopIfAsked } from "./control.ts";
import { cosine, type UnitVectors, unitVectors } from "./vectors.ts";

export interface KnnOptions extends Control {
  /** Neighbours per row. Default 10. */
  k?: number;
  /** Smallest cosine that counts. Default -1: all. */
  cutoff?: number;
  /** 1 for rows to leave out. */
  absent?: Uint8Array;
}

/** The k most similar rows of each row. */
export interface Knn {
  n: number;
  k: number;
  /**
   * n × k row numbers by descending score; those of equal scores in the order in which they follow the row, the first row
   * coming after the last. -1 where there are no more.
   */
  neighbours: Int32Array;
  /** Their cosines; 0 beside -1. */
  scores: Float32Array;
}

export function emptyKnn(n: number, k: number): Knn {
  return { n, k, neighbours: new Int32Array(n * k).fill(-1), scores: new Float32Array(n * k) };
}

/** Checks k and cutoff, fills in the defaults. */
export function knnLimits(options: { k?: number; cutoff?: number }): { k: number; cutoff: number } {
  const { k = 10, cutoff = -1 } = options;
  if (!Number.isInteger(k) || k < 1 || k > 1000) throw new RangeError(`k is ${k}, not a whole number from 1 to 1000`);
  if (!(cutoff >= -1 && cutoff <= 1)) throw new RangeError(`cutoff is ${cutoff}, not within -1..1`);
  return { k, cutoff: Math.fround(cutoff) };
}

/**
 * Exact k nearest neighbours by brute force in plain TypeScript: the oracle of the faster searches.
 *
 * Cost: O(n² × d), about 1 ns per multiplication: 19,140 × 384 takes over two minutes.
 * @throws AlgorithmCancelled when asked to stop.
 */
export function knnBruteForce(vectors: Float32Array, n: number, d: number, options: KnnOptions = {}): Knn {
  const { k, cutoff } = knnLimits(options);
  const units = unitVectors(vectors, n, d, options.absent);
  const result = emptyKnn(n, k);
  for (let i = 0; i < n; i++) {
    scanRow(units, i, cutoff, result, options);
    options.onProgress?.(i + 1, n);
  }
  return result;
}

/** Compares row i with all others and writes its neighbours into `result`. O(n × d). */
export function scanRow(units: UnitVectors, i: number, cutoff: number, result: Knn, control: Control): void {
  const { n, d, rows, present } = units;
  clearRow(result, i);
  stopIfAsked(control);
  if (present[i] === 0) return;
  // 8 million multiplications are about 10 ms.
  const chunk = Math.max(1, Math.floor(8e6 / d));
  for (let j = 0; j < n; j++) {
    if (j % chunk === chunk - 1) stopIfAsked(control);
    if (j === i || present[j] === 0) continue;
    const score = cosine(rows, d, i, j);
    if (score >= cutoff) offer(result, i, j, score);
  }
}

export function clearRow(result: Knn, i: number): void {
  result.neighbours.fill(-1, i * result.k, (i + 1) * result.k);
  result.scores.fill(0, i * result.k, (i + 1) * result.k);
}

/** Puts neighbour j into the list of row i if it belongs there; the order of offers does not matter. */
export function offer(result: Knn, i: number, j: number, score: number): boolean {
  const { k, neighbours, scores } = result;
  const first = i * k;
  let p = first + k - 1;
  if (!before(i, j, score, neighbours[p]!, scores[p]!)) return false;
  for (; p > first && before(i, j, score, neighbours[p - 1]!, scores[p - 1]!); p--) {
    neighbours[p] = neighbours[p - 1]!;
    scores[p] = scores[p - 1]!;
  }
  neighbours[p] = j;
  scores[p] = score;
  return true;
}

/**
 * Whether neighbour a with its score comes before b with its in the list of row i; nobody (-1) comes last.
 *
 * Of equal scores those come first that follow row i, round the circle of rows. By the lower number, the first of many equal
 * vectors were neighbours of all the others and had the highest ranks for their place alone: of 30 equal ones, 10 had 29
 * neighbours. In the circle each is the neighbour of as many as it has itself, and rows that come between change nothing.
 */
function before(i: number, a: number, scoreA: number, b: number, scoreB: number): boolean {
  if (b < 0 || scoreA > scoreB) return true;
  if (scoreA !== scoreB) return false;
  return a > i === b > i ? a < b : a > i;
}

/** Undirected similarity edges: pairs a < b, ascending, with their cosine. */
export interface SimilarityEdges {
  sources: Uint32Array;
  targets: Uint32Array;
  scores: Float64Array;
}

/**
 * One undirected edge for each pair of which at least one is among the neighbours of the other; if both are, and an
 * approximate search gave two scores, the larger one counts.
 *
 * Cost: O(n × k) plus sorting rows of at most a hub's length.
 */
export function symmetrise(knn: Knn): SimilarityEdges {
  const { n, k, neighbours, scores } = knn;
  const starts = new Uint32Array(n + 1);
  for (let p = 0; p < n * k; p++) {
    const j = neighbours[p]!;
    if (j >= 0) starts[Math.min(j, Math.floor(p / k)) + 1]!++;
  }
  for (let v = 0; v < n; v++) starts[v + 1]! += starts[v]!;
  // Filling by ascending larger end needs no sort: first group by larger end, then deal out to the smaller ends in order.
  const byLarger = groupByLarger(knn);
  const place = starts.slice(0, n);
  const targets = new Uint32Array(starts[n]!);
  const weights = new Float64Array(starts[n]!);
  for (let b = 0; b < n; b++) {
    for (let x = byLarger.starts[b]!; x < byLarger.starts[b + 1]!; x++) {
      const p = byLarger.positions[x]!;
      const row = Math.floor(p / k);
      const a = row === b ? neighbours[p]! : row;
      const q = place[a]!;
      if (q > starts[a]! && targets[q - 1] === b) {
        weights[q - 1] = Math.max(weights[q - 1]!, scores[p]!);
        continue;
      }
      targets[q] = b;
      weights[q] = scores[p]!;
      place[a] = q + 1;
    }
  }
  let count = 0;
  for (let v = 0; v < n; v++) count += place[v]! - starts[v]!;
  const result: SimilarityEdges = {
    sources: new Uint32Array(count),
    targets: new Uint32Array(count),
    scores: new Float64Array(count),
  };
  let e = 0;
  for (let v = 0; v < n; v++) {
    for (let q = starts[v]!; q < place[v]!; q++, e++) {
      result.sources[e] = v;
      result.targets[e] = targets[q]!;
      result.scores[e] = weights[q]!;
    }
  }
  return result;
}

/** Positions in the neighbour table, grouped by the larger of row and neighbour. */
function groupByLarger({ n, k, neighbours }: Knn): { starts: Uint32Array; positions: Uint32Array } {
  const starts = new Uint32Array(n + 1);
  for (let p = 0; p < n * k; p++) {
    const j = neighbours[p]!;
    if (j >= 0) starts[Math.max(j, Math.floor(p / k)) + 1]!++;
  }
  for (let v = 0; v < n; v++) starts[v + 1]! += starts[v]!;
  const place = starts.slice(0, n);
  const positions = new Uint32Array(starts[n]!);
  for (let p = 0; p < n * k; p++) {
    const j = neighbours[p]!;
    if (j >= 0) positions[place[Math.max(j, Math.floor(p / k))]!++] = p;
  }
  return { starts, positions };
}
