import { canonicalJson } from "../../core/canonical.ts";
import type { Occurrence, OccurrenceDraft, Pause, PauseLevel, Schedule } from "../../jobs/ports.ts";
import { num, toOccurrence, toPause, toSchedule } from "./rows.ts";
import { first, rows, type Steps, type Value } from "./statement.ts";

export function* schedules(): Steps<Schedule[]> {
  return (yield* rows("SELECT * FROM job_schedules ORDER BY id")).map(toSchedule);
}

export function* putSchedule(schedule: Schedule, version: number): Steps<boolean> {
  const { cursorAt, version: _, ...body } = schedule;
  const row =
    version === 0
      ? yield* first(
          "INSERT INTO job_schedules (id, body, cursor_at, version) VALUES ($1, $2, $3, 1) ON CONFLICT DO NOTHING RETURNING id",
          schedule.id,
          JSON.stringify(body),
          cursorAt,
        )
      : yield* first(
          "UPDATE job_schedules SET body = $2, cursor_at = $3, version = version + 1 WHERE id = $1 AND version = $4 RETURNING id",
          schedule.id,
          JSON.stringify(body),
          cursorAt,
          version,
        );
  return row !== null;
}

export function* removeSchedule(id: string): Steps<boolean> {
  yield* rows("DELETE FROM job_pauses WHERE level = 'schedule' AND key = $1", id);
  return (yield* first("DELETE FROM job_schedules WHERE id = $1 RETURNING id", id)) !== null;
}

interface Open {
  id: string;
  state: string;
  begun: boolean;
  ofSchedule: boolean;
  params: string;
}

/** See `ScheduleBook.advance`. */
export function* advance(
  schedule: Schedule,
  step: {
    at: number;
    fromAt: number;
    toAt: number;
    occurrences: OccurrenceDraft[];
    heavy: boolean;
    maxAttempts: number;
  },
): Steps<boolean> {
  const moved = yield* first(
    "UPDATE job_schedules SET cursor_at = $2 WHERE id = $1 AND cursor_at = $3 AND version = $4 RETURNING id",
    schedule.id,
    step.toAt,
    step.fromAt,
    schedule.version,
  );
  if (moved === null) return false;
  const open = yield* openRuns(schedule);
  for (const occurrence of step.occurrences) yield* decide(schedule, occurrence, step, open);
  return true;
}

/** Runs of the schedule's kind that have not ended, by group. One read, because a schedule may have thousands of groups. */
function* openRuns(schedule: Schedule): Steps<Map<string, Open[]>> {
  const found = yield* rows(
    "SELECT id, group_id, state, attempt, schedule_id, params FROM job_runs WHERE kind = $1 AND state IN ('queued', 'running', 'paused')",
    schedule.kind,
  );
  const byGroup = new Map<string, Open[]>();
  for (const row of found) {
    const groupId = String(row.group_id);
    const runs = byGroup.get(groupId) ?? [];
    runs.push({
      id: String(row.id),
      state: String(row.state),
      begun: num(row.attempt) > 0,
      ofSchedule: row.schedule_id === schedule.id,
      params: String(row.params),
    });
    byGroup.set(groupId, runs);
  }
  return byGroup;
}

function* decide(
  schedule: Schedule,
  draft: OccurrenceDraft,
  step: { at: number; heavy: boolean; maxAttempts: number },
  open: Map<string, Open[]>,
): Steps<void> {
  const params = canonicalJson(schedule.params);
  const skips = [...draft.skips];
  const fresh: OccurrenceDraft["runs"] = [];
  let joined = 0;
  for (const run of draft.runs) {
    const others = open.get(run.groupId) ?? [];
    const own = others.filter((other) => other.ofSchedule);
    const blocking =
      schedule.overlap === "allow" ? undefined : own.find((o) => schedule.overlap === "skip" || o.state !== "running");
    if (blocking !== undefined) {
      skips.push({ groupId: run.groupId, reason: `overlap: run ${blocking.id} is still ${blocking.state}` });
      continue;
    }
    const waiting = others.find((o) => o.state === "queued" && !o.begun && o.params === params);
    if (schedule.overlap !== "allow" && waiting !== undefined) {
      yield* rows(
        "UPDATE job_runs SET events = events + 1, run_at = CASE WHEN run_at > $2 THEN $2 ELSE run_at END WHERE id = $1 AND state = 'queued'",
        waiting.id,
        run.runAt,
      );
      joined++;
      continue;
    }
    fresh.push(run);
    open.set(run.groupId, [...others, { id: run.id, state: "queued", begun: false, ofSchedule: true, params }]);
  }
  const made = fresh.length + joined;
  const nothing = made === 0 && draft.outcome !== "missed";
  const inserted = yield* first(
    `INSERT INTO job_occurrences (schedule_id, nominal_at, outcome, reason, decided_at, runs, skipped, skips)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING nominal_at`,
    schedule.id,
    draft.nominalAt,
    nothing ? "skipped" : draft.outcome,
    draft.reason ?? (nothing ? (skips[0]?.reason ?? "no group needed it") : null),
    step.at,
    made,
    skips.length,
    JSON.stringify(skips.slice(0, 100)),
  );
  // An edited schedule may meet a nominal time again; it was decided once and for all.
  if (inserted === null) return;
  for (let i = 0; i < fresh.length; i += 50)
    yield* insertRuns(schedule, draft.nominalAt, fresh.slice(i, i + 50), step, params);
}

function* insertRuns(
  schedule: Schedule,
  nominalAt: number,
  runs: OccurrenceDraft["runs"],
  step: { at: number; heavy: boolean; maxAttempts: number },
  params: string,
): Steps<void> {
  const values: Value[] = [
    schedule.kind,
    params,
    schedule.id,
    nominalAt,
    step.at,
    step.maxAttempts,
    step.heavy ? 1 : 0,
  ];
  const tuples = runs.map((run) => {
    const place = values.push(run.id, run.groupId, run.missed, run.runAt) - 3;
    return `($${place}, $1, $${place + 1}, 'queued', 'schedule', 'scheduler', $2, $3, $4, $${place + 2}, $5, $${place + 3}, $6, $7)`;
  });
  yield* rows(
    `INSERT INTO job_runs (id, kind, group_id, state, caused_by, actor, params, schedule_id, nominal_at, missed, created_at, run_at,
       max_attempts, heavy) VALUES ${tuples.join(", ")}`,
    ...values,
  );
}

export function* occurrences(query: { scheduleId?: string; beforeAt?: number; limit: number }): Steps<Occurrence[]> {
  const found = yield* rows(
    `SELECT * FROM job_occurrences WHERE schedule_id = COALESCE($1, schedule_id) AND nominal_at < COALESCE($2, nominal_at + 1)
     ORDER BY nominal_at DESC, schedule_id LIMIT $3`,
    query.scheduleId ?? null,
    query.beforeAt ?? null,
    query.limit,
  );
  return found.map(toOccurrence);
}

export function* pauses(): Steps<Pause[]> {
  return (yield* rows("SELECT * FROM job_pauses ORDER BY level, key")).map(toPause);
}

export function* setPause(level: PauseLevel, key: string, pause: Omit<Pause, "level" | "key"> | null): Steps<void> {
  if (pause === null) {
    yield* rows("DELETE FROM job_pauses WHERE level = $1 AND key = $2", level, key);
    if (level === "group") yield* rows("UPDATE job_turns SET deaths = 0 WHERE group_id = $1", key);
    return;
  }
  yield* rows(
    `INSERT INTO job_pauses (level, key, reason, actor, at, automatic) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (level, key) DO UPDATE SET reason = excluded.reason, actor = excluded.actor, at = excluded.at, automatic = excluded.automatic`,
    level,
    key,
    pause.reason,
    pause.actor,
    pause.at,
    pause.automatic ? 1 : 0,
  );
}
