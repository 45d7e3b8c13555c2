import { workerData } from "node:worker_threads";
import { AlgorithmCancelled } from "./control.ts";
import { listSize, presentRows, searchExact } from "./knn-exact.ts";
import { CONTROL, type KnnWorkerData } from "./knn-parallel.ts";
import { QuantisedVectors } from "./quantised.ts";

/** Rows that a worker takes at a time: four batches of queries. */
const TAKE = 256;

/** The body of a worker of `knnParallel`: takes rows until none is left or it is told to stop. */
function work({ n, d, k, cutoff, rows, present, neighbours, scores, control }: KnnWorkerData): void {
  const units = { n, d, rows, present };
  const base = presentRows(units);
  const quantised = QuantisedVectors.of(units, base, 64, listSize(k));
  const shouldStop = () => Atomics.load(control, CONTROL.stop) === 1;
  for (;;) {
    const first = Atomics.add(control, CONTROL.next, TAKE);
    if (first >= base.length) return;
    const queries = base.subarray(first, first + TAKE);
    searchExact(units, quantised, queries, base, cutoff, { n, k, neighbours, scores }, { shouldStop });
    Atomics.add(control, CONTROL.done, queries.length);
  }
}

try {
  work(workerData as KnnWorkerData);
} catch (error) {
  // Stopping is no failure: the calling thread knows that it asked for it.
  if (!(error instanceof AlgorithmCancelled)) throw error;
}
