import type { Change } from "./change.ts";
import { CANDIDATE, dropExpiry, EXPIRY, noteExpiry, noteLoss } from "./review.ts";
import type { Session } from "./session.ts";
import { deleteVector } from "./vectors.ts";

/** Deletions, each with everything that hangs on the deleted row, in both directions. */

/** A limit for statements that have none. */
export const UNBOUNDED = 2 ** 31;

/** Entities and relationships that deleted units leave behind, for the caller to judge or to note. */
export interface Remains {
  entities: Set<number>;
  relationships: Set<number>;
}

/** Deletes a unit with its mentions and its place in supports; what it mentioned and supported is added to `remains`. */
export function deleteUnit(change: Change, unit: number, remains: Remains): void {
  const { session, g, group } = change;
  const row = session.get("SELECT id, live FROM text_units WHERE key = ? AND g = ?", unit, g);
  if (!row) return;
  noteLoss(change, unit);
  for (const m of session.all("SELECT entity FROM mentions WHERE g = ? AND unit = ?", g, unit)) {
    remains.entities.add(m.entity as number);
  }
  for (const s of session.all("SELECT relationship FROM supports WHERE g = ? AND unit = ?", g, unit)) {
    remains.relationships.add(s.relationship as number);
  }
  session.run("DELETE FROM mentions WHERE g = ? AND unit = ?", g, unit);
  session.run("DELETE FROM supports WHERE g = ? AND unit = ?", g, unit);
  session.run("DELETE FROM owners WHERE g = ? AND unit = ?", g, unit);
  session.run("DELETE FROM texts WHERE key = ? AND g = ?", unit, g);
  deleteVector(change, "unit", unit);
  session.run("DELETE FROM text_units WHERE key = ? AND g = ?", unit, g);
  change.gone.textUnits.push(row.id as string);
  change.effect.textUnits++;
  if (row.live === 1) group.units_live--;
  else group.units_parked--;
}

export function purgeRelationship(change: Change, relationship: number): boolean {
  const { session, g, group } = change;
  const row = session.get("SELECT id, live, parked_at FROM relationships WHERE key = ? AND g = ?", relationship, g);
  if (!row) return false;
  session.run("DELETE FROM supports WHERE g = ? AND relationship = ?", g, relationship);
  session.run("DELETE FROM candidates WHERE g = ? AND kind = ? AND key = ?", g, CANDIDATE.stale_edges, relationship);
  dropExpiry(change, EXPIRY.relationship, relationship, row.parked_at as number | null);
  session.run("DELETE FROM relationships WHERE key = ? AND g = ?", relationship, g);
  change.review.delete(relationship);
  change.gone.relationships.push(row.id as string);
  change.effect.relationships++;
  if (row.live === 1) group.relationships_live--;
  else group.relationships_parked--;
  return true;
}

/** Deletes an entity with its mentions, the relationships that touch it, and all that was derived from it. */
export function purgeEntity(change: Change, entity: number): { relationships: number } {
  const { session, g, group } = change;
  const row = session.get("SELECT id, live, parked_at FROM entities WHERE key = ? AND g = ?", entity, g);
  if (!row) return { relationships: 0 };
  let relationships = 0;
  for (const sql of [
    "SELECT key FROM relationships WHERE g = ? AND source = ?",
    "SELECT key FROM relationships WHERE g = ? AND target = ?",
  ]) {
    for (const r of session.all(sql, g, entity)) if (purgeRelationship(change, r.key as number)) relationships++;
  }
  session.run("DELETE FROM mentions WHERE g = ? AND entity = ?", g, entity);
  deleteVector(change, "entity", entity);
  for (const kind of [CANDIDATE.orphan_entities, CANDIDATE.deprecated_vectors, CANDIDATE.similarity]) {
    session.run("DELETE FROM candidates WHERE g = ? AND kind = ? AND key = ?", g, kind, entity);
  }
  session.run("DELETE FROM hubs WHERE g = ? AND entity = ?", g, entity);
  dropExpiry(change, EXPIRY.entity, entity, row.parked_at as number | null);
  dropSimilarity(change, entity);
  dropMemberships(change, entity);
  session.run("DELETE FROM ranks WHERE g = ? AND entity = ?", g, entity);
  session.run("DELETE FROM entities WHERE key = ? AND g = ?", entity, g);
  change.gone.entities.push(row.id as string);
  change.effect.entities++;
  if (row.live === 1) group.entities_live--;
  else group.entities_parked--;
  return { relationships };
}

/**
 * Removes similarity edges of an entity, published or staged, at most `limit` rows.
 *
 * @returns the number of rows removed, and keys of the ends of those that readers saw
 */
export function dropSimilarity(
  change: Change,
  entity: number,
  limit = UNBOUNDED,
): { rows: number; seen: [number, number][] } {
  const { session, g, group } = change;
  const epoch = group.analytics_epoch;
  const seen: [number, number][] = [];
  let count = 0;
  for (const sql of [
    "SELECT a, b, from_epoch, to_epoch FROM similarity WHERE g = ? AND a = ? LIMIT ?",
    "SELECT a, b, from_epoch, to_epoch FROM similarity INDEXED BY similarity_by_b WHERE g = ? AND b = ? LIMIT ?",
  ]) {
    const rows = session.all(sql, g, entity, limit - count);
    count += rows.length;
    for (const row of rows) {
      const [a, b, from, to] = [row.a, row.b, row.from_epoch, row.to_epoch] as [number, number, number, number];
      session.run("DELETE FROM similarity WHERE g = ? AND a = ? AND b = ? AND from_epoch = ?", g, a, b, from);
      if (from <= epoch && to > epoch) {
        seen.push([a, b]);
        group.similarity_rows--;
        // Its staged end has been counted, and will not happen any more.
        if (to === epoch + 1) group.similarity_staged++;
      } else if (from === epoch + 1) group.similarity_staged--;
    }
  }
  return { rows: count, seen };
}

function dropMemberships(change: Change, entity: number): void {
  const { session, g } = change;
  for (const level of levelsOf(session, g)) {
    session.run("DELETE FROM memberships WHERE g = ? AND level = ? AND entity = ?", g, level, entity);
  }
  session.run("DELETE FROM acknowledged_members WHERE g = ? AND entity = ?", g, entity);
}

/** The levels of the hierarchy, by jumps along the primary key. */
export function levelsOf(session: Session, g: number): number[] {
  const found: number[] = [];
  for (let last = -1; ; ) {
    const row = session.get("SELECT level FROM memberships WHERE g = ? AND level > ? ORDER BY level LIMIT 1", g, last);
    if (!row) return found;
    last = row.level as number;
    found.push(last);
  }
}

/**
 * After units were purged: entities that nothing mentions any more go, and relationships whose known support is empty.
 * What keeps a mention or a support was noted as a candidate.
 */
export function purgeRemains(change: Change, remains: Remains): void {
  const { session, g } = change;
  for (const relationship of remains.relationships) {
    const row = session.get(
      `SELECT support_known, EXISTS (SELECT 1 FROM supports s WHERE s.g = r.g AND s.relationship = r.key) AS supported
       FROM relationships r WHERE r.key = ? AND r.g = ?`,
      relationship,
      g,
    );
    if (row && row.support_known === 1 && row.supported === 0) purgeRelationship(change, relationship);
  }
  for (const entity of remains.entities) {
    if (!isMentioned(change, entity)) purgeEntity(change, entity);
  }
}

export function isMentioned(change: Pick<Change, "session" | "g">, entity: number): boolean {
  return (
    change.session.get("SELECT 1 AS found FROM mentions WHERE g = ? AND entity = ? LIMIT 1", change.g, entity) !==
    undefined
  );
}

/**
 * After units were replaced: what they mentioned and supported stays, as candidates that `deleteUnit` noted. What was parked
 * before and has now nothing left that could bring it back will expire.
 */
export function noteRemains(change: Change, remains: Remains): void {
  for (const entity of remains.entities) expireEntity(change, entity);
  for (const relationship of remains.relationships) expireRelationship(change, relationship);
}

/** Notes the end of a parked entity that nothing mentions. */
export function expireEntity(change: Change, entity: number): void {
  const row = change.session.get(
    "SELECT parked_at FROM entities WHERE key = ? AND g = ? AND live = 0",
    entity,
    change.g,
  );
  if (row && !isMentioned(change, entity)) noteExpiry(change, EXPIRY.entity, entity, row.parked_at as number);
}

/** Notes the end of a parked relationship whose known support is empty. */
export function expireRelationship(change: Change, relationship: number): void {
  const row = change.session.get(
    `SELECT parked_at FROM relationships r WHERE key = ? AND g = ? AND live = 0 AND support_known = 1
       AND NOT EXISTS (SELECT 1 FROM supports s WHERE s.g = r.g AND s.relationship = r.key)`,
    relationship,
    change.g,
  );
  if (row) noteExpiry(change, EXPIRY.relationship, relationship, row.parked_at as number);
}
