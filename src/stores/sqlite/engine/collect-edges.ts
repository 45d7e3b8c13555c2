import { type Batch, endOfWindow, isFull, type Phase, roomOf } from "./batch.ts";
import { dropSimilarity, expireRelationship, purgeRelationship, UNBOUNDED } from "./remove.ts";
import { CANDIDATE, dropExpiry, EXPIRY, hideRelationship, judgeRelationship, reviveRelationship } from "./review.ts";
import type { Session } from "./session.ts";

/** stale_edges: candidates, relationships of hubs, similarity edges, and relationships whose window has run out. */
export const EDGE_PHASES: readonly Phase[] = [
  { name: "candidates", run: judgeCandidates },
  { name: "hubs", run: judgeHubs },
  { name: "similarity", run: dropEdges },
  { name: "expired", run: purgeExpired },
];

function judgeCandidates(batch: Batch, after: number[]): number[] | null {
  const { session, g } = batch.change;
  const room = roomOf(batch);
  const rows = session.all(
    "SELECT key FROM candidates WHERE g = ? AND kind = ? AND key > ? ORDER BY key LIMIT ?",
    g,
    CANDIDATE.stale_edges,
    after[0] ?? 0,
    room + 1,
  );
  const judged = rows.slice(0, room).map((row) => row.key as number);
  for (const key of judged) settle(batch, key);
  return rows.length > room ? [judged.at(-1) as number] : null;
}

/** Sets a relationship to what the law says. */
function settle(batch: Batch, key: number): void {
  const { change, options } = batch;
  const { session, g } = change;
  batch.examined++;
  session.run("DELETE FROM candidates WHERE g = ? AND kind = ? AND key = ?", g, CANDIDATE.stale_edges, key);
  const judged = judgeRelationship(session, g, key);
  if (!judged) return;
  if (judged.witness !== undefined) {
    session.run("UPDATE relationships SET witness = ? WHERE key = ? AND g = ?", judged.witness, key, g);
  }
  if (judged.wanted === judged.live) return;
  batch.changed = true;
  if (judged.wanted) {
    reviveRelationship(change, judged);
    return;
  }
  hideRelationship(change, key, options.now);
  expireRelationship(change, key);
  batch.deleted++;
  batch.ids.push(judged.id);
}

/** Position: a hub, and the last of its relationships that was judged. */
function judgeHubs(batch: Batch, position: number[]): number[] | null {
  const { change, options } = batch;
  const { session, g } = change;
  const [from = 0, judgedUpTo = 0] = position;
  for (let hub = from, first = true; ; first = false) {
    const row = session.get(
      first
        ? "SELECT entity, after FROM hubs WHERE g = ? AND entity >= ? ORDER BY entity LIMIT 1"
        : "SELECT entity, after FROM hubs WHERE g = ? AND entity > ? ORDER BY entity LIMIT 1",
      g,
      hub,
    );
    if (!row) return null;
    hub = row.entity as number;
    // A dry run leaves the hub as it is: its place is in the cursor alone.
    const after = options.dryRun && hub === from ? judgedUpTo : (row.after as number);
    if (isFull(batch)) return [hub, after];
    const room = roomOf(batch);
    const keys = relationshipsAfter(session, g, hub, after, room + 1);
    for (const key of keys.slice(0, room)) settle(batch, key);
    if (keys.length <= room) session.run("DELETE FROM hubs WHERE g = ? AND entity = ?", g, hub);
    else {
      const last = keys[room - 1] as number;
      session.run("UPDATE hubs SET after = ? WHERE g = ? AND entity = ?", last, g, hub);
      return [hub, last];
    }
  }
}

/** The next relationships of an entity in order of their keys, as source or target. */
export function relationshipsAfter(
  session: Session,
  g: number,
  entity: number,
  after: number,
  limit: number,
): number[] {
  const keys = new Set<number>();
  for (const sql of [
    "SELECT key FROM relationships WHERE g = ? AND source = ? AND key > ? ORDER BY key LIMIT ?",
    "SELECT key FROM relationships WHERE g = ? AND target = ? AND key > ? ORDER BY key LIMIT ?",
  ]) {
    for (const row of session.all(sql, g, entity, after, limit)) keys.add(row.key as number);
  }
  return [...keys].sort((a, b) => a - b).slice(0, limit);
}

/** Similarity edges of parked entities. Position: the last entity that has none left. */
function dropEdges(batch: Batch, position: number[]): number[] | null {
  const { change, options } = batch;
  const { session, g } = change;
  for (let [done = 0] = position; ; ) {
    const row = session.get(
      "SELECT key FROM candidates WHERE g = ? AND kind = ? AND key > ? ORDER BY key LIMIT 1",
      g,
      CANDIDATE.similarity,
      done,
    );
    if (!row) return null;
    if (isFull(batch)) return [done];
    const entity = row.key as number;
    const parked = session.get("SELECT 1 AS found FROM entities WHERE key = ? AND g = ? AND live = 0", entity, g);
    if (!parked) batch.examined++;
    else {
      const room = roomOf(batch);
      const { rows, seen } = dropSimilarity(change, entity, options.dryRun ? UNBOUNDED : room);
      batch.examined += Math.min(room, Math.max(1, rows));
      batch.deleted += seen.length;
      for (const pair of seen.slice(0, room)) batch.ids.push(JSON.stringify(pair.map((key) => idOf(session, g, key))));
      if (seen.length > 0) batch.changed = true;
      if (!options.dryRun && rows >= room) return [done];
    }
    session.run("DELETE FROM candidates WHERE g = ? AND kind = ? AND key = ?", g, CANDIDATE.similarity, entity);
    done = entity;
  }
}

function idOf(session: Session, g: number, entity: number): string {
  return session.get("SELECT id FROM entities WHERE key = ? AND g = ?", entity, g)?.id as string;
}

function purgeExpired(batch: Batch, after: number[]): number[] | null {
  const { change, options } = batch;
  const { session, g } = change;
  const [at = -1, key = 0] = after;
  const room = roomOf(batch);
  const rows = session.all(
    `SELECT x.parked_at, x.key, r.id, r.live = 0 AND r.support_known = 1 AND r.parked_at = x.parked_at
         AND NOT EXISTS (SELECT 1 FROM supports s WHERE s.g = r.g AND s.relationship = r.key) AS expired
     FROM expiries x LEFT JOIN relationships r ON r.key = x.key AND r.g = x.g
     WHERE x.g = ? AND x.kind = ${EXPIRY.relationship} AND (x.parked_at, x.key) > (?, ?) AND x.parked_at <= ?
     ORDER BY x.parked_at, x.key LIMIT ?`,
    g,
    at,
    key,
    endOfWindow(options.policy, options.now),
    room + 1,
  );
  const judged = rows.slice(0, room);
  for (const row of judged) {
    batch.examined++;
    const relationship = row.key as number;
    if (row.expired !== 1) {
      dropExpiry(change, EXPIRY.relationship, relationship, row.parked_at as number);
      continue;
    }
    purgeRelationship(change, relationship);
    batch.changed = true;
    batch.purged++;
    batch.ids.push(row.id as string);
  }
  const last = judged.at(-1);
  return rows.length > room && last ? [last.parked_at as number, last.key as number] : null;
}
