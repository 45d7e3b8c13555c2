import { GraphkeeperError } from "./errors.ts";
import { exceedsBlastRadius } from "./law.ts";
import type { Effect, JsonObject, Operation, OperationRecord, Outcome } from "./words.ts";

/** What a lifecycle call does to a document as it stands: decided once, for every store. */

interface Standing {
  status: "active" | "deprecated";
  legalHold: boolean;
}

/** Of deprecate, restore, purge, hold and release. @throws GraphkeeperError `INVALID_VALUE` for import and replace */
export function outcomeOf(verb: Operation["verb"], document: Standing): Outcome {
  switch (verb) {
    case "deprecate":
      return document.status === "active" ? "deprecated" : "unchanged";
    case "restore":
      return document.status === "deprecated" ? "restored" : "unchanged";
    case "purge":
      return document.legalHold ? "on_hold" : "purged";
    case "hold":
      return document.legalHold ? "unchanged" : "held";
    case "release":
      return document.legalHold ? "released" : "unchanged";
    default:
      throw new GraphkeeperError("INVALID_VALUE", `The verb ${verb} needs a block.`, { field: "verb" });
  }
}

/** What an import or a replace asks for beside what it brings. */
export interface Asked {
  /** What is deprecated becomes active again, with what the block says of it. */
  restore?: boolean;
  /** What was purged before is imported. */
  again?: boolean;
}

/**
 * Of import and replace. Neither makes a deprecated document active, nor brings a purged one back, unless the call asks for
 * it: a folder that is imported again, or a tool that puts every file again, knows nothing of the decision to hide it. Nor
 * does its new text appear.
 *
 * @param stored the document as it stands; "purged" when there was one; null when there is none
 * @param contentHash of what comes
 * @param asked what the call asks for
 * @throws GraphkeeperError `DOCUMENT_NOT_FOUND` for a replace of nothing, `DOCUMENT_DEPRECATED` for one of a deprecated
 *   document, `LEGAL_HOLD`
 */
export function importOutcome(
  operation: Pick<Operation, "groupId" | "verb">,
  documentId: string,
  stored: (Standing & { contentHash: string }) | "purged" | null,
  contentHash: string,
  asked: Asked,
): Outcome {
  if (stored === null || stored === "purged") {
    if (operation.verb === "replace") throw documentNotFound(operation.groupId, documentId);
    return stored === "purged" && !asked.again ? "purged_before" : "imported";
  }
  if (stored.status === "deprecated" && !asked.restore) {
    if (operation.verb === "replace") throw documentDeprecated(documentId);
    return "deprecated_kept";
  }
  if (stored.contentHash === contentHash) return stored.status === "active" ? "unchanged" : "restored";
  if (!stored.legalHold) return "replaced";
  throw new GraphkeeperError("LEGAL_HOLD", `The document ${documentId} is under legal hold and cannot be replaced.`, {
    document: documentId,
  });
}

export function documentNotFound(groupId: string, documentId: string): GraphkeeperError {
  return new GraphkeeperError("DOCUMENT_NOT_FOUND", `There is no document ${documentId} in the group ${groupId}.`, {
    group: groupId,
    document: documentId,
  });
}

/**
 * Of readmit.
 *
 * @param remembered those of the documents that were purged and have not come again
 * @throws GraphkeeperError `DOCUMENT_NOT_FOUND` when the only one is not remembered
 */
export function readmitOutcomes(
  { groupId, documentIds }: Pick<Operation, "groupId" | "documentIds">,
  remembered: string[],
): { id: string; outcome: Outcome }[] {
  const ids = [...new Set(documentIds)];
  if (ids.length === 1 && remembered.length === 0) {
    const message = `No document ${ids[0]} was purged from the group ${groupId}, or it has come again since.`;
    throw new GraphkeeperError("DOCUMENT_NOT_FOUND", message, { group: groupId, document: ids[0] });
  }
  return ids.map((id) => ({ id, outcome: remembered.includes(id) ? "readmitted" : "not_found" }));
}

function documentDeprecated(documentId: string): GraphkeeperError {
  return new GraphkeeperError(
    "DOCUMENT_DEPRECATED",
    `The document ${documentId} is deprecated; its new version was not stored, and would be visible at once.`,
    { document: documentId },
  );
}

const WITHOUT_EFFECT: ReadonlySet<Outcome> = new Set([
  "unchanged",
  "deprecated_kept",
  "purged_before",
  "not_found",
  "on_hold",
]);

/** Whether the outcome changes anything. */
export function isEffective(outcome: Outcome): boolean {
  return !WITHOUT_EFFECT.has(outcome);
}

/** Documents of a block that an import does not take, for a reason that is not that they are what they were. */
const LEFT_OUT: ReadonlySet<Outcome> = new Set(["deprecated_kept", "purged_before"]);

export function leftOut(outcomes: OperationRecord["outcomes"]): OperationRecord["outcomes"] {
  return outcomes.filter(({ outcome }) => LEFT_OUT.has(outcome));
}

/** A document under legal hold that is the only one named is refused; in a bulk it is left out. @throws GraphkeeperError `LEGAL_HOLD` */
export function refuseHeld(outcomes: { id: string; outcome: Outcome }[]): void {
  if (outcomes.length !== 1 || outcomes[0]?.outcome !== "on_hold") return;
  throw new GraphkeeperError("LEGAL_HOLD", `The document ${outcomes[0].id} is under legal hold and cannot be purged.`, {
    document: outcomes[0].id,
  });
}

/** @throws GraphkeeperError `BLAST_RADIUS` when the verb would hide more than the guard allows */
export function refuseBlastRadius(
  verb: Operation["verb"],
  entities: number,
  liveEntities: number,
  guard: { share: number; floor: number },
): void {
  if (!exceedsBlastRadius(entities, liveEntities, guard)) return;
  throw new GraphkeeperError("BLAST_RADIUS", `The ${verb} would hide ${entities} of ${liveEntities} live entities.`, {
    entities,
    liveEntities,
  });
}

/**
 * The first answer again, for a call that was made before.
 *
 * @throws GraphkeeperError `OPERATION_ID_REUSED` when the id belongs to another call
 */
export function replayOf(
  known: { record: OperationRecord; requestHash: string },
  operation: Operation,
): OperationRecord {
  if (known.requestHash !== operation.requestHash) {
    throw new GraphkeeperError("OPERATION_ID_REUSED", `The operation id ${operation.id} belongs to another call.`, {
      operation: operation.id,
    });
  }
  // The reason stands in the audit: a second one under the same id would be lost without a word.
  if (known.record.reason !== operation.reason) {
    throw new GraphkeeperError(
      "OPERATION_ID_REUSED",
      `The operation id ${operation.id} belongs to a call with another reason.`,
      { operation: operation.id, field: "reason" },
    );
  }
  return { ...known.record, replayed: true };
}

/** The record of an operation that was just carried out, or begun. */
export function recordOf(
  operation: Operation,
  done: Pick<OperationRecord, "state" | "outcomes" | "effect" | "generation">,
): OperationRecord {
  const { id, groupId, verb, at, actor, reason } = operation;
  return { id, groupId, verb, at, actor, reason, ...done, replayed: false };
}

export function operationNotFound(id: string): GraphkeeperError {
  return new GraphkeeperError("NOT_FOUND", `There is no operation ${id}.`, { operation: id });
}

/** What the audit keeps of a transaction of an operation that changed something. */
export function auditOf(record: OperationRecord): {
  at: number;
  actor: string;
  action: string;
  ref: string;
  detail: JsonObject;
} {
  const { id: ref, at, actor, verb: action, reason, outcomes, effect, state } = record;
  const detail = { documents: outcomes, effect: { ...effect }, state, reason } as unknown as JsonObject;
  return { at, actor, action, ref, detail };
}

export function sumOf(a: Effect, b: Effect): Effect {
  return {
    documents: a.documents + b.documents,
    textUnits: a.textUnits + b.textUnits,
    entities: a.entities + b.entities,
    relationships: a.relationships + b.relationships,
    vectors: a.vectors + b.vectors,
  };
}

export function hasEffect(effect: Effect): boolean {
  return Object.values(effect).some((count) => count > 0);
}
