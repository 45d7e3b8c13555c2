/**
 * Vectors made ready for cosine similarity: rows of length 1 in float32. Rows that are absent, all zero or not finite are
 * left out: they have no neighbours and are nobody's.
 */
export interface UnitVectors {
  n: number;
  d: number;
  /** At least n × d, row-major. */
  rows: Float32Array;
  /** At least n; 1 for rows that count. */
  present: Uint8Array;
}

/** Normalises the rows. O(n × d); a copy of the data. */
export function unitVectors(vectors: Float32Array, n: number, d: number, absent?: Uint8Array): UnitVectors {
  if (vectors.length !== n * d) throw new RangeError(`${n} rows of ${d} are not ${vectors.length} numbers`);
  const rows = new Float32Array(n * d);
  const present = new Uint8Array(n);
  for (let i = 0; i < n; i++) if (absent?.[i] !== 1) present[i] = normaliseRow(vectors, i * d, rows, i * d, d) ? 1 : 0;
  return { n, d, rows, present };
}

/** Writes a row at length 1; false (and zeros) if it has no direction. */
export function normaliseRow(from: Float32Array, at: number, to: Float32Array, toAt: number, d: number): boolean {
  let square = 0;
  for (let j = 0; j < d; j++) square += from[at + j]! * from[at + j]!;
  if (!(square > 0 && square < Number.POSITIVE_INFINITY)) {
    to.fill(0, toAt, toAt + d);
    return false;
  }
  const scale = 1 / Math.sqrt(square);
  for (let j = 0; j < d; j++) to[toAt + j] = from[at + j]! * scale;
  return true;
}

/**
 * The cosine of rows a and b: the definition that every search of this room agrees with to the last bit. Products and sums
 * in float64 (so that the order of a and b does not matter), in two lanes, rounded to float32 at the end.
 */
export function cosine(rows: Float32Array, d: number, a: number, b: number): number {
  let even = 0;
  let odd = 0;
  let p = a * d;
  let q = b * d;
  const last = p + d - 1;
  for (; p < last; p += 2, q += 2) {
    even += rows[p]! * rows[q]!;
    odd += rows[p + 1]! * rows[q + 1]!;
  }
  if (p === last) even += rows[p]! * rows[q]!;
  return Math.fround(even + odd);
}
