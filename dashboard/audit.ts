import { send } from "./api.ts";
import type { AuditEntry } from "./wire.ts";

async function entries(group: string, after: number, limit: number, signal: AbortSignal): Promise<AuditEntry[]> {
  return (await send<{ entries: AuditEntry[] }>({ path: "/audit", query: { after, limit }, group }, signal)).entries;
}

/** Number of the newest entry; 0 when there is none. The chain is read from its beginning only, so it is searched for. */
export async function lastSeq(group: string, signal: AbortSignal): Promise<number> {
  let [low, high] = [0, 256];
  // Entries count 1, 2, 3…: there is one after `low`, and none after `high`.
  while ((await entries(group, high, 1, signal)).length > 0) [low, high] = [high, high * 8];
  while (high - low > 256) {
    const middle = Math.floor((low + high) / 2);
    if ((await entries(group, middle, 1, signal)).length > 0) low = middle;
    else high = middle;
  }
  return (await entries(group, low, 256, signal)).at(-1)?.seq ?? low;
}

/** Newest first: the entries up to `upTo`, at most `limit`. */
export async function entriesUpTo(
  group: string,
  upTo: number,
  limit: number,
  signal: AbortSignal,
): Promise<AuditEntry[]> {
  const after = Math.max(0, upTo - limit);
  return (await entries(group, after, upTo - after, signal)).reverse();
}

/** How far back the story of one document is looked for. */
export const STORY_DEPTH = 5_000;

/** Entries that name the document, newest first, among the newest `STORY_DEPTH`; `complete` when its import is among them. */
export async function storyOf(group: string, document: string, signal: AbortSignal) {
  const found: AuditEntry[] = [];
  let upTo = await lastSeq(group, signal);
  const end = Math.max(0, upTo - STORY_DEPTH);
  while (upTo > end) {
    for (const entry of await entriesUpTo(group, upTo, 1_000, signal)) {
      if (outcomeIn(entry, document) !== null) found.push(entry);
    }
    upTo -= 1_000;
  }
  return { entries: found, complete: end === 0 };
}

export function outcomeIn(entry: AuditEntry, document: string): string | null {
  const { documents } = entry.detail;
  return Array.isArray(documents) ? (documents.find((each) => each.id === document)?.outcome ?? null) : null;
}
