import { type Cells, learnCells, rankCells } from "./cells.ts";
import { type Control, stopIfAsked } from "./control.ts";
import { emptyKnn, type Knn, type KnnOptions, knnLimits, offer } from "./knn.ts";
import { knn, listSize, presentRows, rankCandidates, searchExact } from "./knn-exact.ts";
import { nextRandom } from "./leiden-kernel.ts";
import { QuantisedVectors } from "./quantised.ts";
import { cosine, type UnitVectors, unitVectors } from "./vectors.ts";

export interface NearestOptions extends KnnOptions {
  /** Up to this many rows the search is exact. Default 20,000. */
  exactUpTo?: number;
  /** Share of the true neighbours to find above that. Default 0.99. */
  recall?: number;
  /** Rows on which recall is estimated. Default 400. */
  sample?: number;
  /** Default 1. */
  seed?: number;
}

export interface NearestResult {
  knn: Knn;
  method: "exact" | "cells";
  /** Estimated share of true neighbours found, on `sampled` rows that the search was not tuned on; 1 if exact. */
  recall: number;
  sampled: number;
  /** Cells, how many of them each query looked into, and rounds of neighbours of neighbours. 0 if exact. */
  cells: number;
  probes: number;
  rounds: number;
}

const SLOTS = 64;
/** Above the recall asked for, so that chance in the sample does not lead below it. */
const RESERVE = 0.002;

/**
 * The k nearest neighbours of each row: exact for up to 20,000 rows, above that by searching the nearest cells of each
 * query, with as many cells as the recall asked for takes (measured against an exact search of a sample).
 *
 * Cost: exact O(n² × d), else about O(n^1.5 × probes × d). Memory: 6 bytes per component, about 12 × k + 100 per row.
 * Source: inverted file with query-adaptive probing (Jégou, Douze, Schmid 2011); rounds of neighbours of neighbours (Dong,
 * Moses, Li 2011).
 * @throws AlgorithmCancelled when asked to stop.
 */
export function nearestNeighbours(
  vectors: Float32Array,
  n: number,
  d: number,
  options: NearestOptions = {},
): NearestResult {
  const { exactUpTo = 20_000, recall: target = 0.99, seed = 1 } = options;
  if (n <= exactUpTo) {
    const result = knn(vectors, n, d, options);
    return { knn: result, method: "exact", recall: 1, sampled: 0, cells: 0, probes: 0, rounds: 0 };
  }
  const { k, cutoff } = knnLimits(options);
  const units = unitVectors(vectors, n, d, options.absent);
  const rows = presentRows(units);
  const control: Control = { shouldStop: options.shouldStop, signal: options.signal };
  const count = Math.max(1, Math.min(rows.length, Math.round(Math.sqrt(rows.length))));
  const cells = learnCells(units, rows, count, seed, control);
  const search = new CellSearch(units, rows, cells, k, cutoff, control);
  // Tuned on one half of the sample, judged on the other.
  const sample = drawRows(rows, options.sample ?? 400, seed + 1);
  const half = sample.length >> 1;
  const truth = emptyKnn(n, k);
  searchExact(units, search.quantised, sample, search.order, cutoff, truth, control);
  let probes = search.probesFor(sample.subarray(0, half), truth, Math.min(1, target + RESERVE));
  const judged = sample.subarray(half);
  for (;;) {
    const result = search.run(probes, options);
    let rounds = 0;
    let recall = recallOf(result, truth, judged);
    while (recall < target && rounds < 2) {
      neighboursOfNeighbours(units, result, cutoff, options);
      rounds++;
      recall = recallOf(result, truth, judged);
    }
    if (recall >= target || probes >= count) {
      return { knn: result, method: "cells", recall, sampled: judged.length, cells: count, probes, rounds };
    }
    probes = Math.min(count, Math.ceil(probes * 1.5) + 1);
  }
}

class CellSearch {
  readonly quantised: QuantisedVectors;
  /** Rows in order of their cells; cell c has those from starts[c] to starts[c + 1]. */
  readonly order: Uint32Array;
  private readonly starts: Uint32Array;
  private readonly cellOf: Int32Array;
  private readonly units: UnitVectors;
  private readonly cells: Cells;
  private readonly k: number;
  private readonly cutoff: number;
  private readonly control: Control;

  constructor(units: UnitVectors, rows: Uint32Array, cells: Cells, k: number, cutoff: number, control: Control) {
    this.units = units;
    this.cells = cells;
    this.k = k;
    this.cutoff = cutoff;
    this.control = control;
    const nearest = rankCells(units, rows, cells, 1, control);
    this.cellOf = new Int32Array(units.n).fill(-1);
    this.starts = new Uint32Array(cells.count + 1);
    for (let i = 0; i < rows.length; i++) {
      this.cellOf[rows[i]!] = nearest[i]!;
      this.starts[nearest[i]! + 1]!++;
    }
    for (let c = 0; c < cells.count; c++) this.starts[c + 1]! += this.starts[c]!;
    this.order = new Uint32Array(rows.length);
    const place = this.starts.slice();
    for (let i = 0; i < rows.length; i++) this.order[place[nearest[i]!]!++] = rows[i]!;
    this.quantised = QuantisedVectors.of(units, this.order, SLOTS, listSize(k));
  }

  /** How many cells must be searched so that this share of the true neighbours of the sample lies in them. */
  probesFor(sample: Uint32Array, truth: Knn, share: number): number {
    const { count } = this.cells;
    const ranking = rankCells(this.units, sample, this.cells, count, this.control);
    const foundAt = new Float64Array(count);
    let all = 0;
    const rankOf = new Int32Array(count);
    for (let s = 0; s < sample.length; s++) {
      for (let rank = 0; rank < count; rank++) rankOf[ranking[s * count + rank]!] = rank;
      for (let p = sample[s]! * this.k; p < (sample[s]! + 1) * this.k && truth.neighbours[p]! >= 0; p++) {
        foundAt[rankOf[this.cellOf[truth.neighbours[p]!]!]!]!++;
        all++;
      }
    }
    let found = 0;
    for (let rank = 0; rank < count; rank++) {
      found += foundAt[rank]!;
      if (found >= share * all) return Math.max(2, rank + 1);
    }
    return count;
  }

  /** Searches the `probes` nearest cells of each row. */
  run(probes: number, control: Control): Knn {
    const { quantised, order, starts, units, cells } = this;
    const size = quantised.size;
    const rows = order.length;
    const ranking = rankCells(units, order, cells, Math.min(probes, cells.count), control);
    const visitors = visitorsByCell(ranking, rows, cells.count);
    // The lists of all queries; a query's list goes into a slot and back for each cell that it visits.
    const ids = new Int32Array(rows * size).fill(-1);
    const scores = new Int32Array(rows * size);
    const margins = new Float64Array(rows);
    for (let c = 0; c < cells.count; c++) {
      const last = visitors.starts[c + 1]!;
      for (let first = visitors.starts[c]!; first < last; first += SLOTS) {
        stopIfAsked(control);
        const count = Math.min(SLOTS, last - first);
        for (let q = 0; q < count; q++) {
          const b = visitors.queries[first + q]!;
          margins[b] = quantised.copyQuery(q, b);
          if (ids[b * size]! < 0) quantised.clear(q, this.cutoff, margins[b]!);
          else {
            quantised.ids.set(ids.subarray(b * size, (b + 1) * size), q * size);
            quantised.scores.set(scores.subarray(b * size, (b + 1) * size), q * size);
          }
        }
        quantised.search(0, count, starts[c]!, starts[c + 1]!);
        for (let q = 0; q < count; q++) {
          const b = visitors.queries[first + q]!;
          ids.set(quantised.ids.subarray(q * size, (q + 1) * size), b * size);
          scores.set(quantised.scores.subarray(q * size, (q + 1) * size), b * size);
        }
      }
      control.onProgress?.(c + 1, cells.count);
    }
    const result = emptyKnn(units.n, this.k);
    for (let b = 0; b < rows; b++) {
      if (b % 1024 === 0) stopIfAsked(control);
      const list = { ids, scores, start: b * size, size };
      const i = order[b]!;
      rankCandidates(units, list, i, order, margins[b]!, this.cutoff, result, true);
    }
    return result;
  }
}

/** Which queries visit each cell. */
function visitorsByCell(
  ranking: Int32Array,
  rows: number,
  cells: number,
): { starts: Uint32Array; queries: Uint32Array } {
  const probes = ranking.length / rows;
  const starts = new Uint32Array(cells + 1);
  for (const c of ranking) starts[c + 1]!++;
  for (let c = 0; c < cells; c++) starts[c + 1]! += starts[c]!;
  const place = starts.slice();
  const queries = new Uint32Array(ranking.length);
  for (let p = 0; p < ranking.length; p++) queries[place[ranking[p]!]!++] = Math.floor(p / probes);
  return { starts, queries };
}

/** Offers to each row the neighbours of its neighbours. O(n × k² × d). */
function neighboursOfNeighbours(units: UnitVectors, table: Knn, cutoff: number, control: Control): void {
  const { n, k } = table;
  const before = table.neighbours.slice();
  const seen = new Int32Array(n).fill(-1);
  for (let i = 0; i < n; i++) {
    if (i % 512 === 0) stopIfAsked(control);
    seen[i] = i;
    for (let p = i * k; p < (i + 1) * k && before[p]! >= 0; p++) seen[before[p]!] = i;
    for (let p = i * k; p < (i + 1) * k && before[p]! >= 0; p++) {
      const via = before[p]!;
      for (let q = via * k; q < (via + 1) * k && before[q]! >= 0; q++) {
        const j = before[q]!;
        if (seen[j] === i) continue;
        seen[j] = i;
        const score = cosine(units.rows, units.d, i, j);
        if (score >= cutoff) offer(table, i, j, score);
      }
    }
  }
}

/** Share of the true neighbours of the sample that were found; others with the same score are as good. */
export function recallOf(found: Knn, truth: Knn, sample: ArrayLike<number>): number {
  const { k } = truth;
  let hits = 0;
  let all = 0;
  for (let s = 0; s < sample.length; s++) {
    const start = sample[s]! * k;
    let count = 0;
    while (count < k && truth.neighbours[start + count]! >= 0) count++;
    if (count === 0) continue;
    const least = truth.scores[start + count - 1]!;
    all += count;
    for (let p = start; p < start + count && found.neighbours[p]! >= 0 && found.scores[p]! >= least; p++) hits++;
  }
  return all === 0 ? 1 : hits / all;
}

function drawRows(rows: Uint32Array, count: number, seed: number): Uint32Array {
  const shuffled = rows.slice();
  const size = Math.min(rows.length, Math.max(2, count));
  let random = Math.imul(seed, 0x9e3779b1) | 1;
  for (let i = 0; i < size; i++) {
    random = nextRandom(random);
    const j = i + Math.floor(((random >>> 0) / 4294967296) * (rows.length - i));
    const held = shuffled[i]!;
    shuffled[i] = shuffled[j]!;
    shuffled[j] = held;
  }
  return shuffled.slice(0, size);
}
