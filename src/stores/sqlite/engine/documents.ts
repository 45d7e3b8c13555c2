import { GraphkeeperError } from "../../../core/errors.ts";
import type { DocumentRecord, JsonObject, Operation, OperationRecord, Outcome } from "../../../core/words.ts";
import type { Change } from "./change.ts";
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

export function documentNotFound(groupId: string, documentId: string): GraphkeeperError {
  return new GraphkeeperError("DOCUMENT_NOT_FOUND", `There is no document ${documentId} in the group ${groupId}.`, {
    group: groupId,
    document: documentId,
  });
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
    return { id, row, outcome: row ? outcomeOf(call.verb, row) : "not_found" };
  });
}

function outcomeOf(verb: Operation["verb"], document: DocumentRow): Outcome {
  switch (verb) {
    case "deprecate":
      return document.active ? "deprecated" : "unchanged";
    case "restore":
      return document.active ? "unchanged" : "restored";
    case "purge":
      return document.hold ? "on_hold" : "purged";
    case "hold":
      return document.hold ? "unchanged" : "held";
    case "release":
      return document.hold ? "released" : "unchanged";
    default:
      throw new GraphkeeperError("INVALID_VALUE", `The verb ${verb} needs a block.`, { field: "verb" });
  }
}

export function isEffective(outcome: Outcome): boolean {
  return outcome !== "unchanged" && outcome !== "not_found" && outcome !== "on_hold";
}

export function refuseHeld(named: NamedDocument[]): void {
  if (named.length !== 1 || named[0]?.outcome !== "on_hold") return;
  throw new GraphkeeperError("LEGAL_HOLD", `The document ${named[0].id} is under legal hold and cannot be purged.`, {
    document: named[0].id,
  });
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
