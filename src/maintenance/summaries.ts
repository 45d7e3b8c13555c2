import { type Analytics, type CommunityRecord, communityHash, type GroupReader } from "../core/ports.ts";
import { SUMMARY_GRADES, type SummaryGrade } from "../core/words.ts";
import { levelOfCommunity } from "./community-hashes.ts";
import { type ChangeCost, costOfSummaries } from "./summary-cost.ts";

/** Most ids of a member diff that an answer carries; `count` counts them all. */
const MAX_IDS = 1_000;
const MEMBERS_PER_PAGE = 10_000;

export interface ChangedQuery {
  level?: number;
  /** Changed after this generation, acknowledged or not. */
  since?: number;
  /** List only changes of these grades; else those of the policy. */
  grades?: readonly SummaryGrade[];
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

export interface ChangedCommunity extends CommunityRecord {
  /** To acknowledge it with. */
  hash: string;
  /** What differs from the acknowledgement; nothing for one that `since` lists though it was acknowledged. */
  grades: SummaryGrade[];
  /** Since the acknowledgement; null when the members are the same, or nobody has summarised it. */
  memberDiff: { added: SomeIds; removed: SomeIds } | null;
}

export interface ChangedCommunities extends Partial<ChangeCost> {
  communities: ChangedCommunity[];
  nextCursor: string | null;
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
 * @param policy grades that are listed when the query names none
 * @throws GraphkeeperError `GROUP_NOT_FOUND`
 */
export async function changedCommunities(
  store: Analytics & GroupReader,
  groupId: string,
  query: ChangedQuery,
  policy: readonly SummaryGrade[] = SUMMARY_GRADES,
): Promise<ChangedCommunities> {
  const { level, since, limit, cursor } = query;
  const isListed = (community: CommunityRecord) => listed(gradesOf(community), query, policy);
  const page = await store.communities(groupId, { level, since, unacknowledged: since === undefined, cursor, limit });
  let { items, nextCursor } = page;
  // A page that the policy empties is not worth a call of its own.
  while (!items.some(isListed) && nextCursor !== null) {
    const next = { level, since, unacknowledged: since === undefined, cursor: nextCursor, limit };
    ({ items, nextCursor } = await store.communities(groupId, next));
  }
  const communities: ChangedCommunity[] = [];
  for (const community of items.filter(isListed)) {
    const grades = gradesOf(community);
    const memberDiff = grades.includes("members") ? await memberDiffOf(store, groupId, community.id) : null;
    communities.push({ ...community, hash: communityHash(community), grades, memberDiff });
  }
  const removed = cursor === undefined ? await store.vanishedCommunities(groupId) : [];
  const isWanted = (community: CommunityRecord) =>
    (level === undefined || community.level === level) &&
    (since === undefined || community.changedGeneration > since) &&
    isListed(community);
  return {
    communities,
    nextCursor,
    removed: level === undefined ? removed : removed.filter(({ id }) => levelOfCommunity(id) === level),
    ...(query.estimate && (await costOfSummaries(store, groupId, isWanted))),
  };
}

/** In what a community differs from what was acknowledged of it: the three parts of the hash, one by one. */
export function gradesOf(community: CommunityRecord): SummaryGrade[] {
  if (community.acknowledgedHash === null) return ["new"];
  const [members, edges, texts] = community.acknowledgedHash.split(".");
  const grades: SummaryGrade[] = [];
  if (members !== community.memberHash) grades.push("members");
  if (edges !== community.edgeHash) grades.push("edges");
  if (texts !== community.textHash) grades.push("texts");
  return grades;
}

function listed(grades: SummaryGrade[], query: ChangedQuery, policy: readonly SummaryGrade[]): boolean {
  // Acknowledged as it is: only `since` asks for it, and no grade fits it.
  if (grades.length === 0) return query.since !== undefined && query.grades === undefined;
  const wanted = query.grades ?? policy;
  return grades.some((grade) => wanted.includes(grade));
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
