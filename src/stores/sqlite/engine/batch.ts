import type { CollectOptions } from "../../../core/ports.ts";
import type { Change } from "./change.ts";

/** A batch of garbage collection on its way. */
export interface Batch {
  change: Change;
  options: CollectOptions;
  examined: number;
  deleted: number;
  purged: number;
  ids: string[];
  changed: boolean;
  /** Relationships that this transaction may still note or delete on account of entities. */
  relationshipRoom: number;
}

/**
 * A part of a kind. `run` goes on after a position (none at first) until the batch is full or nothing is left.
 *
 * @returns the position of the last thing done, or null when nothing is left
 */
export interface Phase {
  name: string;
  run(batch: Batch, after: number[]): number[] | null;
}

export function isFull(batch: Batch): boolean {
  return batch.examined >= batch.options.limit;
}

/** How many things the batch may still look at. */
export function roomOf(batch: Batch): number {
  return batch.options.limit - batch.examined;
}

/** What was parked by then has been parked for the whole restore window. Never, when the window has no end. */
export function endOfWindow(policy: { restoreWindowMs: number }, now: number): number {
  return now - policy.restoreWindowMs;
}
