import { entityPresence } from "../../../core/law.ts";
import type { Policy } from "../../../core/words.ts";
import { type Batch, endOfWindow, isFull, type Phase, roomOf } from "./batch.ts";
import { purgeExpiredDocument } from "./expire-document.ts";
import { expireEntity, isMentioned, purgeEntity, purgeRelationship, UNBOUNDED } from "./remove.ts";
import {
  CANDIDATE,
  dropExpiry,
  EXPIRY,
  hideEntity,
  liveMention,
  noteCandidate,
  noteHub,
  showEntity,
} from "./review.ts";
import type { Row, Session } from "./session.ts";
import { isSearchable } from "./vectors.ts";

/** orphan_entities: documents whose window has run out, candidates, and parked entities whose window has run out. */
export const ENTITY_PHASES: readonly Phase[] = [
  { name: "documents", run: purgeDocuments },
  { name: "candidates", run: judgeCandidates },
  { name: "expired", run: purgeExpired },
];

function purgeDocuments(batch: Batch, after: number[]): number[] | null {
  const { change, options } = batch;
  let [at = -1, key = 0] = after;
  for (;;) {
    const document = change.session.get(
      `SELECT key, id, deprecated_at FROM documents
       WHERE g = ?1 AND active = 0 AND hold = 0 AND deprecated_at <= ?2 AND deprecated_at >= ?3 AND (deprecated_at > ?3 OR key > ?4)
       ORDER BY deprecated_at, key LIMIT 1`,
      change.g,
      endOfWindow(options.policy, options.now),
      at,
      key,
    );
    if (!document) return null;
    if (isFull(batch) || !purgeExpiredDocument(batch, document)) return [at, key];
    at = document.deprecated_at as number;
    key = document.key as number;
  }
}

export interface EntityFacts {
  key: number;
  id: string;
  live: boolean;
  everMentioned: boolean;
  createdAt: number;
  witness: number | null;
}

export const ENTITY_FACTS = "e.key, e.id, e.live, e.ever_mentioned, e.created_at, e.witness";

export function entityFacts(row: Row): EntityFacts {
  return {
    key: row.key as number,
    id: row.id as string,
    live: row.live === 1,
    everMentioned: row.ever_mentioned === 1,
    createdAt: row.created_at as number,
    witness: row.witness as number | null,
  };
}

/** What the law says of an entity, and the live unit that says so, if one does. */
export function judgeEntity(
  session: Session,
  g: number,
  entity: EntityFacts,
  policy: Policy,
  now: number,
): { wanted: boolean; unit: number | null } {
  const unit = entity.everMentioned ? liveMention(session, g, entity.key, entity.witness) : null;
  const facts = {
    liveMentions: unit === null ? 0 : 1,
    everMentioned: entity.everMentioned,
    ageMs: now - entity.createdAt,
  };
  return { wanted: entityPresence(facts, policy) === "live", unit };
}

function judgeCandidates(batch: Batch, after: number[]): number[] | null {
  const { session, g } = batch.change;
  const room = roomOf(batch);
  const rows = session.all(
    `SELECT c.key AS candidate, ${ENTITY_FACTS} FROM candidates c LEFT JOIN entities e ON e.key = c.key AND e.g = c.g
     WHERE c.g = ? AND c.kind = ${CANDIDATE.orphan_entities} AND c.key > ? ORDER BY c.key LIMIT ?`,
    g,
    after[0] ?? 0,
    room + 1,
  );
  const judged = rows.slice(0, room);
  for (const row of judged) {
    batch.examined++;
    session.run(
      "DELETE FROM candidates WHERE g = ? AND kind = ? AND key = ?",
      g,
      CANDIDATE.orphan_entities,
      row.candidate as number,
    );
    if (row.key !== null) settle(batch, entityFacts(row));
  }
  return rows.length > room ? [judged.at(-1)?.candidate as number] : null;
}

/** Sets an entity to what the law says; what hangs on it becomes a candidate of the other kinds. */
function settle(batch: Batch, entity: EntityFacts): void {
  const { change, options } = batch;
  const { session, g } = change;
  const { wanted, unit } = judgeEntity(session, g, entity, options.policy, options.now);
  if (wanted === entity.live) {
    if (unit !== null && unit !== entity.witness && isFar(session, g, entity.key, unit)) {
      session.run("UPDATE entities SET witness = ? WHERE key = ? AND g = ?", unit, entity.key, g);
    }
    return;
  }
  batch.changed = true;
  if (wanted) {
    showEntity(change, entity.key);
    noteRelationships(batch, entity.key, false);
    return;
  }
  hideEntity(change, entity.key, options.now);
  expireEntity(change, entity.key);
  noteRelationships(batch, entity.key, true);
  if (isSearchable(session, "entity", g, entity.key)) noteCandidate(change, CANDIDATE.deprecated_vectors, entity.key);
  if (hasSimilarity(session, g, entity.key)) noteCandidate(change, CANDIDATE.similarity, entity.key);
  batch.deleted++;
  batch.ids.push(entity.id);
}

/** Whether a unit is beyond what is looked at without a witness: only then is it worth a write to note it. */
function isFar(session: Session, g: number, entity: number, unit: number): boolean {
  const row = session.get(
    "SELECT unit FROM mentions WHERE g = ? AND entity = ? ORDER BY unit LIMIT 1 OFFSET 31",
    g,
    entity,
  );
  return row !== undefined && (row.unit as number) < unit;
}

/** Relationships of an entity that may follow it; those of a hub are noted as one, and looked at step by step. */
function noteRelationships(batch: Batch, entity: number, live: boolean): void {
  const { change } = batch;
  const found: number[] = [];
  for (const sql of [
    "SELECT key FROM relationships WHERE g = ? AND source = ? AND live = ? LIMIT ?",
    "SELECT key FROM relationships WHERE g = ? AND target = ? AND live = ? LIMIT ?",
  ]) {
    const room = batch.relationshipRoom - found.length;
    const rows = change.session.all(sql, change.g, entity, live ? 1 : 0, room + 1);
    if (rows.length > room) {
      noteHub(change, entity);
      return;
    }
    for (const { key } of rows) found.push(key as number);
  }
  batch.relationshipRoom -= found.length;
  for (const key of found) noteCandidate(change, CANDIDATE.stale_edges, key);
}

export function hasSimilarity(session: Session, g: number, entity: number): boolean {
  return (
    session.get("SELECT 1 AS found FROM similarity WHERE g = ? AND a = ? LIMIT 1", g, entity) !== undefined ||
    session.get(
      "SELECT 1 AS found FROM similarity INDEXED BY similarity_by_b WHERE g = ? AND b = ? LIMIT 1",
      g,
      entity,
    ) !== undefined
  );
}

function purgeExpired(batch: Batch, after: number[]): number[] | null {
  const { change, options } = batch;
  const { session, g } = change;
  let [at = -1, key = 0] = after;
  const room = roomOf(batch);
  const rows = session.all(
    `SELECT x.parked_at, x.key, e.id, e.live, e.parked_at AS parked FROM expiries x LEFT JOIN entities e ON e.key = x.key AND e.g = x.g
     WHERE x.g = ? AND x.kind = ${EXPIRY.entity} AND (x.parked_at, x.key) > (?, ?) AND x.parked_at <= ?
     ORDER BY x.parked_at, x.key LIMIT ?`,
    g,
    at,
    key,
    endOfWindow(options.policy, options.now),
    room + 1,
  );
  for (const row of rows.slice(0, room)) {
    batch.examined++;
    const entity = row.key as number;
    if (row.live === 0 && row.parked === row.parked_at && !isMentioned(change, entity)) {
      batch.changed = true;
      if (!thinOut(batch, entity)) return [at, key];
      batch.purged += 1 + purgeEntity(change, entity).relationships;
      batch.ids.push(row.id as string);
    } else dropExpiry(change, EXPIRY.entity, entity, row.parked_at as number);
    at = row.parked_at as number;
    key = entity;
  }
  return rows.length > room ? [at, key] : null;
}

/** Purges relationships of a hub as far as there is room. @returns whether few enough are left to go with the entity */
function thinOut(batch: Batch, entity: number): boolean {
  const { change, options } = batch;
  for (const sql of [
    "SELECT key FROM relationships WHERE g = ? AND source = ? LIMIT ?",
    "SELECT key FROM relationships WHERE g = ? AND target = ? LIMIT ?",
  ]) {
    const room = options.dryRun ? UNBOUNDED : batch.relationshipRoom;
    const rows = change.session.all(sql, change.g, entity, room + 1);
    for (const { key } of rows.slice(0, room)) {
      batch.relationshipRoom--;
      if (purgeRelationship(change, key as number)) batch.purged++;
    }
    if (rows.length > room) return false;
  }
  return true;
}
