import { dumpLine } from "../core/canonical.ts";
import { compareIds, type GroupReader, type StoredRecord } from "../core/ports.ts";
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
 * A group in the native format: active documents with their text units, what these mention, and the relationships that
 * are live. Importing it into an empty group gives the same live graph.
 *
 * Blocks hold the documents that share text units; an entity stands in the first block that mentions it. Cost: all
 * records of the group in memory.
 */
export async function* exportLines(store: GroupReader, groupId: string): AsyncIterable<string> {
  const documents: Of<"document">[] = [];
  const units: Of<"text_unit">[] = [];
  const entities = new Map<string, Of<"entity">>();
  const relationships: Of<"relationship">[] = [];
  const mentions = new Map<string, string[]>();
  for await (const chunk of store.records(groupId, { facts: true })) {
    for (const record of chunk) {
      if (record.kind === "document" && record.status === "active") documents.push(record);
      else if (record.kind === "text_unit" && record.presence === "live") units.push(record);
      else if (record.kind === "entity" && record.presence === "live") entities.set(record.id, record);
      else if (record.kind === "mention")
        mentions.set(record.textUnit, [...(mentions.get(record.textUnit) ?? []), record.entity]);
      else if (record.kind === "relationship" && record.presence === "live") relationships.push(record);
    }
  }
  const active = new Set(documents.map((d) => d.id));
  const live = new Set(units.map((u) => u.id));
  const written = new Set<string>();
  const blockOf = joinBlocks(documents, units);
  const blocks = new Map<string, { documents: Of<"document">[]; units: Of<"text_unit">[] }>();
  for (const document of documents) entry(blocks, blockOf(document.id)).documents.push(document);
  for (const unit of units) entry(blocks, blockOf(unit.documents.find((d) => active.has(d))!)).units.push(unit);
  // Facts go last, as a block without documents: only then is every unit and entity that they name there.
  for (const block of blocks.values()) {
    for (const d of block.documents) {
      yield line({ kind: "document", id: d.id, title: d.title, content_hash: d.contentHash, metadata: d.metadata });
    }
    for (const u of block.units) {
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
  }
  for (const entity of entities.values()) if (!written.has(entity.id)) yield entityLine(entity);
  for (const r of relationships) {
    yield line({
      kind: "relationship",
      id: r.id,
      source: r.source,
      target: r.target,
      type: r.type,
      description: r.description,
      weight: r.weight,
      text_units: r.textUnits?.filter((u) => live.has(u)) ?? null,
    });
  }
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

function entry<T>(blocks: Map<string, { documents: T[]; units: Of<"text_unit">[] }>, id: string) {
  const known = blocks.get(id) ?? { documents: [], units: [] };
  blocks.set(id, known);
  return known;
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

function components(vector: { values: Float32Array } | null): number[] | null {
  return vector === null ? null : Array.from(vector.values);
}

/** Members that are null stay away: in the native format absent means unknown. */
function line(members: Record<string, Json>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(members).filter(([, member]) => member !== null)));
}
