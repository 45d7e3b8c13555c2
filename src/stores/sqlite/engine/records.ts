import { documentSize } from "../../../core/page.ts";
import { type CommunityRecord, compareIds, type StoredRecord, type StoredVector } from "../../../core/ports.ts";
import type { CollectionKind, JsonObject } from "../../../core/words.ts";
import { needGroup } from "./change.ts";
import { communityRecord, PUBLISHED_COMMUNITIES } from "./communities.ts";
import { levelsOf } from "./remove.ts";
import { CANDIDATE } from "./review.ts";
import type { Row, Session } from "./session.ts";
import { vectorOf } from "./vectors.ts";

/** Rows in one chunk; fewer when they carry much text or large vectors. */
const CHUNK_ROWS = 500;
const CHUNK_BYTES = 1 << 20;

/** Every record of a group in one snapshot, in chunks. Runs on a connection of its own, on which it holds a read transaction. */
export function* records(
  session: Session,
  groupId: string,
  options: { facts?: boolean } = {},
): Generator<StoredRecord[]> {
  session.db.exec("BEGIN");
  try {
    const group = needGroup(session, groupId);
    yield* chunks(facts(session, group.g));
    if (!options.facts) yield* chunks(analytics(session, group.g, group.analytics_epoch));
  } finally {
    session.db.exec("COMMIT");
  }
}

function* chunks(source: Iterable<StoredRecord>): Generator<StoredRecord[]> {
  let chunk: StoredRecord[] = [];
  let bytes = 0;
  for (const record of source) {
    chunk.push(record);
    bytes += sizeOf(record);
    if (chunk.length < CHUNK_ROWS && bytes < CHUNK_BYTES) continue;
    yield chunk;
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield chunk;
}

function sizeOf(record: StoredRecord): number {
  switch (record.kind) {
    case "document":
      return 2 * documentSize(record.title, record.metadata);
    case "text_unit":
      return 2 * record.text.length + (record.vector?.values.byteLength ?? 0);
    case "entity":
      return 2 * (record.description?.length ?? 0) + (record.vector?.values.byteLength ?? 0);
    case "relationship":
      return 2 * (record.description?.length ?? 0) + 50 * (record.textUnits?.length ?? 0);
    default:
      return 0;
  }
}

function* facts(session: Session, g: number): Generator<StoredRecord> {
  yield* documents(session, g);
  yield* textUnits(session, g);
  yield* entities(session, g);
  yield* mentions(session, g);
  yield* relationships(session, g);
}

function* documents(session: Session, g: number): Generator<StoredRecord> {
  for (const row of iterate(session, "SELECT * FROM documents WHERE g = ? ORDER BY id", g)) {
    yield {
      kind: "document",
      id: row.id as string,
      title: row.title as string | null,
      contentHash: row.content_hash as string,
      metadata: row.metadata === null ? null : (JSON.parse(row.metadata as string) as JsonObject),
      status: row.active === 1 ? "active" : "deprecated",
      version: row.version as number,
      successor: row.successor as string | null,
      legalHold: row.hold === 1,
    };
  }
}

function* textUnits(session: Session, g: number): Generator<StoredRecord> {
  for (const row of iterate(
    session,
    `SELECT u.id, u.live, t.text, v.vector AS searchable, p.vector AS parked,
       (SELECT json_group_array(d.id) FROM owners o CROSS JOIN documents d WHERE o.g = u.g AND o.unit = u.key AND d.key = o.document) AS owners
     FROM text_units u LEFT JOIN texts t ON t.key = u.key
     LEFT JOIN unit_vectors v ON v.key = u.key LEFT JOIN unit_vectors_parked p ON p.key = u.key
     WHERE u.g = ? ORDER BY u.id`,
    g,
  )) {
    yield {
      kind: "text_unit",
      id: row.id as string,
      documents: sortedList(row.owners),
      text: row.text as string,
      presence: row.live === 1 ? "live" : "parked",
      vector: storedVector(row),
    };
  }
}

function* entities(session: Session, g: number): Generator<StoredRecord> {
  for (const row of iterate(
    session,
    `SELECT e.*, v.vector AS searchable, p.vector AS parked,
       EXISTS (SELECT 1 FROM candidates c WHERE c.g = e.g AND c.kind = ${CANDIDATE.orphan_entities} AND c.key = e.key) AS orphan,
       EXISTS (SELECT 1 FROM candidates c WHERE c.g = e.g AND c.kind = ${CANDIDATE.deprecated_vectors} AND c.key = e.key) AS misplaced
     FROM entities e LEFT JOIN entity_vectors v ON v.key = e.key LEFT JOIN entity_vectors_parked p ON p.key = e.key
     WHERE e.g = ? ORDER BY e.id`,
    g,
  )) {
    const candidate: CollectionKind[] = [];
    if (row.orphan === 1) candidate.push("orphan_entities");
    if (row.misplaced === 1) candidate.push("deprecated_vectors");
    yield {
      kind: "entity",
      id: row.id as string,
      name: row.name as string,
      type: row.type as string | null,
      description: row.description as string | null,
      presence: row.live === 1 ? "live" : "parked",
      vector: storedVector(row),
      everMentioned: row.ever_mentioned === 1,
      createdAt: row.created_at as number,
      candidate,
    };
  }
}

function* mentions(session: Session, g: number): Generator<StoredRecord> {
  for (const row of iterate(
    session,
    `SELECT u.id AS text_unit, e.id AS entity FROM text_units u CROSS JOIN mentions m CROSS JOIN entities e
     WHERE u.g = ? AND m.g = u.g AND m.unit = u.key AND e.key = m.entity ORDER BY u.id, e.id`,
    g,
  )) {
    yield { kind: "mention", textUnit: row.text_unit as string, entity: row.entity as string };
  }
}

function* relationships(session: Session, g: number): Generator<StoredRecord> {
  for (const row of iterate(
    session,
    `SELECT r.*, s.id AS source_id, t.id AS target_id,
       (SELECT json_group_array(u.id) FROM supports p CROSS JOIN text_units u
        WHERE p.g = r.g AND p.relationship = r.key AND u.key = p.unit) AS support,
       EXISTS (SELECT 1 FROM candidates c WHERE c.g = r.g AND c.kind = ${CANDIDATE.stale_edges} AND c.key = r.key)
         OR EXISTS (SELECT 1 FROM hubs h WHERE h.g = r.g AND h.entity IN (r.source, r.target) AND h.after < r.key) AS candidate
     FROM relationships r LEFT JOIN entities s ON s.key = r.source LEFT JOIN entities t ON t.key = r.target
     WHERE r.g = ? ORDER BY r.id`,
    g,
  )) {
    yield {
      kind: "relationship",
      id: row.id as string,
      source: row.source_id as string,
      target: row.target_id as string,
      type: row.type as string,
      description: row.description as string | null,
      weight: row.weight as number,
      textUnits: row.support_known === 1 ? sortedList(row.support) : null,
      presence: row.live === 1 ? "live" : "parked",
      candidate: row.candidate === 1,
    };
  }
}

export function* analytics(session: Session, g: number, epoch: number): Generator<StoredRecord> {
  for (const row of iterate(
    session,
    `SELECT a.id AS a, b.id AS b, s.score FROM entities a CROSS JOIN similarity s CROSS JOIN entities b
     WHERE a.g = ?1 AND s.g = a.g AND s.a = a.key AND s.from_epoch <= ?2 AND s.to_epoch > ?2 AND b.key = s.b ORDER BY a.id, b.id`,
    g,
    epoch,
  )) {
    yield { kind: "similarity", a: row.a as string, b: row.b as string, score: row.score as number };
  }
  for (const row of iterate(session, `${PUBLISHED_COMMUNITIES} ORDER BY c.level, i.id`, g, epoch)) {
    const community: CommunityRecord = communityRecord(row);
    yield { kind: "community", community };
  }
  for (const level of levelsOf(session, g)) {
    for (const row of iterate(
      session,
      `SELECT e.id AS entity, i.id AS community FROM entities e CROSS JOIN memberships m CROSS JOIN community_ids i
       WHERE e.g = ?1 AND m.g = e.g AND m.level = ?3 AND m.entity = e.key AND m.from_epoch <= ?2 AND m.to_epoch > ?2
         AND i.key = m.community ORDER BY e.id`,
      g,
      epoch,
      level,
    )) {
      yield { kind: "membership", level, entity: row.entity as string, community: row.community as string };
    }
  }
  for (const row of iterate(
    session,
    `SELECT e.id AS entity, r.score, r.component FROM entities e CROSS JOIN ranks r
     WHERE e.g = ?1 AND r.g = e.g AND r.entity = e.key AND r.from_epoch <= ?2 AND r.to_epoch > ?2 ORDER BY e.id`,
    g,
    epoch,
  )) {
    yield {
      kind: "rank",
      entity: row.entity as string,
      score: row.score as number,
      component: row.component as string,
    };
  }
}

function iterate(session: Session, sql: string, ...values: (number | string)[]): Iterable<Row> {
  return session.sql(sql).iterate(...values) as unknown as Iterable<Row>;
}

function storedVector(row: Row): StoredVector | null {
  const searchable = vectorOf(row.searchable);
  if (searchable) return { values: searchable, place: "searchable" };
  const parked = vectorOf(row.parked);
  return parked && { values: parked, place: "parked" };
}

function sortedList(json: Row[string] | undefined): string[] {
  return (JSON.parse(json as string) as string[]).sort(compareIds);
}
