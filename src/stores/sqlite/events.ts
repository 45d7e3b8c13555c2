import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { KindConfig } from "../../jobs/ports.ts";
import { eventRequest } from "../../jobs/requests.ts";
import { enqueueInTransaction } from "./jobs.ts";

/** The debounced run that each effective lifecycle operation asks for. */
export interface AfterEvents {
  kind: string;
  kinds: Record<string, KindConfig>;
  debounce: { quietMs: number; maxWaitMs: number };
}

/**
 * Puts the run into the job tables of the same file, inside the operation's own transaction: neither is there without the
 * other. The job tables must exist.
 */
export function askForRun(db: DatabaseSync, afterEvents: AfterEvents, event: { groupId: string; at: number }): void {
  const { kind, kinds, debounce } = afterEvents;
  enqueueInTransaction(db, eventRequest(kinds, { kind, groupId: event.groupId }, randomUUID(), event.at, debounce));
}
