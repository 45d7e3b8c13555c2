import type { CollectionKind, Policy } from "../../../core/words.ts";
import { endOfWindow } from "./batch.ts";
import { needGroup } from "./change.ts";
import { relationshipsAfter } from "./collect-edges.ts";
import { ENTITY_FACTS, entityFacts, judgeEntity } from "./collect-entities.ts";
import { CANDIDATE, EXPIRY, judgeRelationship } from "./review.ts";
import type { Row, Session } from "./session.ts";

const PAGE = 1_000;

/** What a run of the kind would still change, judged anew. Cost: in proportion to the candidates. */
export function remaining(
  session: Session,
  groupId: string,
  kind: CollectionKind,
  policy: Policy,
  now: number,
): number {
  return session.read(() => {
    const { g, analytics_epoch: epoch } = needGroup(session, groupId);
    switch (kind) {
      case "orphan_entities":
        return (
          expiredDocuments(session, g, policy, now) +
          expiredEntities(session, g, policy, now) +
          laggingEntities(session, g, policy, now)
        );
      case "stale_edges":
        return (
          similarityOfParked(session, g, epoch) +
          expiredRelationships(session, g, policy, now) +
          laggingRelationships(session, g)
        );
      case "deprecated_vectors":
        return misplacedVectors(session, g);
    }
  });
}

function count(session: Session, sql: string, ...values: number[]): number {
  return session.get(sql, ...values)?.n as number;
}

function expiredDocuments(session: Session, g: number, policy: Policy, now: number): number {
  const sql = "SELECT count(*) AS n FROM documents WHERE g = ? AND active = 0 AND hold = 0 AND deprecated_at <= ?";
  return count(session, sql, g, endOfWindow(policy, now));
}

function expiredEntities(session: Session, g: number, policy: Policy, now: number): number {
  return count(
    session,
    `SELECT count(*) AS n FROM expiries x CROSS JOIN entities e
     WHERE x.g = ? AND x.kind = ${EXPIRY.entity} AND x.parked_at <= ? AND e.key = x.key AND e.live = 0 AND e.parked_at = x.parked_at
       AND NOT EXISTS (SELECT 1 FROM mentions m WHERE m.g = x.g AND m.entity = x.key)`,
    g,
    endOfWindow(policy, now),
  );
}

function expiredRelationships(session: Session, g: number, policy: Policy, now: number): number {
  return count(
    session,
    `SELECT count(*) AS n FROM expiries x CROSS JOIN relationships r
     WHERE x.g = ? AND x.kind = ${EXPIRY.relationship} AND x.parked_at <= ? AND r.key = x.key AND r.live = 0
       AND r.parked_at = x.parked_at AND r.support_known = 1
       AND NOT EXISTS (SELECT 1 FROM supports s WHERE s.g = x.g AND s.relationship = x.key)`,
    g,
    endOfWindow(policy, now),
  );
}

function laggingEntities(session: Session, g: number, policy: Policy, now: number): number {
  let lagging = 0;
  for (const row of candidates(
    session,
    `SELECT ${ENTITY_FACTS} FROM candidates c CROSS JOIN entities e
     WHERE c.g = ? AND c.kind = ${CANDIDATE.orphan_entities} AND c.key > ? AND e.key = c.key ORDER BY c.key LIMIT ${PAGE}`,
    g,
  )) {
    const entity = entityFacts(row);
    if (judgeEntity(session, g, entity, policy, now).wanted !== entity.live) lagging++;
  }
  return lagging;
}

function laggingRelationships(session: Session, g: number): number {
  let lagging = 0;
  const lags = (key: number) => {
    const judged = judgeRelationship(session, g, key);
    return judged !== null && judged.wanted !== judged.live;
  };
  const sql = `SELECT key FROM candidates WHERE g = ? AND kind = ${CANDIDATE.stale_edges} AND key > ? ORDER BY key LIMIT ${PAGE}`;
  for (const row of candidates(session, sql, g)) if (lags(row.key as number)) lagging++;
  const ofHubs = new Set<number>();
  for (const hub of session.all("SELECT entity, after FROM hubs WHERE g = ?", g)) {
    for (let after = hub.after as number; ; ) {
      const keys = relationshipsAfter(session, g, hub.entity as number, after, PAGE);
      for (const key of keys) if (!isCandidate(session, g, key) && lags(key)) ofHubs.add(key);
      if (keys.length < PAGE) break;
      after = keys.at(-1) as number;
    }
  }
  return lagging + ofHubs.size;
}

function isCandidate(session: Session, g: number, relationship: number): boolean {
  const sql = "SELECT 1 AS found FROM candidates WHERE g = ? AND kind = ? AND key = ?";
  return session.get(sql, g, CANDIDATE.stale_edges, relationship) !== undefined;
}

/** Published edges with a parked end; one with two is counted once, with its first. */
function similarityOfParked(session: Session, g: number, epoch: number): number {
  const parked = `SELECT c.key FROM candidates c CROSS JOIN entities e
    WHERE c.g = ?1 AND c.kind = ${CANDIDATE.similarity} AND e.key = c.key AND e.live = 0`;
  return (
    count(
      session,
      `SELECT count(*) AS n FROM (${parked}) p CROSS JOIN similarity s
       WHERE s.g = ?1 AND s.a = p.key AND s.from_epoch <= ?2 AND s.to_epoch > ?2`,
      g,
      epoch,
    ) +
    count(
      session,
      `SELECT count(*) AS n FROM (${parked}) p CROSS JOIN similarity s INDEXED BY similarity_by_b CROSS JOIN entities o
       WHERE s.g = ?1 AND s.b = p.key AND s.from_epoch <= ?2 AND s.to_epoch > ?2 AND o.key = s.a AND o.live = 1`,
      g,
      epoch,
    )
  );
}

function misplacedVectors(session: Session, g: number): number {
  return count(
    session,
    `SELECT count(*) AS n FROM candidates c CROSS JOIN entities e WHERE c.g = ? AND c.kind = ${CANDIDATE.deprecated_vectors}
       AND e.key = c.key AND CASE WHEN e.live = 1 THEN EXISTS (SELECT 1 FROM entity_vectors_parked v WHERE v.key = e.key)
         ELSE EXISTS (SELECT 1 FROM entity_vectors v WHERE v.key = e.key) END`,
    g,
  );
}

/** Candidates page by page, so that no statement is open while others run. */
function* candidates(session: Session, sql: string, g: number): Generator<Row> {
  for (let after = 0; ; ) {
    const rows = session.all(sql, g, after);
    yield* rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1)?.key as number;
  }
}
