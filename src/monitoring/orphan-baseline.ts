import type { JobStore } from "../jobs/ports.ts";
import type { Baseline } from "./conditions.ts";
import { type GroupFigures, orphansOf } from "./snapshot.ts";

const WEEK_MS = 7 * 86_400_000;
/** The past changes slowly: a group's figure is read again after an hour. */
const KEPT_MS = 3_600_000;

/**
 * Orphans of each group a week ago, out of the job store's ledger: the counters after the last run that was created at least a
 * week ago; where retention let it go, those of the week (they outlive the runs) whose end lies nearest to a week ago.
 *
 * A group that came to be within the week had none. One that is older and left no counters is compared with nothing.
 */
export class OrphanBaseline {
  readonly #jobs: JobStore;
  readonly #kept = new Map<string, { readAt: number; orphans: number | null }>();

  constructor(jobs: JobStore) {
    this.#jobs = jobs;
  }

  async read(groups: GroupFigures[], now: number): Promise<Baseline> {
    const then = now - WEEK_MS;
    const known = new Set<string>();
    let orphans = 0;
    let past = false;
    for (const group of groups) {
      if (group.createdAt > then) {
        known.add(group.groupId);
        continue;
      }
      const found = await this.#of(group.groupId, now);
      if (found === null) continue;
      past = true;
      known.add(group.groupId);
      orphans += found;
    }
    this.#forget(groups);
    return { orphans, groupIds: past ? known : null };
  }

  async #of(groupId: string, now: number): Promise<number | null> {
    const kept = this.#kept.get(groupId);
    if (kept !== undefined && now >= kept.readAt && now - kept.readAt < KEPT_MS) return kept.orphans;
    const then = now - WEEK_MS;
    const orphans = (await this.#ofRuns(groupId, then)) ?? (await this.#ofWeeks(groupId, then));
    this.#kept.set(groupId, { readAt: now, orphans });
    return orphans;
  }

  async #ofRuns(groupId: string, then: number): Promise<number | null> {
    const runs = await this.#jobs.runs({ groupId, states: ["succeeded"], createdBefore: then, limit: 10 });
    for (const run of runs) {
      const orphans = orphansOf(run.after);
      // A quiet group has no newer runs than its last change: its counters are still true, however old.
      if (orphans !== null) return orphans;
    }
    return null;
  }

  async #ofWeeks(groupId: string, then: number): Promise<number | null> {
    const weeks = await this.#jobs.weeks({ groupId, fromAt: then - 4 * WEEK_MS });
    let nearest: { distance: number; orphans: number } | null = null;
    for (const week of weeks) {
      if (week.weekStartAt > then) continue;
      const orphans = orphansOf(week.lastCounters);
      const distance = Math.abs(week.weekStartAt + WEEK_MS - then);
      if (orphans !== null && (nearest === null || distance <= nearest.distance)) nearest = { distance, orphans };
    }
    return nearest?.orphans ?? null;
  }

  #forget(groups: GroupFigures[]): void {
    if (this.#kept.size <= groups.length) return;
    const alive = new Set(groups.map((group) => group.groupId));
    for (const groupId of this.#kept.keys()) if (!alive.has(groupId)) this.#kept.delete(groupId);
  }
}
