import { byId, byLevelAndId } from "../../core/order.ts";
import {
  type CommunityRecord,
  communityHash,
  compareIds,
  type ListedCommunity,
  MAX_ACKNOWLEDGED_CONTENTS,
  type VanishedCommunity,
} from "../../core/ports.ts";
import type { Row } from "./connection.ts";
import type { Reading, Work } from "./work.ts";

/** Communities as published, and which of them were summarised. */

interface Acknowledged {
  id: string;
  hash: string;
  /** Its community is not published any more. */
  gone: boolean;
  /** The summary is a property of the community's node: it goes with it, and serves no other community. */
  inGraph: boolean;
}

function readAcknowledged(r: Reading): Promise<(Acknowledged & Row)[]> {
  return r.run("acknowledged");
}

export async function readCommunities(r: Reading, epoch: number): Promise<CommunityRecord[]> {
  const acknowledged = new Map(
    (await readAcknowledged(r)).filter((row) => !row.gone).map((row) => [row.id, row.hash] as const),
  );
  const rows = await r.run<{ r: Row }>("publishedRows", { kind: "community", epoch: r.int(epoch) });
  return rows
    .map(({ r: row }) => ({
      id: row.id as string,
      level: row.level as number,
      parent: (row.parent as string | undefined) ?? null,
      size: row.size as number,
      memberHash: row.memberHash as string,
      edgeHash: row.edgeHash as string,
      textHash: row.textHash as string,
      changedGeneration: row.changedGeneration as number,
      acknowledgedHash: acknowledged.get(row.id as string) ?? null,
    }))
    .sort(byLevelAndId);
}

/** The same with what `ListedCommunity` adds. */
export async function listCommunities(r: Reading, epoch: number): Promise<ListedCommunity[]> {
  const all = await readCommunities(r, epoch);
  const hashes = new Map(all.map((community) => [community.id, communityHash(community)]));
  const known = new Set([...(await readContents(r)), ...(await reusable(r))]);
  return all.map((community) => {
    const hash = communityHash(community);
    return {
      ...community,
      contentAcknowledged: known.has(hash) || community.acknowledgedHash === hash,
      sameAsParent: community.parent !== null && hashes.get(community.parent) === hash,
    };
  });
}

async function reusable(r: Reading): Promise<string[]> {
  return (await readAcknowledged(r)).filter((row) => !row.inGraph).map((row) => row.hash);
}

async function readContents(r: Reading): Promise<string[]> {
  const [row] = await r.run<{ hashes: string[] }>("acknowledgedContents");
  return row?.hashes ?? [];
}

/** The newest last. */
async function changeContents(w: Work, change: { remember?: string[]; forget?: string[] }): Promise<void> {
  const { remember = [], forget = [] } = change;
  if (remember.length + forget.length === 0) return;
  const before = await readContents(w);
  const kept = new Set(before);
  for (const hash of [...remember, ...forget]) kept.delete(hash);
  for (const hash of remember) kept.add(hash);
  const hashes = [...kept].slice(-MAX_ACKNOWLEDGED_CONTENTS);
  if (hashes.length > 0 || before.length > 0) await w.run("saveAcknowledgedContents", { hashes });
}

/** With a publication: ids of communities that vanish, or that come to stand for another community. */
export async function forgetIds(w: Work, epoch: number): Promise<void> {
  const next = w.int(epoch);
  const returned = await w.run<{ hash: string; inGraph: boolean }>("forgetReturned", { next });
  await changeContents(w, { remember: returned.filter((row) => !row.inGraph).map((row) => row.hash) });
  await w.run("forgetAcknowledged", { next });
}

export async function acknowledge(w: Work, items: { id: string; hash: string }[]): Promise<number> {
  const epoch = w.group.analyticsEpoch;
  const current = new Map((await readCommunities(w, epoch)).map((c) => [c.id, communityHash(c)]));
  const rows = items.filter((item) => current.get(item.id) === item.hash);
  const hashes = new Set(rows.map((row) => row.hash));
  const nowBy = new Map(rows.map((row) => [row.id, row.hash]));
  const before = await readAcknowledged(w);
  const replaced = before.filter((row) => !row.gone && !row.inGraph && (nowBy.get(row.id) ?? row.hash) !== row.hash);
  await w.each("acknowledge", "rows", rows, { epoch: w.int(epoch), inGraph: false });
  const gone = before.filter((row) => row.gone);
  const moved = gone.filter((row) => hashes.has(row.hash));
  const goneBy = new Map(gone.filter((row) => !hashes.has(row.hash)).map((row) => [row.id, row.hash]));
  const forgotten = items.filter((item) => goneBy.get(item.id) === item.hash);
  await w.each("forgetVanished", "rows", [...moved.map(({ id }) => ({ id })), ...forgotten]);
  await changeContents(w, {
    remember: replaced.map((row) => row.hash),
    forget: forgotten.map((item) => item.hash),
  });
  return rows.length + forgotten.length;
}

/** Acknowledged communities that are published no longer. */
export async function vanished(r: Reading, epoch: number): Promise<VanishedCommunity[]> {
  const gone = (await readAcknowledged(r)).filter((row) => row.gone);
  if (gone.length === 0) return [];
  const published = new Map<string, string>();
  for (const community of (await readCommunities(r, epoch)).sort(byId).reverse())
    published.set(communityHash(community), community.id);
  return gone
    .map(({ id, hash, inGraph }) => ({ id, hash, publishedAs: inGraph ? null : (published.get(hash) ?? null) }))
    .sort(byId);
}

export async function acknowledgedMembers(r: Reading, community: string): Promise<string[] | null> {
  const [row] = await r.run<{ members: string[] | null }>("acknowledgedMembers", { community });
  return row ? [...(row.members ?? [])].sort(compareIds) : null;
}
