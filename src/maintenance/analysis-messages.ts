import type { AnalyticsPart, LiveGraph, PublishedAnalytics } from "../core/ports.ts";
import type { JsonObject } from "../core/words.ts";
import type { AnalysisOptions } from "./analysis.ts";

/** What goes between the event loop and the thread of the analysis. */

export interface Start {
  kind: "start";
  /** Without its ids, which come before. */
  graph: Omit<LiveGraph, "ids">;
  stored: Uint8Array | null;
  options: AnalysisOptions;
  stop: SharedArrayBuffer;
}
/** All ids come before what is published, and all of that before the start. */
export type Request =
  | { kind: "ids"; ids: string[] }
  | { kind: "published"; part: PublishedAnalytics }
  | Start
  | { kind: "part" };

export interface AnalysisAnswer {
  /** Communities that are new or changed, and those that are gone. */
  changed: string[];
  removed: string[];
  /** Of all parts together. */
  rows: number;
  partCount: number;
  /** What is to be staged, one part after the other. Ends the use of the thread: to be read to its end, or returned. */
  parts: AsyncGenerator<AnalyticsPart, void, undefined>;
  state: Uint8Array;
  detail: JsonObject;
}
type Done = Omit<AnalysisAnswer, "parts"> & { kind: "done" };
export type Message =
  | { kind: "phase"; phase: string; done: number; total: number }
  | Done
  | { kind: "part"; part: AnalyticsPart }
  | { kind: "cancelled" }
  | { kind: "failed"; message: string; stack?: string };

/** The memory of bytes that can be moved to the other side: all of theirs and of nobody else. */
export function wholeMemory(bytes: Uint8Array | null): ArrayBuffer[] {
  const whole = bytes && bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  return whole && bytes.byteLength > 0 ? [bytes.buffer as ArrayBuffer] : [];
}
