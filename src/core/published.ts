import type { PublishedAnalytics } from "./ports.ts";

/** What is published, in parts: each list may come in several. */

export const PUBLISHED_KINDS = ["similarity", "communities", "memberships", "ranks"] as const;

export function nothingPublished(epoch = 0): PublishedAnalytics {
  return { epoch, similarity: [], communities: [], memberships: [], ranks: [] };
}

/** All parts as one. */
export async function gatherPublished(parts: AsyncIterable<PublishedAnalytics>): Promise<PublishedAnalytics> {
  const published = nothingPublished();
  for await (const part of parts) {
    published.epoch = part.epoch;
    for (const kind of PUBLISHED_KINDS) for (const row of part[kind]) (published[kind] as unknown[]).push(row);
  }
  return published;
}
