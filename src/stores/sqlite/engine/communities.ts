import { type CommunityRecord, communityHash, type Page } from "../../../core/ports.ts";
import { needGroup } from "./change.ts";
import { forgetCommunity } from "./publication.ts";
import type { Row, Session } from "./session.ts";

/** Communities as published, and which of them were summarised. */

/** Parameters: ?1 group, ?2 epoch. */
export const PUBLISHED_COMMUNITIES = `SELECT i.id, i.acknowledged_hash, c.* FROM communities c JOIN community_ids i ON i.key = c.community
  WHERE c.g = ?1 AND c.from_epoch <= ?2 AND c.to_epoch > ?2`;

/** One of them. Parameters: ?1 group, ?2 epoch, ?3 id. */
const PUBLISHED_COMMUNITY = `SELECT i.id, i.acknowledged_hash, c.* FROM community_ids i CROSS JOIN communities c
  WHERE i.g = ?1 AND i.id = ?3 AND c.g = ?1 AND c.community = i.key AND c.from_epoch <= ?2 AND c.to_epoch > ?2`;

export function communityRecord(row: Row): CommunityRecord {
  return {
    id: row.id as string,
    level: row.level as number,
    parent: row.parent as string | null,
    size: row.size as number,
    memberHash: row.member_hash as string,
    edgeHash: row.edge_hash as string,
    textHash: row.text_hash as string,
    changedGeneration: row.changed_generation as number,
    acknowledgedHash: row.acknowledged_hash as string | null,
  };
}

/** By level, then id; the cursor is both. */
export function communities(
  session: Session,
  groupId: string,
  query: { level?: number; unacknowledged?: boolean; since?: number; cursor?: string; limit: number },
): Page<CommunityRecord> {
  return session.read(() => {
    const group = needGroup(session, groupId);
    const [level, id] = query.cursor === undefined ? [-1, ""] : splitCursor(query.cursor);
    const rows = session.all(
      `${PUBLISHED_COMMUNITIES}
         AND (c.level > ?3 OR (c.level = ?3 AND i.id > ?4))
         AND (?5 IS NULL OR c.level = ?5)
         AND (?6 IS NULL OR c.changed_generation > ?6)
         AND (?7 = 0 OR i.acknowledged_hash IS NOT (c.member_hash || '.' || c.edge_hash || '.' || c.text_hash))
       ORDER BY c.level, i.id LIMIT ?8`,
      group.g,
      group.analytics_epoch,
      level,
      id,
      query.level ?? null,
      query.since ?? null,
      query.unacknowledged ? 1 : 0,
      query.limit + 1,
    );
    const items = rows.slice(0, query.limit).map(communityRecord);
    const last = items.at(-1);
    return { items, nextCursor: rows.length > query.limit && last ? `${last.level}:${last.id}` : null };
  });
}

function splitCursor(cursor: string): [number, string] {
  const colon = cursor.indexOf(":");
  return [Number(cursor.slice(0, colon)) || 0, cursor.slice(colon + 1)];
}

export function members(
  session: Session,
  groupId: string,
  communityId: string,
  query: { cursor?: string; limit: number },
): Page<string> {
  return session.read(() => {
    const group = needGroup(session, groupId);
    const rows = session.all(
      `SELECT e.id FROM community_ids i CROSS JOIN memberships m INDEXED BY memberships_by_community CROSS JOIN entities e
       WHERE i.g = ?1 AND i.id = ?2 AND m.g = i.g AND m.community = i.key AND m.from_epoch <= ?3 AND m.to_epoch > ?3
         AND e.key = m.entity AND e.id > ?4 ORDER BY e.id LIMIT ?5`,
      group.g,
      communityId,
      group.analytics_epoch,
      query.cursor ?? "",
      query.limit + 1,
    );
    const items = rows.slice(0, query.limit).map((row) => row.id as string);
    return { items, nextCursor: rows.length > query.limit ? (items.at(-1) ?? null) : null };
  });
}

/** @returns the number stored or forgotten: a hash that is not the community's present one is not stored */
export function acknowledgeCommunities(
  session: Session,
  groupId: string,
  items: { id: string; hash: string }[],
): number {
  return session.write(() => {
    const group = needGroup(session, groupId);
    let stored = 0;
    for (const { id, hash } of items) {
      const row = session.get(PUBLISHED_COMMUNITY, group.g, group.analytics_epoch, id);
      if (!row) {
        stored += forgetVanished(session, group.g, id, hash);
        continue;
      }
      if (communityHash(communityRecord(row)) !== hash) continue;
      session.run("UPDATE community_ids SET acknowledged_hash = ? WHERE g = ? AND id = ?", hash, group.g, id);
      rememberMembers(session, group.g, row.community as number, group.analytics_epoch);
      stored++;
    }
    return stored;
  });
}

/** Writes only the difference to what was acknowledged before. */
function rememberMembers(session: Session, g: number, community: number, epoch: number): void {
  const published = `SELECT entity FROM memberships INDEXED BY memberships_by_community
    WHERE g = ?1 AND community = ?2 AND from_epoch <= ?3 AND to_epoch > ?3`;
  session.run(
    `DELETE FROM acknowledged_members WHERE g = ?1 AND community = ?2 AND entity NOT IN (${published})`,
    g,
    community,
    epoch,
  );
  session.run(
    `INSERT OR IGNORE INTO acknowledged_members (g, community, entity) SELECT ?1, ?2, entity FROM (${published})`,
    g,
    community,
    epoch,
  );
}

function forgetVanished(session: Session, g: number, id: string, hash: string): number {
  const row = session.get(
    "SELECT key FROM community_ids WHERE g = ? AND id = ? AND acknowledged_hash = ?",
    g,
    id,
    hash,
  );
  if (!row) return 0;
  session.run("UPDATE community_ids SET acknowledged_hash = NULL WHERE g = ? AND key = ?", g, row.key as number);
  session.run("DELETE FROM acknowledged_members WHERE g = ? AND community = ?", g, row.key as number);
  forgetCommunity(session, g, row.key as number);
  return 1;
}

export function acknowledgedMembers(session: Session, groupId: string, communityId: string): string[] | null {
  return session.read(() => {
    const group = needGroup(session, groupId);
    const row = session.get(PUBLISHED_COMMUNITY, group.g, group.analytics_epoch, communityId);
    if (!row || row.acknowledged_hash === null) return null;
    const rows = session.all(
      `SELECT e.id FROM acknowledged_members m CROSS JOIN entities e
       WHERE m.g = ? AND m.community = ? AND e.key = m.entity ORDER BY e.id`,
      group.g,
      row.community as number,
    );
    return rows.map((member) => member.id as string);
  });
}

export function vanishedCommunities(session: Session, groupId: string): { id: string; hash: string }[] {
  return session.read(() => {
    const group = needGroup(session, groupId);
    const rows = session.all(
      `SELECT i.id, i.acknowledged_hash AS hash FROM community_ids i
       WHERE i.g = ?1 AND i.acknowledged_hash IS NOT NULL AND NOT EXISTS (SELECT 1 FROM communities c
         WHERE c.g = ?1 AND c.community = i.key AND c.from_epoch <= ?2 AND c.to_epoch > ?2) ORDER BY i.id`,
      group.g,
      group.analytics_epoch,
    );
    return rows.map((row) => ({ id: row.id as string, hash: row.hash as string }));
  });
}
