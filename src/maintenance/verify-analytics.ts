import { compareIds, type StoredRecord } from "../core/ports.ts";
import type { GroupState } from "../core/words.ts";

type Of<K extends StoredRecord["kind"]> = Extract<StoredRecord, { kind: K }>;

export const ANALYTICS_MESSAGES = {
  ANALYTICS_OF_UNKNOWN_ENTITY: "published analytics name an entity that does not exist",
  ANALYTICS_INCOMPLETE: "analytics are marked fresh but do not cover the live entities exactly",
  COMMUNITY_COUNT: "communities have another number of members than recorded",
  COMMUNITY_UNKNOWN: "memberships name a community that does not exist",
  COMMUNITY_NESTING: "communities are not inside their parent",
  COMMUNITY_DISCONNECTED: "communities are not connected inside",
} as const;

/** What is published: of entities that are there, each once, in communities that are nested and connected. */
export function* checkAnalytics(
  analytics: StoredRecord[],
  entities: Map<string, Of<"entity">>,
  relationships: Of<"relationship">[],
  group: GroupState | null,
): Generator<{ code: keyof typeof ANALYTICS_MESSAGES; sample: string }> {
  const communities = new Map<string, Of<"community">["community"]>();
  const members = new Map<string, string[]>();
  const memberships = new Map<string, string>();
  const edges: [string, string][] = [];
  const ranked = new Set<string>();
  let levels = 0;
  for (const record of analytics) {
    if (record.kind === "community") {
      communities.set(record.community.id, record.community);
      levels = Math.max(levels, record.community.level + 1);
    } else if (record.kind === "membership") {
      if (!entities.has(record.entity)) yield { code: "ANALYTICS_OF_UNKNOWN_ENTITY", sample: record.entity };
      if (!communities.has(record.community)) yield { code: "COMMUNITY_UNKNOWN", sample: record.community };
      memberships.set(`${record.level}\u0000${record.entity}`, record.community);
      const list = members.get(record.community);
      if (list) list.push(record.entity);
      else members.set(record.community, [record.entity]);
    } else if (record.kind === "rank") {
      if (!entities.has(record.entity)) yield { code: "ANALYTICS_OF_UNKNOWN_ENTITY", sample: record.entity };
      ranked.add(record.entity);
    } else if (record.kind === "similarity") {
      if (!entities.has(record.a) || !entities.has(record.b))
        yield { code: "ANALYTICS_OF_UNKNOWN_ENTITY", sample: `${record.a} ~ ${record.b}` };
      edges.push([record.a, record.b]);
    }
  }
  // Counts, nesting and connection hold for the generation at which analytics were computed, not for a later graph.
  if (!group || group.analyticsGeneration !== group.generation) return;
  for (const entity of entities.values()) {
    if ((entity.presence === "live") !== ranked.has(entity.id))
      yield { code: "ANALYTICS_INCOMPLETE", sample: entity.id };
  }
  for (const relationship of relationships) {
    if (relationship.presence === "live") edges.push([relationship.source, relationship.target]);
  }
  for (const community of communities.values()) {
    const inside = members.get(community.id) ?? [];
    if (inside.length !== community.size) yield { code: "COMMUNITY_COUNT", sample: community.id };
    for (const entity of inside) {
      const above = memberships.get(`${community.level + 1}\u0000${entity}`) ?? null;
      if (community.level + 1 < levels && above !== community.parent)
        yield { code: "COMMUNITY_NESTING", sample: community.id };
    }
  }
  for (let level = 0; level < levels; level++) {
    for (const id of disconnected(level, memberships, members, edges))
      yield { code: "COMMUNITY_DISCONNECTED", sample: id };
  }
}

/** Communities of a level that fall apart when only edges inside of them count. */
function disconnected(
  level: number,
  memberships: Map<string, string>,
  members: Map<string, string[]>,
  edges: [string, string][],
): string[] {
  const root = new Map<string, string>();
  const find = (id: string): string => {
    let at = id;
    for (let up = root.get(at); up !== undefined && up !== at; up = root.get(at)) at = up;
    return at;
  };
  const communityOf = (entity: string) => memberships.get(`${level}\u0000${entity}`);
  for (const [a, b] of edges) {
    const community = communityOf(a);
    if (community === undefined || community !== communityOf(b)) continue;
    const x = find(a);
    const y = find(b);
    if (x !== y) root.set(compareIds(x, y) < 0 ? y : x, compareIds(x, y) < 0 ? x : y);
  }
  const broken: string[] = [];
  for (const [community, inside] of members) {
    if (communityOf(inside[0]!) !== community) continue;
    const first = find(inside[0]!);
    if (inside.some((entity) => find(entity) !== first)) broken.push(community);
  }
  return broken;
}
