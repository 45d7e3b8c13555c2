import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { TraceContext } from "../../core/trace.ts";
import type { KindConfig } from "../../jobs/ports.ts";
import { eventRequest } from "../../jobs/requests.ts";
import { enqueueInTransaction } from "./jobs.ts";

/** The debounced run that each effective lifecycle operation asks for. */
export interface AfterEvents {
  kind: string;
  kinds: Record<string, KindConfig>;
  debounce: { quietMs: number; maxWaitMs: number };
}

/** An effective lifecycle operation, inside its transaction. */
interface LifecycleEvent {
  groupId: string;
  at: number;
  /** Of the call. */
  trace?: TraceContext;
}

/**
 * Puts the run into the job tables of the same file, inside the operation's own transaction: neither is there without the
 * other. The job tables must exist.
 */
export function askForRun(db: DatabaseSync, afterEvents: AfterEvents, event: LifecycleEvent): void {
  const { kind, kinds, debounce } = afterEvents;
  const { groupId, at, trace } = event;
  enqueueInTransaction(db, eventRequest(kinds, { kind, groupId, trace }, randomUUID(), at, debounce));
}
