import { blockHash } from "../../core/canonical.ts";
import { checkEmbedding } from "../../core/law.ts";
import { leaveOut } from "../../core/leave-out.ts";
import { type Asked, importOutcome, isEffective, leftOut } from "../../core/outcomes.ts";
import { ownTextUnits } from "../../core/own-text-units.ts";
import { compareIds } from "../../core/ports.ts";
import { withStatedMentions } from "../../core/stated-mentions.ts";
import type { ImportBlock, Operation } from "../../core/words.ts";
import { dropSupport, noteLoss, revive, settleUnits } from "./derive.ts";
import { dropUnits, type Outcomes, saveDocuments } from "./documents.ts";
import { noteHidden, type StoredEntity, writeEntities, writeFacts, writeMentions } from "./import-facts.ts";
import { type StoredUnit, writeUnits } from "./import-units.ts";
import type { UnitRow } from "./judge.ts";
import { forgetPurged, purgedBefore } from "./purged.ts";
import { idFromKey } from "./shapes.ts";
import type { DocumentState, Work } from "./work.ts";

/** Imports a block, or replaces a document by it. @returns outcomes by document, and whether anything was written */
export async function importBlock(
  w: Work,
  operation: Operation,
  given: ImportBlock,
  asked: Asked,
): Promise<{ outcomes: Outcomes; changed: boolean }> {
  const hashOfBlock = given.documents.some((d) => d.contentHash === undefined) ? blockHash(given) : "";
  const named = documentsNamed(given);
  const documents = await w.documents(named);
  const unknown = named.filter((id) => !documents.has(id));
  const purged = new Set(asked.again ? [] : await purgedBefore(w, w.group, [...new Set(unknown)]));
  const outcomes = given.documents.map((input) => ({
    id: input.id,
    outcome: importOutcome(
      operation,
      input.id,
      documents.get(input.id) ?? (purged.has(input.id) ? "purged" : null),
      input.contentHash ?? hashOfBlock,
      asked,
    ),
  }));
  if (outcomes.length > 0 && !outcomes.some(({ outcome }) => isEffective(outcome))) return { outcomes, changed: false };
  const block = leaveOut(given, new Set([...leftOut(outcomes).map(({ id }) => id), ...purged]));
  checkVectors(w, block);

  const stored = block.documents.map(({ id }) => id).filter((id) => documents.has(id));
  const units = await loadUnits(w, block, stored);
  const ids = ownTextUnits(block.textUnits, stored, {
    textOf: (id) => units.get(id)?.text,
    unitsOf: (documentId) =>
      [...units.values()].filter((u) => u.owners.includes(documentId)).sort((a, b) => compareIds(a.id, b.id)),
  });
  await writeDocuments(w, operation, block, documents, outcomes, hashOfBlock);
  const dropped = await dropOldUnits(
    w,
    block,
    units,
    ids,
    outcomes.filter(({ outcome }) => outcome === "replaced").map(({ id }) => id),
  );
  await writeUnits(w, block, documents, units, ids);
  // A text that took the id of a dropped one is one row that changed, not two.
  for (const unit of dropped) {
    const now = units.get(unit.id);
    if (!now) continue;
    w.effect.textUnits--;
    if (unit.vector && now.vector) w.countOneLess();
  }
  const entities = await writeEntities(w, operation, block);
  const mentioned = await writeMentions(w, withStatedMentions(block), units, ids, entities);
  const facts = await writeFacts(w, operation, block, units, ids, entities);

  const touched = new Set([
    ...block.textUnits.map((u) => ids.get(u.id) as string),
    ...[...units.values()].filter((u) => u.owners.length > 0).map((u) => u.id),
  ]);
  const rows = await w.each<UnitRow & { id: string }>("importUnitRows", "ids", touched);
  await settleUnits(w, rows, operation.at);
  // The block's own entities and facts: what the law wants live returns, new facts that it does not want stay parked.
  const handles = [...mentioned].map((id) => (entities.get(id) as StoredEntity).handle);
  const before = w.effect.relationships;
  await revive(w, handles, facts.created.concat(facts.updated));
  // A new fact was counted when it was created; that it became live at once is the same row.
  const createdLive = new Set((await w.each<{ id: string }>("factsById", "ids", facts.created)).map((f) => f.id)).size;
  w.effect.relationships = before + (w.effect.relationships - before) - createdLive;
  await noteHidden(w, handles, facts.updated);
  return { outcomes, changed: true };
}

export function documentsNamed(block: ImportBlock): string[] {
  return [...block.documents.map((d) => d.id), ...block.textUnits.flatMap((u) => u.documents)];
}

async function loadUnits(w: Work, block: ImportBlock, stored: string[]): Promise<Map<string, StoredUnit>> {
  const wanted = [
    ...new Set([
      ...block.textUnits.map((u) => u.id),
      ...block.mentions.map((m) => m.textUnit),
      ...block.relationships.flatMap((r) => r.textUnits ?? []),
    ]),
  ];
  const byId = await w.each<StoredUnit>("importUnits", "ids", wanted);
  const owned = await w.each<StoredUnit>(
    "importUnitsOf",
    "ids",
    stored.map((id) => w.documentKey(id)),
  );
  return new Map([...byId, ...owned].map((u) => [u.id, { ...u, owners: u.owners.map(idFromKey) }]));
}

async function writeDocuments(
  w: Work,
  operation: Operation,
  block: ImportBlock,
  documents: Map<string, DocumentState>,
  outcomes: Outcomes,
  hashOfBlock: string,
): Promise<void> {
  const outcomeOf = new Map(outcomes.map(({ id, outcome }) => [id, outcome]));
  const states = block.documents.map((input): DocumentState => {
    const stored = documents.get(input.id);
    const content = {
      title: input.title ?? null,
      contentHash: input.contentHash ?? hashOfBlock,
      metadata: input.metadata ?? null,
    };
    const active = { status: "active", successor: null, deprecatedAt: null } as const;
    if (!stored) return { id: input.id, version: 1, legalHold: false, createdAt: operation.at, ...content, ...active };
    if (outcomeOf.get(input.id) === "replaced")
      return { ...stored, ...content, ...active, version: stored.version + 1 };
    return { ...stored, ...active };
  });
  await saveDocuments(w, states);
  await w.each(
    "writeDocuments",
    "rows",
    states.map((d) => ({
      id: d.id,
      title: d.title,
      metadata: d.metadata === null ? null : JSON.stringify(d.metadata),
    })),
  );
  const returned = states.filter((d) => documents.get(d.id)?.status === "deprecated").map((d) => w.documentKey(d.id));
  await w.each("showDocuments", "keys", returned);
  const imported = states.map((d) => d.id).filter((id) => !documents.has(id));
  forgetPurged(w, imported);
  for (const document of states) documents.set(document.id, document);
  w.effect.documents += outcomes.filter(({ outcome }) => isEffective(outcome)).length;
}

/** Old units of replaced documents that the new version does not have lose the document; without any owner they go. */
async function dropOldUnits(
  w: Work,
  block: ImportBlock,
  units: Map<string, StoredUnit>,
  ids: Map<string, string>,
  replaced: string[],
): Promise<StoredUnit[]> {
  const disown: { handle: string; document: string }[] = [];
  const gone = new Map<string, StoredUnit>();
  const named = new Map(block.textUnits.map((u) => [ids.get(u.id) as string, u.text]));
  for (const documentId of replaced) {
    // By id and text: an id that the new version uses for another text is not the old unit.
    const kept = new Map(
      block.textUnits.filter((u) => u.documents.includes(documentId)).map((u) => [ids.get(u.id) as string, u.text]),
    );
    for (const unit of units.values()) {
      if (!unit.owners.includes(documentId) || kept.get(unit.id) === unit.text) continue;
      unit.owners = unit.owners.filter((id) => id !== documentId);
      disown.push({ handle: unit.handle, document: documentId });
      // What the block gives to another document has no owner for this moment only: it is not removed.
      if (unit.owners.length === 0 && named.get(unit.id) !== unit.text) gone.set(unit.id, unit);
    }
  }
  const dropped = new Set([...gone.values()].map((u) => u.handle));
  await w.each(
    "disownUnits",
    "rows",
    disown.filter((d) => !dropped.has(d.handle)),
  );
  if (gone.size === 0) return [];
  const list = [...gone.values()].map((u) => ({ ...u, parkedVector: false }));
  const { facts } = await noteLoss(w, list);
  await dropUnits(w, list);
  await dropSupport(w, facts, gone.keys());
  for (const id of gone.keys()) units.delete(id);
  return [...gone.values()];
}

function checkVectors(w: Work, block: ImportBlock): void {
  const check = (
    rows: { id: string; embedding?: Float32Array }[],
    kind: string,
    dimension: number | null,
  ): number | null => {
    let known = dimension;
    for (const row of rows) {
      if (!row.embedding) continue;
      checkEmbedding(row.embedding, known, `${kind} ${row.id}`);
      known = row.embedding.length;
    }
    return known;
  };
  const unitDimension = check(block.textUnits, "text unit", w.group.unitDimension ?? null);
  const entityDimension = check(block.entities, "entity", w.group.entityDimension ?? null);
  if (unitDimension !== null && unitDimension !== w.group.unitDimension) w.set({ unitDimension });
  if (entityDimension !== null && entityDimension !== w.group.entityDimension) w.set({ entityDimension });
}
