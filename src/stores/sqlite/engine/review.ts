import { relationshipPresence, textUnitPresence } from "../../../core/law.ts";
import type { Change } from "./change.ts";
import type { Row, Session } from "./session.ts";
import { placeVector } from "./vectors.ts";

/** Presence by the law, and the steps that bring rows in line with it. */

export const CANDIDATE = { orphan_entities: 0, stale_edges: 1, deprecated_vectors: 2, similarity: 3 } as const;
export const EXPIRY = { entity: 0, relationship: 1 } as const;

/** Relationships that one transaction reviews because an entity returned; what is above is left to `stale_edges`. */
export const REVIEW_LIMIT = 10_000;

export function unitIsLive(session: Session, g: number, unit: number): boolean {
  const active = session.get(
    `SELECT 1 AS found FROM owners o CROSS JOIN documents d
     WHERE o.g = ? AND o.unit = ? AND d.key = o.document AND d.active = 1 LIMIT 1`,
    g,
    unit,
  );
  return textUnitPresence(active ? 1 : 0) === "live";
}

/** The searches for a live unit among those that a table ties to `owner`. */
const liveUnitOf = (table: "mentions" | "supports", owner: "entity" | "relationship") => ({
  near: `SELECT m.unit FROM (SELECT unit FROM ${table} WHERE g = ? AND ${owner} = ? ORDER BY unit LIMIT 32) m
     CROSS JOIN text_units u WHERE u.key = m.unit AND u.live = 1 LIMIT 1`,
  from: `SELECT m.unit FROM ${table} m CROSS JOIN text_units u
     WHERE m.g = ? AND m.${owner} = ? AND m.unit >= ? AND u.key = m.unit AND u.live = 1 ORDER BY m.unit LIMIT 1`,
  before: `SELECT m.unit FROM ${table} m CROSS JOIN text_units u
     WHERE m.g = ? AND m.${owner} = ? AND m.unit < ? AND u.key = m.unit AND u.live = 1 ORDER BY m.unit LIMIT 1`,
});
const MENTIONING = liveUnitOf("mentions", "entity");
const SUPPORTING = liveUnitOf("supports", "relationship");

/** A live unit that mentions the entity, or null; see `findLive`. */
export function liveMention(session: Session, g: number, entity: number, witness: number | null): number | null {
  return findLive(session, MENTIONING, g, entity, witness);
}

/**
 * Most owners have a live unit among their first 32. For hubs the search goes round from the last one found (`witness`):
 * what it passes over is parked, and is not looked at again before the search has been all the way round, so that a hub
 * costs its degree once, not at each judgement.
 */
function findLive(
  session: Session,
  search: typeof MENTIONING,
  g: number,
  owner: number,
  witness: number | null,
): number | null {
  const near = session.get(search.near, g, owner);
  if (near) return near.unit as number;
  const start = witness ?? 0;
  const after = session.get(search.from, g, owner, start);
  if (after || start === 0) return (after?.unit as number | undefined) ?? null;
  return (session.get(search.before, g, owner, start)?.unit as number | undefined) ?? null;
}

export interface JudgedRelationship {
  key: number;
  id: string;
  live: boolean;
  /** What the law says. */
  wanted: boolean;
  supportKnown: boolean;
  parkedAt: number | null;
  /** The supporting unit to begin with next time; undefined when it need not be noted. */
  witness: number | undefined;
}

export function judgeRelationship(session: Session, g: number, key: number): JudgedRelationship | null {
  const row = session.get(
    `SELECT r.id, r.live, r.support_known, r.parked_at, r.witness, s.live AS source_live, t.live AS target_live
     FROM relationships r LEFT JOIN entities s ON s.key = r.source LEFT JOIN entities t ON t.key = r.target
     WHERE r.key = ? AND r.g = ?`,
    key,
    g,
  );
  if (!row) return null;
  const supportKnown = row.support_known === 1;
  const ends = row.source_live === 1 && row.target_live === 1;
  // Support is looked for only where it decides.
  const unit = ends && supportKnown ? findLive(session, SUPPORTING, g, key, row.witness as number | null) : null;
  const presence = relationshipPresence({
    sourceLive: row.source_live === 1,
    targetLive: row.target_live === 1,
    supportKnown,
    liveSupport: unit === null ? 0 : 1,
  });
  return {
    key,
    id: row.id as string,
    live: row.live === 1,
    wanted: presence === "live",
    supportKnown,
    parkedAt: row.parked_at as number | null,
    witness: unit !== null && unit !== row.witness && isFar(session, g, key, unit) ? unit : undefined,
  };
}

/** Whether a unit is beyond what is looked at without a witness: only then is it worth a write to note it. */
function isFar(session: Session, g: number, relationship: number, unit: number): boolean {
  const row = session.get(
    "SELECT unit FROM supports WHERE g = ? AND relationship = ? ORDER BY unit LIMIT 1 OFFSET 31",
    g,
    relationship,
  );
  return row !== undefined && (row.unit as number) < unit;
}

/** @returns whether it was not noted before */
export function noteCandidate(change: Change, kind: number, key: number): boolean {
  return (
    change.session.run("INSERT OR IGNORE INTO candidates (g, kind, key) VALUES (?, ?, ?)", change.g, kind, key) > 0
  );
}

/** What a unit's parking or deletion may have made obsolete. Before its mentions and supports go. */
export function noteLoss(change: Change, unit: number): void {
  const { session, g } = change;
  session.run(
    "INSERT OR IGNORE INTO candidates (g, kind, key) SELECT g, ?, entity FROM mentions WHERE g = ? AND unit = ?",
    CANDIDATE.orphan_entities,
    g,
    unit,
  );
  session.run(
    "INSERT OR IGNORE INTO candidates (g, kind, key) SELECT g, ?, relationship FROM supports WHERE g = ? AND unit = ?",
    CANDIDATE.stale_edges,
    g,
    unit,
  );
}

/** Sets a unit to what the law says, with its vector; what lives by it returns, what may die of it becomes a candidate. */
export function settleUnit(change: Change, unit: number): void {
  const { session, g, group } = change;
  const row = session.get("SELECT live FROM text_units WHERE key = ? AND g = ?", unit, g);
  if (!row) return;
  const wanted = unitIsLive(session, g, unit);
  if (wanted === (row.live === 1)) return;
  session.run("UPDATE text_units SET live = ? WHERE key = ? AND g = ?", wanted ? 1 : 0, unit, g);
  placeVector(change, "unit", unit, wanted ? "searchable" : "parked");
  change.effect.textUnits++;
  group.units_live += wanted ? 1 : -1;
  group.units_parked -= wanted ? 1 : -1;
  if (wanted) reviveByUnit(change, unit);
  else noteLoss(change, unit);
}

/** A live unit makes live what it mentions, and what it supports if the ends are live too (judged by `settleReview`). */
export function reviveByUnit(change: Change, unit: number): void {
  const { session, g } = change;
  const entities = session.all(
    `SELECT m.entity FROM mentions m CROSS JOIN entities e WHERE m.g = ? AND m.unit = ? AND e.key = m.entity AND e.live = 0`,
    g,
    unit,
  );
  for (const { entity } of entities) reviveEntity(change, entity as number);
  const relationships = session.all(
    `SELECT s.relationship FROM supports s CROSS JOIN relationships r
     WHERE s.g = ? AND s.unit = ? AND r.key = s.relationship AND r.live = 0`,
    g,
    unit,
  );
  for (const { relationship } of relationships) change.review.add(relationship as number);
}

/** A parked entity becomes live, with its vector; its parked relationships are to be judged. */
export function reviveEntity(change: Change, entity: number): void {
  const { session, g } = change;
  if (!showEntity(change, entity)) return;
  for (const sql of [
    "SELECT key FROM relationships WHERE g = ? AND source = ? AND live = 0 LIMIT ?",
    "SELECT key FROM relationships WHERE g = ? AND target = ? AND live = 0 LIMIT ?",
  ]) {
    const room = REVIEW_LIMIT - change.review.size;
    const rows = room > 0 ? session.all(sql, g, entity, room) : [];
    for (const { key } of rows) change.review.add(key as number);
    if (rows.length >= room) noteHub(change, entity);
  }
}

/** A parked entity becomes live, with its vector. @returns false when it was not parked */
export function showEntity(change: Change, entity: number): boolean {
  const { session, g, group } = change;
  const row = session.get("SELECT parked_at FROM entities WHERE key = ? AND g = ? AND live = 0", entity, g);
  if (!row) return false;
  session.run("UPDATE entities SET live = 1, parked_at = NULL WHERE key = ? AND g = ?", entity, g);
  dropExpiry(change, EXPIRY.entity, entity, row.parked_at as number | null);
  placeVector(change, "entity", entity, "searchable");
  change.effect.entities++;
  group.entities_live++;
  group.entities_parked--;
  return true;
}

/** A live entity is hidden; its vector is left to the collection of `deprecated_vectors`. */
export function hideEntity(change: Change, entity: number, at: number): void {
  const { session, g, group } = change;
  session.run("UPDATE entities SET live = 0, parked_at = ? WHERE key = ? AND g = ?", at, entity, g);
  change.effect.entities++;
  group.entities_live--;
  group.entities_parked++;
}

/** All relationships of the entity are to become candidates, by the next collection of `stale_edges`. */
export function noteHub(change: Change, entity: number): void {
  change.session.run("INSERT OR REPLACE INTO hubs (g, entity, after) VALUES (?, ?, 0)", change.g, entity);
}

/** Brings back the reviewed relationships that the law says are live. Hiding is left to `collect`. */
export function settleReview(change: Change): void {
  for (const key of change.review) {
    const judged = judgeRelationship(change.session, change.g, key);
    if (judged && !judged.live && judged.wanted) reviveRelationship(change, judged);
  }
  change.review.clear();
}

export function reviveRelationship(change: Change, judged: JudgedRelationship): void {
  const { session, g, group } = change;
  session.run("UPDATE relationships SET live = 1, parked_at = NULL WHERE key = ? AND g = ?", judged.key, g);
  dropExpiry(change, EXPIRY.relationship, judged.key, judged.parkedAt);
  change.effect.relationships++;
  group.relationships_live++;
  group.relationships_parked--;
}

export function hideRelationship(change: Change, relationship: number, at: number): void {
  const { session, g, group } = change;
  session.run("UPDATE relationships SET live = 0, parked_at = ? WHERE key = ? AND g = ?", at, relationship, g);
  change.effect.relationships++;
  group.relationships_live--;
  group.relationships_parked++;
}

export function noteExpiry(change: Change, kind: number, key: number, parkedAt: number): void {
  change.session.run(
    "INSERT OR IGNORE INTO expiries (g, kind, parked_at, key) VALUES (?, ?, ?, ?)",
    change.g,
    kind,
    parkedAt,
    key,
  );
}

export function dropExpiry(change: Change, kind: number, key: number, parkedAt: Row[string]): void {
  if (parkedAt === null) return;
  change.session.run(
    "DELETE FROM expiries WHERE g = ? AND kind = ? AND parked_at = ? AND key = ?",
    change.g,
    kind,
    parkedAt,
    key,
  );
}
