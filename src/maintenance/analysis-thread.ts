import { readlinkSync } from "node:fs";
import { constants, setPriority } from "node:os";
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
  control: { signal?: AbortSignal; onPhase?: (phase: string, done: number, total: number) => void },
): Promise<AnalysisAnswer> {
  const stop = new SharedArrayBuffer(4);
  const worker = takeThread();
  const small = graph.ids.length <= SMALL_GRAPH;
  let reusable = false;
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
        if (message.kind === "phase") return control.onPhase?.(message.phase, message.done, message.total);
        reusable = small;
        if (message.kind === "done") resolve(message.answer);
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
    deafen(worker);
    if (reusable) keepThread(worker);
    else await worker.terminate();
  }
}

/** At most this many entities: a thread that saw more gives its memory back by ending. */
const SMALL_GRAPH = 50_000;
const IDLE_MS = 60_000;

/**
 * Threads that wait for the next graph. Starting one takes 0.2 s of a core, most of it for reading the sources: with a thousand
 * small groups that was what users felt of the recompute (deprecate's p95 2.3 times that of an idle server).
 */
const idle = new Map<Worker, NodeJS.Timeout>();

function takeThread(): Worker {
  const [next] = idle;
  if (next) {
    const [worker, timer] = next;
    idle.delete(worker);
    clearTimeout(timer);
    deafen(worker);
    worker.ref();
    return worker;
  }
  const file = import.meta.url.endsWith(".ts") ? "./analysis-thread.ts" : "./analysis-thread.js";
  return new Worker(new URL(file, import.meta.url), { name: "graphkeeper-analysis" });
}

/** By name: without names Node's own listeners of the worker would go too, and no message would arrive again. */
function deafen(worker: Worker): void {
  for (const event of ["message", "error", "exit"]) worker.removeAllListeners(event);
}

/** An idle thread keeps no process alive. */
function keepThread(worker: Worker): void {
  worker.unref();
  const forget = () => {
    clearTimeout(idle.get(worker));
    idle.delete(worker);
  };
  worker.on("error", forget);
  worker.on("exit", forget);
  idle.set(worker, setTimeout(() => void worker.terminate(), IDLE_MS).unref());
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

if (parentPort) giveWay();

/**
 * Linux gives each thread a priority of its own: when there are fewer cores than work, those who answer users go first. Elsewhere
 * a process has one priority, and it stays.
 */
function giveWay(): void {
  if (process.platform !== "linux") return;
  try {
    const thread = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    if (thread > 0) setPriority(thread, constants.priority.PRIORITY_LOW);
  } catch {
    // Without /proc, or where priorities are forbidden, everybody is equal.
  }
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
