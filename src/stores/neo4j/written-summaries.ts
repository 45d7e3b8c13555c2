import { createHash } from "node:crypto";
import { communityHash, compareIds, type ListedCommunity } from "../../core/ports.ts";
import { readCommunities } from "./acknowledged.ts";
import { entityKeys } from "./judge.ts";
import { idFromKey } from "./shapes.ts";
import type { Transactions } from "./transactions.ts";
import type { Reading, Work } from "./work.ts";

/**
 * Community summaries that the writer's model wrote into the graph. None is overwritten, but a purge empties those that say
 * word for word what goes. Each is remembered by the hash of its text together with the hash of what the community was then
 * (members, edges, texts); when the community is another one, the summary is marked; when its text is another one, it is taken
 * as written for the community as it is.
 */

const PAGE = 200;
/** Before the ids of the writer's own communities, which are not among ours. */
export const WRITTEN = "writer:";

interface SummaryRow extends Record<string, unknown> {
  handle: string;
  id: string;
  level: number;
  text: unknown;
  ours: boolean;
  hash: string | null;
  of: string | null;
  seen: string | null;
  valid: boolean | null;
  generation: number | null;
  changed: number | null;
  parkedMembers: boolean;
}

function hash16(parts: string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\u0000");
  return hash.digest("hex").slice(0, 16);
}

/** Members, edges and texts of communities, in the form of `communityHash`. */
async function statesOf(r: Reading, handles: string[]): Promise<Map<string, string>> {
  const rows = await r.each<{ handle: string; members: unknown[][]; facts: unknown[][] }>(
    "communityContent",
    "handles",
    handles,
  );
  const sorted = (lines: unknown[][]) => lines.map((line) => JSON.stringify(line)).sort();
  return new Map(
    rows.map(({ handle, members, facts }) => [
      handle,
      [
        hash16(sorted(members.map(([id]) => [id]))),
        hash16(sorted(facts.map(([, a, b, weight, type]) => [a, b, weight, type]))),
        hash16([...sorted(members), ...sorted(facts.map(([, ...rest]) => rest))]),
      ].join("."),
    ]),
  );
}

/**
 * Looks at every summary of the group, a page per call: what holds is left alone, what does not is marked.
 *
 * @param onlyNew looks only at those whose text is not the one that was seen last
 * @returns where to go on, null at the end
 */
async function lookAtSummaries(w: Work, after: string, onlyNew: boolean): Promise<string | null> {
  if (!w.shapes.hasSummaries) return null;
  const page = await w.run<SummaryRow>("summaryPage", { after, limit: w.int(PAGE) });
  const rows = onlyNew ? page.filter(isNew) : page;
  const foreign = rows.filter((row) => !row.ours).map((row) => row.handle);
  const states = await statesOf(w, foreign);
  const ours = new Map(
    rows.some((row) => row.ours)
      ? (await readCommunities(w, w.group.analyticsEpoch)).map((c) => [c.id, communityHash(c)])
      : [],
  );
  const marks = [];
  const accepted: { id: string; hash: string }[] = [];
  for (const row of rows) {
    const state = row.ours ? ours.get(ourId(w, row.id)) : states.get(row.handle);
    if (state === undefined) continue;
    const mark = judge(w, row, state);
    if (mark.valid && row.ours && mark.of !== row.of) accepted.push({ id: ourId(w, row.id), hash: state });
    if (isSame(row, mark)) continue;
    const { generation, changed } = mark;
    marks.push({ ...mark, handle: row.handle, generation: w.int(generation), changed: w.int(changed) });
  }
  await w.each("markSummaries", "rows", marks);
  await w.each("acknowledge", "rows", accepted, { epoch: w.int(w.group.analyticsEpoch), inGraph: true });
  return page.length < PAGE ? null : (page.at(-1)?.id ?? null);
}

function ourId(r: Reading, id: string): string {
  return id.slice((r.shapes.profile.published?.communityPrefix ?? "").length);
}

function isNew(row: SummaryRow): boolean {
  return row.hash !== textHash(row);
}

function textHash(row: SummaryRow): string {
  return hash16([typeof row.text === "string" ? row.text : JSON.stringify(row.text)]);
}

interface Mark {
  hash: string;
  /** What the community was when the summary was written. */
  of: string;
  /** What it was at the last look. */
  seen: string;
  valid: boolean;
  /** Of the last look. */
  generation: number;
  /** At which the community was seen to be another one. */
  changed: number;
}

function judge(w: Work, row: SummaryRow, state: string): Mark {
  const hash = textHash(row);
  const { generation } = w.group;
  const changed = row.seen === state ? (row.changed ?? generation) : generation;
  const mark = { hash, seen: state, generation, changed };
  if (row.hash === null) {
    // Seen for the first time: it holds, unless some of its members are parked already.
    return { ...mark, of: row.parkedMembers ? "" : state, valid: !row.parkedMembers };
  }
  if (row.hash === hash) return { ...mark, of: row.of ?? "", valid: row.of === state };
  // Written anew since the last look. If we changed the community in the meantime, it may have been written before that.
  const certain = row.seen === state || row.generation === generation;
  return { ...mark, of: certain ? state : (row.seen ?? ""), valid: certain };
}

function isSame(row: SummaryRow, mark: Mark): boolean {
  return (
    row.hash === mark.hash &&
    row.of === mark.of &&
    row.seen === mark.seen &&
    row.valid === mark.valid &&
    row.generation === mark.generation
  );
}

/** After a publication: the next page of summaries. @returns 0 when all have been looked at */
export async function lookOnceMore(w: Work): Promise<number> {
  const epoch = w.group.analyticsEpoch;
  if (!w.shapes.hasSummaries || w.group.summariesAt === epoch) return 0;
  const next = await lookAtSummaries(w, (w.group.summariesAfter as string | undefined) ?? "", false);
  w.set(next === null ? { summariesAt: epoch, summariesAfter: null } : { summariesAfter: next });
  return next === null ? 0 : 1;
}

/** Before the changed communities are told: summaries that were written since count as written. */
export async function noticeSummaries(store: Transactions, groupId: string): Promise<void> {
  if (!store.shapes.hasSummaries) return;
  if (!(await store.read(groupId, (r) => hasNewSummaries(r)))) return;
  for (let after: string | null = ""; after !== null; ) {
    const from: string = after;
    after = await store.write(groupId, (w) => lookAtSummaries(w, from, true));
  }
}

/** Whether the writer has written a summary that we have not seen. */
async function hasNewSummaries(r: Reading): Promise<boolean> {
  if (!r.shapes.hasSummaries) return false;
  for (let after = ""; ; ) {
    const page = await r.run<SummaryRow>("summaryPage", { after, limit: r.int(PAGE) });
    if (page.some(isNew)) return true;
    if (page.length < PAGE) return false;
    after = page.at(-1)?.id as string;
  }
}

/** The writer's own communities whose summaries no longer hold, as what is to be summarised again. */
export async function outdatedCommunities(r: Reading): Promise<ListedCommunity[]> {
  if (!r.shapes.hasSummaries) return [];
  const rows = await r.run<SummaryRow & { size: number }>("writtenCommunities");
  const records = rows.map((row): ListedCommunity => {
    const [memberHash = "", edgeHash = "", textHash = ""] = (row.seen ?? "").split(".");
    return {
      id: WRITTEN + row.id,
      level: row.level,
      parent: null,
      size: row.size,
      memberHash,
      edgeHash,
      textHash,
      changedGeneration: row.changed ?? 0,
      acknowledgedHash: row.of,
      // The text is a property of this node: it serves no other community.
      contentAcknowledged: row.of === row.seen,
      sameAsParent: false,
    };
  });
  return records.sort((a, b) => compareIds(a.id, b.id));
}

/** The user says that a summary of the writer's own community holds for what the community is. */
export async function acknowledgeWritten(w: Work, items: { id: string; hash: string }[]): Promise<number> {
  const rows = items
    .filter(({ id }) => id.startsWith(WRITTEN))
    .map(({ id, hash }) => ({ id: id.slice(WRITTEN.length), hash }));
  return (await w.each("acknowledgeWritten", "rows", rows)).length;
}

/** How many of the highest are looked at for each name: some may be parked since the publication. */
const LOOKED_AT_PER_NAME = 5;

/** See the port; members of the writer's own communities come in the order of their ids. */
export async function memberNames(
  r: Reading,
  analyticsEpoch: number,
  communityIds: string[],
  limit: number,
): Promise<{ id: string; names: string[] }[]> {
  const most = r.int(limit * LOOKED_AT_PER_NAME);
  const epoch = r.int(analyticsEpoch);
  const members = new Map<string, string[]>();
  const rows = await r.each<{ community: string; entities: string[] }>(
    "highestMembers",
    "communities",
    communityIds.filter((id) => !id.startsWith(WRITTEN)),
    { epoch, limit: most },
  );
  for (const row of rows) members.set(row.community, row.entities);
  for (const id of communityIds.filter((written) => written.startsWith(WRITTEN))) {
    const community = id.slice(WRITTEN.length);
    const found = await r.run<{ entity: string }>("membersOfWritten", { community, after: "", epoch, limit: most });
    members.set(
      id,
      found.map((row) => row.entity),
    );
  }
  const ids = new Set([...members.values()].flat());
  const names = new Map(
    (await r.each<{ id: unknown; name: unknown }>("entityNames", "ids", entityKeys(r, ids))).map((row) => [
      idFromKey(row.id),
      String(row.name ?? idFromKey(row.id)),
    ]),
  );
  return communityIds.map((id) => {
    const found = (members.get(id) ?? []).map((entity) => names.get(entity)).filter((name) => name !== undefined);
    return { id, names: found.slice(0, limit) };
  });
}
