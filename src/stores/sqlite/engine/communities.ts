import {
  type CommunityRecord,
  communityHash,
  type ListedCommunity,
  type Page,
  type VanishedCommunity,
} from "../../../core/ports.ts";
import { boundContents, forgetContent, rememberContent } from "./acknowledged-contents.ts";
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

/** In the form of `communityHash`. */
const HASH = "(c.member_hash || '.' || c.edge_hash || '.' || c.text_hash)";

/** The same with what `ListedCommunity` adds. */
const LISTED_COMMUNITIES = `SELECT i.id, i.acknowledged_hash, c.*,
    (EXISTS (SELECT 1 FROM community_ids a WHERE a.g = c.g AND a.acknowledged_hash = ${HASH})
      OR EXISTS (SELECT 1 FROM acknowledged_contents k WHERE k.g = c.g AND k.hash = ${HASH})) AS content_acknowledged,
    EXISTS (SELECT 1 FROM community_ids n CROSS JOIN communities p WHERE n.g = c.g AND n.id = c.parent AND p.g = c.g
      AND p.community = n.key AND p.from_epoch <= ?2 AND p.to_epoch > ?2 AND p.member_hash = c.member_hash
      AND p.edge_hash = c.edge_hash AND p.text_hash = c.text_hash) AS same_as_parent
  FROM communities c JOIN community_ids i ON i.key = c.community WHERE c.g = ?1 AND c.from_epoch <= ?2 AND c.to_epoch > ?2`;

/** Members of one community that are looked at for their names. */
const MEMBERS_LOOKED_AT = 10_000;

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
): Page<ListedCommunity> {
  return session.read(() => {
    const group = needGroup(session, groupId);
    const [level, id] = query.cursor === undefined ? [-1, ""] : splitCursor(query.cursor);
    const rows = session.all(
      `${LISTED_COMMUNITIES}
         AND (c.level > ?3 OR (c.level = ?3 AND i.id > ?4))
         AND (?5 IS NULL OR c.level = ?5)
         AND (?6 IS NULL OR c.changed_generation > ?6)
         AND (?7 = 0 OR i.acknowledged_hash IS NOT ${HASH})
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
    const items = rows.slice(0, query.limit).map((row) => ({
      ...communityRecord(row),
      contentAcknowledged: row.content_acknowledged === 1,
      sameAsParent: row.same_as_parent === 1,
    }));
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

export function memberNames(
  session: Session,
  groupId: string,
  communityIds: string[],
  limit: number,
): { id: string; names: string[] }[] {
  return session.read(() => {
    const group = needGroup(session, groupId);
    return communityIds.map((id) => {
      const rows = session.all(
        `SELECT e.name FROM (SELECT m.entity FROM community_ids i
             CROSS JOIN memberships m INDEXED BY memberships_by_community
           WHERE i.g = ?1 AND i.id = ?2 AND m.g = i.g AND m.community = i.key AND m.from_epoch <= ?3 AND m.to_epoch > ?3
           LIMIT ${MEMBERS_LOOKED_AT}) s
           CROSS JOIN entities e ON e.key = s.entity AND e.live = 1
           LEFT JOIN ranks r ON r.g = ?1 AND r.entity = s.entity AND r.from_epoch <= ?3 AND r.to_epoch > ?3
         ORDER BY coalesce(r.score, 0) DESC, e.id LIMIT ?4`,
        group.g,
        id,
        group.analytics_epoch,
        limit,
      );
      return { id, names: rows.map((row) => row.name as string) };
    });
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
      if (row.acknowledged_hash !== null && row.acknowledged_hash !== hash)
        rememberContent(session, group.g, row.acknowledged_hash as string);
      forgetMoved(session, group.g, group.analytics_epoch, hash);
      session.run("UPDATE community_ids SET acknowledged_hash = ? WHERE g = ? AND id = ?", hash, group.g, id);
      rememberMembers(session, group.g, row.community as number, group.analytics_epoch);
      stored++;
    }
    boundContents(session, group.g);
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

/** Vanished communities whose content is that of one which is acknowledged now. */
function forgetMoved(session: Session, g: number, epoch: number, hash: string): void {
  const rows = session.all(
    `SELECT i.key FROM community_ids i WHERE i.g = ?1 AND i.acknowledged_hash = ?3 AND NOT EXISTS (SELECT 1 FROM communities c
       WHERE c.g = ?1 AND c.community = i.key AND c.from_epoch <= ?2 AND c.to_epoch > ?2)`,
    g,
    epoch,
    hash,
  );
  for (const { key } of rows) forgetAcknowledgement(session, g, key as number);
}

function forgetVanished(session: Session, g: number, id: string, hash: string): number {
  const row = session.get(
    "SELECT key FROM community_ids WHERE g = ? AND id = ? AND acknowledged_hash = ?",
    g,
    id,
    hash,
  );
  if (!row) return 0;
  forgetAcknowledgement(session, g, row.key as number);
  forgetContent(session, g, hash);
  return 1;
}

function forgetAcknowledgement(session: Session, g: number, community: number): void {
  session.run("UPDATE community_ids SET acknowledged_hash = NULL WHERE g = ? AND key = ?", g, community);
  session.run("DELETE FROM acknowledged_members WHERE g = ? AND community = ?", g, community);
  forgetCommunity(session, g, community);
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

export function vanishedCommunities(session: Session, groupId: string): VanishedCommunity[] {
  return session.read(() => {
    const group = needGroup(session, groupId);
    const rows = session.all(
      `SELECT i.id, i.acknowledged_hash AS hash FROM community_ids i
       WHERE i.g = ?1 AND i.acknowledged_hash IS NOT NULL AND NOT EXISTS (SELECT 1 FROM communities c
         WHERE c.g = ?1 AND c.community = i.key AND c.from_epoch <= ?2 AND c.to_epoch > ?2) ORDER BY i.id`,
      group.g,
      group.analytics_epoch,
    );
    if (rows.length === 0) return [];
    const published = new Map<string, string>();
    const all = session.all(`${PUBLISHED_COMMUNITIES} ORDER BY i.id DESC`, group.g, group.analytics_epoch);
    for (const row of all) published.set(communityHash(communityRecord(row)), row.id as string);
    return rows.map((row) => {
      const hash = row.hash as string;
      return { id: row.id as string, hash, publishedAs: published.get(hash) ?? null };
    });
  });
}
