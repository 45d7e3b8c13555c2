import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { GraphkeeperError } from "../../core/errors.ts";
import type { ImportBlock } from "../../core/words.ts";
import { blockParts } from "./block-parts.ts";
import { forgetThread } from "./gate.ts";
import {
  type Answer,
  graphkeeperError,
  type Method,
  PartsTogether,
  type Request,
  type ThreadData,
} from "./messages.ts";

interface Waiting {
  resolve: (answer: IteratorResult<unknown, undefined>) => void;
  reject: (error: unknown) => void;
}

/** What travels beside the arguments of a call. */
export interface Cargo {
  /** For `apply`: put into its options on the other side. */
  block?: ImportBlock;
  /** Memory of the arguments that is moved instead of copied. */
  transfer?: ArrayBuffer[];
}

/**
 * The main thread's side of one store thread. The thread starts with the first call, is started again by the first call
 * after it died, and keeps the process alive only while somebody waits for it.
 */
export class Lane {
  readonly #name: string;
  readonly #data: ThreadData;
  #worker: Worker | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closed = false;

  constructor(name: string, data: ThreadData) {
    this.#name = name;
    this.#data = data;
  }

  /** Calls run one after the other, in the order in which they (with all parts of a large block) have arrived. */
  async call<T>(method: Method, args: unknown[], { block, transfer }: Cargo = {}): Promise<T> {
    const id = ++this.#lastId;
    const parts = block ? await this.#sendParts(id, block) : undefined;
    const answer = await this.#ask({ kind: "call", id, method, args, parts }, transfer);
    return answer.value as T;
  }

  /** Other work of the event loop gets its turn between two parts. @returns the number of parts */
  async #sendParts(id: number, block: ImportBlock): Promise<number> {
    let parts = 0;
    for (const part of blockParts(block)) {
      if (parts > 0) await nextTurn();
      if (this.#closed) throw this.#unavailable("The store is closed.");
      this.#send({ kind: "part", id, block: part.block }, part.memory);
      parts++;
    }
    return parts;
  }

  /** One chunk is fetched ahead; the thread makes no more than the reader takes. */
  async *stream<T>(method: Method, args: unknown[]): AsyncGenerator<T, void, undefined> {
    const id = ++this.#lastId;
    let next = this.#ask({ kind: "open", id, method, args });
    let ended = false;
    try {
      for (;;) {
        const answer = await next;
        if (answer.done) {
          ended = true;
          return;
        }
        next = this.#ask({ kind: "next", id });
        // Whoever stops reading here is not told about an error of what he never asked for.
        next.catch(() => {});
        yield answer.value as T;
      }
    } catch (error) {
      ended = true;
      throw error;
    } finally {
      if (!ended && this.#worker) this.#send({ kind: "return", id });
    }
  }

  /** A result whose lists may be long: it comes in parts, so that unpacking does not hold up the event loop. */
  async gather<T>(method: Method, args: unknown[]): Promise<T> {
    const parts = new PartsTogether();
    for await (const part of this.stream<Parameters<PartsTogether["add"]>[0]>(method, args)) parts.add(part);
    return parts.value as T;
  }

  /** From now on calls are refused. */
  refuse(): void {
    this.#closed = true;
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    this.refuse();
    const worker = this.#worker;
    if (!worker) return;
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.ref();
    this.#send({ kind: "close" });
    await ended;
  }

  #ask(request: Exclude<Request, { kind: "close" | "return" | "part" }>, transfer?: ArrayBuffer[]) {
    return new Promise<IteratorResult<unknown, undefined>>((resolve, reject) => {
      if (this.#closed) throw this.#unavailable("The store is closed.");
      if (request.kind === "next" && !this.#worker) throw this.#unavailable("The thread of this stream has ended.");
      this.#send(request, transfer);
      this.#waiting.set(request.id, { resolve, reject });
      this.#worker?.ref();
    });
  }

  #send(request: Request, transfer: ArrayBuffer[] = []): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(request, transfer);
  }

  #start(): Worker {
    const file = import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js";
    const worker = new Worker(new URL(file, import.meta.url), {
      name: `graphkeeper-${this.#name}`,
      workerData: this.#data,
    });
    let reason: unknown;
    worker.on("message", (answer: Answer) => this.#receive(answer));
    worker.on("error", (error) => {
      reason = error;
    });
    worker.on("exit", () => {
      if (this.#worker !== worker) return;
      this.#worker = null;
      forgetThread(this.#data.gate, this.#data.thread, this.#data.urgent);
      const message = this.#closed ? "The store was closed." : `The store's thread "${this.#name}" ended.`;
      this.#rejectAll(this.#unavailable(message, reason));
    });
    return worker;
  }

  #receive(answer: Answer): void {
    if (answer.kind === "failed") {
      this.#rejectAll(graphkeeperError(answer.error));
      return;
    }
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    // Once closed, `close` waits for the end of the thread: an answer that comes before it must not let the process go.
    if (this.#waiting.size === 0 && !this.#closed) this.#worker?.unref();
    if (answer.kind === "error") waiting?.reject(graphkeeperError(answer.error));
    else if (answer.kind === "end") waiting?.resolve({ done: true, value: undefined });
    else waiting?.resolve({ done: false, value: answer.value });
  }

  #rejectAll(error: GraphkeeperError): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    if (!this.#closed) this.#worker?.unref();
    for (const { reject } of waiting) reject(error);
  }

  #unavailable(message: string, cause?: unknown): GraphkeeperError {
    return new GraphkeeperError("STORE_UNAVAILABLE", message, {}, cause);
  }
}
