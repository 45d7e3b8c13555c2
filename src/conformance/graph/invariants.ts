import assert from "node:assert/strict";
import { ChainCheck, EMPTY_HEAD } from "../../core/audit.ts";
import { isSupportKnown, relationshipPresence, textUnitPresence } from "../../core/law.ts";
import type { Analytics, DocumentLifecycle, GroupReader, StoredRecord } from "../../core/ports.ts";
import { recordsOf } from "./dump.ts";

type Kind<K extends StoredRecord["kind"]> = Extract<StoredRecord, { kind: K }>;

/**
 * Whether a group keeps to the law at this moment, by a full scan in the naive way. What waits for collection must be a
 * recorded candidate; nothing else may deviate. Text units of a rolling operation are excused until it is done.
 *
 * @returns one sentence per violation
 */
export async function violations(
  store: GroupReader & Pick<DocumentLifecycle, "unfinished"> & Analytics,
  groupId: string,
): Promise<string[]> {
  const records = await recordsOf(store, groupId);
  const rolling = (await store.unfinished(1_000)).some((operation) => operation.groupId === groupId);
  const group = new Rows(records);
  const found = [
    ...(rolling ? [] : textUnitsByLaw(group)),
    ...entitiesByLaw(group),
    ...relationshipsByLaw(group),
    ...danglingEnds(group),
    ...(await countsByRecords(store, groupId, group)),
    ...(await auditByHash(store, groupId)),
  ];
  return found;
}

class Rows {
  readonly records: StoredRecord[];
  readonly documents: Map<string, Kind<"document">>;
  readonly textUnits: Map<string, Kind<"text_unit">>;
  readonly entities: Map<string, Kind<"entity">>;
  readonly relationships: Map<string, Kind<"relationship">>;
  readonly mentions: Kind<"mention">[];

  constructor(records: StoredRecord[]) {
    this.records = records;
    this.documents = this.#byId("document");
    this.textUnits = this.#byId("text_unit");
    this.entities = this.#byId("entity");
    this.relationships = this.#byId("relationship");
    this.mentions = this.of("mention");
  }

  of<K extends StoredRecord["kind"]>(kind: K): Kind<K>[] {
    return this.records.filter((record): record is Kind<K> => record.kind === kind);
  }

  #byId<K extends "document" | "text_unit" | "entity" | "relationship">(kind: K): Map<string, Kind<K>> {
    return new Map(this.of(kind).map((record) => [(record as { id: string }).id, record]));
  }

  liveMentions(entity: string): number {
    const live = (unit: string) => this.textUnits.get(unit)?.presence === "live";
    const mentioning = this.mentions.filter((m) => m.entity === entity).map((m) => m.textUnit);
    // What states a fact mentions its ends, whether a mention is recorded or not.
    const stating = [...this.relationships.values()]
      .filter((r) => r.source === entity || r.target === entity)
      .flatMap((r) => r.textUnits ?? []);
    return new Set([...mentioning, ...stating].filter(live)).size;
  }
}

function* textUnitsByLaw(group: Rows): Generator<string> {
  for (const unit of group.textUnits.values()) {
    const active = unit.documents.filter((id) => group.documents.get(id)?.status === "active").length;
    const wanted = textUnitPresence(active);
    if (unit.presence !== wanted) yield `text unit ${unit.id} is ${unit.presence}, not ${wanted}`;
    const place = unit.presence === "live" ? "searchable" : "parked";
    if (unit.vector && unit.vector.place !== place) yield `the vector of text unit ${unit.id} is ${unit.vector.place}`;
  }
}

function* entitiesByLaw(group: Rows): Generator<string> {
  const everMentioned = new Set(group.mentions.map((m) => m.entity));
  for (const entity of group.entities.values()) {
    const live = group.liveMentions(entity.id);
    if (entity.presence === "parked" && live > 0)
      yield `entity ${entity.id} is parked and mentioned by ${live} live units`;
    if (
      entity.presence === "live" &&
      entity.everMentioned &&
      !entity.kept &&
      live === 0 &&
      !entity.candidate.includes("orphan_entities")
    ) {
      yield `entity ${entity.id} is live without a live mention and no candidate`;
    }
    if (everMentioned.has(entity.id) && !entity.everMentioned)
      yield `entity ${entity.id} is mentioned and says it never was`;
    if (!entity.vector) continue;
    if (entity.presence === "live" && entity.vector.place === "parked")
      yield `the vector of live entity ${entity.id} is parked`;
    if (
      entity.presence === "parked" &&
      entity.vector.place === "searchable" &&
      !entity.candidate.includes("deprecated_vectors")
    ) {
      yield `the vector of parked entity ${entity.id} is searchable and no candidate`;
    }
  }
}

function* relationshipsByLaw(group: Rows): Generator<string> {
  for (const relationship of group.relationships.values()) {
    const { id, source, target, textUnits, presence, candidate, kept = false } = relationship;
    const known = (textUnits ?? []).filter((unit) => group.textUnits.has(unit)).length;
    const wanted = relationshipPresence({
      sourceLive: group.entities.get(source)?.presence === "live",
      targetLive: group.entities.get(target)?.presence === "live",
      supportKnown: isSupportKnown({ known, cut: kept, gone: textUnits?.length === 0 }),
      liveSupport: (textUnits ?? []).filter((unit) => group.textUnits.get(unit)?.presence === "live").length,
    });
    if (presence !== wanted && !candidate) yield `relationship ${id} is ${presence}, not ${wanted}, and no candidate`;
  }
}

function* danglingEnds(group: Rows): Generator<string> {
  const { documents, textUnits, entities } = group;
  for (const unit of textUnits.values()) {
    if (unit.documents.length === 0) yield `text unit ${unit.id} has no owner`;
    for (const id of unit.documents)
      if (!documents.has(id)) yield `text unit ${unit.id} is owned by ${id}, which is gone`;
  }
  for (const m of group.mentions) {
    if (!textUnits.has(m.textUnit)) yield `a mention of ${m.entity} is by text unit ${m.textUnit}, which is gone`;
    if (!entities.has(m.entity)) yield `a mention by ${m.textUnit} is of entity ${m.entity}, which is gone`;
  }
  for (const r of group.relationships.values()) {
    for (const end of [r.source, r.target])
      if (!entities.has(end)) yield `relationship ${r.id} ends at ${end}, which is gone`;
    for (const unit of r.textUnits ?? [])
      if (!textUnits.has(unit)) yield `relationship ${r.id} is supported by ${unit}, which is gone`;
  }
  for (const row of group.records) {
    const ends =
      row.kind === "similarity" ? [row.a, row.b] : row.kind === "membership" || row.kind === "rank" ? [row.entity] : [];
    for (const end of ends) if (!entities.has(end)) yield `a published ${row.kind} names entity ${end}, which is gone`;
  }
}

async function countsByRecords(store: GroupReader, groupId: string, group: Rows): Promise<string[]> {
  const by = (rows: Iterable<{ presence: string }>, presence: string) =>
    [...rows].filter((row) => row.presence === presence).length;
  const presence = (rows: Map<string, { presence: string }>) => ({
    live: by(rows.values(), "live"),
    parked: by(rows.values(), "parked"),
  });
  const status = (wanted: string) => [...group.documents.values()].filter((d) => d.status === wanted).length;
  const vectors = [...group.textUnits.values(), ...group.entities.values()].flatMap(({ vector }) => vector ?? []);
  const place = (wanted: string) => vectors.filter((vector) => vector.place === wanted).length;
  const { candidates, ...counts } = await store.counts(groupId);
  const expected = {
    documents: { active: status("active"), deprecated: status("deprecated") },
    textUnits: presence(group.textUnits),
    entities: presence(group.entities),
    relationships: presence(group.relationships),
    vectors: { searchable: place("searchable"), parked: place("parked") },
    similarityEdges: group.of("similarity").length,
    communities: group.of("community").length,
  };
  const waiting = (kind: "orphan_entities" | "deprecated_vectors") =>
    [...group.entities.values()].filter(({ candidate }) => candidate.includes(kind)).length;
  const edges = [...group.relationships.values()].filter(({ candidate }) => candidate).length;
  const found: string[] = [];
  try {
    assert.deepEqual(counts, expected);
    assert.equal(candidates.orphan_entities, waiting("orphan_entities"), "candidates orphan_entities");
    assert.equal(candidates.deprecated_vectors, waiting("deprecated_vectors"), "candidates deprecated_vectors");
    // Entities whose similarity edges wait to be dropped may be counted as well.
    assert.ok(candidates.stale_edges >= edges, "candidates stale_edges");
  } catch (error) {
    found.push(`the counts are not those of the records: ${(error as Error).message}`);
  }
  return found;
}

/** The chain holds, and there is an entry for every generation. */
async function auditByHash(store: GroupReader, groupId: string): Promise<string[]> {
  const found: string[] = [];
  const generations = new Set<number>();
  const check = new ChainCheck(groupId, null);
  for (const entry of await store.audit(groupId, { afterSeq: 0, limit: 1_000_000 })) {
    if (check.next(entry) === "broken") found.push(`audit entry ${entry.seq} does not follow from its predecessor`);
    generations.add(entry.generation);
  }
  const group = await store.group(groupId);
  const { seq, hash } = group?.audit ?? EMPTY_HEAD;
  if (seq !== check.head.seq || hash !== check.head.hash)
    found.push(`the audit ends with ${check.head.seq}, not ${seq}`);
  const generation = group?.generation ?? 0;
  for (let g = 1; g <= generation; g++) if (!generations.has(g)) found.push(`generation ${g} has no audit entry`);
  return found;
}
