import type { Analytics, PublishedAnalytics, StoredRecord } from "./ports.ts";

/** What is published, in parts: each list may come in several. */

export const PUBLISHED_KINDS = ["similarity", "communities", "memberships", "ranks"] as const;

export function nothingPublished(epoch = 0): PublishedAnalytics {
  return { epoch, similarity: [], communities: [], memberships: [], ranks: [] };
}

/** The records of analytics among these, as a part. */
export function publishedPart(epoch: number, records: Iterable<StoredRecord>): PublishedAnalytics {
  const part = nothingPublished(epoch);
  for (const record of records) {
    if (record.kind === "similarity") part.similarity.push({ a: record.a, b: record.b, score: record.score });
    else if (record.kind === "community") part.communities.push(record.community);
    else if (record.kind === "membership") {
      const { level, entity, community } = record;
      part.memberships.push({ level, entity, community });
    } else if (record.kind === "rank") {
      const { entity, score, component } = record;
      part.ranks.push({ entity, score, component });
    }
  }
  return part;
}

/** All parts as one. */
export async function readPublished(
  store: Pick<Analytics, "publishedParts">,
  groupId: string,
): Promise<PublishedAnalytics> {
  const published = nothingPublished();
  for await (const part of store.publishedParts(groupId)) {
    published.epoch = part.epoch;
    for (const kind of PUBLISHED_KINDS) for (const row of part[kind]) (published[kind] as unknown[]).push(row);
  }
  return published;
}
