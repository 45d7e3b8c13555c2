import type { Fence, Policy } from "../../../core/words.ts";
import { beginChange, type Change } from "./change.ts";
import { ENTITY_FACTS, type EntityFacts, entityFacts, hasSimilarity, judgeEntity } from "./collect-entities.ts";
import { needFence } from "./leases.ts";
import { expireEntity, expireRelationship } from "./remove.ts";
import { CANDIDATE, judgeRelationship, noteCandidate } from "./review.ts";
import type { Session } from "./session.ts";
import { hasVector, isSearchable } from "./vectors.ts";

/**
 * One step of the full scan: entities, then relationships, in order of their ids. Besides what lags behind the law it notes
 * what collection would go by, should that be missing: similarity edges of parked entities, and ends of restore windows.
 */
export function sweep(
  session: Session,
  fence: Fence,
  options: { cursor: string | null; limit: number; policy: Policy; now: number },
): { examined: number; found: number; cursor: string | null } {
  return session.writeStep(() => {
    const change = beginChange(session, needFence(session, fence, options.now), options.now);
    const { g } = change;
    const inEntities = options.cursor === null || options.cursor.startsWith("e");
    const after = options.cursor?.slice(2) ?? "";
    let found = 0;
    let examined = 0;
    if (inEntities) {
      const rows = session.all(
        `SELECT ${ENTITY_FACTS} FROM entities e WHERE e.g = ? AND e.id > ? ORDER BY e.id LIMIT ?`,
        g,
        after,
        options.limit,
      );
      for (const row of rows) found += sweepEntity(change, entityFacts(row), options);
      examined = rows.length;
      if (examined === options.limit) return { examined, found, cursor: `e ${rows.at(-1)?.id}` };
    }
    const room = options.limit - examined;
    const rows = session.all(
      "SELECT id, key FROM relationships WHERE g = ? AND id > ? ORDER BY id LIMIT ?",
      g,
      inEntities ? "" : after,
      room + 1,
    );
    const last = rows.slice(0, room).at(-1);
    for (const row of rows.slice(0, room)) found += sweepRelationship(change, row.key as number);
    examined += Math.min(room, rows.length);
    return { examined, found, cursor: rows.length > room ? `r ${last?.id}` : null };
  });
}

/** @returns the number of candidates that were not noted before */
function sweepEntity(change: Change, entity: EntityFacts, options: { policy: Policy; now: number }): number {
  const { session, g } = change;
  const { wanted } = judgeEntity(session, g, entity, options.policy, options.now);
  if (wanted !== entity.live) return note(change, CANDIDATE.orphan_entities, entity.key);
  let found = 0;
  if (hasVector(session, "entity", g, entity.key) && isSearchable(session, "entity", g, entity.key) !== entity.live) {
    found += note(change, CANDIDATE.deprecated_vectors, entity.key);
  }
  if (entity.live) return found;
  expireEntity(change, entity.key);
  if (hasSimilarity(session, g, entity.key)) found += note(change, CANDIDATE.similarity, entity.key);
  return found;
}

function sweepRelationship(change: Change, key: number): number {
  const judged = judgeRelationship(change.session, change.g, key);
  if (!judged) return 0;
  if (judged.wanted !== judged.live) return note(change, CANDIDATE.stale_edges, key);
  if (!judged.live) expireRelationship(change, key);
  return 0;
}

function note(change: Change, kind: number, key: number): number {
  return noteCandidate(change, kind, key) ? 1 : 0;
}
