import type { Change } from "./change.ts";
import { CANDIDATE, dropExpiry, EXPIRY, noteExpiry, noteLoss } from "./review.ts";
import { deleteVector } from "./vectors.ts";

/** Deletions, each with everything that hangs on the deleted row, in both directions. */

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
  for (const sql of ["SELECT key FROM relationships WHERE g = ? AND source = ?", "SELECT key FROM relationships WHERE g = ? AND target = ?"]) {
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

/** Removes an entity's similarity edges, published or staged. @returns the number that readers saw */
export function dropSimilarity(change: Change, entity: number): number {
  const { session, g, group } = change;
  const epoch = group.analytics_epoch;
  let seen = 0;
  for (const sql of [
    "DELETE FROM similarity WHERE g = ? AND a = ? RETURNING from_epoch, to_epoch",
    "DELETE FROM similarity WHERE g = ? AND b = ? RETURNING from_epoch, to_epoch",
  ]) {
    for (const row of session.all(sql, g, entity)) {
      const published = (row.from_epoch as number) <= epoch && (row.to_epoch as number) > epoch;
      if (published) {
        seen++;
        group.similarity_rows--;
        // Its staged end has been counted, and will not happen any more.
        if (row.to_epoch === epoch + 1) group.similarity_staged++;
      } else if (row.from_epoch === epoch + 1) group.similarity_staged--;
    }
  }
  return seen;
}

function dropMemberships(change: Change, entity: number): void {
  const { session, g } = change;
  for (const { level } of levels(change)) {
    session.run("DELETE FROM memberships WHERE g = ? AND level = ? AND entity = ?", g, level as number, entity);
  }
}

/** The levels of the hierarchy, by jumps along the primary key. */
function levels(change: Change): { level: number }[] {
  const found: { level: number }[] = [];
  for (let last = -1; ; ) {
    const row = change.session.get("SELECT level FROM memberships WHERE g = ? AND level > ? ORDER BY level LIMIT 1", change.g, last);
    if (!row) return found;
    last = row.level as number;
    found.push({ level: last });
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
  return change.session.get("SELECT 1 AS found FROM mentions WHERE g = ? AND entity = ? LIMIT 1", change.g, entity) !== undefined;
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
  const row = change.session.get("SELECT parked_at FROM entities WHERE key = ? AND g = ? AND live = 0", entity, change.g);
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
