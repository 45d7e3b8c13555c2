import { blockHash } from "../../core/canonical.ts";
import { GraphkeeperError } from "../../core/errors.ts";
import { checkEmbedding } from "../../core/law.ts";
import { importOutcome } from "../../core/outcomes.ts";
import { compareIds } from "../../core/ports.ts";
import type { ImportBlock, Operation, RelationshipInput } from "../../core/words.ts";
import {
  dropSupport,
  entitiesById,
  entityFacts,
  factRows,
  judged,
  noteLoss,
  revive,
  settleUnits,
  type UnitRow,
} from "./derive.ts";
import { dropUnits, type Outcomes, saveDocuments } from "./documents.ts";
import { idFromKey } from "./shapes.ts";
import type { DocumentState, Work } from "./work.ts";

interface StoredUnit extends Record<string, unknown> {
  id: string;
  handle: string;
  text: string;
  owners: string[];
  parked: boolean;
  vector: boolean;
}
interface StoredEntity {
  handle: string;
  parked: boolean;
}

/** Imports a block, or replaces a document by it. @returns outcomes by document, and whether anything was written */
export async function importBlock(
  w: Work,
  operation: Operation,
  block: ImportBlock,
): Promise<{ outcomes: Outcomes; changed: boolean }> {
  const hashOfBlock = blockHash(block);
  const documents = await w.documents(documentsNamed(block));
  const outcomes = block.documents.map((input) => ({
    id: input.id,
    outcome: importOutcome(operation, input.id, documents.get(input.id) ?? null, input.contentHash ?? hashOfBlock),
  }));
  if (outcomes.length > 0 && outcomes.every(({ outcome }) => outcome === "unchanged"))
    return { outcomes, changed: false };
  checkVectors(w, block);

  const stored = block.documents.map(({ id }) => id).filter((id) => documents.has(id));
  const units = await loadUnits(w, block, stored);
  const ids = ownTextUnits(units, block, stored);
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
  const mentioned = await writeMentions(w, block, units, ids, entities);
  const facts = await writeFacts(w, operation, block, units, ids, entities);

  const touched = new Set([
    ...block.textUnits.map((u) => ids.get(u.id) ?? u.id),
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

/**
 * Which stored unit each unit of the block is: a unit of a stored document with an equal text stays the unit that it was,
 * with its id, vector and mentions. Equal ids with equal texts come first, then texts in the order of the stored ids, one
 * to one. Ids that count positions move when a text is put in front; a new text then takes the id that became free.
 *
 * @returns stored id by the block's id, for units whose id in the store is not that of the block
 */
function ownTextUnits(units: Map<string, StoredUnit>, block: ImportBlock, documents: string[]): Map<string, string> {
  const ids = new Map<string, string>();
  const unitOf = new Map<string, string>();
  const match = (blockId: string, storedId: string) => {
    ids.set(blockId, storedId);
    unitOf.set(storedId, blockId);
  };
  for (const unit of block.textUnits) if (units.get(unit.id)?.text === unit.text) match(unit.id, unit.id);
  for (const documentId of documents) {
    const byText = new Map<string, string[]>();
    for (const id of [...units.keys()].sort(compareIds)) {
      const unit = units.get(id) as StoredUnit;
      if (unit.owners.includes(documentId)) byText.set(unit.text, [...(byText.get(unit.text) ?? []), id]);
    }
    for (const unit of block.textUnits) {
      if (ids.has(unit.id) || !unit.documents.includes(documentId)) continue;
      const same = byText.get(unit.text)?.find((id) => !unitOf.has(id));
      if (same !== undefined) match(unit.id, same);
    }
  }
  for (const unit of block.textUnits) {
    if (ids.has(unit.id)) continue;
    let free = unit.id;
    for (let taker = unitOf.get(free); taker !== undefined; taker = unitOf.get(free)) free = taker;
    if (free !== unit.id) ids.set(unit.id, free);
  }
  return ids;
}

async function writeDocuments(
  w: Work,
  operation: Operation,
  block: ImportBlock,
  documents: Map<string, DocumentState>,
  outcomes: Outcomes,
  hashOfBlock: string,
): Promise<void> {
  const states = block.documents.map((input, i): DocumentState => {
    const stored = documents.get(input.id);
    const content = {
      title: input.title ?? null,
      contentHash: input.contentHash ?? hashOfBlock,
      metadata: input.metadata ?? null,
    };
    const active = { status: "active", successor: null, deprecatedAt: null } as const;
    if (!stored) return { id: input.id, version: 1, legalHold: false, createdAt: operation.at, ...content, ...active };
    if (outcomes[i]?.outcome === "replaced") return { ...stored, ...content, ...active, version: stored.version + 1 };
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
  for (const document of states) documents.set(document.id, document);
  w.effect.documents += outcomes.filter(({ outcome }) => outcome !== "unchanged").length;
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
  const named = new Map(block.textUnits.map((u) => [ids.get(u.id) ?? u.id, u.text]));
  for (const documentId of replaced) {
    // By id and text: an id that the new version uses for another text is not the old unit.
    const kept = new Map(
      block.textUnits.filter((u) => u.documents.includes(documentId)).map((u) => [ids.get(u.id) ?? u.id, u.text]),
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

async function writeUnits(
  w: Work,
  block: ImportBlock,
  documents: Map<string, DocumentState>,
  units: Map<string, StoredUnit>,
  ids: Map<string, string>,
): Promise<void> {
  const create: { id: string; text: string; vector: number[] | null }[] = [];
  const vectors: { handle: string; vector: number[] }[] = [];
  const owners: { id: string; document: string }[] = [];
  for (const input of block.textUnits) {
    const id = ids.get(input.id) ?? input.id;
    for (const owner of input.documents) {
      if (!documents.has(owner)) throw missing("documents", owner, `The text unit ${input.id} names the document`);
    }
    const stored = units.get(id);
    if (stored && stored.text !== input.text) {
      throw new GraphkeeperError(
        "CONFLICT",
        `The text unit ${id} is stored with another text, and other documents own it.`,
        { field: "text_unit", id },
      );
    }
    if (!stored) {
      create.push({ id, text: input.text, vector: input.embedding ? [...input.embedding] : null });
      units.set(id, {
        id,
        handle: "",
        text: input.text,
        owners: [],
        parked: false,
        vector: input.embedding !== undefined,
      });
    } else if (!stored.vector && input.embedding) {
      if (stored.handle === "") (create.find((c) => c.id === id) as { vector: number[] }).vector = [...input.embedding];
      else vectors.push({ handle: stored.handle, vector: [...input.embedding] });
      stored.vector = true;
    }
    const unit = units.get(id) as StoredUnit;
    for (const document of input.documents) {
      if (unit.owners.includes(document)) continue;
      unit.owners.push(document);
      owners.push({ id, document });
    }
  }
  for (const row of await w.each<{ id: string; handle: string }>("createUnits", "rows", create))
    (units.get(row.id) as StoredUnit).handle = row.handle;
  await w.each("giveVectors", "rows", vectors);
  await w.each(
    "ownUnits",
    "rows",
    owners.map((o) => ({ handle: units.get(o.id)?.handle, document: o.document })),
  );
  w.effect.textUnits += create.length;
  w.countVectors([
    ...create.filter((c) => c.vector).map((c) => units.get(c.id)?.handle as string),
    ...vectors.map((v) => v.handle),
  ]);
}

async function writeEntities(w: Work, operation: Operation, block: ImportBlock): Promise<Map<string, StoredEntity>> {
  const rows = block.entities.map((e) => ({
    id: e.id,
    members: {
      name: e.name,
      ...(e.type === undefined ? {} : { type: e.type }),
      ...(e.description === undefined ? {} : { description: e.description }),
    },
    vector: e.embedding ? [...e.embedding] : null,
    aside: false,
  }));
  const known = new Map(
    (
      await w.each<{ id: string; handle: string; parked: boolean; newVector: boolean; aside: boolean }>(
        "importEntities",
        "rows",
        rows.map(({ id, vector }) => ({ id, vector })),
      )
    ).map((r) => [r.id, r]),
  );
  for (const row of rows) row.aside = known.get(row.id)?.aside ?? false;
  const written = await w.each<{ id: string; handle: string }>("writeEntities", "rows", rows, {
    now: w.int(operation.at),
  });
  w.effect.entities += rows.filter((r) => !known.has(r.id)).length;
  const given = new Set(rows.filter((r) => r.vector && (known.get(r.id)?.newVector ?? true)).map((r) => r.id));
  w.countVectors(written.filter((r) => given.has(r.id)).map((r) => r.handle));
  const entities = new Map<string, StoredEntity>(
    written.map((r) => [r.id, { handle: r.handle, parked: known.get(r.id)?.parked ?? false }]),
  );
  const others = [
    ...block.mentions.map((m) => m.entity),
    ...block.relationships.flatMap((r) => [r.source, r.target]),
  ].filter((id) => !entities.has(id));
  for (const [id, entity] of await entitiesById(w, others))
    entities.set(id, { handle: entity.handle, parked: !entity.live });
  return entities;
}

async function writeMentions(
  w: Work,
  block: ImportBlock,
  units: Map<string, StoredUnit>,
  ids: Map<string, string>,
  entities: Map<string, StoredEntity>,
): Promise<Set<string>> {
  const rows = block.mentions.map((mention) => {
    const unit = units.get(ids.get(mention.textUnit) ?? mention.textUnit);
    if (!unit) throw missing("text_unit", mention.textUnit, "A mention names the text unit");
    const entity = entities.get(mention.entity);
    if (!entity) throw missing("entity", mention.entity, "A mention names the entity");
    return { unit: unit.handle, entity: entity.handle };
  });
  await w.each("writeMentions", "rows", rows);
  return new Set(block.mentions.map((m) => m.entity));
}

async function writeFacts(
  w: Work,
  operation: Operation,
  block: ImportBlock,
  units: Map<string, StoredUnit>,
  ids: Map<string, string>,
  entities: Map<string, StoredEntity>,
): Promise<{ created: string[]; updated: string[] }> {
  interface Stored extends Record<string, unknown> {
    id: string;
    handle?: string;
    source: string;
    target: string;
    type: string;
    support: string[] | null;
  }
  const factIds = block.relationships.map((r) => r.id);
  const stored = new Map(
    [
      ...(await w.each<Stored>("importParked", "ids", factIds)),
      ...(await w.each<Stored>("importFacts", "ids", factIds)),
    ].map((f) => [f.id, f]),
  );
  const create: { id: string; source: string; target: string; members: Record<string, unknown> }[] = [];
  const live: { handle: string; members: Record<string, unknown> }[] = [];
  const parked: { id: string; members: Record<string, unknown> }[] = [];
  const supports = new Map<string, string[]>();
  for (const input of block.relationships) {
    const support = supportOf(input, units, ids, entities);
    const known = stored.get(input.id);
    for (const unit of support ?? []) supports.set(unit, [...(supports.get(unit) ?? []), input.id]);
    if (!known) {
      const members = {
        group_id: w.groupId,
        type: input.type,
        description: input.description ?? null,
        weight: input.weight ?? 1,
        text_units: support,
      };
      create.push({ id: input.id, source: input.source, target: input.target, members });
      continue;
    }
    if (known.source !== input.source || known.target !== input.target || known.type !== input.type) {
      throw new GraphkeeperError(
        "CONFLICT",
        `The relationship ${input.id} is stored with other ends or another type.`,
        { field: "relationship", id: input.id },
      );
    }
    const members = {
      ...(input.description === undefined ? {} : { description: input.description }),
      ...(input.weight === undefined ? {} : { weight: input.weight }),
      text_units: known.support && support ? [...new Set([...known.support, ...support])].sort(compareIds) : null,
    };
    if (known.handle === undefined) parked.push({ id: input.id, members });
    else live.push({ handle: known.handle, members });
  }
  await w.each("createParkedFacts", "rows", create, { type: "RELATED_TO", now: w.int(operation.at) });
  await w.each("updateFacts", "rows", live);
  await w.each("updateParked", "rows", parked);
  await w.each(
    "addSupports",
    "rows",
    [...supports].map(([unit, facts]) => ({ unit: units.get(unit)?.handle, facts })),
  );
  w.effect.relationships += create.length;
  return { created: create.map((c) => c.id), updated: factIds.filter((id) => stored.has(id)) };
}

function supportOf(
  input: RelationshipInput,
  units: Map<string, StoredUnit>,
  ids: Map<string, string>,
  entities: Map<string, StoredEntity>,
): string[] | null {
  for (const [field, end] of [
    ["source", input.source],
    ["target", input.target],
  ] as const) {
    if (!entities.has(end)) throw missing(field, end, `The relationship ${input.id} names the entity`);
  }
  const support = input.textUnits?.map((unit) => {
    const id = ids.get(unit) ?? unit;
    if (!units.has(id)) throw missing("text_units", unit, `The relationship ${input.id} names the text unit`);
    return id;
  });
  return support ? [...new Set(support)].sort(compareIds) : null;
}

/** What the block touched and the law does not want visible stays as it stands, for the collection to judge. */
async function noteHidden(w: Work, entityHandles: string[], factIds: string[]): Promise<void> {
  const entities = await entityFacts(w, entityHandles);
  w.note(
    "orphan_entities",
    entities.filter((e) => !e.parked && !e.liveMention).map((e) => e.id),
  );
  const live = await w.each<{ handle: string; id: string }>("factsById", "ids", factIds);
  const verdicts = await judged(
    w,
    await factRows(
      w,
      live.map((f) => f.handle),
    ),
  );
  w.note(
    "stale_edges",
    verdicts.filter((v) => !v.live).map((v) => v.fact.id),
  );
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

function missing(field: string, id: string, what: string): GraphkeeperError {
  return new GraphkeeperError("INVALID_VALUE", `${what} ${id}, which is neither in the block nor in the group.`, {
    field,
    id,
  });
}
