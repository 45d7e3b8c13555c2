import { entityHash, relationshipHash } from "../../core/canonical.ts";
import { byEnds, byEntity, byId, byLevelAndEntity, byLevelAndId } from "../../core/order.ts";
import {
  type AnalyticsPart,
  type CommunityRecord,
  communityHash,
  type ListedCommunity,
  type LiveGraph,
  MAX_ACKNOWLEDGED_CONTENTS,
  type PublishedAnalytics,
  type VanishedCommunity,
} from "../../core/ports.ts";
import type { JsonObject } from "../../core/words.ts";
import { appendAudit, settleStaleness } from "./effect.ts";
import { type AnalyticsRow, type AnalyticsTable, type EntityRow, type Group, sortedIds } from "./state.ts";

export function readGraph(group: Group): LiveGraph {
  const ids = sortedIds([...group.entities.values()].filter((e) => e.presence === "live").map((e) => e.id));
  const index = new Map(ids.map((id, i) => [id, i]));
  const entities = ids.map((id) => group.entities.get(id) as EntityRow);
  const relationships = sortedIds(group.relationships.keys())
    .map((id) => group.relationships.get(id))
    .filter((r) => r !== undefined)
    .filter((r) => r.presence === "live" && index.has(r.source) && index.has(r.target));
  const dimension = entities.find((e) => e.vector)?.vector?.values.length ?? 0;
  const vectors = new Float32Array(ids.length * dimension);
  const hasVector = new Uint8Array(ids.length);
  entities.forEach(({ vector }, i) => {
    if (!vector) return;
    vectors.set(vector.values, i * dimension);
    hasVector[i] = 1;
  });
  return {
    groupId: group.state.groupId,
    generation: group.state.generation,
    ids,
    entityHashes: BigUint64Array.from(entities, entityHash),
    dimension,
    vectors,
    hasVector,
    sources: Uint32Array.from(relationships, (r) => index.get(r.source) as number),
    targets: Uint32Array.from(relationships, (r) => index.get(r.target) as number),
    weights: Float64Array.from(relationships, (r) => r.weight),
    relationshipHashes: BigUint64Array.from(relationships, relationshipHash),
  };
}

export function publishedOf(group: Group): PublishedAnalytics {
  const { similarity, communities, memberships, ranks } = group.published;
  return {
    epoch: group.state.analyticsEpoch,
    similarity: [...similarity.values()].sort(byEnds).map(copy),
    communities: [...communities.values()].sort(byLevelAndId).map(copy),
    memberships: [...memberships.values()].sort(byLevelAndEntity).map(copy),
    ranks: [...ranks.values()].sort(byEntity).map(copy),
  };
}

function copy<T extends object>(row: T): T {
  return { ...row };
}

const key = (...parts: (string | number)[]) => JSON.stringify(parts);

export function stage(group: Group, { upsert, remove }: AnalyticsPart): void {
  const change = (table: AnalyticsTable, rowKey: string, row: object | null) =>
    group.staged.push({ table, key: rowKey, row: row && ({ ...row } as AnalyticsRow) });
  for (const row of remove.similarity ?? []) change("similarity", key(row.a, row.b), null);
  for (const id of remove.communities ?? []) change("communities", key(id), null);
  for (const row of remove.memberships ?? []) change("memberships", key(row.level, row.entity), null);
  for (const entity of remove.ranks ?? []) change("ranks", key(entity), null);
  for (const row of upsert.similarity ?? []) change("similarity", key(row.a, row.b), row);
  for (const row of upsert.communities ?? []) change("communities", key(row.id), row);
  for (const row of upsert.memberships ?? []) change("memberships", key(row.level, row.entity), row);
  for (const row of upsert.ranks ?? []) change("ranks", key(row.entity), row);
}

export function publish(
  group: Group,
  publication: { generation: number; state: Uint8Array | null; detail: JsonObject; now: number },
): void {
  for (const { table, key: rowKey, row } of group.staged) {
    const rows = group.published[table] as Map<string, AnalyticsRow>;
    const old = rows.get(rowKey);
    if (row !== null && !isStored(group, row)) continue; // Purged between reading and publishing: it must not come back.
    if (old) group.replaced.push({ table, row: old });
    if (row === null) {
      rows.delete(rowKey);
      if (table === "communities" && old) vanish(group, (old as CommunityRecord).id);
    } else if (table === "communities") {
      // One that had this id once, and was acknowledged, is another one.
      if (!old) forgetId(group, (row as CommunityRecord).id);
      const acknowledgedHash = (old as CommunityRecord | undefined)?.acknowledgedHash ?? null;
      rows.set(rowKey, { ...(row as CommunityRecord), acknowledgedHash });
    } else rows.set(rowKey, row);
  }
  group.staged = [];
  group.analyticsState = publication.state?.slice() ?? null;
  group.state.analyticsEpoch++;
  group.state.analyticsGeneration = publication.generation;
  settleStaleness(group);
  const ref = String(group.state.analyticsEpoch);
  appendAudit(group, { at: publication.now, actor: "analytics", action: "publish", ref, detail: publication.detail });
}

function isStored(group: Group, row: AnalyticsRow): boolean {
  if ("entity" in row) return group.entities.has(row.entity);
  return !("a" in row) || (group.entities.has(row.a) && group.entities.has(row.b));
}

function vanish(group: Group, id: string): void {
  const acknowledged = group.acknowledged.get(id);
  if (acknowledged) group.acknowledged.set(id, { hash: acknowledged.hash, members: [] });
}

/** The content stays acknowledged when its id comes to stand for another one. */
function forgetId(group: Group, id: string): void {
  const { hash } = group.acknowledged.get(id) ?? {};
  if (hash !== undefined) rememberContent(group, hash);
  group.acknowledged.delete(id);
}

function rememberContent(group: Group, hash: string): void {
  group.acknowledgedContents.delete(hash);
  group.acknowledgedContents.add(hash);
  for (const oldest of group.acknowledgedContents) {
    if (group.acknowledgedContents.size <= MAX_ACKNOWLEDGED_CONTENTS) return;
    group.acknowledgedContents.delete(oldest);
  }
}

export function acknowledge(group: Group, items: { id: string; hash: string }[]): number {
  let stored = 0;
  for (const { id, hash } of items) {
    const community = group.published.communities.get(key(id));
    if (!community) {
      if (group.acknowledged.get(id)?.hash !== hash) continue;
      group.acknowledged.delete(id);
      group.acknowledgedContents.delete(hash);
      stored++;
      continue;
    }
    if (communityHash(community) !== hash) continue;
    if (group.acknowledged.get(id)?.hash !== hash) forgetId(group, id);
    for (const gone of vanished(group)) if (gone.hash === hash) group.acknowledged.delete(gone.id);
    group.published.communities.set(key(id), { ...community, acknowledgedHash: hash });
    const rows = [...group.published.memberships.values()].filter((row) => row.community === id);
    group.acknowledged.set(id, { hash, members: sortedIds(new Set(rows.map((row) => row.entity))) });
    stored++;
  }
  return stored;
}

export function listed(group: Group, community: CommunityRecord): ListedCommunity {
  const hash = communityHash(community);
  const parent = community.parent === null ? undefined : group.published.communities.get(key(community.parent));
  return {
    ...community,
    contentAcknowledged:
      group.acknowledgedContents.has(hash) || [...group.acknowledged.values()].some((known) => known.hash === hash),
    sameAsParent: parent !== undefined && communityHash(parent) === hash,
  };
}

export function memberNames(group: Group, communityId: string, limit: number): string[] {
  const rows = [...group.published.memberships.values()].filter((row) => row.community === communityId);
  const members = [...new Set(rows.map((row) => row.entity))].map((id) => group.entities.get(id) as EntityRow);
  const score = (id: string) => group.published.ranks.get(key(id))?.score ?? 0;
  return members
    .filter((entity) => entity.presence === "live")
    .sort((a, b) => score(b.id) - score(a.id) || byId(a, b))
    .slice(0, limit)
    .map((entity) => entity.name);
}

export function acknowledgedMembers(group: Group, id: string): string[] | null {
  const acknowledged = group.published.communities.has(key(id)) ? group.acknowledged.get(id) : undefined;
  return acknowledged ? [...acknowledged.members] : null;
}

export function vanished(group: Group): VanishedCommunity[] {
  const gone = [...group.acknowledged].filter(([id]) => !group.published.communities.has(key(id)));
  const published = [...group.published.communities.values()].sort(byId);
  return gone
    .map(([id, { hash }]) => ({
      id,
      hash,
      publishedAs: published.find((community) => communityHash(community) === hash)?.id ?? null,
    }))
    .sort(byId);
}
