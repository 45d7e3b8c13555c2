import type { Change } from "./change.ts";
import { deleteDocument, findDocument, setActive } from "./documents.ts";
import type { Plan } from "./operations.ts";
import { deleteUnit, purgeRemains, type Remains } from "./remove.ts";
import { settleReview, settleUnit } from "./review.ts";

/**
 * The next units of a plan, at most `limit`.
 *
 * @returns what is left of it, null when it is done
 */
export function carryOut(change: Change, plan: Plan, limit: number): Plan | null {
  const left = plan.verb === "purge" ? purgeUnits(change, plan, limit) : settleUnits(change, plan, limit);
  settleReview(change);
  return left;
}

/** Deprecate and restore: each unit is set to what the law says by now, whichever operation came in between. */
function settleUnits(change: Change, plan: Plan, limit: number): Plan | null {
  const { session, g } = change;
  let { index, after } = plan;
  let room = limit;
  for (; index < plan.documents.length; index++, after = 0) {
    const document = plan.documents[index] as number;
    // One more than there is room for tells whether units are left.
    const rows = session.all(
      "SELECT unit FROM owners WHERE g = ? AND document = ? AND unit > ? ORDER BY unit LIMIT ?",
      g,
      document,
      after,
      room + 1,
    );
    for (const { unit } of rows.slice(0, room)) {
      settleUnit(change, unit as number);
      after = unit as number;
    }
    if (rows.length > room) return { ...plan, index, after };
    room -= rows.length;
  }
  return null;
}

/** Takes the documents away from their units; deletes units without an owner, and what then has nothing left to stand on. */
function purgeUnits(change: Change, plan: Plan, limit: number): Plan | null {
  const { session, g } = change;
  const remains: Remains = { entities: new Set(), relationships: new Set() };
  const kept = new Set<number>();
  let room = limit;
  let more = false;
  // Each time from the first document on: a replace may have given units to one that was done with already.
  let index = 0;
  for (; index < plan.documents.length; index++) {
    const document = plan.documents[index] as number;
    const rows = session.all(
      "SELECT unit FROM owners WHERE g = ? AND document = ? ORDER BY unit LIMIT ?",
      g,
      document,
      room + 1,
    );
    for (const row of rows.slice(0, room)) {
      const unit = row.unit as number;
      change.unitsPurged++;
      session.run("DELETE FROM owners WHERE g = ? AND document = ? AND unit = ?", g, document, unit);
      if (session.get("SELECT 1 AS found FROM owners WHERE g = ? AND unit = ? LIMIT 1", g, unit)) kept.add(unit);
      else deleteUnit(change, unit, remains);
    }
    more = rows.length > room;
    if (more) break;
    room -= rows.length;
  }
  change.session.failpoint("purge:units");
  purgeRemains(change, remains);
  for (const unit of kept) settleUnit(change, unit);
  if (more) {
    hideUntilPurged(change, plan.documents);
    return { ...plan, index, after: 0 };
  }
  for (const document of plan.documents) deleteDocument(change, document);
  return null;
}

/** Documents of a purge that goes on are no longer active in the meantime. */
function hideUntilPurged(change: Change, documents: number[]): void {
  for (const key of documents) {
    const id = change.session.get("SELECT id FROM documents WHERE key = ? AND g = ? AND active = 1", key, change.g)?.id;
    const document = id === undefined ? null : findDocument(change.session, change.g, id as string);
    if (!document) continue;
    setActive(change, document, false, change.at, null);
    // A purged document counts once, when it is gone.
    change.effect.documents--;
  }
}
