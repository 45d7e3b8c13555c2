import { GraphkeeperError } from "../core/errors.ts";
import type { JsonObject } from "../core/words.ts";
import type { Clock } from "./clock.ts";
import type { Gate } from "./gate.ts";
import type { Beat, Hold, JobContext, JobHandler, JobStore, KindConfig, Progress, Run, Settlement } from "./ports.ts";
import { RunSkipped } from "./ports.ts";
import { judgeError, retryDelayMs, runError } from "./rules.ts";

/** Why an attempt was told to stop; the reason of its abort signal. */
export type StopReason = "cancelled" | "paused" | "shutdown" | "lost" | "timeout" | "window";

export interface AttemptSettings {
  leaseMs: number;
  beatMs: number;
  /** How long a handler may go on after it was told to stop; then it is left behind and its hold given up. */
  abandonMs: number;
  kind: KindConfig;
  random: () => number;
  /** May the next batch begin? */
  gate?: Gate;
  /** Counters of the group, read before the first attempt and after success. */
  counters?: (groupId: string) => Promise<JsonObject | null>;
  onProgress?: (run: Run, progress: Progress) => void;
}

/**
 * Carries out one attempt of a claimed run: handler, heartbeats, progress, stop signals, and the settlement at the end.
 * Never throws because of the handler. When the hold is lost it writes nothing more.
 */
export class Attempt {
  readonly run: Run;
  readonly hold: Hold;
  readonly #store: JobStore;
  readonly #clock: Clock;
  readonly #settings: AttemptSettings;
  readonly #controller = new AbortController();
  readonly #ended = new AbortController();
  #progress: Progress | null = null;
  #dirty = false;
  #trustedUntil: number;
  #breathedAt: number | null = null;
  #closed: { nextAt: number; reason: string } | null = null;

  constructor(run: Run, store: JobStore, clock: Clock, settings: AttemptSettings) {
    this.run = run;
    this.hold = { runId: run.id, groupId: run.groupId, token: run.token };
    this.#store = store;
    this.#clock = clock;
    this.#settings = settings;
    this.#trustedUntil = clock.monotonic() + settings.leaseMs;
  }

  stop(reason: StopReason): void {
    if (!this.#controller.signal.aborted) this.#controller.abort(reason);
  }

  /** Ends the heartbeats of an attempt whose process goes: others take it over when its lease is out. */
  leave(): void {
    this.stop("lost");
    this.#ended.abort();
  }

  async execute(handler: JobHandler): Promise<void> {
    const beating = this.#beatUntilEnd();
    const timer = this.#stopOnTimeout();
    try {
      await this.#settle(await this.#outcome(handler));
    } finally {
      this.#ended.abort();
      await Promise.all([beating, timer]);
    }
  }

  async #outcome(handler: JobHandler): Promise<Settlement | null> {
    let result: JsonObject;
    try {
      await this.#readCounters();
      result = await this.#orAbandoned(handler(this.#context()));
    } catch (error) {
      return this.#afterError(error);
    }
    if (this.#controller.signal.reason === "lost") return null;
    // A handler that heard the signal and still finished has finished: its result stands, unless it says it stopped early.
    return { as: "succeeded", at: this.#clock.now(), result, after: await this.#counters() };
  }

  #afterError(error: unknown): Settlement | null {
    const at = this.#clock.now();
    const signal = this.#controller.signal;
    if (signal.aborted) {
      switch (signal.reason as StopReason) {
        case "lost":
          return null;
        case "cancelled":
          return { as: "cancelled", at, reason: "cancelled by hand" };
        case "paused":
          return { as: "paused", at, reason: "paused by hand" };
        case "shutdown":
          return { as: "retry", at, runAt: at, failure: false, reason: "its worker was shut down", error: null };
        case "window": {
          const { nextAt, reason } = this.#closed ?? { nextAt: at, reason: "told to wait" };
          return { as: "retry", at, runAt: nextAt, failure: false, reason, error: null };
        }
        case "timeout":
          return this.#retryOrDead(
            new GraphkeeperError("OUT_OF_BUDGET", `It took longer than ${this.#settings.kind.timeoutMs} ms.`),
            at,
          );
      }
    }
    if (error instanceof RunSkipped) return { as: "skipped", at, reason: error.message };
    const judgement = judgeError(error);
    if (!judgement.retry) return { as: "failed", at, error: runError(error) };
    if (!judgement.failure) {
      const runAt = at + (judgement.delayMs ?? 0);
      return { as: "retry", at, runAt, failure: false, reason: runError(error).message, error: null };
    }
    return this.#retryOrDead(error, at);
  }

  #retryOrDead(error: unknown, at: number): Settlement {
    const failures = this.run.failures + 1;
    const failed = runError(error);
    if (failures >= this.run.maxAttempts) return { as: "dead", at, error: failed };
    const runAt = at + retryDelayMs(failures, this.#settings.kind, this.#settings.random);
    return {
      as: "retry",
      at,
      runAt,
      failure: true,
      reason: `attempt ${this.run.attempt} failed: ${failed.message}`,
      error: failed,
    };
  }

  async #settle(settlement: Settlement | null): Promise<void> {
    if (settlement === null) return;
    // The store may be away for a moment; the lease goes on being renewed as long as it can be, then somebody else takes over.
    for (let wait = 100; ; wait = Math.min(2_000, wait * 2)) {
      try {
        await this.#store.settle(this.hold, settlement);
        return;
      } catch (error) {
        if (this.#clock.monotonic() + wait > this.#trustedUntil || this.#controller.signal.reason === "lost")
          throw error;
        await this.#clock.sleep(wait);
      }
    }
  }

  #context(): JobContext {
    return {
      run: this.run,
      groupId: this.run.groupId,
      kind: this.run.kind,
      signal: this.#controller.signal,
      checkpoint: this.run.checkpoint,
      token: this.run.token,
      params: this.run.params,
      saveCheckpoint: (checkpoint) => this.#saveCheckpoint(checkpoint),
      progress: (progress) => {
        this.#report({ done: progress.done, total: progress.total ?? null, phase: progress.phase, waiting: null });
      },
      breathe: () => this.#breathe(),
    };
  }

  #report(progress: Omit<Progress, "at">): void {
    this.#progress = { ...progress, at: this.#clock.now() };
    this.#dirty = true;
    this.#settings.onProgress?.(this.run, this.#progress);
  }

  async #saveCheckpoint(checkpoint: JsonObject): Promise<void> {
    const { done, total, phase } = this.#progress ?? { done: 0, total: null, phase: "" };
    const held = await this.#beat({ at: this.#clock.now(), checkpoint, batch: { done, total, phase } });
    if (!held) throw new GraphkeeperError("LEASE_LOST", "Another attempt took this run over.", { run: this.run.id });
  }

  async #breathe(): Promise<void> {
    const signal = this.#controller.signal;
    if (!signal.aborted && this.#settings.gate !== undefined) {
      const batchMs = this.#breathedAt === null ? 0 : this.#clock.monotonic() - this.#breathedAt;
      const answer = await this.#settings.gate(this.run, batchMs, signal, (reason) => this.#waiting(reason));
      if (!answer.open) {
        this.#closed = answer;
        this.stop("window");
      }
    }
    this.#breathedAt = this.#clock.monotonic();
    if (signal.aborted) throw new GraphkeeperError("CANCELLED", `The run was told to stop: ${signal.reason}.`);
  }

  #waiting(reason: string | null): void {
    const { done, total, phase } = this.#progress ?? { done: 0, total: null, phase: "" };
    this.#report({ done, total, phase, waiting: reason });
  }

  async #beat(beat: Beat): Promise<boolean> {
    const begun = this.#clock.monotonic();
    const dirty = this.#dirty;
    this.#dirty = false;
    const answer = await this.#store
      .beat(this.hold, dirty && this.#progress !== null ? { ...beat, progress: this.#progress } : beat)
      .catch((error: unknown) => {
        this.#dirty ||= dirty;
        throw error;
      });
    if (!answer.held) {
      this.stop("lost");
      return false;
    }
    // From the start of the write: its answer may have come late.
    this.#trustedUntil = begun + this.#settings.leaseMs;
    if (answer.cancel) this.stop("cancelled");
    else if (answer.pause) this.stop("paused");
    return true;
  }

  async #beatUntilEnd(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await this.#clock.sleep(this.#settings.beatMs, this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      try {
        if (!(await this.#beat({ at: this.#clock.now() }))) return;
      } catch {
        // The store does not answer. Others may take the run over once the lease is out, so this attempt ends before that.
        if (this.#clock.monotonic() + this.#settings.beatMs >= this.#trustedUntil) return this.stop("lost");
      }
    }
  }

  async #stopOnTimeout(): Promise<void> {
    const ms = this.#settings.kind.timeoutMs;
    if (ms === undefined) return;
    await this.#clock.sleep(ms, this.#ended.signal);
    if (!this.#ended.signal.aborted) this.stop("timeout");
  }

  /** A handler that does not hear the signal is left behind: its graph writes are fenced, its run must not hang with it. */
  async #orAbandoned(work: Promise<JsonObject>): Promise<JsonObject> {
    const signal = this.#controller.signal;
    const abandoned = new Promise<never>((_, reject) => {
      const onAbort = () =>
        this.#clock.sleep(this.#settings.abandonMs, this.#ended.signal).then(() => {
          reject(new GraphkeeperError("CANCELLED", `The handler did not stop within ${this.#settings.abandonMs} ms.`));
        });
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
    abandoned.catch(() => {});
    return await Promise.race([work, abandoned]);
  }

  async #readCounters(): Promise<void> {
    if (this.run.before !== null || this.#settings.counters === undefined) return;
    const before = await this.#counters();
    if (before !== null) await this.#beat({ at: this.#clock.now(), before });
  }

  async #counters(): Promise<JsonObject | null> {
    // Counters are for the ledger: without them the run is still a run.
    return (await this.#settings.counters?.(this.run.groupId).catch(() => null)) ?? null;
  }
}
