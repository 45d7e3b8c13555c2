import { readlinkSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { AlgorithmCancelled } from "../algorithms/index.ts";
import type { AnalyticsPart } from "../core/ports.ts";
import { analyse } from "./analysis.ts";
import { type Message, type Request, type Start, wholeMemory } from "./analysis-messages.ts";
import { unpackAnalysisState } from "./analysis-state.ts";
import { publicationOf } from "./publication.ts";
import { PublishedColumns } from "./published-columns.ts";

/** The thread of the analysis; `analyse-on-thread.ts` is the other side. */

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

let ids: string[] = [];
let published: PublishedColumns | null = null;
let parts: Iterator<AnalyticsPart, void> | null = null;

function send(message: Message, memory: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, memory);
}

parentPort?.on("message", (request: Request) => {
  if (request.kind === "ids") for (const id of request.ids) ids.push(id);
  else if (request.kind === "published") {
    published ??= new PublishedColumns(ids);
    published.add(request.part);
  } else if (request.kind === "part") {
    const part = parts?.next();
    if (part && !part.done) send({ kind: "part", part: part.value });
  } else answer(request);
});

function answer(start: Start): void {
  const { graph, options } = start;
  const flag = new Int32Array(start.stop);
  let sentAt = 0;
  const onPhase = (phase: string, done: number, total: number) => {
    const now = performance.now();
    if (done !== 0 && now - sentAt < 200) return;
    sentAt = now;
    send({ kind: "phase", phase, done, total });
  };
  const whole = { ...graph, ids };
  const before = published ?? new PublishedColumns(ids);
  before.seal();
  ids = [];
  published = null;
  parts = null;
  try {
    const shouldStop = () => Atomics.load(flag, 0) === 1;
    const previous = options.full ? null : unpackAnalysisState(start.stored);
    // Its bytes are as large as what was made of them.
    start.stored = null;
    const { computed, state, detail } = analyse(whole, before, previous, options, { shouldStop, onPhase });
    const publication = publicationOf(whole, computed, before);
    parts = publication.parts;
    const { changed, removed, rows, partCount } = publication;
    send({ kind: "done", changed, removed, rows, partCount, state, detail }, wholeMemory(state));
  } catch (error) {
    if (error instanceof AlgorithmCancelled) send({ kind: "cancelled" });
    else send({ kind: "failed", message: String((error as Error).message), stack: (error as Error).stack });
  }
}
