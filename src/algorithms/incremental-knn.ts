import { type Control, stopIfAsked } from "./control.ts";
import { emptyKnn, type Knn, type KnnOptions, knnLimits, offer } from "./knn.ts";
import { listSize, searchExact } from "./knn-exact.ts";
import { QuantisedVectors } from "./quantised.ts";
import { enlarged } from "./slack-graph.ts";
import { BrokenState, packState, StateReader } from "./state-bytes.ts";
import { cosine, normaliseRow, type UnitVectors, unitVectors } from "./vectors.ts";

/** Kind and version of the stored bytes; 1 broke ties by the lower row. */
const KIND = 0x0202;
const SLOTS = 64;

export interface KnnChange {
  /** Rows whose neighbours or scores are different now, ascending. */
  changed: number[];
  /** Rows that were compared with all others. */
  searched: number;
}

/**
 * Exact k nearest neighbours of vectors that change: after each update the table equals `knn` of all vectors, bit for bit.
 *
 * Rows that changed and rows that listed one of them are compared with all; the changed rows are then offered to all others.
 * Cost: O((changed + listing) × n × d) instead of O(n² × d). Memory: 6 bytes per component, 8 × k per row.
 *
 * A call that throws may leave half an update behind: build the object anew.
 */
export class IncrementalKnn {
  readonly k: number;
  readonly cutoff: number;
  /** The table as it is now. */
  knn: Knn;
  private readonly units: UnitVectors;
  private quantised: QuantisedVectors;
  private everyRow: Uint32Array;

  private constructor(units: UnitVectors, knn: Knn, cutoff: number) {
    this.units = units;
    this.k = knn.k;
    this.cutoff = cutoff;
    this.knn = knn;
    this.everyRow = Uint32Array.from({ length: units.n }, (_, i) => i);
    this.quantised = QuantisedVectors.of(units, this.everyRow, SLOTS, listSize(this.k));
  }

  /** Starts with a full search. */
  static fromVectors(vectors: Float32Array, n: number, d: number, options: KnnOptions = {}): IncrementalKnn {
    const { k, cutoff } = knnLimits(options);
    const units = unitVectors(vectors, n, d, options.absent);
    const result = new IncrementalKnn(units, emptyKnn(n, k), cutoff);
    searchExact(units, result.quantised, result.everyRow, result.everyRow, cutoff, result.knn, options);
    return result;
  }

  /**
   * Goes on from a table whose rows were computed from these vectors, but for rows that the next `update` will name. The
   * caller vouches for that; `deserialize` is the form that checks.
   */
  static resume(
    table: Knn,
    cutoff: number,
    vectors: Float32Array,
    n: number,
    d: number,
    absent?: Uint8Array,
  ): IncrementalKnn {
    if (table.n !== n) throw new RangeError(`The table has ${table.n} rows, not ${n}`);
    return new IncrementalKnn(unitVectors(vectors, n, d, absent), table, Math.fround(cutoff));
  }

  get n(): number {
    return this.units.n;
  }

  /**
   * Replaces the vectors of some rows and follows up. Rows from n on are new; those left out in between are absent. A vector
   * that is all zero takes its row away.
   *
   * Shape: `vectors` is rows.length × d.
   */
  update(rows: ArrayLike<number>, vectors: Float32Array, control: Control = {}): KnnChange {
    const { units } = this;
    const { d } = units;
    if (vectors.length !== rows.length * d)
      throw new RangeError(`${rows.length} rows of ${d} are not ${vectors.length}`);
    let last = units.n - 1;
    for (let r = 0; r < rows.length; r++) {
      if (!(rows[r]! >= 0)) throw new RangeError(`row ${rows[r]}`);
      last = Math.max(last, rows[r]!);
    }
    this.grow(last + 1);
    const isChanged = new Uint8Array(units.n);
    for (let r = 0; r < rows.length; r++) {
      const i = rows[r]!;
      isChanged[i] = 1;
      units.present[i] = normaliseRow(vectors, r * d, units.rows, i * d, d) ? 1 : 0;
      this.quantised.setBase(i, units.rows, i);
    }
    const affected = this.rowsToSearch(isChanged);
    const before = this.knn;
    this.knn = { ...before, neighbours: before.neighbours.slice(), scores: before.scores.slice() };
    const everyRow = this.everyRow.subarray(0, units.n);
    searchExact(units, this.quantised, affected, everyRow, this.cutoff, this.knn, {
      ...control,
      onProgress: undefined,
    });
    this.offerToOthers(isChanged, affected, control);
    return { changed: differences(before, this.knn), searched: affected.length };
  }

  /** The table with a checksum, and a fingerprint of the vectors that it belongs to. */
  serialize(): Uint8Array {
    const { units, knn } = this;
    const meta = Float64Array.of(units.n, units.d, knn.k, this.cutoff, fingerprint(units));
    return packState(KIND, [meta, knn.neighbours, knn.scores]);
  }

  /**
   * The table that was stored, for the vectors that it was computed from.
   *
   * @throws BrokenState if the bytes are damaged or the vectors are others.
   */
  static deserialize(
    bytes: Uint8Array,
    vectors: Float32Array,
    n: number,
    d: number,
    absent?: Uint8Array,
  ): IncrementalKnn {
    const reader = new StateReader(bytes, KIND);
    const [storedN, storedD, k, cutoff, print] = reader.next(Float64Array);
    const units = unitVectors(vectors, n, d, absent);
    if (storedN !== n || storedD !== d || print !== fingerprint(units)) throw new BrokenState("the vectors are others");
    const knn = { n, k: k!, neighbours: reader.next(Int32Array), scores: reader.next(Float32Array) };
    return new IncrementalKnn(units, knn, cutoff!);
  }

  private grow(n: number): void {
    const { units, knn } = this;
    if (n <= units.n) return;
    const first = units.n;
    units.n = n;
    if (n > this.quantised.rows) {
      const room = Math.ceil(n * 1.125);
      units.rows = enlarged(units.rows, room * units.d);
      units.present = enlarged(units.present, room);
      this.everyRow = Uint32Array.from({ length: room }, (_, i) => i);
      this.quantised = QuantisedVectors.of(units, this.everyRow, SLOTS, listSize(this.k));
    }
    const grown = emptyKnn(n, knn.k);
    grown.neighbours.set(knn.neighbours.subarray(0, first * knn.k));
    grown.scores.set(knn.scores.subarray(0, first * knn.k));
    this.knn = grown;
  }

  /** Changed rows, and rows that list one. */
  private rowsToSearch(isChanged: Uint8Array): number[] {
    const { k, neighbours } = this.knn;
    const rows: number[] = [];
    for (let i = 0; i < this.units.n; i++) {
      let search = isChanged[i] === 1;
      for (let p = i * k; !search && p < (i + 1) * k && neighbours[p]! >= 0; p++)
        search = isChanged[neighbours[p]!] === 1;
      if (search) rows.push(i);
    }
    return rows;
  }

  /** Offers the changed rows to all rows that were not searched. */
  private offerToOthers(isChanged: Uint8Array, searched: number[], control: Control): void {
    const { units, quantised, knn } = this;
    const changed: number[] = [];
    for (let i = 0; i < units.n; i++) if (isChanged[i] === 1 && units.present[i] === 1) changed.push(i);
    const done = new Uint8Array(units.n);
    for (const i of searched) done[i] = 1;
    for (let block = 0; block < changed.length; block += SLOTS) {
      const slots = Math.min(SLOTS, changed.length - block);
      let margin = 0;
      for (let q = 0; q < slots; q++) {
        margin = Math.max(margin, quantised.setQuery(q, units.rows, changed[block + q]!));
      }
      for (let first = 0; first < units.n; first += SLOTS) {
        if (first % 4096 === 0) {
          stopIfAsked(control);
          control.onProgress?.(block * units.n + first * slots, changed.length * units.n);
        }
        const count = Math.min(SLOTS, units.n - first);
        for (let q = 0; q < count; q++) {
          // A full list takes nothing below its last score, other lists nothing below the cutoff.
          const end = (first + q + 1) * knn.k - 1;
          quantised.clear(q, knn.neighbours[end]! >= 0 ? knn.scores[end]! : this.cutoff, margin);
        }
        quantised.searchReversed(first, count, slots);
        for (let q = 0; q < count; q++) {
          if (done[first + q] === 0 && units.present[first + q] === 1) this.take(q, first + q, changed, block, slots);
        }
      }
    }
  }

  /** Takes the candidates of list q over into the table's row i. */
  private take(q: number, i: number, changed: number[], block: number, slots: number): void {
    const { ids, size } = this.quantised;
    const start = q * size;
    if (ids[start]! < 0) return;
    const overflow = slots > size && ids[start + size - 1]! >= 0;
    for (let p = 0; p < (overflow ? slots : size); p++) {
      const slot = overflow ? p : ids[start + p]!;
      if (slot < 0) break;
      const j = changed[block + slot]!;
      const score = cosine(this.units.rows, this.units.d, i, j);
      if (score >= this.cutoff) offer(this.knn, i, j, score);
    }
  }
}

/** Rows of the tables that differ; rows that only the second has count if they have neighbours. */
function differences(before: Knn, after: Knn): number[] {
  const { k } = after;
  const rows: number[] = [];
  for (let i = 0; i < after.n; i++) {
    for (let p = i * k; p < (i + 1) * k; p++) {
      const known = i < before.n;
      if (
        after.neighbours[p] === (known ? before.neighbours[p] : -1) &&
        after.scores[p] === (known ? before.scores[p] : 0)
      ) {
        continue;
      }
      rows.push(i);
      break;
    }
  }
  return rows;
}

/** 32 bits of the vectors' bits and of which rows count. */
function fingerprint({ n, d, rows, present }: UnitVectors): number {
  const words = new Uint32Array(rows.buffer, rows.byteOffset, n * d);
  let hash = 0x811c9dc5;
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193) ^ (hash >>> 17);
  for (let i = 0; i < n; i++) hash = Math.imul(hash ^ present[i]!, 0x01000193);
  return hash >>> 0;
}
