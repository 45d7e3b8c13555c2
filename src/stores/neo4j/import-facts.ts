import { GraphkeeperError } from "../../core/errors.ts";
import { supportGiven } from "../../core/law.ts";
import { compareIds } from "../../core/ports.ts";
import type { ImportBlock, Operation, RelationshipInput } from "../../core/words.ts";
import { missing, type StoredUnit } from "./import-units.ts";
import { entitiesById, entityFacts, factRows, judged } from "./judge.ts";
import type { Work } from "./work.ts";

export interface StoredEntity {
  handle: string;
  parked: boolean;
}

export async function writeEntities(
  w: Work,
  operation: Operation,
  block: ImportBlock,
): Promise<Map<string, StoredEntity>> {
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

export async function writeMentions(
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

export async function writeFacts(
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
  const support = supportGiven(input)?.map((unit) => {
    const id = ids.get(unit) ?? unit;
    if (!units.has(id)) throw missing("text_units", unit, `The relationship ${input.id} names the text unit`);
    return id;
  });
  return support ? [...new Set(support)].sort(compareIds) : null;
}

/** What the block touched and the law does not want visible stays as it stands, for the collection to judge. */
export async function noteHidden(w: Work, entityHandles: string[], factIds: string[]): Promise<void> {
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
