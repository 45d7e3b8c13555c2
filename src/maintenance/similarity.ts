import { createHash } from "node:crypto";
import {
  BrokenState,
  IncrementalKnn,
  type Knn,
  nearestNeighbours,
  packState,
  StateReader,
} from "../algorithms/index.ts";
import type { LiveGraph } from "../core/ports.ts";
import type { AnalysisState } from "./analysis-state.ts";

/** When more than this share of rows changed, a search of all rows is as cheap. */
const MAX_CHANGED = 0.3;

export interface FollowedKnn {
  table: Knn;
  /** For the next run. */
  knn: Uint8Array;
  vectorHashes: BigUint64Array;
  /** Rows that were searched for. */
  searched: number;
  /** Estimated share of true neighbours, of the last search of all rows; 1 when that was exact. */
  recall: number;
}

/**
 * Nearest neighbours from the table of the last run: rows whose vector is new, changed or gone are followed up, all others
 * stay. Up to 20,000 rows the result is that of a full exact search, bit for bit; above, the first search goes through cells
 * with a recall of at least 0.99, and what changes later is compared with everything.
 */
export function followKnn(
  graph: LiveGraph,
  previous: AnalysisState | null,
  options: { k: number; cutoff: number },
  control: { shouldStop: () => boolean; onProgress: (done: number, total: number) => void },
): FollowedKnn {
  const n = graph.ids.length;
  const hashes = vectorHashes(graph);
  const absent = graph.hasVector.map((has) => 1 - has);
  const moved =
    previous?.knn && previous.dimension === graph.dimension ? movedTable(graph, previous, hashes, options) : null;
  if (moved) {
    const followed = IncrementalKnn.resume(moved.table, options.cutoff, graph.vectors, n, graph.dimension, absent);
    const rows = moved.changed;
    const change = followed.update(rows, rowsOf(graph, rows), control);
    return {
      table: followed.knn,
      knn: packTable(followed.knn, options.cutoff),
      vectorHashes: hashes,
      searched: change.searched,
      recall: previous?.recall ?? 1,
    };
  }
  const found = nearestNeighbours(graph.vectors, n, graph.dimension, { ...options, absent, ...control });
  const table = packTable(found.knn, options.cutoff);
  return { table: found.knn, knn: table, vectorHashes: hashes, searched: n, recall: found.recall };
}

/**
 * The old table in the row numbers of today. A row that listed a neighbour which is gone is treated as changed: its list
 * has a gap that only a search can fill.
 */
function movedTable(
  graph: LiveGraph,
  previous: AnalysisState,
  hashes: BigUint64Array,
  options: { k: number; cutoff: number },
): { table: Knn; changed: number[] } | null {
  const old = unpackTable(previous.knn!);
  if (!old || old.k !== options.k || old.cutoff !== Math.fround(options.cutoff) || old.n !== previous.knnIds.length)
    return null;
  const n = graph.ids.length;
  const { k } = old;
  const rowOf = new Map(graph.ids.map((id, row) => [id, row]));
  const newRow = Int32Array.from(previous.knnIds, (id) => rowOf.get(id) ?? -1);
  const table: Knn = { n, k, neighbours: new Int32Array(n * k).fill(-1), scores: new Float32Array(n * k) };
  const dirty = new Uint8Array(n).fill(1);
  for (let o = 0; o < old.n; o++) {
    const row = newRow[o]!;
    if (row < 0) continue;
    if (hashes[row] === previous.vectorHashes[o]) dirty[row] = 0;
    for (let p = 0; p < k; p++) {
      const neighbour = old.neighbours[o * k + p]!;
      if (neighbour < 0) break;
      const moved = newRow[neighbour]!;
      if (moved < 0) {
        dirty[row] = 1;
        break;
      }
      table.neighbours[row * k + p] = moved;
      table.scores[row * k + p] = old.scores[o * k + p]!;
    }
  }
  const changed: number[] = [];
  for (let row = 0; row < n; row++) if (dirty[row] === 1) changed.push(row);
  return changed.length > MAX_CHANGED * n ? null : { table, changed };
}

function rowsOf(graph: LiveGraph, rows: number[]): Float32Array {
  const d = graph.dimension;
  const out = new Float32Array(rows.length * d);
  for (const [i, row] of rows.entries()) {
    if (graph.hasVector[row] === 1) out.set(graph.vectors.subarray(row * d, (row + 1) * d), i * d);
  }
  return out;
}

/** First 8 bytes of the SHA-256 of each vector's bits; 0 where there is none. */
function vectorHashes(graph: LiveGraph): BigUint64Array {
  const d = graph.dimension;
  const hashes = new BigUint64Array(graph.ids.length);
  for (let row = 0; row < hashes.length; row++) {
    if (graph.hasVector[row] === 0) continue;
    const bits = new Uint8Array(graph.vectors.buffer, graph.vectors.byteOffset + row * d * 4, d * 4);
    hashes[row] = createHash("sha256").update(bits).digest().readBigUInt64LE(0);
  }
  return hashes;
}

/** Kind and version of the stored bytes; 1 broke ties by the lower row. */
const KIND = 0x0302;

function packTable(table: Knn, cutoff: number): Uint8Array {
  return packState(KIND, [Float64Array.of(table.n, table.k, Math.fround(cutoff)), table.neighbours, table.scores]);
}

/** null when the bytes are damaged. */
function unpackTable(bytes: Uint8Array): (Knn & { cutoff: number }) | null {
  try {
    const reader = new StateReader(bytes, KIND);
    const [n, k, cutoff] = reader.next(Float64Array);
    return { n: n!, k: k!, cutoff: cutoff!, neighbours: reader.next(Int32Array), scores: reader.next(Float32Array) };
  } catch (error) {
    if (error instanceof BrokenState) return null;
    throw error;
  }
}
