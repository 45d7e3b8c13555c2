import { GraphkeeperError } from "../core/errors.ts";
import type { TraceContext } from "../core/trace.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { GroupNeed } from "./due.ts";
import { explainWait } from "./explain.ts";
import { createGate } from "./gate.ts";
import { listRuns, type RunFilter } from "./list.ts";
import { type Pace, pace } from "./pace.ts";
import type {
  Enqueued,
  JobHandler,
  JobStore,
  KindConfig,
  Need,
  Pause,
  PauseLevel,
  Progress,
  Run,
  RunCommand,
  RunDetail,
  RunPage,
} from "./ports.ts";
import { redrive } from "./redrive.ts";
import { eventRequest, type TriggerRequest, triggerRequest } from "./requests.ts";
import { DEFAULT_RETENTION, forget } from "./retention.ts";
import { Scheduler } from "./scheduler.ts";
import { Schedules } from "./schedules.ts";
import { sweep } from "./sweep.ts";
import { Throttle, type ThrottleOptions } from "./throttle.ts";
import { RunWatch } from "./watch.ts";
import { Worker, type WorkerOptions } from "./worker.ts";

export type JobRole = "scheduler" | "worker";

export interface JobServiceOptions {
  store: JobStore;
  handler: JobHandler;
  /** Kinds by name: the only ones that can be triggered. */
  kinds: Record<string, KindConfig>;
  clock?: Clock;
  random?: () => number;
  newId?: () => string;
  /** Name of this process in the ledger. */
  owner: string;
  /** After an event: quiet 30 s, at most 10 min after the first. */
  debounce?: { quietMs: number; maxWaitMs: number };
  worker?: Pick<
    WorkerOptions,
    "concurrency" | "restMs" | "heavyCap" | "leaseMs" | "beatMs" | "pollMs" | "abandonMs" | "counters" | "exclusive"
  >;
  /** Groups that a kind has work in; what schedules with target `stale` run for. Default: none. */
  targets?: (kind: string) => Promise<string[]>;
  /** How much work waits in a group; for schedules and sweeps that are due by need. */
  need?: (kind: string, groupId: string) => Promise<GroupNeed>;
  /** Kinds that are due by need alone between their schedules: lost events, and groups with too much to do. */
  sweeps?: Record<string, Need>;
  sweepMs?: number;
  /** Canary of the adaptive throttle; without a probe nothing is throttled. */
  throttle?: Omit<ThrottleOptions, "clock">;
  retention?: typeof DEFAULT_RETENTION;
  onError?: (error: unknown, where: string) => void;
}

/** What a caller may see; null = all. A run of another group and a missing one answer alike. */
export type Visible = ((groupId: string) => boolean) | null;

/** A run as it is shown: with how fast it goes. */
export type WatchedRun = RunDetail & { pace: Pace | null };

/** The jobs room's façade: trigger, watch and steer runs; run the worker. */
export class JobService {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly kinds: Record<string, KindConfig>;
  readonly #options: JobServiceOptions;
  /** Schedules as data. */
  readonly schedules: Schedules;
  readonly #worker: Worker;
  readonly #scheduler: Scheduler;
  readonly #housekeeping = new AbortController();
  readonly #watch: RunWatch;
  readonly #liveProgress = new Map<string, Progress>();
  #loops: Promise<void>[] = [];

  constructor(options: JobServiceOptions) {
    this.#options = options;
    this.store = options.store;
    this.clock = options.clock ?? systemClock;
    this.kinds = options.kinds;
    this.#watch = new RunWatch(this.clock);
    const newId = () => this.#newId();
    this.#scheduler = new Scheduler({
      store: options.store,
      clock: this.clock,
      kinds: options.kinds,
      newId,
      targets: options.targets ?? (async () => []),
      need: options.need,
      onFired: () => this.#worker.wake(),
      onError: options.onError,
    });
    this.schedules = new Schedules(options.store, this.clock, options.kinds, () => this.#scheduler.wake());
    const throttle = options.throttle === undefined ? null : new Throttle({ ...options.throttle, clock: this.clock });
    this.#worker = new Worker({
      ...options.worker,
      gate: createGate(options.store, this.clock, throttle),
      store: options.store,
      clock: this.clock,
      owner: options.owner,
      kinds: options.kinds,
      handler: options.handler,
      random: options.random ?? Math.random,
      onError: options.onError,
      onChange: (run) => {
        this.#liveProgress.delete(run.id);
        this.#watch.notify(run.id);
      },
      onProgress: (run, progress) => {
        this.#liveProgress.set(run.id, progress);
        this.#watch.notify(run.id);
      },
    });
  }

  /**
   * Puts a run into the queue. Without an Idempotency-Key it joins a waiting run of the same kind, group and params; with
   * one, the same key gives the same run for 24 h.
   * @throws GraphkeeperError `INVALID_VALUE`, `INVALID_GROUP_ID`, `IDEMPOTENCY_MISMATCH`
   */
  async trigger(request: TriggerRequest): Promise<Enqueued> {
    const enqueued = await this.store.enqueue(triggerRequest(this.kinds, request, this.#newId(), this.clock.now()));
    this.#changed(enqueued.run.id);
    return enqueued;
  }

  /** A debounced run after a lifecycle event: at min(last + quiet, first + maxWait). */
  async requestAfterEvent(kind: string, groupId: string, trace?: TraceContext): Promise<Enqueued> {
    const event = { kind, groupId, trace };
    return await this.store.enqueue(
      eventRequest(this.kinds, event, this.#newId(), this.clock.now(), this.#options.debounce),
    );
  }

  /** The run once it has ended, or as it is after `ms`. @throws GraphkeeperError `RUN_NOT_FOUND` */
  wait(runId: string, ms: number, signal?: AbortSignal, visible: Visible = null): Promise<WatchedRun> {
    return this.#watch.wait(runId, () => this.get(runId, visible), ms, signal);
  }

  /** The run at once and after each change, until it has ended or the signal is aborted. What server-sent events are made of. */
  events(runId: string, signal?: AbortSignal, visible: Visible = null): AsyncGenerator<WatchedRun> {
    return this.#watch.follow(runId, () => this.get(runId, visible), signal);
  }

  /** With `reason` filled in for a run that waits, and the freshest progress. @throws GraphkeeperError `RUN_NOT_FOUND` */
  async get(runId: string, visible: Visible = null): Promise<WatchedRun> {
    const run = await this.store.run(runId);
    if (run === null || (visible !== null && !visible(run.groupId))) {
      throw new GraphkeeperError("RUN_NOT_FOUND", "There is no such run.", { run: runId });
    }
    if (run.state === "queued")
      run.reason = await explainWait(this.store, run, this.clock.now(), this.#options.worker?.heavyCap ?? 1);
    if (run.state === "running") run.progress = this.#liveProgress.get(runId) ?? run.progress;
    return { ...run, pace: pace(run) };
  }

  /** Newest first; `cursor` is what the page before gave. @throws GraphkeeperError `INVALID_REQUEST` for a foreign cursor */
  list(query: RunFilter, visible: Visible = null): Promise<RunPage> {
    return listRuns(this.store, query, visible);
  }

  cancel(runId: string, visible: Visible = null): Promise<WatchedRun> {
    return this.#command(runId, "cancel", visible);
  }
  pause(runId: string, visible: Visible = null): Promise<WatchedRun> {
    return this.#command(runId, "pause", visible);
  }
  resume(runId: string, visible: Visible = null): Promise<WatchedRun> {
    return this.#command(runId, "resume", visible);
  }
  /** A run that failed, died, was cancelled or skipped goes back to the queue, with its checkpoint. */
  retry(runId: string, visible: Visible = null): Promise<WatchedRun> {
    return this.#command(runId, "retry", visible);
  }

  /** Sends dead runs back to the queue, oldest first; `dryRun` says which. A parked group is let go first. */
  async redrive(
    query: { groupId?: string; kind?: string; limit?: number; dryRun: boolean },
    visible: Visible = null,
  ): Promise<{ runs: Run[]; dryRun: boolean }> {
    const runs = await redrive(this.store, query, visible, this.clock.now());
    if (!query.dryRun) for (const run of runs) this.#changed(run.id);
    return { runs, dryRun: query.dryRun };
  }

  pauses(): Promise<Pause[]> {
    return this.store.pauses();
  }
  /** Pauses all, a kind, a schedule or a group: nothing more begins there; what runs ends. */
  async pauseLevel(level: PauseLevel, key: string, reason: string, actor: string): Promise<void> {
    await this.store.setPause(level, level === "all" ? "" : key, {
      reason,
      actor,
      at: this.clock.now(),
      automatic: false,
    });
  }
  async resumeLevel(level: PauseLevel, key: string): Promise<void> {
    await this.store.setPause(level, level === "all" ? "" : key, null);
    this.#worker.wake();
  }

  /** Idempotent. A new installation gets the default schedules, whatever the roles. */
  async start(options: { roles: JobRole[] }): Promise<void> {
    await this.schedules.install();
    if (options.roles.includes("worker")) this.#worker.start();
    if (!options.roles.includes("scheduler") || this.#loops.length > 0) return;
    this.#scheduler.start();
    this.#loops = [
      this.#every(this.#options.sweepMs ?? 60_000, "sweep", () => this.sweep()),
      this.#every(3_600_000, "forget", () => this.forget()),
    ];
  }

  /** Attempts stop after their batch and go back to the queue; what has not stopped after `graceMs` is left to its lease. */
  async stop(options: { graceMs: number } = { graceMs: 8_000 }): Promise<void> {
    this.#housekeeping.abort();
    await Promise.all([this.#scheduler.stop(), this.#worker.stop(options.graceMs), ...this.#loops]);
  }

  /** Runs for groups whose changes wait although no run is on its way; returns how many were made. */
  async sweep(): Promise<number> {
    const { sweeps, targets, need } = this.#options;
    if (sweeps === undefined || targets === undefined || need === undefined) return 0;
    const made = await sweep({
      store: this.store,
      clock: this.clock,
      kinds: this.kinds,
      newId: () => this.#newId(),
      sweeps,
      targets,
      need,
    });
    if (made > 0) this.#worker.wake();
    return made;
  }

  /** Lets go of what retention does not keep; returns the rows removed. */
  forget(): Promise<number> {
    return forget(
      this.store,
      this.clock.now(),
      this.#options.retention ?? DEFAULT_RETENTION,
      this.#housekeeping.signal,
    );
  }

  /** Decides what is due now; the scheduler role does it by itself. Returns when the next schedule is due. */
  tick(): Promise<number | null> {
    return this.#scheduler.tick();
  }

  /** For tests and one-shot commands: carries out everything that is due, in this process, and returns. */
  async drain(): Promise<void> {
    while ((await this.#worker.tick()) > 0) await this.#worker.idle();
  }

  async #command(runId: string, command: RunCommand, visible: Visible): Promise<WatchedRun> {
    await this.get(runId, visible);
    const run = await this.store.command(runId, command, this.clock.now());
    if (run?.cancelRequested === true) this.#worker.interrupt(runId, "cancelled");
    else if (run?.pauseRequested === true) this.#worker.interrupt(runId, "paused");
    this.#changed(runId);
    return await this.get(runId, visible);
  }

  async #every(ms: number, what: string, work: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#housekeeping;
    while (!signal.aborted) {
      await work().catch((error: unknown) => this.#options.onError?.(error, what));
      await this.clock.sleep(ms, signal);
    }
  }

  #newId(): string {
    return (this.#options.newId ?? (() => crypto.randomUUID()))();
  }

  #changed(runId: string): void {
    this.#worker.wake();
    this.#watch.notify(runId);
  }
}
