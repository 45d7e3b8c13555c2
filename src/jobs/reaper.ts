import type { Clock } from "./clock.ts";
import type { ActiveRun, JobStore } from "./ports.ts";

/**
 * Finds workers that vanished. A lease has run out when this observer has seen the same heartbeat for `leaseMs` of its own
 * monotonic time: no wall clock, here or there, can steal one. After a freeze of the observer itself the first look counts
 * as new, because the beats it remembers are compared with what it reads now.
 */
export class Reaper {
  readonly #seen = new Map<string, { token: number; beat: number; since: number }>();
  readonly #store: JobStore;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(store: JobStore, clock: Clock, leaseMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#leaseMs = leaseMs;
  }

  /**
   * One look, over runs that are not this process's own: those are known to live, however long a writer of the store keeps
   * their heartbeats waiting. Returns the runs that were taken back. Call it a few times per lease.
   */
  async look(isOwn: (run: ActiveRun) => boolean = () => false): Promise<ActiveRun[]> {
    const active = (await this.#store.active()).filter((run) => !isOwn(run));
    const now = this.#clock.monotonic();
    // This process stood still itself (SIGSTOP, a sleeping laptop): everybody may have, so all start anew.
    if (now - this.#lookedAt > this.#leaseMs) this.#seen.clear();
    this.#lookedAt = now;
    const ids = new Set(active.map((run) => run.runId));
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
    const lost: ActiveRun[] = [];
    for (const run of active) {
      const seen = this.#seen.get(run.runId);
      if (seen === undefined || seen.token !== run.token || seen.beat !== run.beat) {
        this.#seen.set(run.runId, { token: run.token, beat: run.beat, since: now });
      } else if (now - seen.since >= this.#leaseMs && (await this.#store.reclaim(run, this.#clock.now()))) {
        this.#seen.delete(run.runId);
        lost.push(run);
      }
    }
    return lost;
  }

  /** Takes back every active run at once: for a store that only one process can hold, when that process starts. */
  async takeAll(): Promise<ActiveRun[]> {
    const lost: ActiveRun[] = [];
    for (const run of await this.#store.active()) if (await this.#store.reclaim(run, this.#clock.now())) lost.push(run);
    return lost;
  }
}
