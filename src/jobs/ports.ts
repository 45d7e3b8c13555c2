import type { Page } from "../core/ports.ts";
import type { TraceContext } from "../core/trace.ts";
import type { JsonObject } from "../core/words.ts";

/**
 * The words of the jobs room. It knows no graphs: what a kind of job does is a handler that is given to it.
 *
 * - **kind**: a string such as `orphan_entities`; configured, with how it is retried and whether it is heavy.
 * - **run**: one execution of a kind for one group, from the request to its end, whatever number of attempts that takes.
 * - **attempt**: one worker's hold on a run. Its **token** grows with every hold; what an older token writes is refused.
 * - **batch**: a bounded step of an attempt, as the handler reported it with its checkpoint.
 * - **schedule**: when a kind is due, as data. **occurrence**: one nominal time of a schedule and what became of it.
 * - **pause**: a reason not to begin runs: for all, a kind, a schedule, or a group.
 */

/**
 * `queued` waits for its time, its group or a worker (also between attempts); `paused` was stopped by hand and keeps its
 * checkpoint; `failed` ended by an error that a retry cannot mend; `dead` used up its retries and can be redriven;
 * `skipped` was not executed, its reason says why.
 */
export type RunState = "queued" | "running" | "paused" | "succeeded" | "failed" | "cancelled" | "dead" | "skipped";
export const ENDED_STATES = ["succeeded", "failed", "cancelled", "dead", "skipped"] as const satisfies RunState[];

export type Trigger = "manual" | "schedule" | "event" | "sweep";

export interface Progress {
  done: number;
  /** null when not known yet. */
  total: number | null;
  phase: string;
  at: number;
  /** What the run waits for at the moment, such as the throttle; null when it works. */
  waiting: string | null;
}

export interface RunError {
  code: string;
  message: string;
}

export interface Run {
  /** Order of creation in the store; cursors of lists are made of it. */
  seq: number;
  id: string;
  kind: string;
  groupId: string;
  state: RunState;
  trigger: Trigger;
  actor: string;
  params: JsonObject;
  /** Why it waits, or why it ended without being executed. */
  reason: string | null;
  scheduleId: string | null;
  /** The time for which the schedule asked; `runAt` differs from it by the spread, a window or a retry. */
  nominalAt: number | null;
  /** Earlier nominal times that this run stands for, after an outage. */
  missed: number;
  createdAt: number;
  runAt: number;
  startedAt: number | null;
  endedAt: number | null;
  /** Attempts begun. */
  attempt: number;
  /** Attempts that ended in an error, and attempts in a row whose worker vanished without a saved batch. */
  failures: number;
  losses: number;
  maxAttempts: number;
  heavy: boolean;
  /** Of the current or last attempt; 0 before the first. */
  token: number;
  owner: string | null;
  checkpoint: JsonObject | null;
  progress: Progress | null;
  result: JsonObject | null;
  error: RunError | null;
  cancelRequested: boolean;
  pauseRequested: boolean;
  /** Events that this run stands for (debounce), and triggers that joined it. */
  events: number;
  firstEventAt: number | null;
  lastEventAt: number | null;
  /** Counters of the group as they were before and after, when the handler's owner gives them. */
  before: JsonObject | null;
  after: JsonObject | null;
  batches: number;
  /** The traces of the calls that asked for the run, the first of which made it; at most eight, one span of each. */
  traces: TraceContext[];
}

export interface Attempt {
  number: number;
  token: number;
  owner: string;
  startedAt: number;
  endedAt: number | null;
  outcome: "succeeded" | "retry" | "failed" | "dead" | "cancelled" | "paused" | "released" | "lost" | "skipped" | null;
  error: RunError | null;
}

export interface Batch {
  attempt: number;
  seq: number;
  at: number;
  done: number;
  total: number | null;
  phase: string;
}

export interface RunDetail extends Run {
  attempts: Attempt[];
  /** The last 100. */
  batchLog: Batch[];
}

/** A time of day window in a zone; `days` are 0 = Sunday to 6. A window whose end is before its start passes midnight. */
export interface DailyWindow {
  days?: number[];
  from: string;
  to: string;
}
export interface Blackout {
  fromAt: number;
  toAt: number;
  reason: string;
}

export type Overlap = "skip" | "buffer_one" | "allow";
export type CatchUp = { policy: "none" } | { policy: "latest" } | { policy: "all"; max: number };
export type CronDialect = "cron" | "ncrontab";

export interface Schedule {
  id: string;
  kind: string;
  /** One group, or every group that the port `targets` names when the schedule is due. */
  target: { groupId: string } | "stale";
  dialect: CronDialect;
  expression: string;
  timeZone: string;
  params: JsonObject;
  overlap: Overlap;
  catchUp: CatchUp;
  /** Nominal times older than this are missed rather than caught up. */
  catchUpWindowMs: number;
  /** Groups start within this time after the nominal one, by hash; null = 60 % of the interval, at most 6 h. */
  spreadMs: number | null;
  /** Runs begin only inside one of these; none = always. */
  windows: DailyWindow[];
  blackouts: Blackout[];
  /** Also due by need: when the changes of a group exceed base + scale × size (at most cap), or wait longer than maxAgeMs. */
  need: Need | null;
  enabled: boolean;
  /** Nominal times up to here have been decided. The cursor, not a leader, is what keeps occurrences unique. */
  cursorAt: number;
  version: number;
  createdAt: number;
  updatedAt: number;
}
export interface Need {
  base: number;
  scale: number;
  cap: number;
  maxAgeMs: number | null;
}

export type OccurrenceOutcome = "fired" | "skipped" | "missed" | "postponed";
export interface Occurrence {
  scheduleId: string;
  nominalAt: number;
  outcome: OccurrenceOutcome;
  reason: string | null;
  decidedAt: number;
  /** Runs created or joined, and groups that were left out (overlap, no need), the first 100 with their reason. */
  runs: number;
  skipped: number;
  skips: { groupId: string; reason: string }[];
}

export type PauseLevel = "all" | "kind" | "schedule" | "group";
export interface Pause {
  level: PauseLevel;
  /** Kind, schedule id or group id; empty for `all`. */
  key: string;
  reason: string;
  actor: string;
  at: number;
  /** Set by the store when a group's runs keep dying, not by hand. */
  automatic: boolean;
}

export interface Enqueue {
  id: string;
  kind: string;
  groupId: string;
  trigger: Trigger;
  actor: string;
  params: JsonObject;
  at: number;
  runAt: number;
  heavy: boolean;
  maxAttempts: number;
  /**
   * `new`: a run of its own. `join`: the run of the same kind, group and params that waits and has not begun, if there is
   * one. `debounce`: the same, and each further event puts it off to min(last + quiet, first + maxWait).
   * A run that has begun is never joined: it may have read the graph before the change that asks for this one.
   */
  mode: "new" | "join" | "debounce";
  debounce?: { quietMs: number; maxWaitMs: number };
  /** The same key in the same scope gives the same run for `keepMs`; another hash is `IDEMPOTENCY_MISMATCH`. */
  idempotency?: { scope: string; key: string; requestHash: string; keepMs: number };
  before?: JsonObject | null;
  /** Of the call that asks; kept with the run, also when it joins one. */
  trace?: TraceContext;
}
export interface Enqueued {
  run: Run;
  outcome: "created" | "joined" | "replayed";
}

export interface ClaimRequest {
  owner: string;
  at: number;
  kinds: string[];
  /** Most heavy runs at once, over all processes of the store. */
  heavyCap: number;
}
/** Proof of a hold on a run; every write of the attempt carries it. */
export interface Hold {
  runId: string;
  groupId: string;
  token: number;
}

export interface Beat {
  at: number;
  progress?: Progress;
  checkpoint?: JsonObject | null;
  /** Writes a row of the ledger and counts as progress: losses start again from 0. */
  batch?: { done: number; total: number | null; phase: string };
  before?: JsonObject;
}
export type BeatAnswer = { held: true; cancel: boolean; pause: boolean } | { held: false };

export type Settlement =
  | { as: "succeeded"; at: number; result: JsonObject; after?: JsonObject | null }
  /** Back to the queue; `failure` counts towards the retries. */
  | { as: "retry"; at: number; runAt: number; failure: boolean; reason: string; error: RunError | null }
  | { as: "failed" | "dead"; at: number; error: RunError }
  | { as: "cancelled" | "paused" | "skipped"; at: number; reason: string };

export interface ActiveRun extends Hold {
  kind: string;
  owner: string;
  heavy: boolean;
  /** Grows with each heartbeat. Judged by an observer's monotonic clock, so that no wall clock can steal a lease. */
  beat: number;
}

export type RunCommand = "cancel" | "pause" | "resume" | "retry";

export interface RunQuery {
  groupId?: string;
  kind?: string;
  states?: RunState[];
  scheduleId?: string;
  /** Runs with a smaller seq: the next page of newest-first. */
  beforeSeq?: number;
  createdBefore?: number;
  limit: number;
}

/** A week of one kind and group (weeks begin on Monday 00:00 UTC); outlives the runs it sums up. */
export interface WeekSummary {
  weekStartAt: number;
  kind: string;
  groupId: string;
  runs: number;
  succeeded: number;
  failed: number;
  durationMs: number;
  /** Sums of the numeric members of the results. */
  sums: Record<string, number>;
  /** Counters after the last run of the week. */
  lastCounters: JsonObject | null;
}

export interface Retention {
  at: number;
  /** Ended well: kept while younger than this and among the newest `keep` of kind and group. */
  maxAgeMs: number;
  keep: number;
  /** Failed, dead: the same, longer. */
  failedMaxAgeMs: number;
  failedKeep: number;
  occurrencesMaxAgeMs: number;
  keysMaxAgeMs: number;
  /** Rows per call, so that the step stays bounded. */
  limit: number;
}

/** The state of a kind, for metrics and health; computed when asked. */
export interface KindSummary {
  kind: string;
  queued: number;
  running: number;
  paused: number;
  dead: number;
  /** When the longest waiting due run was due; null when none waits. */
  oldestDueAt: number | null;
  lastSuccessAt: number | null;
  /** Runs that failed or died since the last success. */
  consecutiveFailures: number;
}

/** Work of a kind that does not get done in a group. */
export interface FailingWork {
  kind: string;
  groupId: string;
  /** Runs that failed or died since the last success there. */
  failures: number;
  /** Workers that the run that is to be done lost in a row. */
  losses: number;
  /** The latest of these runs, and what it says. */
  runId: string;
  error: RunError | null;
}

export interface RunQueue {
  /** @throws GraphkeeperError `IDEMPOTENCY_MISMATCH` */
  enqueue(request: Enqueue): Promise<Enqueued>;
  /**
   * The next run that may begin: due, not paused at any level, its group without an active run, below the heavy cap; the
   * group that was served longest ago goes first. null when there is none.
   */
  claim(request: ClaimRequest): Promise<Run | null>;
  beat(hold: Hold, beat: Beat): Promise<BeatAnswer>;
  /** Ends the attempt. false when the hold was lost: nothing was written. Parks the group after `poisonAfter` deaths in a row. */
  settle(hold: Hold, settlement: Settlement): Promise<boolean>;
  active(): Promise<ActiveRun[]>;
  /** Takes a run from a worker that stopped beating: back to the queue, later and later when it goes on (`lossDelayMs`). */
  reclaim(run: ActiveRun, at: number): Promise<boolean>;
  /** null when there is no such run; a command that does not fit the run's state changes nothing. */
  command(runId: string, command: RunCommand, at: number): Promise<Run | null>;
}

export interface RunLedger {
  run(runId: string): Promise<RunDetail | null>;
  /** Newest first. */
  runs(query: RunQuery): Promise<Run[]>;
  weeks(query: { groupId?: string; kind?: string; fromAt: number }): Promise<WeekSummary[]>;
  /** Over all groups, or of one. Kinds without a run are not listed. */
  summary(at: number, groupId?: string): Promise<KindSummary[]>;
  /**
   * Kinds and groups with failed or dead runs since the last success there, or whose run lost its worker at least once; most
   * failures first. `coveredBy`: kinds whose success is one of this kind as well.
   */
  failing(query: {
    groupId?: string;
    coveredBy: Record<string, readonly string[]>;
    limit: number;
  }): Promise<FailingWork[]>;
  /** Rows removed; call again while it equals the limit. */
  prune(retention: Retention): Promise<number>;
}

export interface OccurrenceDraft {
  nominalAt: number;
  outcome: OccurrenceOutcome;
  reason: string | null;
  /** What to run, one entry per group. */
  runs: { id: string; groupId: string; runAt: number; missed: number }[];
  skips: { groupId: string; reason: string }[];
}

export interface ScheduleBook {
  schedules(): Promise<Schedule[]>;
  /** Stores it if `version` is still the stored one (0 = there is none yet); false when somebody else was faster. */
  putSchedule(schedule: Schedule, version: number): Promise<boolean>;
  removeSchedule(id: string): Promise<boolean>;
  /**
   * Decides occurrences: one transaction moves the cursor from `fromAt` to `toAt`, writes the occurrences and their runs
   * under the schedule's overlap policy. false when the cursor had moved already: another process decided them.
   */
  advance(
    schedule: Schedule,
    step: {
      at: number;
      fromAt: number;
      toAt: number;
      occurrences: OccurrenceDraft[];
      heavy: boolean;
      maxAttempts: number;
    },
  ): Promise<boolean>;
  /** Newest first. */
  occurrences(query: { scheduleId?: string; beforeAt?: number; limit: number }): Promise<Occurrence[]>;
  pauses(): Promise<Pause[]>;
  /** Sets the pause, or lifts it when `pause` is null. */
  setPause(level: PauseLevel, key: string, pause: Omit<Pause, "level" | "key"> | null): Promise<void>;
}

/** Idempotency-Key of POSTs that are not runs: the answer of the first call is kept and given again. */
export interface IdempotencyKeys {
  /**
   * `begun`: go on and call `finishKey`. `replay`: here is the first answer.
   * @throws GraphkeeperError `IDEMPOTENCY_MISMATCH`, `IDEMPOTENCY_CONFLICT` (the first call is still running)
   */
  beginKey(
    id: { scope: string; key: string },
    request: { hash: string; at: number; keepMs: number; abandonedAfterMs: number },
  ): Promise<{ state: "begun" } | { state: "replay"; answer: JsonObject }>;
  /** `answer: null` gives the key back: the call failed and may be made again. */
  finishKey(id: { scope: string; key: string }, answer: JsonObject | null, at: number): Promise<void>;
}

/** Small values that an installation keeps over restarts and shares among its processes, by name. */
export interface Settings {
  setting(key: string): Promise<JsonObject | null>;
  putSetting(key: string, value: JsonObject): Promise<void>;
}

export interface JobStore extends RunQueue, RunLedger, ScheduleBook, IdempotencyKeys, Settings {
  /** The store's own time, epoch ms: of the database where several processes share one. */
  time(): Promise<number>;
  /** @throws GraphkeeperError `STORE_UNAVAILABLE`; with `writes_fail_since` when it answers and takes no writes */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface JobContext {
  run: Run;
  groupId: string;
  kind: string;
  /** Aborted on cancel, pause, shutdown, time-out and when the hold is lost: stop after the current batch. */
  signal: AbortSignal;
  /** Where an earlier attempt stopped; null at the first. */
  checkpoint: JsonObject | null;
  /** Grows with each attempt of any run of the group. */
  token: number;
  params: JsonObject;
  /** Durable when it resolves. @throws GraphkeeperError `LEASE_LOST` */
  saveCheckpoint(checkpoint: JsonObject): Promise<void>;
  /** Written at most once a second. */
  progress(progress: { done: number; total?: number | null; phase: string }): void;
  /** Waits while the throttle or the maintenance window says so; call it before each batch. Rejects when aborted. */
  breathe(): Promise<void>;
}
/** Thrown by a handler that finds nothing to do, such as a group that is fresh by now: the run ends as `skipped`. */
export class RunSkipped extends Error {}

/** @returns the result of the run; members that are numbers are summed by week */
export type JobHandler = (context: JobContext) => Promise<JsonObject>;

export interface KindConfig {
  /** Counts against the global cap. */
  heavy?: boolean;
  /** Attempts that may end in an error before the run is dead; default 5. */
  maxAttempts?: number;
  /** First delay of a retry; doubles up to `backoffMaxMs`. Defaults 5 s and 15 min. */
  backoffMs?: number;
  backoffMaxMs?: number;
  /** Aborts an attempt that takes longer; none by default. */
  timeoutMs?: number;
}

export type RunPage = Page<Run>;
