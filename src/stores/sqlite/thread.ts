import { parentPort, workerData } from "node:worker_threads";
import { GraphkeeperError } from "../../core/errors.ts";
import { Keyring } from "../../core/keyring.ts";
import type { ApplyOptions } from "../../core/ports.ts";
import type { ImportBlock } from "../../core/words.ts";
import { joinParts } from "./block-parts.ts";
import { type Engine, openEngine } from "./engine/index.ts";
import { askForRun } from "./events.ts";
import { gateOf } from "./gate.ts";
import { createJobTables } from "./jobs.ts";
import {
  type Answer,
  inParts,
  type Method,
  plainError,
  type Request,
  type ThreadData,
  transferable,
} from "./messages.ts";

/**
 * A thread of the SQLite store: it owns a connection, does one call after the other, and says what came of it. Streams have a
 * connection each, on which their read transaction stays open between two chunks while the thread does other calls.
 */

const port = parentPort as NonNullable<typeof parentPort>;
const data = workerData as ThreadData;

type Chunks = Iterator<unknown>;

const streams = new Map<number, { chunks: Chunks; close: () => void }>();
const parts = new Map<number, ImportBlock[]>();
const keyring = data.secrets ? new Keyring(data.secrets) : null;
let engine: Engine | null = null;

function open(readOnly: boolean): Engine {
  const { afterEvents } = data;
  const opened = openEngine(data.path, {
    readOnly,
    synchronous: data.synchronous === "normal" ? "NORMAL" : "FULL",
    gate: gateOf(data.gate, data.thread, data.urgent),
    keyring,
    onEvent: afterEvents && ((db, event) => askForRun(db, afterEvents, event)),
  });
  // The first event may come before the job store has been opened.
  if (afterEvents && !readOnly) opened.session.write(() => createJobTables(opened.session.db));
  return opened;
}

function call(target: Engine, method: Method, args: unknown[]): unknown {
  return (target[method] as (...args: unknown[]) => unknown)(...args);
}

/** @throws GraphkeeperError `STORE_UNAVAILABLE` when this thread took the place of one that had got some of the parts */
function addBlock(id: number, args: unknown[], expected: number): void {
  const arrived = parts.get(id) ?? [];
  parts.delete(id);
  if (arrived.length !== expected) {
    throw new GraphkeeperError("STORE_UNAVAILABLE", "The store's thread ended before the block had arrived.");
  }
  (args[1] as ApplyOptions).block = joinParts(arrived);
}

function openStream(id: number, method: Method, args: unknown[]): void {
  if (method !== "records" && method !== "publishedParts") {
    streams.set(id, { chunks: inParts(call(engine as Engine, method, args)), close: () => {} });
    return;
  }
  const own = open(true);
  const chunks = (call(own, method, args) as Iterable<unknown>)[Symbol.iterator]();
  streams.set(id, { chunks, close: () => own.close() });
}

function closeStream(id: number): void {
  const stream = streams.get(id);
  streams.delete(id);
  try {
    stream?.chunks.return?.();
  } finally {
    stream?.close();
  }
}

function say(answer: Answer): void {
  port.postMessage(answer, "value" in answer ? transferable(answer.value) : []);
}

function answerTo(request: Exclude<Request, { kind: "close" }>): void {
  const { id } = request;
  switch (request.kind) {
    case "call":
      if (request.parts !== undefined) addBlock(request.id, request.args, request.parts);
      say({ kind: "result", id, value: call(engine as Engine, request.method, request.args) });
      return;
    case "part":
      parts.set(id, [...(parts.get(id) ?? []), request.block]);
      return;
    case "open":
      openStream(id, request.method, request.args);
      sayNext(id);
      return;
    case "next":
      if (!streams.has(id)) throw new GraphkeeperError("STORE_UNAVAILABLE", "The thread of this stream has ended.");
      sayNext(id);
      return;
    case "return":
      closeStream(id);
      return;
  }
}

function sayNext(id: number): void {
  const next = streams.get(id)?.chunks.next();
  if (next && !next.done) {
    say({ kind: "result", id, value: next.value });
  } else {
    closeStream(id);
    say({ kind: "end", id });
  }
}

function close(): void {
  for (const id of streams.keys()) closeStream(id);
  engine?.close();
  port.close();
}

try {
  engine = open(data.readOnly);
  port.on("message", (request: Request) => {
    if (request.kind === "close") return close();
    try {
      answerTo(request);
    } catch (error) {
      if (streams.has(request.id)) closeStream(request.id);
      say({ kind: "error", id: request.id, error: plainError(error) });
    }
  });
} catch (error) {
  say({ kind: "failed", error: plainError(error) });
}
