import type { JobStore, Run } from "./ports.ts";

/**
 * Sends dead runs back to the queue, oldest first, at most `limit`; `dryRun` says which and changes nothing. A group that was
 * parked for its deaths is let go, or its runs would wait for ever.
 */
export async function redrive(
  store: JobStore,
  query: { groupId?: string; kind?: string; limit?: number; dryRun: boolean },
  visible: ((groupId: string) => boolean) | null,
  at: number,
): Promise<Run[]> {
  const found = await store.runs({ groupId: query.groupId, kind: query.kind, states: ["dead"], limit: 1_000 });
  const mine = found.filter((run) => visible === null || visible(run.groupId));
  const runs = mine.slice(-(query.limit ?? 100)).reverse();
  if (query.dryRun) return runs;
  const parked = new Set((await store.pauses()).filter((p) => p.level === "group" && p.automatic).map((p) => p.key));
  const redriven: Run[] = [];
  for (const run of runs) {
    if (parked.delete(run.groupId)) await store.setPause("group", run.groupId, null);
    const again = await store.command(run.id, "retry", at);
    if (again !== null) redriven.push(again);
  }
  return redriven;
}
