import { GraphkeeperError } from "../../core/errors.ts";
import { documentNotFound, isEffective, outcomeOf } from "../../core/outcomes.ts";
import { compareIds } from "../../core/ports.ts";
import { purgedMark } from "../../core/purged-ids.ts";
import type { Operation, OperationRecord } from "../../core/words.ts";
import { deleteEntity, deleteRelationship, mentionsOf, noteLoss, settleTextUnits } from "./derive.ts";
import { type DocumentRow, type Group, type Plan, sortedIds } from "./state.ts";

/** Deprecate, restore, purge, hold and release: the status of the documents, and the steps that carry it to their units. */

export type Outcomes = OperationRecord["outcomes"];

/** What becomes of each document; throws instead when the operation names one document only. */
export function outcomesOf(group: Group, operation: Pick<Operation, "groupId" | "verb" | "documentIds">): Outcomes {
  const ids = [...new Set(operation.documentIds)];
  return ids.map((id) => {
    const document = group.documents.get(id);
    if (!document && ids.length === 1) throw documentNotFound(operation.groupId, id);
    return { id, outcome: document ? outcomeOf(operation.verb, document) : "not_found" };
  });
}

export function checkSuccessor(group: Group, operation: Operation): void {
  const { successor } = operation;
  if (successor === undefined) return;
  if (!group.documents.has(successor) || operation.documentIds.includes(successor)) {
    throw new GraphkeeperError("INVALID_VALUE", `The successor ${successor} must be another document of the group.`, {
      field: "successor",
      id: successor,
    });
  }
}

/** Sets the status of the documents. @returns the plan for their text units, if the verb concerns these */
export function setStatus(group: Group, operation: Operation, outcomes: Outcomes): Plan | null {
  const { verb } = operation;
  const changed = outcomes.filter(({ outcome }) => isEffective(outcome)).map(({ id }) => id);
  for (const id of changed) {
    const document = group.documents.get(id) as DocumentRow;
    if (verb === "hold" || verb === "release") group.documents.set(id, { ...document, legalHold: verb === "hold" });
    if (verb === "restore") {
      group.documents.set(id, { ...document, status: "active", deprecatedAt: null, successor: null });
    }
    if (verb === "deprecate") {
      const successor = operation.successor ?? null;
      group.documents.set(id, { ...document, status: "deprecated", deprecatedAt: operation.at, successor });
    }
  }
  if (changed.length === 0 || !(verb === "deprecate" || verb === "restore" || verb === "purge")) return null;
  return { verb, documents: changed, cursor: null };
}

/** The next units of a plan, at most `limit`. @returns what is left of the plan, null when it is done */
export function carryOut(group: Group, plan: Plan, limit: number, now: number): Plan | null {
  const owned = sortedIds(
    [...group.textUnits.values()].filter((u) => u.documents.some((d) => plan.documents.includes(d))).map((u) => u.id),
  );
  // Purging takes the document away from each unit that it has done, so that no cursor is needed.
  const { cursor } = plan;
  const todo = plan.verb === "purge" || cursor === null ? owned : owned.filter((id) => compareIds(id, cursor) > 0);
  const batch = todo.slice(0, limit);
  if (plan.verb === "purge") purgeTextUnits(group, plan.documents, batch, now);
  else settleTextUnits(group, batch, now);
  if (todo.length > limit) {
    if (plan.verb === "purge") hideUntilPurged(group, plan.documents, now);
    return { ...plan, cursor: batch.at(-1) ?? plan.cursor };
  }
  if (plan.verb === "purge") deleteDocuments(group, plan.documents);
  return null;
}

/** Documents of a purge that goes on are no longer active in the meantime. */
function hideUntilPurged(group: Group, documentIds: readonly string[], now: number): void {
  for (const id of documentIds) {
    const document = group.documents.get(id);
    if (document?.status !== "active") continue;
    group.documents.set(id, { ...document, status: "deprecated", deprecatedAt: now, successor: null });
  }
}

/** Takes the documents away from the units; deletes those without an owner, and what then has nothing left to stand on. */
function purgeTextUnits(group: Group, documentIds: readonly string[], unitIds: string[], now: number): void {
  const entities = new Set<string>();
  const relationships = new Set<string>();
  for (const id of unitIds) {
    const unit = group.textUnits.get(id);
    if (!unit) continue;
    const documents = unit.documents.filter((owner) => !documentIds.includes(owner));
    if (documents.length > 0) {
      group.textUnits.set(id, { ...unit, documents });
      continue;
    }
    noteLoss(group, id);
    for (const entity of group.mentions.get(id) ?? []) entities.add(entity);
    for (const relationship of group.relationships.values()) {
      if (!relationship.textUnits?.includes(id)) continue;
      relationships.add(relationship.id);
      const textUnits = relationship.textUnits.filter((other) => other !== id);
      group.relationships.set(relationship.id, { ...relationship, textUnits });
    }
    group.mentions.delete(id);
    group.textUnits.delete(id);
  }
  for (const id of entities) if (mentionsOf(group, id).length === 0) deleteEntity(group, id);
  for (const id of relationships)
    if (group.relationships.get(id)?.textUnits?.length === 0) deleteRelationship(group, id);
  settleTextUnits(group, unitIds, now);
}

/** What is kept of a purged document's id. */
export function markOf(group: Group, documentId: string): string {
  return purgedMark(group.state.groupId, "document", documentId);
}

/** Those that were purged and have not been imported again. */
export function purgedAmong(group: Group, documentIds: string[]): string[] {
  return documentIds.filter((id) => group.purged.has(markOf(group, id)));
}

/** The records of the documents, and every place that names them as a successor. */
function deleteDocuments(group: Group, documentIds: readonly string[]): void {
  for (const id of documentIds) {
    group.documents.delete(id);
    group.purged.add(markOf(group, id));
  }
  for (const document of group.documents.values()) {
    if (document.successor === null || !documentIds.includes(document.successor)) continue;
    group.documents.set(document.id, { ...document, successor: null });
  }
}
