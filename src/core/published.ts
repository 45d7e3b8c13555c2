import type { PublishedAnalytics } from "./ports.ts";

/** What is published, in parts: each list may come in several. */

export const PUBLISHED_KINDS = ["similarity", "communities", "memberships", "ranks"] as const;

export function nothingPublished(epoch = 0): PublishedAnalytics {
  return { epoch, similarity: [], communities: [], memberships: [], ranks: [] };
}

/** Appends the rows of a part; its lists may be missing. */
export function addPublished(published: PublishedAnalytics, part: Partial<Omit<PublishedAnalytics, "epoch">>): void {
  for (const kind of PUBLISHED_KINDS) for (const row of part[kind] ?? []) (published[kind] as unknown[]).push(row);
}
