import type { UnitVectors } from "./vectors.ts";
import { knnModule } from "./wasm/knn.wasm.ts";
import { instantiate, WasmMemory } from "./wasm-memory.ts";

/** A component x of a unit vector becomes round(x * SCALE); a product of two rows then stays below 2^31. */
export const SCALE = 32767;
/** What float32 rounding of rows and scores adds to the quantisation error, in units of SCALE^-2; measured, doubled. */
const ROUNDING = 1024;

interface KnnExports {
  search(
    query: number,
    queries: number,
    base: number,
    from: number,
    to: number,
    rowBytes: number,
    size: number,
    ids: number,
    scores: number,
  ): void;
}

/**
 * Unit vectors as int16 in the memory of the search kernel, with a strict bound of what the rounding changes.
 *
 * There are `rows` base rows and `slots` query slots; each slot has a list of `size` candidates by descending product.
 * Memory: 2 bytes per component (rows are padded to 8 components), 8 per place in a list.
 */
export class QuantisedVectors {
  readonly d: number;
  readonly rows: number;
  readonly slots: number;
  readonly size: number;
  /** Candidate lists: numbers of the rows compared with, -1 where empty, and products in units of SCALE^-2. */
  readonly ids: Int32Array;
  readonly scores: Int32Array;
  private readonly rowLength: number;
  private readonly base: Int16Array;
  private readonly queries: Int16Array;
  private readonly kernel: KnnExports;
  /** Length of the rounding error of each base row, in units of 1/SCALE, and the largest. */
  private readonly errors: Float64Array;
  private largestError = 0;

  constructor(d: number, rows: number, slots: number, size: number) {
    this.d = d;
    this.rows = rows;
    this.slots = slots;
    this.size = size;
    this.rowLength = Math.ceil(d / 8) * 8;
    this.errors = new Float64Array(rows);
    const memory = new WasmMemory(this.rowLength * (rows + slots) * 2 + slots * size * 8 + 256);
    this.base = memory.i16(this.rowLength * rows);
    this.queries = memory.i16(this.rowLength * slots);
    this.ids = memory.i32(slots * size);
    this.scores = memory.i32(slots * size);
    this.kernel = instantiate<KnnExports>(knnModule, memory.memory);
  }

  /** Base row b is row `order[b]` of the vectors. */
  static of(units: UnitVectors, order: ArrayLike<number>, slots: number, size: number): QuantisedVectors {
    const result = new QuantisedVectors(units.d, order.length, slots, size);
    for (let b = 0; b < order.length; b++) result.setBase(b, units.rows, order[b]!);
    return result;
  }

  setBase(b: number, rows: Float32Array, row: number): void {
    const error = quantise(rows, row * this.d, this.d, this.base, b * this.rowLength);
    this.errors[b] = error;
    if (error > this.largestError) this.largestError = error;
  }

  /** Puts a unit vector into a query slot. Returns how far, at most, true and quantised products with it are apart. */
  setQuery(slot: number, rows: Float32Array, row: number): number {
    const error = quantise(rows, row * this.d, this.d, this.queries, slot * this.rowLength);
    return this.margin(error);
  }

  /** Puts a base row into a query slot; like `setQuery`, without rounding again. */
  copyQuery(slot: number, b: number): number {
    this.queries.set(this.base.subarray(b * this.rowLength, (b + 1) * this.rowLength), slot * this.rowLength);
    return this.margin(this.errors[b]!);
  }

  private margin(error: number): number {
    // |q·p - S²x·y| ≤ S(|e| + |f|) + |e||f| by Cauchy and Schwarz, with e and f the rounding of both rows.
    return Math.ceil(SCALE * (error + this.largestError) * 1.000001 + error * this.largestError + ROUNDING);
  }

  /** Empties a slot's list; only products of at least `least` (a cosine) minus the margin will enter. */
  clear(slot: number, least: number, margin: number): void {
    this.ids.fill(-1, slot * this.size, (slot + 1) * this.size);
    this.scores.fill(Math.floor(least * SCALE * SCALE - margin) - 1, slot * this.size, (slot + 1) * this.size);
  }

  /** Offers base rows from..to-1 to the lists of slots first..first+count-1. */
  search(first: number, count: number, from: number, to: number): void {
    this.run(this.queries.byteOffset + first * this.rowLength * 2, this.base.byteOffset, first, count, from, to);
  }

  /** The other way round: offers query slots 0..to-1 to the lists 0..count-1, which stand for base rows from `row` on. */
  searchReversed(row: number, count: number, to: number): void {
    this.run(this.base.byteOffset + row * this.rowLength * 2, this.queries.byteOffset, 0, count, 0, to);
  }

  private run(query: number, base: number, list: number, count: number, from: number, to: number): void {
    const ids = this.ids.byteOffset + list * this.size * 4;
    const scores = this.scores.byteOffset + list * this.size * 4;
    this.kernel.search(query, count, base, from, to, this.rowLength * 2, this.size, ids, scores);
  }
}

/** Returns the length of the rounding error, in units of 1/SCALE. */
function quantise(rows: Float32Array, at: number, d: number, to: Int16Array, toAt: number): number {
  let square = 0;
  for (let j = 0; j < d; j++) {
    const exact = rows[at + j]! * SCALE;
    const rounded = Math.round(exact);
    to[toAt + j] = rounded;
    square += (rounded - exact) ** 2;
  }
  return Math.sqrt(square);
}
