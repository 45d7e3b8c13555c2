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
 * Shape: base row b is row `order[b]` of the vectors given. Lists of candidates are `size` long per query; ids in them are
 * base rows. Memory: 2 bytes per component (rows padded to 8 components).
 */
export class QuantisedVectors {
  readonly d: number;
  readonly size: number;
  readonly maxQueries: number;
  /** Candidate lists of the last search: ids are base rows, -1 where empty; scores are in units of SCALE^-2. */
  readonly ids: Int32Array;
  readonly scores: Int32Array;
  private readonly rowLength: number;
  private readonly base: Int16Array;
  private readonly queries: Int16Array;
  private readonly kernel: KnnExports;
  private largestError = 0;

  constructor(units: UnitVectors, order: ArrayLike<number>, size: number, maxQueries: number) {
    this.d = units.d;
    this.size = size;
    this.maxQueries = maxQueries;
    this.rowLength = Math.ceil(units.d / 8) * 8;
    const numbers = this.rowLength * (order.length + maxQueries);
    const memory = new WasmMemory(numbers * 2 + maxQueries * size * 8 + 256);
    this.base = memory.i16(this.rowLength * order.length);
    this.queries = memory.i16(this.rowLength * maxQueries);
    this.ids = memory.i32(maxQueries * size);
    this.scores = memory.i32(maxQueries * size);
    this.kernel = instantiate<KnnExports>(knnModule, memory.memory);
    for (let b = 0; b < order.length; b++) {
      const error = quantise(units.rows, order[b]! * this.d, this.d, this.base, b * this.rowLength);
      if (error > this.largestError) this.largestError = error;
    }
  }

  /** Puts a unit vector into query slot q. Returns how far, at most, true and quantised products with it are apart. */
  setQuery(q: number, rows: Float32Array, row: number): number {
    const error = quantise(rows, row * this.d, this.d, this.queries, q * this.rowLength);
    // |q·p - S²x·y| ≤ S(|e| + |f|) + |e||f| by Cauchy and Schwarz, with e and f the rounding of both rows.
    return Math.ceil(SCALE * (error + this.largestError) * 1.000001 + error * this.largestError + ROUNDING);
  }

  /** Empties the lists; only products above the floor will enter. */
  clear(queries: number, floor: number): void {
    this.ids.fill(-1, 0, queries * this.size);
    this.scores.fill(floor, 0, queries * this.size);
  }

  /** Offers base rows from..to-1 to the lists of query slots first..first+count-1. */
  search(first: number, count: number, from: number, to: number): void {
    this.kernel.search(
      this.queries.byteOffset + first * this.rowLength * 2,
      count,
      this.base.byteOffset,
      from,
      to,
      this.rowLength * 2,
      this.size,
      this.ids.byteOffset + first * this.size * 4,
      this.scores.byteOffset + first * this.size * 4,
    );
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
