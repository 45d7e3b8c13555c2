import type { Clock } from "./clock.ts";
import { type GroupNeed, needed } from "./due.ts";
import type { JobStore, KindConfig, Need } from "./ports.ts";

export interface SweepOptions {
  store: JobStore;
  clock: Clock;
  kinds: Record<string, KindConfig>;
  newId: () => string;
  /** Which kinds are due by need alone, between their schedules, and when. */
  sweeps: Record<string, Need>;
  targets: (kind: string) => Promise<string[]>;
  need: (kind: string, groupId: string) => Promise<GroupNeed>;
}

/**
 * State is the truth, events are hints: finds groups whose changes wait although no run is on its way (the event was lost,
 * or the graph lives in another store than the jobs), and those with so much to do that they should not wait for their
 * schedule. Returns the number of runs made.
 */
export async function sweep(options: SweepOptions): Promise<number> {
  const { store, clock, kinds, newId } = options;
  let made = 0;
  for (const [kind, need] of Object.entries(options.sweeps)) {
    const open = await store.runs({ kind, states: ["queued", "running", "paused"], limit: 100_000 });
    const covered = new Set(open.map((run) => run.groupId));
    const parked = new Set((await store.pauses()).filter((p) => p.level === "group").map((p) => p.key));
    for (const groupId of await options.targets(kind)) {
      if (covered.has(groupId) || parked.has(groupId)) continue;
      const judged = needed(need, await options.need(kind, groupId), clock.now());
      if (!judged.due) continue;
      const at = clock.now();
      const { outcome } = await store.enqueue({
        id: newId(),
        kind,
        groupId,
        trigger: "sweep",
        actor: "sweep",
        params: {},
        at,
        runAt: at,
        heavy: kinds[kind]?.heavy === true,
        maxAttempts: kinds[kind]?.maxAttempts ?? 5,
        mode: "join",
      });
      if (outcome === "created") made++;
    }
  }
  return made;
}
