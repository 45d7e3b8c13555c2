import { Worker } from "node:worker_threads";

/** At most this many entities: a thread that saw more gives its memory back by ending. */
export const SMALL_GRAPH = 50_000;
const IDLE_MS = 60_000;

/**
 * Threads that wait for the next graph. Starting one takes 0.1 s of a core, most of it for reading the sources: with a thousand
 * small groups that was what users felt of the recompute (deprecate's p95 2.3 times that of an idle server).
 */
const idle = new Map<Worker, NodeJS.Timeout>();

export function takeThread(): Worker {
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
export function deafen(worker: Worker): void {
  for (const event of ["message", "error", "exit"]) worker.removeAllListeners(event);
}

/** An idle thread keeps no process alive. */
export function keepThread(worker: Worker): void {
  worker.unref();
  const forget = () => {
    clearTimeout(idle.get(worker));
    idle.delete(worker);
  };
  worker.on("error", forget);
  worker.on("exit", forget);
  idle.set(worker, setTimeout(() => void worker.terminate(), IDLE_MS).unref());
}
