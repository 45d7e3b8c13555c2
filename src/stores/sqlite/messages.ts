import { ERRORS, type ErrorCode, GraphkeeperError } from "../../core/errors.ts";
import type { GraphStore, KeyStore } from "../../core/ports.ts";
import type { ImportBlock } from "../../core/words.ts";
import type { AfterEvents } from "./events.ts";
import type { GateMemory } from "./gate.ts";

/** What the main thread and the store's threads say to each other. */

/** What a thread is given when it starts. */
export interface ThreadData {
  path: string;
  readOnly: boolean;
  synchronous: "full" | "normal";
  gate: GateMemory;
  thread: number;
  urgent: boolean;
  /** What each effective lifecycle operation asks for in its own transaction. */
  afterEvents?: AfterEvents;
  /** Of the installation's key; absent = audits are chained without one. */
  secrets?: Uint8Array[];
}

export type Method =
  | Exclude<keyof (GraphStore & KeyStore), "close" | "engine" | "time" | "eraseTraces" | "storesStatedMentions">
  | "checkpoint"
  | "touch";

export type Request =
  | { kind: "call"; id: number; method: Method; args: unknown[]; parts?: number }
  /** Of the block of the call with this id, which follows. */
  | { kind: "part"; id: number; block: ImportBlock }
  /** Several answers, each asked for by `next`. */
  | { kind: "open"; id: number; method: Method; args: unknown[] }
  | { kind: "next"; id: number }
  /** The reader of a stream has seen enough. */
  | { kind: "return"; id: number }
  | { kind: "close" };

export type Answer =
  | { kind: "result"; id: number; value: unknown }
  | { kind: "end"; id: number }
  | { kind: "error"; id: number; error: PlainError }
  /** The thread could not open the file, and ends. */
  | { kind: "failed"; error: PlainError };

export interface PlainError {
  code: ErrorCode;
  message: string;
  details: Record<string, unknown>;
  stack?: string;
}

/** Errors that are not our own come from SQLite (disk full, file gone, locked for too long), or are bugs. */
export function plainError(error: unknown): PlainError {
  if (GraphkeeperError.is(error)) {
    const { code, message, details } = error;
    return { code, message, details: JSON.parse(JSON.stringify(details)) as Record<string, unknown> };
  }
  const { message, stack, code, errcode } = error as Error & { code?: string; errcode?: number };
  return code === "ERR_SQLITE_ERROR"
    ? {
        code: "STORE_UNAVAILABLE",
        message: `The data file did not answer: ${message}`,
        details: { sqlite: errcode },
        stack,
      }
    : { code: "INTERNAL", message: `The store failed: ${message}`, details: {}, stack };
}

export function graphkeeperError({ code, message, details, stack }: PlainError): GraphkeeperError {
  return new GraphkeeperError(code in ERRORS ? code : "INTERNAL", message, details, stack);
}

/** Elements of a long list that one message carries: more would hold up the thread that unpacks it. */
const PART_LENGTH = 10_000;

type Part = { value: unknown } | { key: string; items: unknown[] };

/** Takes a result apart whose lists may be long; `PartsTogether` is the way back. */
export function* inParts(result: unknown): Generator<Part> {
  if (result === null || typeof result !== "object") {
    yield { value: result };
    return;
  }
  const members = Object.entries(result);
  const isLong = (value: unknown) => Array.isArray(value) && value.length > PART_LENGTH;
  yield { value: Object.fromEntries(members.map(([key, value]) => [key, isLong(value) ? [] : value])) };
  for (const [key, list] of members) {
    if (!isLong(list)) continue;
    const items = list as unknown[];
    for (let i = 0; i < items.length; i += PART_LENGTH) yield { key, items: items.slice(i, i + PART_LENGTH) };
  }
}

export class PartsTogether {
  #value: unknown = null;

  add(part: Part): void {
    if ("value" in part) this.#value = part.value;
    else for (const item of part.items) (this.#value as Record<string, unknown[]>)[part.key]?.push(item);
  }

  get value(): unknown {
    return this.#value;
  }
}

/** The memory behind the typed arrays of a message, to be moved instead of copied. */
export function transferable(value: unknown, found: Set<ArrayBuffer> = new Set()): ArrayBuffer[] {
  collectBuffers(value, found);
  return [...found];
}

function collectBuffers(value: unknown, found: Set<ArrayBuffer>): void {
  if (value === null || typeof value !== "object") return;
  if (ArrayBuffer.isView(value)) {
    // A view of a part (Node's small Buffers share one pool) is copied.
    if (value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength && value.byteLength > 0) {
      found.add(value.buffer);
    }
    return;
  }
  if (Array.isArray(value)) {
    if (typeof value[0] === "object") for (const item of value) collectBuffers(item, found);
    return;
  }
  for (const member of Object.values(value)) collectBuffers(member, found);
}
