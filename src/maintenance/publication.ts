import type { AnalyticsPart, CommunityRecord, LiveGraph } from "../core/ports.ts";
import type { ComputedAnalytics } from "./community-hashes.ts";
import type { PublishedColumns } from "./published-columns.ts";

/** Rows of all kinds in one part: one transaction of the store. */
const ROWS_PER_PART = 1_000;
/**
 * A rank that is less than this share off what is published is left as it is. Ranks sum to 1, so that 300 entities less of a
 * million move every other rank by 0.03 %: at a tolerance of 1e-6 each run wrote all of them anew.
 */
const RANK_TOLERANCE = 1e-3;

export interface Publication {
  /** Made as they are asked for: the rows of a million entities never are in memory at once. */
  parts: Generator<AnalyticsPart, void, undefined>;
  partCount: number;
  rows: number;
  /** Communities that are new or whose hashes changed, by id; and those that are gone. */
  changed: string[];
  removed: string[];
}

/** The difference between what is published and what was computed, in bounded parts. */
export function publicationOf(graph: LiveGraph, computed: ComputedAnalytics, published: PublishedColumns): Publication {
  const communities = communityDifference(graph, computed, published);
  const difference = () => differenceOf(graph, computed, published, communities.rows);
  let rows = 0;
  for (const _ of difference()) rows++;
  const partCount = Math.ceil(rows / ROWS_PER_PART);
  const { changed, removed } = communities;
  return { parts: inParts(difference()), partCount, rows, changed, removed };
}

type Row<T> = { [K in keyof T]-?: { table: K; row: NonNullable<T[K]> extends (infer R)[] ? R : never } }[keyof T];
type Change = ({ how: "upsert" } & Row<AnalyticsPart["upsert"]>) | ({ how: "remove" } & Row<AnalyticsPart["remove"]>);
type Changes = Generator<Change, void, undefined>;

function* inParts(changes: Iterable<Change>): Generator<AnalyticsPart, void, undefined> {
  let part: AnalyticsPart = { upsert: {}, remove: {} };
  let rows = 0;
  for (const { how, table, row } of changes) {
    const lists: { [table: string]: unknown[] | undefined } = part[how];
    lists[table] ??= [];
    lists[table].push(row);
    if (++rows % ROWS_PER_PART !== 0) continue;
    yield part;
    part = { upsert: {}, remove: {} };
  }
  if (rows % ROWS_PER_PART !== 0) yield part;
}

function* differenceOf(
  graph: LiveGraph,
  computed: ComputedAnalytics,
  published: PublishedColumns,
  communities: Change[],
): Changes {
  yield* similarityDifference(graph, computed, published);
  yield* communities;
  yield* membershipDifference(graph, computed, published);
  yield* rankDifference(graph, computed, published);
}

function* similarityDifference({ ids }: LiveGraph, computed: ComputedAnalytics, published: PublishedColumns): Changes {
  const old = published.similarity;
  const kept = new Uint8Array(old.targets.length);
  const { sources, targets, scores } = computed.similarity;
  for (let e = 0; e < sources.length; e++) {
    // ids are sorted, so the smaller index is the smaller id.
    const a = Math.min(sources[e]!, targets[e]!);
    const b = Math.max(sources[e]!, targets[e]!);
    const end = old.offsets[a + 1]!;
    let at = old.offsets[a]!;
    while (at < end && old.targets[at] !== b) at++;
    if (at < end) kept[at] = 1;
    if (at < end && old.scores[at] === scores[e]) continue;
    yield { how: "upsert", table: "similarity", row: { a: ids[a]!, b: ids[b]!, score: scores[e]! } };
  }
  for (const [a, id] of ids.entries()) {
    for (let at = old.offsets[a]!; at < old.offsets[a + 1]!; at++) {
      if (kept[at] === 1) continue;
      yield { how: "remove", table: "similarity", row: { a: id, b: ids[old.targets[at]!]! } };
    }
  }
  for (const row of published.gone.similarity) yield { how: "remove", table: "similarity", row };
}

function communityDifference(graph: LiveGraph, computed: ComputedAnalytics, published: PublishedColumns) {
  const old = new Map<string, CommunityRecord>(published.communities.map((c) => [c.id, c]));
  const changed: string[] = [];
  const rows: Change[] = [];
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
    rows.push({ how: "upsert", table: "communities", row: { ...community, changedGeneration } });
  }
  const removed = [...old.keys()];
  for (const row of removed) rows.push({ how: "remove", table: "communities", row });
  return { rows, changed, removed };
}

function* membershipDifference({ ids }: LiveGraph, computed: ComputedAnalytics, published: PublishedColumns): Changes {
  for (const [level, { names, of }] of computed.memberships.entries()) {
    const before = published.memberships.get(level);
    for (const [v, entity] of ids.entries()) {
      const community = names[of[v]!]!;
      if (before && before.names[before.of[v]!] === community) continue;
      yield { how: "upsert", table: "memberships", row: { level, entity, community } };
    }
  }
  for (const [level, { of }] of published.memberships) {
    if (level < computed.memberships.length) continue;
    for (const [v, entity] of ids.entries())
      if (of[v] !== -1) yield { how: "remove", table: "memberships", row: { level, entity } };
  }
  for (const row of published.gone.memberships) yield { how: "remove", table: "memberships", row };
}

function* rankDifference({ ids }: LiveGraph, computed: ComputedAnalytics, published: PublishedColumns): Changes {
  const { names, of } = published.components;
  for (const [v, entity] of ids.entries()) {
    const score = computed.scores[v]!;
    const component = computed.components.names[computed.components.of[v]!]!;
    const before = published.scores[v]!;
    if (names[of[v]!] === component && Math.abs(before - score) <= RANK_TOLERANCE * before) continue;
    yield { how: "upsert", table: "ranks", row: { entity, score, component } };
  }
  for (const row of published.gone.ranks) yield { how: "remove", table: "ranks", row };
}
