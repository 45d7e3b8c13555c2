import { Worker } from "node:worker_threads";
import { AlgorithmCancelled, stopIfAsked } from "./control.ts";
import { type Knn, type KnnOptions, knnLimits } from "./knn.ts";
import { unitVectors } from "./vectors.ts";

export interface KnnParallelOptions extends KnnOptions {
  /** Threads to use. Default 2. */
  workers?: number;
}

/** What a worker gets: everything large lies in shared memory. */
export interface KnnWorkerData {
  n: number;
  d: number;
  k: number;
  cutoff: number;
  rows: Float32Array;
  present: Uint8Array;
  neighbours: Int32Array;
  scores: Float32Array;
  /** See `CONTROL`. */
  control: Int32Array;
}

/** Places in the shared control words: the next row that nobody took, rows done, and whether to stop. */
export const CONTROL = { next: 0, done: 1, stop: 2 } as const;

/** How often the calling thread looks at `shouldStop` and tells progress. */
const POLL_MS = 50;

/**
 * `knn` on several threads: the same result, bit for bit. Safe because each row is written by the one worker that took it,
 * and read only after all have ended.
 *
 * Memory: shared 4 bytes per component, and 2 for each worker.
 * @throws AlgorithmCancelled when asked to stop; workers end within one batch (about 20 ms).
 */
export async function knnParallel(
  vectors: Float32Array,
  n: number,
  d: number,
  options: KnnParallelOptions = {},
): Promise<Knn> {
  const { k, cutoff } = knnLimits(options);
  stopIfAsked(options);
  const units = unitVectors(vectors, n, d, options.absent);
  const data: KnnWorkerData = {
    n,
    d,
    k,
    cutoff,
    rows: new Float32Array(new SharedArrayBuffer(n * d * 4)),
    present: new Uint8Array(new SharedArrayBuffer(n)),
    neighbours: new Int32Array(new SharedArrayBuffer(n * k * 4)),
    scores: new Float32Array(new SharedArrayBuffer(n * k * 4)),
    control: new Int32Array(new SharedArrayBuffer(12)),
  };
  data.rows.set(units.rows);
  data.present.set(units.present);
  data.neighbours.fill(-1);
  const stop = () => Atomics.store(data.control, CONTROL.stop, 1);
  const timer = setInterval(() => {
    if (options.signal?.aborted || options.shouldStop?.()) stop();
    options.onProgress?.(Math.min(n, Atomics.load(data.control, CONTROL.done)), n);
  }, POLL_MS);
  try {
    const count = Math.max(1, Math.min(options.workers ?? 2, Math.ceil(n / 64)));
    // One that fails stops the others; all have ended before the arrays are read or the error is thrown.
    const ended = await Promise.allSettled(
      Array.from({ length: count }, () =>
        runWorker(data).catch((error: unknown) => {
          stop();
          throw error;
        }),
      ),
    );
    for (const end of ended) if (end.status === "rejected") throw end.reason;
  } finally {
    clearInterval(timer);
  }
  if (Atomics.load(data.control, CONTROL.stop) === 1) throw new AlgorithmCancelled();
  return { n, k, neighbours: data.neighbours.slice(), scores: data.scores.slice() };
}

function runWorker(data: KnnWorkerData): Promise<void> {
  const file = import.meta.url.endsWith(".ts") ? "./knn-worker.ts" : "./knn-worker.js";
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(file, import.meta.url), { workerData: data });
    worker.once("error", reject);
    worker.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`k-NN worker ended with code ${code}`))));
  });
}
