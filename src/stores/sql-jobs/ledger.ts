import type { KindSummary, Retention, Run, RunDetail, RunQuery, WeekSummary } from "../../jobs/ports.ts";
import { num, toAttempt, toBatch, toRun, toSummary, toWeek } from "./rows.ts";
import { first, rows, type Steps, type Value } from "./statement.ts";

export function* run(runId: string): Steps<RunDetail | null> {
  const row = yield* first("SELECT * FROM job_runs WHERE id = $1", runId);
  if (row === null) return null;
  const attempts = yield* rows("SELECT * FROM job_attempts WHERE run_id = $1 ORDER BY number", runId);
  const batches = yield* rows("SELECT * FROM job_batches WHERE run_id = $1 ORDER BY seq", runId);
  return { ...toRun(row), attempts: attempts.map(toAttempt), batchLog: batches.map(toBatch) };
}

export function* runs(query: RunQuery): Steps<Run[]> {
  const values: Value[] = [];
  const where: string[] = [];
  const add = (condition: (place: string) => string, value: Value) => {
    values.push(value);
    where.push(condition(`$${values.length}`));
  };
  if (query.groupId !== undefined) add((p) => `group_id = ${p}`, query.groupId);
  if (query.kind !== undefined) add((p) => `kind = ${p}`, query.kind);
  if (query.scheduleId !== undefined) add((p) => `schedule_id = ${p}`, query.scheduleId);
  if (query.beforeSeq !== undefined) add((p) => `seq < ${p}`, query.beforeSeq);
  if (query.createdBefore !== undefined) add((p) => `created_at < ${p}`, query.createdBefore);
  if (query.states !== undefined) {
    if (query.states.length === 0) return [];
    const places = query.states.map((state) => `$${values.push(state)}`);
    where.push(`state IN (${places.join(", ")})`);
  }
  const limit = `$${values.push(query.limit)}`;
  const found = yield* rows(
    `SELECT * FROM job_runs ${where.length === 0 ? "" : `WHERE ${where.join(" AND ")}`} ORDER BY seq DESC LIMIT ${limit}`,
    ...values,
  );
  return found.map(toRun);
}

export function* weeks(query: { groupId?: string; kind?: string; fromAt: number }): Steps<WeekSummary[]> {
  const found = yield* rows(
    `SELECT * FROM job_weeks WHERE week_start_at >= $1 AND group_id = COALESCE($2, group_id) AND kind = COALESCE($3, kind)
     ORDER BY week_start_at, kind, group_id`,
    query.fromAt,
    query.groupId ?? null,
    query.kind ?? null,
  );
  return found.map(toWeek);
}

export function* summary(at: number, groupId: string | undefined): Steps<KindSummary[]> {
  const found = yield* rows(
    `SELECT r.kind, SUM(CASE WHEN r.state = 'queued' THEN 1 ELSE 0 END) AS queued,
       SUM(CASE WHEN r.state = 'running' THEN 1 ELSE 0 END) AS running, SUM(CASE WHEN r.state = 'paused' THEN 1 ELSE 0 END) AS paused,
       SUM(CASE WHEN r.state = 'dead' THEN 1 ELSE 0 END) AS dead,
       MIN(CASE WHEN r.state = 'queued' AND r.run_at <= $1 THEN r.run_at END) AS oldest_due_at,
       MAX(CASE WHEN r.state = 'succeeded' THEN r.ended_at END) AS last_success_at,
       SUM(CASE WHEN r.state IN ('failed', 'dead') AND r.seq > COALESCE(s.seq, 0) THEN 1 ELSE 0 END) AS failures
     FROM job_runs r LEFT JOIN (
       SELECT kind, MAX(seq) AS seq FROM job_runs WHERE state = 'succeeded' AND group_id = COALESCE($2, group_id) GROUP BY kind) s
       ON s.kind = r.kind
     WHERE r.group_id = COALESCE($2, r.group_id) GROUP BY r.kind ORDER BY r.kind`,
    at,
    groupId ?? null,
  );
  return found.map(toSummary);
}

/** One bounded step of forgetting: runs with their attempts and batches, then occurrences and idempotency keys. */
export function* prune(retention: Retention): Steps<number> {
  const old = yield* rows(
    `SELECT id FROM (
       SELECT id, state, ended_at, ROW_NUMBER() OVER (PARTITION BY kind, group_id,
         CASE WHEN state IN ('failed', 'dead') THEN 1 ELSE 0 END ORDER BY seq DESC) AS place
       FROM job_runs WHERE ended_at IS NOT NULL) ended
     WHERE (state IN ('failed', 'dead') AND (ended_at < $1 OR place > $2))
        OR (state NOT IN ('failed', 'dead') AND (ended_at < $3 OR place > $4))
     LIMIT $5`,
    retention.at - retention.failedMaxAgeMs,
    retention.failedKeep,
    retention.at - retention.maxAgeMs,
    retention.keep,
    retention.limit,
  );
  for (const row of old) {
    const id = String(row.id);
    yield* rows("DELETE FROM job_batches WHERE run_id = $1", id);
    yield* rows("DELETE FROM job_attempts WHERE run_id = $1", id);
    yield* rows("DELETE FROM job_runs WHERE id = $1 AND ended_at IS NOT NULL", id);
  }
  const left = retention.limit - old.length;
  if (left <= 0) return old.length;
  const occurrences = yield* rows(
    `DELETE FROM job_occurrences WHERE (schedule_id, nominal_at) IN
       (SELECT schedule_id, nominal_at FROM job_occurrences WHERE nominal_at < $1 ORDER BY nominal_at LIMIT $2) RETURNING nominal_at`,
    retention.at - retention.occurrencesMaxAgeMs,
    left,
  );
  const keys = yield* rows(
    `DELETE FROM job_keys WHERE (scope, key) IN (SELECT scope, key FROM job_keys WHERE at < $1 ORDER BY at LIMIT $2) RETURNING at`,
    retention.at - retention.keysMaxAgeMs,
    Math.max(0, left - occurrences.length),
  );
  return num(old.length + occurrences.length + keys.length);
}
