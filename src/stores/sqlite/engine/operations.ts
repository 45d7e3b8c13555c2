import type { Effect, Operation, OperationRecord, Verb } from "../../../core/words.ts";
import type { Row, Session } from "./session.ts";

/** What of a committed operation is still to be carried out. */
export interface Plan {
  verb: "deprecate" | "restore" | "purge";
  /** Keys, in the order of the call. */
  documents: number[];
  /** Index of the document whose units come next. */
  index: number;
  /** Key of its last unit that is done; 0 at the beginning. Purging takes units away and needs no place in them. */
  after: number;
}

export interface StoredOperation {
  key: number;
  record: OperationRecord;
  requestHash: string;
  plan: Plan | null;
}

export function findOperation(
  session: Session,
  g: number,
  groupId: string,
  operationId: string,
): StoredOperation | null {
  const row = session.get("SELECT * FROM operations WHERE g = ? AND id = ?", g, operationId);
  if (!row) return null;
  return {
    key: row.key as number,
    record: operationRecord(row, groupId),
    requestHash: row.request_hash as string,
    plan: row.plan === null ? null : (JSON.parse(row.plan as string) as Plan),
  };
}

function operationRecord(row: Row, groupId: string): OperationRecord {
  return {
    id: row.id as string,
    groupId,
    verb: row.verb as Verb,
    state: row.rolling === 1 ? "rolling" : "done",
    at: row.at as number,
    actor: row.actor as string,
    reason: row.reason as string | null,
    outcomes: JSON.parse(row.outcomes as string) as OperationRecord["outcomes"],
    effect: JSON.parse(row.effect as string) as Effect,
    generation: row.generation as number,
    replayed: false,
  };
}

export function insertOperation(
  session: Session,
  g: number,
  operation: Pick<Operation, "requestHash">,
  record: OperationRecord,
  plan: Plan | null,
): void {
  session.run(
    `INSERT INTO operations (g, id, verb, rolling, request_hash, at, actor, reason, outcomes, effect, plan, generation)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    g,
    record.id,
    record.verb,
    plan ? 1 : 0,
    operation.requestHash,
    record.at,
    record.actor,
    record.reason,
    JSON.stringify(record.outcomes),
    JSON.stringify(record.effect),
    plan ? JSON.stringify(plan) : null,
    record.generation,
  );
}

export function updateOperation(
  session: Session,
  g: number,
  key: number,
  record: OperationRecord,
  plan: Plan | null,
): void {
  session.run(
    "UPDATE operations SET rolling = ?, effect = ?, plan = ?, generation = ? WHERE key = ? AND g = ?",
    plan ? 1 : 0,
    JSON.stringify(record.effect),
    plan ? JSON.stringify(plan) : null,
    record.generation,
    key,
    g,
  );
}
