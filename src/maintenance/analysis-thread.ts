import { parentPort, Worker } from "node:worker_threads";
import { AlgorithmCancelled } from "../algorithms/index.ts";
import { GraphkeeperError } from "../core/errors.ts";
import type { LiveGraph, PublishedAnalytics } from "../core/ports.ts";
import type { JsonObject } from "../core/words.ts";
import { type AnalysisOptions, analyse } from "./analysis.ts";
import { type Publication, publicationOf } from "./publication.ts";

/** The analysis on a thread of its own: the event loop stays free, and cancelling takes a flag in shared memory. */

interface Request {
  graph: LiveGraph;
  published: PublishedAnalytics;
  stored: Uint8Array | null;
  options: AnalysisOptions;
  stop: SharedArrayBuffer;
}
export interface AnalysisAnswer {
  publication: Publication;
  state: Uint8Array;
  detail: JsonObject;
}
type Message =
  | { kind: "phase"; phase: string; done: number; total: number }
  | { kind: "done"; answer: AnalysisAnswer }
  | { kind: "cancelled" }
  | { kind: "failed"; message: string; stack?: string };

/** How long a cancelled computation may take to notice before its thread is ended. */
const PATIENCE_MS = 1_500;

/**
 * Computes the next publication of a live graph on a worker thread. The graph's columns are moved, not copied: they are
 * unusable afterwards.
 *
 * @throws GraphkeeperError `CANCELLED` within 2 s of the abort, `OUT_OF_BUDGET` when the thread ran out of memory
 */
export async function analyseOnThread(
  graph: LiveGraph,
  published: PublishedAnalytics,
  stored: Uint8Array | null,
  options: AnalysisOptions,
  control: { signal?: AbortSignal; onPhase?: (phase: string, done: number, total: number) => void; memoryMb?: number },
): Promise<AnalysisAnswer> {
  const stop = new SharedArrayBuffer(4);
  const file = import.meta.url.endsWith(".ts") ? "./analysis-thread.ts" : "./analysis-thread.js";
  const worker = new Worker(new URL(file, import.meta.url), {
    name: "graphkeeper-analysis",
    resourceLimits: control.memoryMb ? { maxOldGenerationSizeMb: control.memoryMb } : undefined,
  });
  let patience: NodeJS.Timeout | undefined;
  const abort = () => {
    Atomics.store(new Int32Array(stop), 0, 1);
    patience = setTimeout(() => void worker.terminate(), PATIENCE_MS);
  };
  try {
    return await new Promise<AnalysisAnswer>((resolve, reject) => {
      const cancelled = () =>
        new GraphkeeperError("CANCELLED", "The recompute was cancelled; nothing of it was published.");
      worker.on("message", (message: Message) => {
        if (message.kind === "phase") control.onPhase?.(message.phase, message.done, message.total);
        else if (message.kind === "done") resolve(message.answer);
        else if (message.kind === "cancelled") reject(cancelled());
        else reject(new GraphkeeperError("RUN_FAILED", `The analysis failed: ${message.message}`, {}, message.stack));
      });
      worker.on("error", (error: Error & { code?: string }) => {
        const memory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
        reject(
          new GraphkeeperError(
            memory ? "OUT_OF_BUDGET" : "RUN_FAILED",
            `The analysis thread ended: ${error.message}`,
            {},
            error,
          ),
        );
      });
      worker.on("exit", () =>
        reject(
          control.signal?.aborted
            ? cancelled()
            : new GraphkeeperError("RUN_FAILED", "The analysis thread ended early."),
        ),
      );
      if (control.signal?.aborted) abort();
      control.signal?.addEventListener("abort", abort, { once: true });
      const request: Request = { graph, published, stored, options, stop };
      worker.postMessage(request, transferable(graph));
    });
  } finally {
    clearTimeout(patience);
    control.signal?.removeEventListener("abort", abort);
    await worker.terminate();
  }
}

function transferable(graph: LiveGraph): ArrayBuffer[] {
  const columns = [
    graph.entityHashes,
    graph.vectors,
    graph.hasVector,
    graph.sources,
    graph.targets,
    graph.weights,
    graph.relationshipHashes,
  ];
  const buffers = columns
    .map((column) => column.buffer)
    .filter((buffer) => buffer instanceof ArrayBuffer && buffer.byteLength > 0);
  return [...new Set(buffers as ArrayBuffer[])];
}

parentPort?.on("message", ({ graph, published, stored, options, stop }: Request) => {
  const flag = new Int32Array(stop);
  const send = (message: Message) => parentPort!.postMessage(message);
  let sentAt = 0;
  const onPhase = (phase: string, done: number, total: number) => {
    const now = performance.now();
    if (done !== 0 && now - sentAt < 200) return;
    sentAt = now;
    send({ kind: "phase", phase, done, total });
  };
  try {
    const shouldStop = () => Atomics.load(flag, 0) === 1;
    const { computed, state, detail } = analyse(graph, published, stored, options, { shouldStop, onPhase });
    send({ kind: "done", answer: { publication: publicationOf(graph, computed, published), state, detail } });
  } catch (error) {
    if (error instanceof AlgorithmCancelled) send({ kind: "cancelled" });
    else send({ kind: "failed", message: String((error as Error).message), stack: (error as Error).stack });
  }
});
