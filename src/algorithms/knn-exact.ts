import { type Control, stopIfAsked } from "./control.ts";
import { clearRow, emptyKnn, type Knn, type KnnOptions, knnBruteForce, knnLimits, offer, scanRow } from "./knn.ts";
import { QuantisedVectors } from "./quantised.ts";
import { cosine, type UnitVectors, unitVectors } from "./vectors.ts";

export interface KnnExactOptions extends KnnOptions {
  /** `typescript` is the oracle: the same result, twenty times slower. Default `wasm`. */
  kernel?: "wasm" | "typescript";
}

/** Queries compared with the base at once, so that a base row is fetched from memory once for all of them. */
const QUERIES = 64;
/** Multiplications between two polls for cancellation: about 15 ms. */
const BUDGET = 2e8;

/**
 * Exact k nearest neighbours by cosine: int16 products with SIMD choose candidates, with a margin that no rounding exceeds,
 * and float32 rows rank them. The result equals `knnBruteForce` bit for bit, ties included.
 *
 * Shape: `vectors` is n × d, row-major, rows of any length.
 * Cost: O(n² × d), 20 to 35 multiplications per ns on one core; memory 10 bytes per component in all.
 * @throws AlgorithmCancelled when asked to stop.
 */
export function knn(vectors: Float32Array, n: number, d: number, options: KnnExactOptions = {}): Knn {
  if (options.kernel === "typescript") return knnBruteForce(vectors, n, d, options);
  const { k, cutoff } = knnLimits(options);
  const units = unitVectors(vectors, n, d, options.absent);
  const rows = presentRows(units);
  const result = emptyKnn(n, k);
  const quantised = QuantisedVectors.of(units, rows, QUERIES, listSize(k));
  searchExact(units, quantised, rows, rows, cutoff, result, options);
  return result;
}

export function presentRows(units: UnitVectors): Uint32Array {
  let count = 0;
  for (let i = 0; i < units.n; i++) count += units.present[i]!;
  const rows = new Uint32Array(count);
  let at = 0;
  for (let i = 0; i < units.n; i++) if (units.present[i] === 1) rows[at++] = i;
  return rows;
}

/** Places in a candidate list: the query itself takes one, the rest is for what the margin lets in. */
export function listSize(k: number): number {
  return k + 9 + (k >> 1);
}

/** Finds the neighbours of the rows `queries` among the first `base.length` base rows, which are rows `base` of `units`. */
export function searchExact(
  units: UnitVectors,
  quantised: QuantisedVectors,
  queries: ArrayLike<number>,
  base: ArrayLike<number>,
  cutoff: number,
  result: Knn,
  control: Control,
): void {
  const slots = quantised.slots;
  const step = Math.max(192, Math.floor(BUDGET / (slots * units.d)));
  const margins = new Float64Array(slots);
  for (let first = 0; first < queries.length; first += slots) {
    const count = Math.min(slots, queries.length - first);
    for (let q = 0; q < count; q++) {
      margins[q] = quantised.setQuery(q, units.rows, queries[first + q]!);
      quantised.clear(q, cutoff, margins[q]!);
    }
    for (let from = 0; from < base.length; from += step) {
      stopIfAsked(control);
      quantised.search(0, count, from, Math.min(base.length, from + step));
    }
    for (let q = 0; q < count; q++) {
      const row = queries[first + q]!;
      const { ids, scores, size } = quantised;
      const list = { ids, scores, start: q * size, size };
      if (rankCandidates(units, list, row, base, margins[q]!, cutoff, result)) continue;
      // More rows than places lie within the margin, as with many equal rows: compare this one with all.
      scanRow(units, row, cutoff, result, control);
    }
    control.onProgress?.(first + count, queries.length);
  }
}

/** Candidates by descending product: `size` places from `start` on, -1 where empty. */
export interface CandidateList {
  ids: Int32Array;
  scores: Int32Array;
  start: number;
  size: number;
}

/**
 * Ranks candidates for row i and writes its neighbours. If the list may have lost one: false and no neighbours, or, with
 * `anyway`, the best of those that are left.
 */
export function rankCandidates(
  units: UnitVectors,
  { ids, scores, start, size }: CandidateList,
  i: number,
  base: ArrayLike<number>,
  margin: number,
  cutoff: number,
  result: Knn,
  anyway = false,
): boolean {
  const { present } = units;
  clearRow(result, i);
  if (present[i] === 0) return true;
  // The k-th best other row: nothing more than two margins below it can be among the k best.
  let others = 0;
  let least = Number.NEGATIVE_INFINITY;
  for (let p = start; p < start + size && ids[p]! >= 0; p++) {
    const j = base[ids[p]!]!;
    if (j === i || present[j] === 0) continue;
    if (++others === result.k) {
      least = scores[p]! - 2 * margin;
      break;
    }
  }
  const full = ids[start + size - 1]! >= 0;
  if (!anyway && full && scores[start + size - 1]! >= least) return false;
  for (let p = start; p < start + size && ids[p]! >= 0 && scores[p]! >= least; p++) {
    const j = base[ids[p]!]!;
    if (j === i || present[j] === 0) continue;
    const score = cosine(units.rows, units.d, i, j);
    if (score >= cutoff) offer(result, i, j, score);
  }
  return true;
}
