import { type Control, stopIfAsked } from "./control.ts";
import { nextRandom } from "./leiden-kernel.ts";
import { QuantisedVectors } from "./quantised.ts";
import { normaliseRow, type UnitVectors } from "./vectors.ts";

const SLOTS = 64;
const ROUNDS = 6;
/** Rows per cell that the centres are learned from. */
const SAMPLE = 32;

/** Vectors divided into cells around centres, for searches that look only into the nearest cells. */
export interface Cells {
  count: number;
  /** count × d, each of length 1. */
  centres: UnitVectors;
}

/**
 * Learns cell centres by spherical k-means on a sample of the rows.
 *
 * Cost: O(rounds × sample × count × d). Source: Dhillon and Modha (2001).
 */
export function learnCells(
  units: UnitVectors,
  rows: Uint32Array,
  count: number,
  seed: number,
  control: Control,
): Cells {
  const { d } = units;
  let random = seed | 0 || 1;
  const draw = (below: number) => {
    random = nextRandom(random);
    return Math.floor(((random >>> 0) / 4294967296) * below);
  };
  // The first entries of a shuffled copy are the sample, and the first of those the centres to start with.
  const shuffled = rows.slice();
  const size = Math.min(rows.length, count * SAMPLE);
  for (let i = 0; i < size; i++) {
    const j = i + draw(rows.length - i);
    const held = shuffled[i]!;
    shuffled[i] = shuffled[j]!;
    shuffled[j] = held;
  }
  const sample = shuffled.subarray(0, size);
  const centres: UnitVectors = {
    n: count,
    d,
    rows: new Float32Array(count * d),
    present: new Uint8Array(count).fill(1),
  };
  for (let c = 0; c < count; c++) centres.rows.set(units.rows.subarray(sample[c]! * d, (sample[c]! + 1) * d), c * d);
  const sums = new Float32Array(count * d);
  for (let round = 0; round < ROUNDS; round++) {
    const nearest = rankCells(units, sample, { count, centres }, 1, control);
    sums.fill(0);
    for (let i = 0; i < size; i++) {
      const to = nearest[i]! * d;
      const from = sample[i]! * d;
      for (let x = 0; x < d; x++) sums[to + x]! += units.rows[from + x]!;
    }
    for (let c = 0; c < count; c++) {
      if (normaliseRow(sums, c * d, centres.rows, c * d, d)) continue;
      // Nobody is nearest to this centre: it begins anew at some row.
      const row = sample[draw(size)]!;
      centres.rows.set(units.rows.subarray(row * d, (row + 1) * d), c * d);
    }
  }
  return { count, centres };
}

/** The `nearest` cells of each row, nearest first: rows.length × nearest cell numbers. */
export function rankCells(
  units: UnitVectors,
  rows: Uint32Array,
  cells: Cells,
  nearest: number,
  control: Control,
): Int32Array {
  const order = Uint32Array.from({ length: cells.count }, (_, c) => c);
  const quantised = QuantisedVectors.of(cells.centres, order, SLOTS, nearest);
  const result = new Int32Array(rows.length * nearest);
  for (let first = 0; first < rows.length; first += SLOTS) {
    if (first % 1024 === 0) stopIfAsked(control);
    const count = Math.min(SLOTS, rows.length - first);
    for (let q = 0; q < count; q++) {
      const margin = quantised.setQuery(q, units.rows, rows[first + q]!);
      quantised.clear(q, -1, margin);
    }
    quantised.search(0, count, 0, cells.count);
    result.set(quantised.ids.subarray(0, count * nearest), first * nearest);
  }
  return result;
}
