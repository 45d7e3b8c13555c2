import type { JsonObject } from "../core/words.ts";
import { Attempt, type StopReason } from "./attempt.ts";
import type { Clock } from "./clock.ts";
import type { Gate } from "./gate.ts";
import type { ActiveRun, JobHandler, JobStore, KindConfig, Progress, Run } from "./ports.ts";
import { Reaper } from "./reaper.ts";

export interface WorkerOptions {
  store: JobStore;
  clock: Clock;
  /** Name of this process in the ledger; unique among processes. */
  owner: string;
  kinds: Record<string, KindConfig>;
  handler: JobHandler;
  random: () => number;
  /** Runs at once in this process; default 2. */
  concurrency?: number;
  /** Heavy runs at once over all processes; default 1. */
  heavyCap?: number;
  /** A worker that shows no heartbeat for this long is taken for dead; default 10 s. */
  leaseMs?: number;
  /** Between heartbeats, each of which also reads cancel and pause; default 1 s. */
  beatMs?: number;
  /** Between looks into the queue when nothing wakes the worker; default 250 ms. */
  pollMs?: number;
  abandonMs?: number;
  gate?: Gate;
  counters?: (groupId: string) => Promise<JsonObject | null>;
  onProgress?: (run: Run, progress: Progress) => void;
  /** How long to leave a place empty after a run that took so long, in ms. Default: not at all. */
  restMs?: (tookMs: number) => number;
  /** A run began or ended here. */
  onChange?: (run: Run) => void;
  /** Errors of the loop itself; it goes on. */
  onError?: (error: unknown, where: string) => void;
  /** True when no other process can hold the store: runs that a crash left active are taken back at the start. */
  exclusive?: boolean;
}

/** Claims runs and carries them out. One loop; it survives every error of store and handler. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #reaper: Reaper;
  readonly #attempts = new Map<Attempt, Promise<void>>();
  #resting = 0;
  #stopping = new AbortController();
  #wake = new AbortController();
  #loops: Promise<void>[] = [];

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#reaper = new Reaper(options.store, options.clock, options.leaseMs ?? 10_000);
  }

  get active(): number {
    return this.#attempts.size;
  }

  start(): void {
    if (this.#loops.length > 0) return;
    this.#stopping = new AbortController();
    this.#loops = [this.#claimLoop(), this.#reapLoop()];
  }

  /** Looks into the queue at once. */
  wake(): void {
    this.#wake.abort();
  }

  /** Tells an attempt of this process to stop without waiting for its next heartbeat. */
  interrupt(runId: string, reason: StopReason): void {
    for (const attempt of this.#attempts.keys()) if (attempt.run.id === runId) attempt.stop(reason);
  }

  /** No new claims; attempts are told to stop after their batch and go back to the queue with their checkpoint. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await Promise.all(this.#loops);
    this.#loops = [];
    for (const attempt of this.#attempts.keys()) attempt.stop("shutdown");
    const graceOver = new AbortController();
    await Promise.race([
      Promise.allSettled(this.#attempts.values()),
      this.#options.clock.sleep(graceMs, graceOver.signal),
    ]);
    graceOver.abort();
    for (const attempt of this.#attempts.keys()) attempt.leave();
  }

  /** Claims and begins what may begin, up to the free places; returns how many began. Public for tests. */
  async tick(): Promise<number> {
    const { store, clock, owner, kinds } = this.#options;
    let begun = 0;
    while (this.#attempts.size + this.#resting < (this.#options.concurrency ?? 2) && !this.#stopping.signal.aborted) {
      const request = { owner, at: clock.now(), kinds: Object.keys(kinds), heavyCap: this.#options.heavyCap ?? 1 };
      const run = await store.claim(request);
      if (run === null) break;
      this.#begin(run);
      begun++;
    }
    return begun;
  }

  /** Resolves when no attempt of this process is under way. Public for tests. */
  async idle(): Promise<void> {
    while (this.#attempts.size > 0) await Promise.allSettled(this.#attempts.values());
  }

  #begin(run: Run): void {
    const o = this.#options;
    const attempt = new Attempt(run, o.store, o.clock, {
      // Nobody else can take over in a store that has one holder.
      leaseMs: o.exclusive === true ? Number.POSITIVE_INFINITY : (o.leaseMs ?? 10_000),
      beatMs: o.beatMs ?? 1_000,
      abandonMs: o.abandonMs ?? 30_000,
      kind: o.kinds[run.kind] ?? {},
      random: o.random,
      gate: o.gate,
      counters: o.counters,
      onProgress: o.onProgress,
    });
    const begun = o.clock.monotonic();
    const done = attempt
      .execute(o.handler)
      .catch((error: unknown) => o.onError?.(error, `run ${run.id}`))
      .finally(() => {
        this.#attempts.delete(attempt);
        o.onChange?.(run);
        void this.#rest(o.restMs?.(o.clock.monotonic() - begun) ?? 0);
      });
    this.#attempts.set(attempt, done);
    o.onChange?.(run);
  }

  async #rest(ms: number): Promise<void> {
    this.#resting++;
    if (ms > 0) await this.#options.clock.sleep(ms, this.#stopping.signal);
    this.#resting--;
    this.wake();
  }

  #owns(run: ActiveRun): boolean {
    for (const { hold } of this.#attempts.keys()) if (hold.runId === run.runId && hold.token === run.token) return true;
    return false;
  }

  async #claimLoop(): Promise<void> {
    const { clock, pollMs, onError } = this.#options;
    if (this.#options.exclusive === true) {
      await this.#reaper.takeAll().catch((error: unknown) => onError?.(error, "take over"));
    }
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController();
      await this.tick().catch((error: unknown) => onError?.(error, "claim"));
      await clock.sleep(pollMs ?? 250, AbortSignal.any([this.#wake.signal, this.#stopping.signal]));
    }
  }

  async #reapLoop(): Promise<void> {
    const { clock, leaseMs, onError } = this.#options;
    while (!this.#stopping.signal.aborted) {
      const lost = await this.#reaper
        .look((run) => this.#owns(run))
        .catch((error: unknown) => {
          onError?.(error, "look for lost workers");
          return [];
        });
      if (lost.length > 0) this.wake();
      await clock.sleep((leaseMs ?? 10_000) / 10, this.#stopping.signal);
    }
  }
}
