import { type Analytics, communityHash, type GroupReader, type ListedCommunity, type Page } from "../core/ports.ts";
import { SUMMARY_GRADES, type SummaryGrade } from "../core/words.ts";
import { levelOfCommunity } from "./community-hashes.ts";
import { type ChangeCost, costOfSummaries } from "./summary-cost.ts";

/** Most ids of a member diff that an answer carries; `count` counts them all. */
const MAX_IDS = 1_000;
/** Names of members with which a community is shown. */
const NAMES = 5;
const MEMBERS_PER_PAGE = 10_000;

/** Which communities are listed as summaries to write where a query does not say so. */
export interface SummaryPolicy {
  grades: readonly SummaryGrade[];
  /** Communities with fewer members are not listed, unless they were summarised before. */
  leastSize: number;
}
export const SUMMARY_POLICY: SummaryPolicy = { grades: SUMMARY_GRADES, leastSize: 2 };

export interface ChangedQuery {
  /** Only this one; else a community whose parent has the same members, and so the same summary, is left out. */
  level?: number;
  /** Changed after this generation, acknowledged or not. */
  since?: number;
  /** List only changes of these grades; else those of the policy. */
  grades?: readonly SummaryGrade[];
  leastSize?: number;
  /** Also say what writing them costs; a scan of the whole group. */
  estimate?: boolean;
  cursor?: string;
  limit: number;
}

export interface SomeIds {
  count: number;
  /** Sorted, the first 1,000. */
  ids: string[];
}

export interface NamedCommunity extends ListedCommunity {
  /** To acknowledge it with. */
  hash: string;
  /** Of the five live members with the highest rank. */
  names: string[];
}

export interface ChangedCommunity extends NamedCommunity {
  /** What differs from the acknowledgement; nothing for one that `since` lists though its content was acknowledged. */
  grades: SummaryGrade[];
  /** Since the acknowledgement; null when the members are the same, or nobody has summarised it. */
  memberDiff: { added: SomeIds; removed: SomeIds } | null;
}

export interface ChangedCommunities extends Partial<ChangeCost> {
  communities: ChangedCommunity[];
  nextCursor: string | null;
  /**
   * Communities whose content was acknowledged before, but not under this id, or not last: the summary that was written for this
   * hash holds. `from` had the content and vanished; null when it was the same id, or the other one is still there.
   * Acknowledge them with the hash to be rid of them.
   */
  reused: { id: string; hash: string; from: string | null }[];
  /** Summaries to throw away: acknowledged communities that vanished. On the first page; acknowledge them to be rid of them. */
  removed: { id: string; hash: string }[];
}

/**
 * The summary bill: which communities differ from what was summarised of them, and in what. Texts follow members: a member
 * that comes or goes is also a change of the texts.
 *
 * `removed` of a member diff is without entities that were purged since: of these nothing is kept.
 *
 * Cost: the page, and the members of those whose members changed; `estimate` reads every record of the group once.
 *
 * @param policy what is listed when the query does not say so
 * @throws GraphkeeperError `GROUP_NOT_FOUND`
 */
export async function changedCommunities(
  store: Analytics & GroupReader,
  groupId: string,
  query: ChangedQuery,
  policy: SummaryPolicy = SUMMARY_POLICY,
): Promise<ChangedCommunities> {
  const { level, since, limit } = query;
  const isListed = (community: ListedCommunity) => listed(community, query, policy);
  const wanted: ListedCommunity[] = [];
  const again: ListedCommunity[] = [];
  let cursor = query.cursor;
  do {
    const unacknowledged = since === undefined;
    const page: Page<ListedCommunity> = await store.communities(groupId, {
      level,
      since,
      unacknowledged,
      cursor,
      limit,
    });
    wanted.push(...page.items.filter(isListed));
    again.push(...page.items.filter((community) => isReused(community) && isSummarised(community, query, policy)));
    cursor = page.nextCursor ?? undefined;
    // A page that the policy empties is not worth a call of its own.
  } while (wanted.length + again.length === 0 && cursor !== undefined);
  const communities: ChangedCommunity[] = [];
  for (const community of await withNames(store, groupId, wanted)) {
    const grades = gradesOf(community);
    const memberDiff = grades.includes("members") ? await memberDiffOf(store, groupId, community.id) : null;
    communities.push({ ...community, grades, memberDiff });
  }
  const vanished = query.cursor === undefined || again.length > 0 ? await store.vanishedCommunities(groupId) : [];
  const fromOf = new Map(vanished.filter(({ publishedAs }) => publishedAs !== null).map(({ id, hash }) => [hash, id]));
  const removed = query.cursor === undefined ? vanished.filter(({ publishedAs }) => publishedAs === null) : [];
  return {
    communities,
    nextCursor: cursor ?? null,
    reused: again.map((community) => {
      const hash = communityHash(community);
      return { id: community.id, hash, from: fromOf.get(hash) ?? null };
    }),
    removed: removed
      .filter(({ id }) => level === undefined || levelOfCommunity(id) === level)
      .map(({ id, hash }) => ({ id, hash })),
    ...(query.estimate && (await costOf(store, groupId, query, policy))),
  };
}

/** By level, then id, as they are published, with what lists show of them. */
export async function namedCommunities(
  store: Analytics,
  groupId: string,
  query: Parameters<Analytics["communities"]>[1],
): Promise<Page<NamedCommunity>> {
  const { items, nextCursor } = await store.communities(groupId, query);
  return { items: await withNames(store, groupId, items), nextCursor };
}

async function withNames(store: Analytics, groupId: string, items: ListedCommunity[]): Promise<NamedCommunity[]> {
  const ids = items.map(({ id }) => id);
  const named = ids.length === 0 ? [] : await store.memberNames(groupId, ids, NAMES);
  return items.map((community, i) => ({
    ...community,
    hash: communityHash(community),
    names: named[i]?.names ?? [],
  }));
}

/** In what a community differs from what was acknowledged of it: the three parts of the hash, one by one. */
export function gradesOf(community: ListedCommunity): SummaryGrade[] {
  if (community.contentAcknowledged) return [];
  if (community.acknowledgedHash === null) return ["new"];
  const [members, edges, texts] = community.acknowledgedHash.split(".");
  const grades: SummaryGrade[] = [];
  if (members !== community.memberHash) grades.push("members");
  if (edges !== community.edgeHash) grades.push("edges");
  if (texts !== community.textHash) grades.push("texts");
  return grades;
}

function isReused(community: ListedCommunity): boolean {
  return community.contentAcknowledged && community.acknowledgedHash !== communityHash(community);
}

/** Whether a summary is written for a community at all, whatever became of it. */
function isSummarised(community: ListedCommunity, query: ChangedQuery, policy: SummaryPolicy): boolean {
  const { size, acknowledgedHash } = community;
  // One that has shrunk is listed all the same: somebody keeps a summary of what it was.
  if (size < (query.leastSize ?? policy.leastSize) && acknowledgedHash === null) return false;
  return query.level === undefined ? !community.sameAsParent : community.level === query.level;
}

function listed(community: ListedCommunity, query: ChangedQuery, policy: SummaryPolicy): boolean {
  if (!isSummarised(community, query, policy)) return false;
  const grades = gradesOf(community);
  // Acknowledged as it is: only `since` asks for it, and no grade fits it.
  if (grades.length === 0) return query.since !== undefined && query.grades === undefined;
  const wanted = query.grades ?? policy.grades;
  return grades.some((grade) => wanted.includes(grade));
}

/** Communities in a page of those whose ids alone the estimate keeps. */
const COMMUNITIES_PER_PAGE = 100_000;

async function costOf(store: Analytics & GroupReader, groupId: string, query: ChangedQuery, policy: SummaryPolicy) {
  const { since } = query;
  const [wanted, all] = [new Set<string>(), new Set<string>()];
  for (let cursor: string | undefined; ; ) {
    const page = await store.communities(groupId, { cursor, limit: COMMUNITIES_PER_PAGE });
    for (const community of page.items) {
      if (isSummarised(community, { ...query, level: undefined }, policy)) all.add(community.id);
      if (since !== undefined && community.changedGeneration <= since) continue;
      if (listed(community, query, policy)) wanted.add(community.id);
    }
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  return costOfSummaries(store, groupId, { wanted, all });
}

async function memberDiffOf(store: Analytics, groupId: string, communityId: string) {
  const before = await store.acknowledgedMembers(groupId, communityId);
  // Another publication came in between, and it vanished.
  if (before === null) return null;
  const gone = new Set(before);
  const added: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const { items, nextCursor } = await store.members(groupId, communityId, { cursor, limit: MEMBERS_PER_PAGE });
    for (const id of items) if (!gone.delete(id)) added.push(id);
    if (nextCursor === null) break;
    cursor = nextCursor;
  }
  return { added: some(added), removed: some([...gone]) };
}

function some(ids: string[]): SomeIds {
  return { count: ids.length, ids: ids.slice(0, MAX_IDS) };
}
