import { GraphkeeperError } from "../../core/errors.ts";
import { checkEmbedding } from "../../core/law.ts";
import { compareIds, type Hit, type StoredRecord, type StoredVector } from "../../core/ports.ts";
import { cosine } from "../../core/vectors.ts";
import type { CollectionKind, DocumentRecord, GroupCounts } from "../../core/words.ts";
import { publishedOf } from "./analytics.ts";
import { activeOwners } from "./derive.ts";
import { type DocumentRow, type Group, sortedIds } from "./state.ts";

export function documentRecord(group: Group, row: DocumentRow): DocumentRecord {
  const textUnits = [...group.textUnits.values()].filter((unit) => unit.documents.includes(row.id)).length;
  return structuredClone({ ...row, textUnits });
}

export function countsOf(group: Group): GroupCounts {
  const presence = (rows: Map<string, { presence: string }>) => {
    const live = [...rows.values()].filter((row) => row.presence === "live").length;
    return { live, parked: rows.size - live };
  };
  const vectors = [...group.textUnits.values(), ...group.entities.values()].flatMap(({ vector }) => vector ?? []);
  const searchable = vectors.filter(({ place }) => place === "searchable").length;
  const active = [...group.documents.values()].filter(({ status }) => status === "active").length;
  return {
    documents: { active, deprecated: group.documents.size - active },
    textUnits: presence(group.textUnits),
    entities: presence(group.entities),
    relationships: presence(group.relationships),
    vectors: { searchable, parked: vectors.length - searchable },
    candidates: {
      orphan_entities: group.candidates.orphan_entities.size,
      stale_edges: group.candidates.stale_edges.size,
      deprecated_vectors: group.candidates.deprecated_vectors.size,
    },
    similarityEdges: group.published.similarity.size,
    communities: group.published.communities.size,
  };
}

export function search(group: Group, query: { of: "text_unit" | "entity"; vector: Float32Array; k: number }): Hit[] {
  if (group.dimensions[query.of] === null) return [];
  checkEmbedding(query.vector, group.dimensions[query.of], "the query");
  const hits: Hit[] = [];
  if (query.of === "text_unit") {
    for (const unit of group.textUnits.values()) {
      if (unit.presence !== "live" || unit.vector?.place !== "searchable") continue;
      const score = cosine(query.vector, unit.vector.values);
      hits.push({ id: unit.id, score, text: unit.text, documents: activeOwners(group, unit) });
    }
  } else {
    for (const entity of group.entities.values()) {
      if (entity.presence !== "live" || entity.vector?.place !== "searchable") continue;
      hits.push({ id: entity.id, score: cosine(query.vector, entity.vector.values), text: entity.name, documents: [] });
    }
  }
  return hits.sort((a, b) => b.score - a.score || compareIds(a.id, b.id)).slice(0, query.k);
}

const KINDS: CollectionKind[] = ["orphan_entities", "stale_edges", "deprecated_vectors"];

/** Every record of a snapshot, in the order that the port names. */
export function* recordsOf(group: Group, facts: boolean): Generator<StoredRecord> {
  for (const row of rowsOf(group.documents)) {
    const { createdAt: _created, deprecatedAt: _deprecated, ...document } = row;
    yield structuredClone({ kind: "document", ...document });
  }
  for (const row of rowsOf(group.textUnits)) {
    const { id, documents, text, presence, vector } = row;
    yield { kind: "text_unit", id, documents: [...documents], text, presence, vector: copyOf(vector) };
  }
  for (const row of rowsOf(group.entities)) {
    const { parkedAt: _, vector, ...entity } = row;
    const candidate = KINDS.filter((kind) => kind !== "stale_edges" && group.candidates[kind].has(row.id));
    yield { kind: "entity", ...entity, vector: copyOf(vector), candidate };
  }
  for (const textUnit of sortedIds(group.mentions.keys())) {
    for (const entity of sortedIds(group.mentions.get(textUnit) ?? [])) yield { kind: "mention", textUnit, entity };
  }
  for (const row of rowsOf(group.relationships)) {
    const { parkedAt: _, textUnits, ...relationship } = row;
    const candidate = group.candidates.stale_edges.has(row.id);
    yield { kind: "relationship", ...relationship, textUnits: textUnits && [...textUnits], candidate };
  }
  if (facts) return;
  const published = publishedOf(group);
  for (const row of published.similarity) yield { kind: "similarity", a: row.a, b: row.b, score: row.score };
  for (const community of published.communities) yield { kind: "community", community };
  for (const row of published.memberships) yield { kind: "membership", ...row };
  for (const row of published.ranks) yield { kind: "rank", ...row };
}

function rowsOf<T>(rows: Map<string, T>): T[] {
  return sortedIds(rows.keys()).map((id) => rows.get(id) as T);
}

function copyOf(vector: StoredVector | null): StoredVector | null {
  return vector && { values: vector.values.slice(), place: vector.place };
}

export function groupNotFound(groupId: string): GraphkeeperError {
  return new GraphkeeperError("GROUP_NOT_FOUND", `There is no group ${groupId}.`, { group: groupId });
}
