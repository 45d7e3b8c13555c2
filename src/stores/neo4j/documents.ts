import { GraphkeeperError } from "../../core/errors.ts";
import { documentNotFound, isEffective, outcomeOf } from "../../core/outcomes.ts";
import type { Operation, OperationRecord } from "../../core/words.ts";
import {
  deleteEntities,
  deleteFacts,
  dropSupport,
  entityFacts,
  type Handle,
  noteLoss,
  settleUnits,
  type UnitRow,
} from "./derive.ts";
import { dropDerived, parkParts, purgeParts, showParts } from "./parts.ts";
import { idFromKey } from "./shapes.ts";
import type { DocumentState, Reading, Work } from "./work.ts";

/** Deprecate, restore, purge, hold and release: the status of the documents, and the steps that carry it to their units. */

export type Outcomes = OperationRecord["outcomes"];

/** What of a committed operation is still to be carried out. */
export interface Plan {
  verb: "deprecate" | "restore" | "purge";
  documents: string[];
  /** Handle of the last unit done; null at the beginning. */
  cursor: string | null;
}

/** What becomes of each document; throws instead when the operation names one document only. */
export function outcomesOf(
  documents: Map<string, DocumentState>,
  operation: Pick<Operation, "groupId" | "verb" | "documentIds">,
): Outcomes {
  const ids = [...new Set(operation.documentIds)];
  return ids.map((id) => {
    const document = documents.get(id);
    if (!document && ids.length === 1) throw documentNotFound(operation.groupId, id);
    return { id, outcome: document ? outcomeOf(operation.verb, document) : "not_found" };
  });
}

export async function checkSuccessor(w: Work, operation: Operation): Promise<void> {
  const { successor } = operation;
  if (successor === undefined) return;
  if (operation.documentIds.includes(successor) || !(await w.documents([successor])).has(successor)) {
    throw new GraphkeeperError("INVALID_VALUE", `The successor ${successor} must be another document of the group.`, {
      field: "successor",
      id: successor,
    });
  }
}

export async function saveDocuments(w: Work, documents: DocumentState[]): Promise<void> {
  const rows = documents.map((d) => ({
    id: d.id,
    state: {
      status: d.status,
      version: w.int(d.version),
      title: d.title,
      contentHash: d.contentHash === "" ? null : d.contentHash,
      metadata: d.metadata === null ? null : JSON.stringify(d.metadata),
      successor: d.successor,
      legalHold: d.legalHold ? true : null,
      deprecatedAt: d.deprecatedAt === null ? null : w.int(d.deprecatedAt),
      createdAt: w.int(d.createdAt),
    },
  }));
  await w.each("saveDocuments", "rows", rows);
}

/** Sets the status of the documents. @returns the plan for their units, if the verb concerns these */
export async function setStatus(
  w: Work,
  documents: Map<string, DocumentState>,
  operation: Operation,
  outcomes: Outcomes,
): Promise<Plan | null> {
  const { verb } = operation;
  const changed = outcomes.filter(({ outcome }) => isEffective(outcome)).map(({ id }) => id);
  if (verb !== "purge") {
    await saveDocuments(
      w,
      changed.map((id) => {
        const document = documents.get(id) as DocumentState;
        if (verb === "hold" || verb === "release") return { ...document, legalHold: verb === "hold" };
        if (verb === "restore") return { ...document, status: "active", deprecatedAt: null, successor: null };
        return {
          ...document,
          status: "deprecated",
          deprecatedAt: operation.at,
          successor: operation.successor ?? null,
        };
      }),
    );
    w.effect.documents += changed.length;
  }
  const keys = changed.map((id) => w.documentKey(id));
  if (verb === "deprecate") {
    await w.each("hideDocuments", "keys", keys);
    await parkParts(w, "document", keys, operation.at);
  }
  if (verb === "restore") {
    await w.each("showDocuments", "keys", keys);
    await showParts(w, "document", keys);
  }
  if (changed.length === 0 || !(verb === "deprecate" || verb === "restore" || verb === "purge")) return null;
  return { verb, documents: changed, cursor: null };
}

export async function unitsOf(
  r: Reading,
  documentIds: string[],
  after: string | null,
  limit: number,
): Promise<UnitRow[]> {
  const rows = await r.run<UnitRow>("unitsOfDocuments", {
    ids: documentIds.map((id) => r.documentKey(id)),
    after,
    limit: r.int(Math.min(limit, 1_000_000_000)),
  });
  return rows.map((row) => ({ ...row, id: idFromKey(row.id) }));
}

/** The next units of a plan, at most `limit`. @returns what is left of the plan, null when it is done */
export async function carryOut(w: Work, plan: Plan, limit: number, now: number): Promise<Plan | null> {
  // Purging takes the document away from each unit that it has done, so that no cursor is needed.
  const todo = await unitsOf(w, plan.documents, plan.verb === "purge" ? null : plan.cursor, limit + 1);
  const batch = todo.slice(0, limit);
  if (plan.verb === "purge") await purgeUnits(w, plan.documents, batch, now);
  else await settleUnits(w, batch, now);
  if (todo.length > limit) {
    if (plan.verb === "purge") await hideUntilPurged(w, plan.documents, now);
    return { ...plan, cursor: batch.at(-1)?.handle ?? plan.cursor };
  }
  if (plan.verb === "purge") await deleteDocuments(w, plan.documents);
  return null;
}

/** Documents of a purge that goes on are no longer active in the meantime. */
async function hideUntilPurged(w: Work, documentIds: string[], now: number): Promise<void> {
  const active = [...(await w.documents(documentIds)).values()].filter((d) => d.status === "active");
  await saveDocuments(
    w,
    active.map((d) => ({ ...d, status: "deprecated", deprecatedAt: now, successor: null })),
  );
  await w.each(
    "hideDocuments",
    "keys",
    active.map((d) => w.documentKey(d.id)),
  );
}

/** Takes the documents away from the units; deletes those without an owner, and what then has nothing left to stand on. */
async function purgeUnits(w: Work, documentIds: string[], units: UnitRow[], now: number): Promise<void> {
  const gone = new Set(documentIds);
  const keep: UnitRow[] = [];
  const drop: UnitRow[] = [];
  const disown: { handle: string; document: unknown }[] = [];
  for (const unit of units) {
    const owners = unit.owners.map(idFromKey);
    const left = unit.owners.filter((owner) => !gone.has(idFromKey(owner)));
    if (left.length === 0) {
      drop.push(unit);
      continue;
    }
    keep.push({ ...unit, owners: left });
    for (const owner of owners)
      if (gone.has(owner)) disown.push({ handle: unit.handle, document: w.documentKey(owner) });
  }
  if (disown.length > 0 && w.shapes.unit.owner.by === "edge") await w.each("disownUnits", "rows", disown);
  await deleteUnits(w, drop);
  await settleUnits(w, keep, now);
}

/** Deletes units, and the entities and facts that then have nothing left to stand on. */
export async function deleteUnits(w: Work, units: UnitRow[]): Promise<void> {
  if (units.length === 0) return;
  const { entities, facts } = await noteLoss(w, units);
  await dropUnits(w, units);
  const trusted = w.shapes.profile.mentions.trust === "complete";
  const orphans = trusted
    ? (
        await entityFacts(
          w,
          entities.map((e) => e.handle),
        )
      ).filter((e) => !e.mentioned)
    : [];
  await deleteEntities(w, orphans);
  const empty = await dropSupport(
    w,
    facts,
    units.map((u) => u.id),
  );
  const { support } = w.shapes.profile.relationships;
  if (support.by === "list" && support.trust === "complete") await deleteFacts(w, empty);
}

/** The nodes alone, with the parts that hang on them. */
export async function dropUnits(
  w: Work,
  units: (Handle & { vector: boolean; parkedVector: boolean })[],
): Promise<void> {
  const handles = units.map((u) => u.handle);
  await purgeParts(w, "unit", handles);
  if (w.shapes.references) await w.each("dropReferences", "handles", handles);
  if (w.shapes.profile.origin !== undefined) {
    const ids = units.map((u) => u.id);
    await w.each("scrubEntities", "ids", ids);
    await w.each("scrubFacts", "ids", ids);
  }
  await dropDerived(w, handles);
  await w.each("deleteUnits", "handles", handles);
  w.effect.textUnits += units.length;
  w.countVectors(units.filter((u) => u.vector || u.parkedVector).map((u) => u.handle));
}

async function deleteDocuments(w: Work, documentIds: string[]): Promise<void> {
  const keys = documentIds.map((id) => w.documentKey(id));
  w.effect.documents += documentIds.length;
  await purgeParts(w, "document", keys);
  if (w.shapes.profile.documents.as === "node") await w.each("deleteDocuments", "ids", keys);
  await w.each("deleteDocumentStates", "ids", documentIds);
  await w.each("clearSuccessors", "ids", documentIds);
}
