import type { JobStore, Retention } from "./ports.ts";

const DAY_MS = 86_400_000;

/** Runs 30 days and 200 per kind and group, failures 180 days and 500, occurrences 90 days, idempotency keys 24 h. */
export const DEFAULT_RETENTION: Omit<Retention, "at" | "limit"> = {
  maxAgeMs: 30 * DAY_MS,
  keep: 200,
  failedMaxAgeMs: 180 * DAY_MS,
  failedKeep: 500,
  occurrencesMaxAgeMs: 90 * DAY_MS,
  keysMaxAgeMs: DAY_MS,
};

/** Forgets what retention lets go, in steps of 500 rows with a turn of the event loop between; returns the rows removed. */
export async function forget(
  store: JobStore,
  at: number,
  retention = DEFAULT_RETENTION,
  signal?: AbortSignal,
): Promise<number> {
  const limit = 500;
  let removed = 0;
  // Bounded: what is left is forgotten the next time.
  for (let step = 0; step < 200 && signal?.aborted !== true; step++) {
    const rows = await store.prune({ ...retention, at, limit });
    removed += rows;
    if (rows < limit) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return removed;
}
