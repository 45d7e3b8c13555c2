import type { Hold, Run, RunCommand, Settlement } from "../../jobs/ports.ts";
import { commandEffect, POISON_AFTER, weekStart } from "../../jobs/rules.ts";
import { num, toJson, toRun, toWeek } from "./rows.ts";
import { type Dialect, first, rows, type Steps } from "./statement.ts";

/** Ends an attempt; see `RunQueue.settle`. */
export function* settle(hold: Hold, settlement: Settlement): Steps<boolean> {
  const ended = settlement.as !== "retry" && settlement.as !== "paused";
  const error = "error" in settlement ? settlement.error : null;
  const reason = "reason" in settlement ? settlement.reason : null;
  const result = settlement.as === "succeeded" ? settlement.result : null;
  const row = yield* first(
    // A cancel that came in while the attempt was ending by itself in a retry or a pause still wins.
    `UPDATE job_runs SET owner = NULL, cancel_requested = 0, pause_requested = 0,
       state = CASE WHEN $12 = 0 AND cancel_requested = 1 THEN 'cancelled' ELSE $4 END,
       ended_at = CASE WHEN $12 = 1 OR cancel_requested = 1 THEN CAST($5 AS bigint) ELSE NULL END,
       run_at = COALESCE($6, run_at), failures = failures + $7, reason = $8, error = CASE WHEN $4 = 'succeeded' THEN NULL ELSE COALESCE($9, error) END,
       result = COALESCE($10, result), counters_after = COALESCE($11, counters_after)
     WHERE id = $1 AND group_id = $2 AND token = $3 AND state = 'running' RETURNING *`,
    hold.runId,
    hold.groupId,
    hold.token,
    settlement.as === "retry" ? "queued" : settlement.as,
    settlement.at,
    settlement.as === "retry" ? settlement.runAt : null,
    settlement.as === "failed" || settlement.as === "dead" || (settlement.as === "retry" && settlement.failure) ? 1 : 0,
    reason,
    toJson(error),
    toJson(result),
    toJson(settlement.as === "succeeded" ? settlement.after : null),
    ended ? 1 : 0,
  );
  if (row === null) return false;
  const run = toRun(row);
  const outcome = settlement.as === "retry" && !settlement.failure ? "released" : settlement.as;
  yield* rows(
    "UPDATE job_attempts SET ended_at = $3, outcome = $4, error = $5 WHERE run_id = $1 AND number = $2",
    run.id,
    run.attempt,
    settlement.at,
    outcome,
    toJson(error),
  );
  if (run.state === "dead") yield* recordDeath(run.groupId, settlement.at);
  if (run.state === "succeeded") yield* rows("UPDATE job_turns SET deaths = 0 WHERE group_id = $1", run.groupId);
  if (run.state === "succeeded" || run.state === "failed" || run.state === "dead") yield* addToWeek(run);
  return true;
}

/** Counts a dead run and parks the group when they come in a row: a poison group is set aside and blocks nobody. */
export function* recordDeath(groupId: string, at: number): Steps<void> {
  const turn = yield* first(
    `INSERT INTO job_turns (group_id, token, deaths) VALUES ($1, 0, 1)
     ON CONFLICT (group_id) DO UPDATE SET deaths = job_turns.deaths + 1 RETURNING deaths`,
    groupId,
  );
  if (num(turn?.deaths) < POISON_AFTER) return;
  yield* rows(
    `INSERT INTO job_pauses (level, key, reason, actor, at, automatic) VALUES ('group', $1, $2, 'graphkeeper', $3, 1)
     ON CONFLICT DO NOTHING`,
    groupId,
    `parked: ${POISON_AFTER} runs of this group died in a row`,
    at,
  );
}

function* addToWeek(run: Run): Steps<void> {
  const week = weekStart(run.endedAt as number);
  // Runs of one group never end at the same time, so that read and write of its row need no lock.
  const found = yield* first(
    "SELECT * FROM job_weeks WHERE week_start_at = $1 AND kind = $2 AND group_id = $3",
    week,
    run.kind,
    run.groupId,
  );
  const sums = found === null ? {} : toWeek(found).sums;
  for (const [name, value] of Object.entries(run.result ?? {})) {
    if (typeof value === "number" && Number.isFinite(value)) sums[name] = (sums[name] ?? 0) + value;
  }
  yield* rows(
    `INSERT INTO job_weeks (week_start_at, kind, group_id, runs, succeeded, failed, duration_ms, sums, last_counters)
     VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8)
     ON CONFLICT (week_start_at, kind, group_id) DO UPDATE SET runs = job_weeks.runs + 1,
       succeeded = job_weeks.succeeded + excluded.succeeded, failed = job_weeks.failed + excluded.failed,
       duration_ms = job_weeks.duration_ms + excluded.duration_ms, sums = excluded.sums,
       last_counters = COALESCE(excluded.last_counters, job_weeks.last_counters)`,
    week,
    run.kind,
    run.groupId,
    run.state === "succeeded" ? 1 : 0,
    run.state === "succeeded" ? 0 : 1,
    // A wall clock that was set back must not make time negative.
    Math.max(0, (run.endedAt as number) - (run.startedAt ?? (run.endedAt as number))),
    JSON.stringify(sums),
    toJson(run.after),
  );
}

/** See `RunQueue.command`. */
export function* command(dialect: Dialect, runId: string, name: RunCommand, at: number): Steps<Run | null> {
  const found = yield* first(`SELECT * FROM job_runs WHERE id = $1 ${dialect.forUpdate}`, runId);
  if (found === null) return null;
  const run = toRun(found);
  const effect = commandEffect(run, name);
  if (effect.change === "none") return run;
  if (effect.change === "request") {
    const row = yield* first(
      `UPDATE job_runs SET cancel_requested = CASE WHEN $2 = 'cancel' THEN 1 ELSE cancel_requested END,
         pause_requested = CASE WHEN $2 = 'pause' THEN 1 WHEN $2 = 'resume' THEN 0 ELSE pause_requested END
       WHERE id = $1 RETURNING *`,
      runId,
      effect.flag,
    );
    return row === null ? null : toRun(row);
  }
  const row = yield* first(
    `UPDATE job_runs SET state = $2, run_at = CASE WHEN $2 = 'queued' THEN $3 ELSE run_at END,
       ended_at = CASE WHEN $2 = 'cancelled' THEN CAST($3 AS bigint) ELSE NULL END, reason = $4,
       failures = CASE WHEN $5 = 1 THEN 0 ELSE failures END, losses = CASE WHEN $5 = 1 THEN 0 ELSE losses END,
       error = CASE WHEN $5 = 1 THEN NULL ELSE error END
     WHERE id = $1 RETURNING *`,
    runId,
    effect.to,
    at,
    effect.to === "queued" ? null : `${effect.to} by hand`,
    effect.fresh ? 1 : 0,
  );
  return row === null ? null : toRun(row);
}
