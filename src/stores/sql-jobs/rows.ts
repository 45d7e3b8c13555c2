import type { TraceContext } from "../../core/trace.ts";
import type { JsonObject } from "../../core/words.ts";
import type {
  Attempt,
  Batch,
  Occurrence,
  Pause,
  Progress,
  Run,
  RunError,
  RunState,
  Schedule,
  WeekSummary,
} from "../../jobs/ports.ts";
import type { Row } from "./statement.ts";

/** Rows to words. pg gives bigint as text, node:sqlite as number: both go through Number. */

export const num = (value: unknown): number => Number(value);
const numOrNull = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value));
const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
const json = <T>(value: unknown): T | null =>
  value === null || value === undefined ? null : (JSON.parse(String(value)) as T);
export const toJson = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value);

export function toRun(row: Row): Run {
  return {
    seq: num(row.seq),
    id: String(row.id),
    kind: String(row.kind),
    groupId: String(row.group_id),
    state: row.state as RunState,
    trigger: row.caused_by as Run["trigger"],
    actor: String(row.actor),
    params: json<JsonObject>(row.params) ?? {},
    reason: text(row.reason),
    scheduleId: text(row.schedule_id),
    nominalAt: numOrNull(row.nominal_at),
    missed: num(row.missed),
    createdAt: num(row.created_at),
    runAt: num(row.run_at),
    startedAt: numOrNull(row.started_at),
    endedAt: numOrNull(row.ended_at),
    attempt: num(row.attempt),
    failures: num(row.failures),
    losses: num(row.losses),
    maxAttempts: num(row.max_attempts),
    heavy: num(row.heavy) === 1,
    token: num(row.token),
    owner: text(row.owner),
    checkpoint: json<JsonObject>(row.checkpoint),
    progress: json<Progress>(row.progress),
    result: json<JsonObject>(row.result),
    error: json<RunError>(row.error),
    cancelRequested: num(row.cancel_requested) === 1,
    pauseRequested: num(row.pause_requested) === 1,
    events: num(row.events),
    firstEventAt: numOrNull(row.first_event_at),
    lastEventAt: numOrNull(row.last_event_at),
    before: json<JsonObject>(row.counters_before),
    after: json<JsonObject>(row.counters_after),
    batches: num(row.batches),
    traces: json<TraceContext[]>(row.traces) ?? [],
  };
}

export function toAttempt(row: Row): Attempt {
  return {
    number: num(row.number),
    token: num(row.token),
    owner: String(row.owner),
    startedAt: num(row.started_at),
    endedAt: numOrNull(row.ended_at),
    outcome: text(row.outcome) as Attempt["outcome"],
    error: json<RunError>(row.error),
  };
}

export function toBatch(row: Row): Batch {
  return {
    attempt: num(row.attempt),
    seq: num(row.seq),
    at: num(row.at),
    done: num(row.done),
    total: numOrNull(row.total),
    phase: String(row.phase),
  };
}

export function toSchedule(row: Row): Schedule {
  return { ...(json<Schedule>(row.body) as Schedule), cursorAt: num(row.cursor_at), version: num(row.version) };
}

export function toOccurrence(row: Row): Occurrence {
  return {
    scheduleId: String(row.schedule_id),
    nominalAt: num(row.nominal_at),
    outcome: row.outcome as Occurrence["outcome"],
    reason: text(row.reason),
    decidedAt: num(row.decided_at),
    runs: num(row.runs),
    skipped: num(row.skipped),
    skips: json<Occurrence["skips"]>(row.skips) ?? [],
  };
}

export function toPause(row: Row): Pause {
  return {
    level: row.level as Pause["level"],
    key: String(row.key),
    reason: String(row.reason),
    actor: String(row.actor),
    at: num(row.at),
    automatic: num(row.automatic) === 1,
  };
}

export function toWeek(row: Row): WeekSummary {
  return {
    weekStartAt: num(row.week_start_at),
    kind: String(row.kind),
    groupId: String(row.group_id),
    runs: num(row.runs),
    succeeded: num(row.succeeded),
    failed: num(row.failed),
    durationMs: num(row.duration_ms),
    sums: json<Record<string, number>>(row.sums) ?? {},
    lastCounters: json<JsonObject>(row.last_counters),
  };
}
