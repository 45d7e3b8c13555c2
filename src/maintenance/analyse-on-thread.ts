import { setImmediate as nextTurn } from "node:timers/promises";
import { GraphkeeperError } from "../core/errors.ts";
import type { AnalyticsPart, LiveGraph, PublishedAnalytics } from "../core/ports.ts";
import type { AnalysisOptions } from "./analysis.ts";
import { type AnalysisAnswer, type Message, type Request, type Start, wholeMemory } from "./analysis-messages.ts";
import { deafen, keepThread, SMALL_GRAPH, takeThread } from "./warm-threads.ts";

/**
 * The analysis on a thread of its own: the event loop stays free, and cancelling takes a flag in shared memory. Rows go over in
 * small messages with turns of the event loop in between: a million entities in one message would hold it up for seconds.
 */

/** How long a cancelled computation may take to notice before its thread is ended. */
const PATIENCE_MS = 1_500;
const ROWS_PER_MESSAGE = 10_000;

/**
 * Computes the next publication of a live graph on a worker thread. The graph's columns and the stored state are moved, not
 * copied: they are unusable afterwards, and the list of ids is empty.
 *
 * @throws GraphkeeperError `CANCELLED` within 2 s of the abort, `OUT_OF_BUDGET` when the thread ran out of memory
 */
export async function analyseOnThread(
  graph: LiveGraph,
  published: AsyncIterable<PublishedAnalytics>,
  stored: Uint8Array | null,
  options: AnalysisOptions,
  control: { signal?: AbortSignal; onPhase?: (phase: string, done: number, total: number) => void },
): Promise<AnalysisAnswer> {
  const thread = new AnalysisThread(control, graph.ids.length <= SMALL_GRAPH);
  try {
    await thread.send(graph, published, stored, options);
    const message = await thread.next();
    if (message.kind !== "done") throw new GraphkeeperError("RUN_FAILED", `The analysis answered ${message.kind}.`);
    const { kind: _, ...answer } = message;
    return { ...answer, parts: thread.parts(answer.partCount) };
  } catch (error) {
    await thread.end();
    throw error;
  }
}

/** One use of a worker thread: who asks next is told what came, or why nothing will. */
class AnalysisThread {
  readonly #worker = takeThread();
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #signal: AbortSignal | undefined;
  readonly #reusable: boolean;
  #failed = false;
  #ended = false;
  #patience: NodeJS.Timeout | undefined;
  #answer = Promise.withResolvers<Exclude<Message, { kind: "phase" }>>();

  constructor(
    control: { signal?: AbortSignal; onPhase?: (phase: string, done: number, total: number) => void },
    reusable: boolean,
  ) {
    this.#signal = control.signal;
    this.#reusable = reusable;
    this.#answer.promise.catch(() => {});
    this.#worker.on("message", (message: Message) => {
      if (message.kind === "phase") control.onPhase?.(message.phase, message.done, message.total);
      else if (message.kind === "cancelled") this.#answer.reject(cancelled());
      else if (message.kind === "failed") {
        const { message: text, stack } = message;
        this.#answer.reject(new GraphkeeperError("RUN_FAILED", `The analysis failed: ${text}`, {}, stack));
      } else this.#answer.resolve(message);
    });
    this.#worker.on("error", (error: Error & { code?: string }) => {
      const code = error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "OUT_OF_BUDGET" : "RUN_FAILED";
      this.#fail(new GraphkeeperError(code, `The analysis thread ended: ${error.message}`, {}, error));
    });
    this.#worker.on("exit", () =>
      this.#fail(
        this.#signal?.aborted ? cancelled() : new GraphkeeperError("RUN_FAILED", "The analysis thread ended early."),
      ),
    );
    if (this.#signal?.aborted) this.#abort();
    this.#signal?.addEventListener("abort", this.#abort, { once: true });
  }

  async send(
    graph: LiveGraph,
    published: AsyncIterable<PublishedAnalytics>,
    stored: Uint8Array | null,
    options: AnalysisOptions,
  ): Promise<void> {
    const { ids, ...columns } = graph;
    for (let from = 0; from < ids.length; from += ROWS_PER_MESSAGE) {
      await this.#portion({ kind: "ids", ids: ids.slice(from, from + ROWS_PER_MESSAGE) });
    }
    ids.length = 0;
    for await (const part of published) await this.#portion({ kind: "published", part });
    const start: Start = {
      kind: "start",
      graph: columns,
      stored,
      options,
      stop: this.#stop.buffer as SharedArrayBuffer,
    };
    this.#worker.postMessage(start, [...transferable(columns), ...wholeMemory(stored)]);
  }

  next(): Promise<Exclude<Message, { kind: "phase" }>> {
    return this.#answer.promise;
  }

  /** Part by part, as they are asked for. */
  async *parts(count: number): AsyncGenerator<AnalyticsPart, void, undefined> {
    try {
      for (let i = 0; i < count; i++) {
        if (this.#failed) await this.next();
        this.#answer = Promise.withResolvers();
        this.#answer.promise.catch(() => {});
        this.#worker.postMessage({ kind: "part" } satisfies Request);
        const message = await this.next();
        if (message.kind === "part") yield message.part;
      }
    } finally {
      await this.end();
    }
  }

  /** Lets go of the thread: kept warm when it is small and well, ended otherwise. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#patience);
    this.#signal?.removeEventListener("abort", this.#abort);
    deafen(this.#worker);
    if (this.#reusable && !this.#failed && !this.#signal?.aborted) keepThread(this.#worker);
    else await this.#worker.terminate();
  }

  async #portion(request: Request): Promise<void> {
    if (this.#failed) await this.next();
    this.#worker.postMessage(request);
    await nextTurn();
  }

  #fail(error: GraphkeeperError): void {
    this.#failed = true;
    this.#answer.reject(error);
  }

  readonly #abort = () => {
    Atomics.store(this.#stop, 0, 1);
    this.#patience = setTimeout(() => void this.#worker.terminate(), PATIENCE_MS);
  };
}

export function cancelled(): GraphkeeperError {
  return new GraphkeeperError("CANCELLED", "The recompute was cancelled; nothing of it was published.");
}

function transferable(graph: Omit<LiveGraph, "ids">): ArrayBuffer[] {
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
