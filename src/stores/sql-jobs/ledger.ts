import { compareIds } from "../../core/ports.ts";
import type { KindSummary, Retention, Run, RunDetail, RunQuery, WeekSummary } from "../../jobs/ports.ts";
import { idleKind } from "../../jobs/rules.ts";
import { num, toAttempt, toBatch, toRun, toWeek } from "./rows.ts";
import { first, type Row, rows, type Steps, type Value } from "./statement.ts";

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

/** Index reads only: metrics ask for this at every scrape, over a ledger of perhaps a million runs. */
export function* summary(at: number, groupId: string | undefined): Steps<KindSummary[]> {
  const group = groupId ?? null;
  const open = yield* rows(
    `SELECT kind, state, COUNT(*) AS n, MIN(CASE WHEN state = 'queued' AND run_at <= $1 THEN run_at END) AS due_at
     FROM job_runs WHERE state IN ('queued', 'running', 'paused', 'dead') AND (CAST($2 AS text) IS NULL OR group_id = $2)
     GROUP BY kind, state`,
    at,
    group,
  );
  const successes = yield* rows(
    `SELECT kind, MAX(seq) AS seq FROM job_runs WHERE state = 'succeeded' AND (CAST($1 AS text) IS NULL OR group_id = $1) GROUP BY kind`,
    group,
  );
  const failures = yield* rows(
    "SELECT kind, seq FROM job_runs WHERE state IN ('failed', 'dead') AND (CAST($1 AS text) IS NULL OR group_id = $1)",
    group,
  );
  const kinds = new Map<string, KindSummary>();
  const of = (row: Row): KindSummary => {
    const kind = String(row.kind);
    const known = kinds.get(kind) ?? idleKind(kind);
    kinds.set(kind, known);
    return known;
  };
  for (const row of open) {
    const summary = of(row);
    summary[row.state as "queued" | "running" | "paused" | "dead"] = num(row.n);
    if (row.due_at !== null && row.state === "queued") summary.oldestDueAt = num(row.due_at);
  }
  const lastSuccess = new Map<string, number>();
  for (const row of successes) {
    lastSuccess.set(String(row.kind), num(row.seq));
    const run = yield* first("SELECT ended_at FROM job_runs WHERE seq = $1", num(row.seq));
    of(row).lastSuccessAt = run === null ? null : num(run.ended_at);
  }
  for (const row of failures) {
    const summary = of(row);
    if (num(row.seq) > (lastSuccess.get(summary.kind) ?? 0)) summary.consecutiveFailures++;
  }
  return [...kinds.values()].sort((a, b) => compareIds(a.kind, b.kind));
}

/** One bounded step of forgetting: runs with their attempts and batches, then occurrences and idempotency keys. */
export function* prune(retention: Retention): Steps<number> {
  const old = new Set(yield* tooOld(retention));
  if (old.size < retention.limit) for (const id of yield* tooMany(retention, retention.limit - old.size)) old.add(id);
  for (const id of old) {
    yield* rows("DELETE FROM job_batches WHERE run_id = $1", id);
    yield* rows("DELETE FROM job_attempts WHERE run_id = $1", id);
    yield* rows("DELETE FROM job_runs WHERE id = $1 AND ended_at IS NOT NULL", id);
  }
  const left = retention.limit - old.size;
  if (left <= 0) return old.size;
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
  return old.size + occurrences.length + keys.length;
}

function* tooOld(retention: Retention): Steps<string[]> {
  const found = yield* rows(
    `SELECT id FROM job_runs WHERE (ended_at < $1 AND state NOT IN ('failed', 'dead')) OR (ended_at < $2 AND state IN ('failed', 'dead'))
     ORDER BY ended_at LIMIT $3`,
    retention.at - retention.maxAgeMs,
    retention.at - retention.failedMaxAgeMs,
    retention.limit,
  );
  return found.map((row) => String(row.id));
}

/** Counts from an index first, so that only kinds and groups with too many runs are read. */
function* tooMany(retention: Retention, limit: number): Steps<string[]> {
  const crowded = yield* rows(
    "SELECT group_id, kind FROM job_runs GROUP BY group_id, kind HAVING COUNT(*) > $1",
    Math.min(retention.keep, retention.failedKeep),
  );
  const found: string[] = [];
  for (const row of crowded) {
    const over = yield* rows(
      `SELECT id FROM (SELECT id, state, ROW_NUMBER() OVER (PARTITION BY CASE WHEN state IN ('failed', 'dead') THEN 1 ELSE 0 END
         ORDER BY seq DESC) AS place FROM job_runs WHERE group_id = $1 AND kind = $2 AND ended_at IS NOT NULL) ended
       WHERE place > CASE WHEN state IN ('failed', 'dead') THEN CAST($3 AS bigint) ELSE CAST($4 AS bigint) END LIMIT $5`,
      String(row.group_id),
      String(row.kind),
      retention.failedKeep,
      retention.keep,
      limit - found.length,
    );
    found.push(...over.map((entry) => String(entry.id)));
    if (found.length >= limit) break;
  }
  return found;
}
