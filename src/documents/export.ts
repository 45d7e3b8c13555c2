import { dumpLine } from "../core/canonical.ts";
import { compareIds, type GroupReader, type StoredRecord } from "../core/ports.ts";
import { Turns } from "../core/turns.ts";
import type { Json } from "../core/words.ts";

/** The canonical dump of a group: NDJSON, sorted, vectors as hex of their bits. */
export async function* dumpLines(
  store: GroupReader,
  groupId: string,
  options: { facts?: boolean } = {},
): AsyncIterable<string> {
  for await (const chunk of store.records(groupId, options)) {
    for (const record of chunk) yield dumpLine(record);
  }
}

type Of<K extends StoredRecord["kind"]> = Extract<StoredRecord, { kind: K }>;

/**
 * A group in the native format: active documents with their text units, what these mention, and the relationships between
 * that. Importing it into an empty group gives the same live graph.
 *
 * Live is what the law says, collected yet or not: what only parked units mention or support stays away. Blocks hold the
 * documents that share text units; an entity stands in the first block that mentions it, a relationship in the first in
 * which all that it names has been written. Cost: all records of the group in memory.
 */
export async function* exportLines(store: GroupReader, groupId: string): AsyncIterable<string> {
  const turns = new Turns();
  const graph = await readLive(store, groupId, turns);
  const { documents, units, entities, relationships, mentions } = graph;
  const active = new Set(documents.map((d) => d.id));
  const blockOf = joinBlocks(documents, units);
  await turns.next();
  const blocks = new Map<string, Block>();
  const block = (document: string) => {
    const root = blockOf(document);
    const known = blocks.get(root) ?? { documents: [], units: [], relationships: [] };
    blocks.set(root, known);
    return known;
  };
  for (const document of documents) block(document.id).documents.push(document);
  for (const unit of units) {
    block(unit.documents.find((d) => active.has(d))!).units.push(unit);
    if (turns.over()) await turns.next();
  }
  // What no block mentions comes after all of them; to a reader it belongs to the last.
  const rest: Block = { documents: [], units: [], relationships: [] };
  const ordered = [...blocks.values(), rest];
  const place = new Map<string, number>();
  const unitPlace = new Map<string, number>();
  for (const [i, { units }] of ordered.entries()) {
    for (const unit of units) {
      unitPlace.set(unit.id, i);
      for (const id of mentions.get(unit.id) ?? []) if (!place.has(id)) place.set(id, i);
      if (turns.over()) await turns.next();
    }
  }
  for (const r of relationships) {
    const last = [r.source, r.target].map((id) => place.get(id) ?? blocks.size);
    for (const unit of r.textUnits ?? []) last.push(unitPlace.get(unit)!);
    // Not by spreading: a fact may be supported by more texts than a call takes arguments.
    ordered[last.reduce((a, b) => Math.max(a, b))]!.relationships.push(r);
    if (turns.over()) await turns.next();
  }
  const written = new Set<string>();
  for (const { documents, units, relationships } of ordered) {
    for (const d of documents) {
      yield line({ kind: "document", id: d.id, title: d.title, content_hash: d.contentHash, metadata: d.metadata });
    }
    for (const u of units) {
      const owners = u.documents.filter((d) => active.has(d));
      yield line({ kind: "text_unit", id: u.id, documents: owners, text: u.text, embedding: components(u.vector) });
      for (const id of mentions.get(u.id) ?? []) {
        const entity = entities.get(id);
        if (!entity) continue;
        if (!written.has(id)) yield entityLine(entity);
        written.add(id);
        yield line({ kind: "mention", text_unit: u.id, entity: id });
      }
    }
    if (documents.length === 0) {
      for (const entity of entities.values()) if (!written.has(entity.id)) yield entityLine(entity);
    }
    for (const r of relationships) yield relationshipLine(r);
  }
}

interface Block {
  documents: Of<"document">[];
  units: Of<"text_unit">[];
  relationships: Of<"relationship">[];
}

/** What the law calls live; relationships with their live support only. */
async function readLive(store: GroupReader, groupId: string, turns: Turns) {
  const documents: Of<"document">[] = [];
  const units: Of<"text_unit">[] = [];
  const entities = new Map<string, Of<"entity">>();
  const stated: Of<"relationship">[] = [];
  const mentions = new Map<string, string[]>();
  for await (const chunk of store.records(groupId, { facts: true })) {
    for (const record of chunk) {
      if (record.kind === "document" && record.status === "active") documents.push(record);
      else if (record.kind === "text_unit" && record.presence === "live") units.push(record);
      else if (record.kind === "entity" && record.presence === "live") entities.set(record.id, record);
      else if (record.kind === "mention") {
        const known = mentions.get(record.textUnit);
        if (known) known.push(record.entity);
        else mentions.set(record.textUnit, [record.entity]);
      } else if (record.kind === "relationship" && record.presence === "live") stated.push(record);
    }
    if (turns.over()) await turns.next();
  }
  const live = new Set(units.map((u) => u.id));
  const supported = new Set(units.flatMap((u) => mentions.get(u.id) ?? []));
  for (const ids of mentions.values()) for (const id of ids) if (!supported.has(id)) entities.delete(id);
  await turns.next();
  const relationships: Of<"relationship">[] = [];
  for (const r of stated) {
    const textUnits = r.textUnits?.filter((u) => live.has(u)) ?? null;
    if (entities.has(r.source) && entities.has(r.target) && textUnits?.length !== 0)
      relationships.push({ ...r, textUnits });
    if (turns.over()) await turns.next();
  }
  return { documents, units, entities, relationships, mentions };
}

/** Documents that share a text unit belong into one block (union-find over owners). */
function joinBlocks(documents: Of<"document">[], units: Of<"text_unit">[]): (id: string) => string {
  const up = new Map(documents.map((d) => [d.id, d.id]));
  const find = (id: string): string => {
    let at = id;
    while (up.get(at) !== at) at = up.get(at)!;
    return at;
  };
  for (const unit of units) {
    const owners = unit.documents.filter((d) => up.has(d));
    for (const other of owners.slice(1)) {
      const [a, b] = [find(owners[0]!), find(other)].sort(compareIds);
      up.set(b!, a!);
    }
  }
  return find;
}

function entityLine(entity: Of<"entity">): string {
  return line({
    kind: "entity",
    id: entity.id,
    name: entity.name,
    type: entity.type,
    description: entity.description,
    embedding: components(entity.vector),
  });
}

function relationshipLine(r: Of<"relationship">): string {
  return line({
    kind: "relationship",
    id: r.id,
    source: r.source,
    target: r.target,
    type: r.type,
    description: r.description,
    weight: r.weight,
    text_units: r.textUnits,
  });
}

function components(vector: { values: Float32Array } | null): number[] | null {
  return vector === null ? null : Array.from(vector.values);
}

/** Members that are null stay away: in the native format absent means unknown. */
function line(members: Record<string, Json>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(members).filter(([, member]) => member !== null)));
}
