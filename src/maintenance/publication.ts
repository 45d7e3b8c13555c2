import type { AnalyticsPart, CommunityRecord, LiveGraph, PublishedAnalytics } from "../core/ports.ts";
import type { ComputedAnalytics } from "./community-hashes.ts";

/** Rows of all kinds in one part: one transaction of the store. */
const ROWS_PER_PART = 1_000;
/** A rank that moved by less than this share is as it was. */
const RANK_TOLERANCE = 1e-6;

export interface Publication {
  parts: AnalyticsPart[];
  rows: number;
  /** Communities that are new or whose hashes changed, by id; and those that are gone. */
  changed: string[];
  removed: string[];
}

/** The difference between what is published and what was computed, in bounded parts. */
export function publicationOf(
  graph: LiveGraph,
  computed: ComputedAnalytics,
  published: PublishedAnalytics,
): Publication {
  const parts = new Parts();
  similarityDifference(parts, graph, computed, published);
  const { changed, removed } = communityDifference(parts, graph, computed, published);
  membershipDifference(parts, graph, computed, published);
  rankDifference(parts, graph, computed, published);
  return { parts: parts.all, rows: parts.rows, changed, removed };
}

type Rows<T> = Required<{ [K in keyof T]: NonNullable<T[K]> extends (infer R)[] ? R : never }>;

/** Collects rows into parts of bounded size. */
class Parts {
  readonly all: AnalyticsPart[] = [];
  rows = 0;

  upsert<K extends keyof AnalyticsPart["upsert"]>(kind: K, row: Rows<AnalyticsPart["upsert"]>[K]): void {
    const { upsert } = this.#next();
    upsert[kind] ??= [];
    (upsert[kind] as unknown[]).push(row);
  }

  remove<K extends keyof AnalyticsPart["remove"]>(kind: K, row: Rows<AnalyticsPart["remove"]>[K]): void {
    const { remove } = this.#next();
    remove[kind] ??= [];
    (remove[kind] as unknown[]).push(row);
  }

  #next(): AnalyticsPart {
    if (this.rows % ROWS_PER_PART === 0) this.all.push({ upsert: {}, remove: {} });
    this.rows++;
    return this.all.at(-1)!;
  }
}

function similarityDifference(
  parts: Parts,
  graph: LiveGraph,
  computed: ComputedAnalytics,
  published: PublishedAnalytics,
): void {
  const old = new Map(published.similarity.map((row) => [`${row.a}\u0000${row.b}`, row]));
  const { sources, targets, scores } = computed.similarity;
  for (let e = 0; e < sources.length; e++) {
    // ids are sorted, so the smaller index is the smaller id.
    const a = graph.ids[Math.min(sources[e]!, targets[e]!)]!;
    const b = graph.ids[Math.max(sources[e]!, targets[e]!)]!;
    const key = `${a}\u0000${b}`;
    const score = scores[e]!;
    if (old.get(key)?.score !== score) {
      parts.upsert("similarity", { a, b, score });
    }
    old.delete(key);
  }
  for (const { a, b } of old.values()) {
    parts.remove("similarity", { a, b });
  }
}

function communityDifference(
  parts: Parts,
  graph: LiveGraph,
  computed: ComputedAnalytics,
  published: PublishedAnalytics,
) {
  const old = new Map<string, CommunityRecord>(published.communities.map((c) => [c.id, c]));
  const changed: string[] = [];
  for (const community of computed.communities) {
    const before = old.get(community.id);
    old.delete(community.id);
    const same =
      before !== undefined &&
      before.memberHash === community.memberHash &&
      before.edgeHash === community.edgeHash &&
      before.textHash === community.textHash;
    if (!same) changed.push(community.id);
    else if (before.parent === community.parent && before.level === community.level) continue;
    const changedGeneration = same ? before.changedGeneration : graph.generation;
    parts.upsert("communities", { ...community, changedGeneration });
  }
  for (const id of old.keys()) {
    parts.remove("communities", id);
  }
  return { changed, removed: [...old.keys()] };
}

function membershipDifference(
  parts: Parts,
  graph: LiveGraph,
  computed: ComputedAnalytics,
  published: PublishedAnalytics,
): void {
  // A map per level: with one for all, a million entities would make a million keys per level that are needed nowhere else.
  const old = new Map<number, Map<string, string>>();
  for (const { level, entity, community } of published.memberships) {
    const ofLevel = old.get(level) ?? new Map<string, string>();
    old.set(level, ofLevel.set(entity, community));
  }
  for (const [level, ofEntity] of computed.memberships.entries()) {
    const before = old.get(level);
    for (const [v, community] of ofEntity.entries()) {
      const entity = graph.ids[v]!;
      if (before?.get(entity) !== community) parts.upsert("memberships", { level, entity, community });
      before?.delete(entity);
    }
  }
  for (const [level, gone] of old) {
    for (const entity of gone.keys()) parts.remove("memberships", { level, entity });
  }
}

function rankDifference(
  parts: Parts,
  graph: LiveGraph,
  computed: ComputedAnalytics,
  published: PublishedAnalytics,
): void {
  const old = new Map(published.ranks.map((row) => [row.entity, row]));
  for (const [v, entity] of graph.ids.entries()) {
    const score = computed.scores[v]!;
    const component = computed.components[v]!;
    const before = old.get(entity);
    old.delete(entity);
    if (before && before.component === component && Math.abs(before.score - score) <= RANK_TOLERANCE * before.score)
      continue;
    parts.upsert("ranks", { entity, score, component });
  }
  for (const entity of old.keys()) {
    parts.remove("ranks", entity);
  }
}
