import { GraphkeeperError } from "../../../core/errors.ts";
import { documentNotFound, outcomeOf } from "../../../core/outcomes.ts";
import type { DocumentRecord, JsonObject, Operation, OperationRecord, Outcome } from "../../../core/words.ts";
import type { Change } from "./change.ts";
import { rememberPurged } from "./purged.ts";
import type { Row, Session } from "./session.ts";

/** Documents and their status. */

export type Outcomes = OperationRecord["outcomes"];

export interface DocumentRow {
  key: number;
  id: string;
  active: boolean;
  hold: boolean;
  contentHash: string;
}

export function findDocument(session: Session, g: number, id: string): DocumentRow | null {
  const row = session.get("SELECT key, id, active, hold, content_hash FROM documents WHERE g = ? AND id = ?", g, id);
  if (!row) return null;
  return {
    key: row.key as number,
    id: row.id as string,
    active: row.active === 1,
    hold: row.hold === 1,
    contentHash: row.content_hash as string,
  };
}

export interface NamedDocument {
  id: string;
  outcome: Outcome;
  row: DocumentRow | null;
}

/** What becomes of each document that a call names; throws instead when it names one only. */
export function nameDocuments(
  session: Session,
  g: number,
  call: Pick<Operation, "groupId" | "verb" | "documentIds">,
): NamedDocument[] {
  const ids = [...new Set(call.documentIds)];
  return ids.map((id) => {
    const row = findDocument(session, g, id);
    if (!row && ids.length === 1) throw documentNotFound(call.groupId, id);
    return { id, row, outcome: row ? outcomeOf(call.verb, standingOf(row)) : "not_found" };
  });
}

export function standingOf(row: DocumentRow) {
  return { status: row.active ? ("active" as const) : ("deprecated" as const), legalHold: Boolean(row.hold) };
}

export function checkSuccessor(change: Change, operation: Operation): void {
  const { successor } = operation;
  if (successor === undefined) return;
  if (operation.documentIds.includes(successor) || !findDocument(change.session, change.g, successor)) {
    throw new GraphkeeperError("INVALID_VALUE", `The successor ${successor} must be another document of the group.`, {
      field: "successor",
      id: successor,
    });
  }
}

export function setActive(
  change: Change,
  document: DocumentRow,
  active: boolean,
  at: number,
  successor: string | null,
): void {
  const { session, g, group } = change;
  session.run(
    "UPDATE documents SET active = ?, deprecated_at = ?, successor = ? WHERE key = ? AND g = ?",
    active ? 1 : 0,
    active ? null : at,
    active ? null : successor,
    document.key,
    g,
  );
  if (active === document.active) return;
  change.effect.documents++;
  group.documents_active += active ? 1 : -1;
  group.documents_deprecated -= active ? 1 : -1;
}

export function setHold(change: Change, document: DocumentRow, hold: boolean): void {
  change.session.run("UPDATE documents SET hold = ? WHERE key = ? AND g = ?", hold ? 1 : 0, document.key, change.g);
  change.effect.documents++;
}

/** Removes the document's record, and every place that names it as a successor. */
export function deleteDocument(change: Change, key: number): void {
  const { session, g, group } = change;
  const row = session.get("DELETE FROM documents WHERE key = ? AND g = ? RETURNING id, active", key, g);
  if (!row) return;
  if (row.active === 1) group.documents_active--;
  else group.documents_deprecated--;
  session.run("UPDATE documents SET successor = NULL WHERE g = ? AND successor = ?", g, row.id as string);
  rememberPurged(change, row.id as string);
  change.gone.documents.push(row.id as string);
  change.effect.documents++;
}

export const DOCUMENT_COLUMNS = `d.id, d.title, d.content_hash, d.metadata, d.active, d.version, d.successor, d.hold, d.deprecated_at,
  d.created_at, (SELECT count(*) FROM owners o WHERE o.g = d.g AND o.document = d.key) AS units`;

export function documentRecord(row: Row): DocumentRecord {
  return {
    id: row.id as string,
    title: row.title as string | null,
    contentHash: row.content_hash as string,
    metadata: row.metadata === null ? null : (JSON.parse(row.metadata as string) as JsonObject),
    status: row.active === 1 ? "active" : "deprecated",
    version: row.version as number,
    successor: row.successor as string | null,
    legalHold: row.hold === 1,
    deprecatedAt: row.deprecated_at as number | null,
    createdAt: row.created_at as number,
    textUnits: row.units as number,
  };
}
