import { GraphkeeperError } from "../../core/errors.ts";
import { documentNotFound, isEffective, outcomeOf } from "../../core/outcomes.ts";
import type { Operation, OperationRecord } from "../../core/words.ts";
import { deleteEntities, deleteFacts, dropSupport, noteLoss, settleUnits } from "./derive.ts";
import { forgetFileNames } from "./file-names.ts";
import { entityFacts, type Loss, type Supporter, type UnitRow } from "./judge.ts";
import { dropDerived, parkParts, purgeParts, showParts } from "./parts.ts";
import { rememberPurged, rememberPurgedUnits } from "./purged.ts";
import { idFromKey } from "./shapes.ts";
import { forgetStamps } from "./stamps.ts";
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

export function saveDocuments(w: Work, documents: DocumentState[]): void {
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
  w.sendEach("saveDocuments", "rows", rows);
  w.remember(
    documents.map((d) => d.id),
    new Map(documents.map((d) => [d.id, d])),
  );
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
    saveDocuments(
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
    w.sendEach("hideDocuments", "keys", keys);
    await parkParts(w, "document", keys, operation.at);
  }
  if (verb === "restore") {
    w.sendEach("showDocuments", "keys", keys);
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

/** What was read before the operation began, and is not read again. */
export interface Foreseen {
  /** The first units of the plan, one more than a batch takes. */
  units: UnitRow[] | null;
  /** What hangs on the units that the operation parks or deletes. */
  loss?: Loss;
}

/** The next units of a plan, at most `limit`. @returns what is left of the plan, null when it is done */
export async function carryOut(
  w: Work,
  plan: Plan,
  limit: number,
  now: number,
  foreseen: Foreseen = { units: null },
): Promise<Plan | null> {
  // Purging takes the document away from each unit that it has done, so that no cursor is needed.
  const todo =
    foreseen.units ?? (await unitsOf(w, plan.documents, plan.verb === "purge" ? null : plan.cursor, limit + 1));
  const batch = todo.slice(0, limit);
  if (plan.verb === "purge") await purgeUnits(w, plan.documents, batch, now, foreseen.loss);
  else await settleUnits(w, batch, now, foreseen.loss);
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
  saveDocuments(
    w,
    active.map((d) => ({ ...d, status: "deprecated", deprecatedAt: now, successor: null })),
  );
  w.sendEach(
    "hideDocuments",
    "keys",
    active.map((d) => w.documentKey(d.id)),
  );
}

/** Takes the documents away from the units; deletes those without an owner, and what then has nothing left to stand on. */
async function purgeUnits(
  w: Work,
  documentIds: string[],
  units: UnitRow[],
  now: number,
  foreseen: Loss | undefined,
): Promise<void> {
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
  if (disown.length > 0 && w.shapes.unit.owner.by === "edge") w.sendEach("disownUnits", "rows", disown);
  await deleteUnits(w, drop, foreseen);
  await settleUnits(w, keep, now);
}

/** Deletes units, and the entities and facts that then have nothing left to stand on. */
async function deleteUnits(w: Work, units: UnitRow[], foreseen: Loss | undefined): Promise<void> {
  if (units.length === 0) return;
  const { entities, facts } = await noteLoss(w, units, foreseen);
  await forgetStamps(w, new Set(units.flatMap((u) => u.owners.map(idFromKey))), units, entities);
  rememberPurgedUnits(w, units);
  await dropUnits(w, units);
  const trusted = w.shapes.profile.mentions.trust === "complete";
  const orphans = trusted
    ? (
        await entityFacts(
          w,
          entities.map((e) => e.handle),
        )
      ).filter((e) => !e.mentioned && !e.cut)
    : [];
  await deleteEntities(w, orphans);
  const empty = await dropSupport(
    w,
    facts,
    units.map((u) => u.id),
  );
  const { support } = w.shapes.profile.relationships;
  if (support.by !== "none" && support.trust === "complete") await deleteFacts(w, empty);
}

/** The nodes alone, with the parts that hang on them. */
export async function dropUnits(
  w: Work,
  units: (Supporter & { vector: boolean; parkedVector: boolean })[],
): Promise<void> {
  const handles = units.map((u) => u.handle);
  await purgeParts(w, "unit", handles);
  if (w.shapes.references) {
    await forgetFileNames(w, units);
    w.sendEach("dropReferences", "handles", handles);
  }
  if (w.shapes.profile.origin !== undefined) {
    const ids = units.map((u) => u.id);
    w.sendEach("scrubMentioned", "ids", ids);
    w.sendEach("scrubEntities", "ids", ids);
    w.sendEach("scrubFacts", "ids", ids);
  }
  dropDerived(w, handles);
  w.sendEach("deleteUnits", "handles", handles);
  w.effect.textUnits += units.length;
  w.countVectors(units.filter((u) => u.vector || u.parkedVector).map((u) => u.handle));
}

async function deleteDocuments(w: Work, documentIds: string[]): Promise<void> {
  const keys = documentIds.map((id) => w.documentKey(id));
  w.effect.documents += documentIds.length;
  await purgeParts(w, "document", keys);
  if (w.shapes.profile.documents.as === "node") w.sendEach("deleteDocuments", "ids", keys);
  w.sendEach("deleteDocumentStates", "ids", documentIds);
  w.sendEach("clearSuccessors", "ids", documentIds);
  rememberPurged(w, documentIds);
  w.remember(documentIds, new Map());
}
