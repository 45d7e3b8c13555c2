import { GraphkeeperError } from "../../core/errors.ts";
import { type Dialect, first, lock, rows, type Steps } from "./statement.ts";

/** Raised with each change of the tables; a store with a higher number is left as it is. */
export const JOBS_VERSION = 2;

/** Creates or upgrades the tables. Idempotent; concurrent callers wait for each other. @throws `DATA_FROM_NEWER_VERSION` */
export function* migrate(dialect: Dialect): Steps<void> {
  yield* lock(dialect, "job_meta");
  yield* rows("CREATE TABLE IF NOT EXISTS job_meta (key text PRIMARY KEY, value text NOT NULL)");
  const found = yield* first("SELECT value FROM job_meta WHERE key = 'version'");
  const version = found === null ? 0 : Number(found.value);
  if (version > JOBS_VERSION) {
    throw new GraphkeeperError(
      "DATA_FROM_NEWER_VERSION",
      `The job tables have version ${version}; this version knows ${JOBS_VERSION}.`,
      { found: version, known: JOBS_VERSION },
    );
  }
  if (version < 1) for (const text of version1(dialect)) yield* rows(text);
  if (version < 2) yield* rows("ALTER TABLE job_runs ADD COLUMN traces text");
  yield* rows(
    "INSERT INTO job_meta (key, value) VALUES ('version', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    String(JOBS_VERSION),
  );
}

function version1(dialect: Dialect): string[] {
  return [
    `CREATE TABLE job_runs (
      seq ${dialect.serial}, id text NOT NULL UNIQUE, kind text NOT NULL, group_id text NOT NULL, state text NOT NULL,
      caused_by text NOT NULL, actor text NOT NULL, params text NOT NULL, reason text,
      schedule_id text, nominal_at bigint, missed bigint NOT NULL DEFAULT 0,
      created_at bigint NOT NULL, run_at bigint NOT NULL, started_at bigint, ended_at bigint,
      attempt bigint NOT NULL DEFAULT 0, failures bigint NOT NULL DEFAULT 0, losses bigint NOT NULL DEFAULT 0,
      max_attempts bigint NOT NULL, heavy bigint NOT NULL, token bigint NOT NULL DEFAULT 0, owner text,
      beat bigint NOT NULL DEFAULT 0, checkpoint text, progress text, result text, error text,
      cancel_requested bigint NOT NULL DEFAULT 0, pause_requested bigint NOT NULL DEFAULT 0,
      events bigint NOT NULL DEFAULT 1, first_event_at bigint, last_event_at bigint,
      counters_before text, counters_after text, batches bigint NOT NULL DEFAULT 0)`,
    // The law of the queue, held by the database itself: one active run per group, across all kinds.
    "CREATE UNIQUE INDEX job_runs_one_active ON job_runs (group_id) WHERE state = 'running'",
    "CREATE INDEX job_runs_due ON job_runs (run_at) WHERE state = 'queued'",
    "CREATE INDEX job_runs_waiting ON job_runs (group_id, kind) WHERE state = 'queued'",
    "CREATE INDEX job_runs_by_group ON job_runs (group_id, kind, seq)",
    "CREATE INDEX job_runs_by_schedule ON job_runs (schedule_id, group_id, state)",
    "CREATE INDEX job_runs_by_state ON job_runs (state, kind, seq)",
    "CREATE INDEX job_runs_ended ON job_runs (ended_at) WHERE ended_at IS NOT NULL",
    `CREATE TABLE job_attempts (
      run_id text NOT NULL, number bigint NOT NULL, token bigint NOT NULL, owner text NOT NULL, started_at bigint NOT NULL,
      ended_at bigint, outcome text, error text, PRIMARY KEY (run_id, number))`,
    `CREATE TABLE job_batches (
      run_id text NOT NULL, seq bigint NOT NULL, attempt bigint NOT NULL, at bigint NOT NULL, done bigint NOT NULL, total bigint,
      phase text NOT NULL, PRIMARY KEY (run_id, seq))`,
    `CREATE TABLE job_schedules (
      id text PRIMARY KEY, body text NOT NULL, cursor_at bigint NOT NULL, version bigint NOT NULL)`,
    `CREATE TABLE job_occurrences (
      schedule_id text NOT NULL, nominal_at bigint NOT NULL, outcome text NOT NULL, reason text, decided_at bigint NOT NULL,
      runs bigint NOT NULL, skipped bigint NOT NULL, skips text NOT NULL, PRIMARY KEY (schedule_id, nominal_at))`,
    "CREATE INDEX job_occurrences_by_time ON job_occurrences (nominal_at)",
    `CREATE TABLE job_pauses (
      level text NOT NULL, key text NOT NULL, reason text NOT NULL, actor text NOT NULL, at bigint NOT NULL,
      automatic bigint NOT NULL, PRIMARY KEY (level, key))`,
    `CREATE TABLE job_keys (
      scope text NOT NULL, key text NOT NULL, request_hash text NOT NULL, run_id text, answer text, at bigint NOT NULL,
      PRIMARY KEY (scope, key))`,
    "CREATE INDEX job_keys_by_time ON job_keys (at)",
    // Turn: the token of the group's latest claim; the group with the smallest is served next. Deaths: dead runs in a row.
    "CREATE TABLE job_turns (group_id text PRIMARY KEY, token bigint NOT NULL, deaths bigint NOT NULL DEFAULT 0)",
    `CREATE TABLE job_weeks (
      week_start_at bigint NOT NULL, kind text NOT NULL, group_id text NOT NULL, runs bigint NOT NULL, succeeded bigint NOT NULL,
      failed bigint NOT NULL, duration_ms bigint NOT NULL, sums text NOT NULL, last_counters text,
      PRIMARY KEY (week_start_at, kind, group_id))`,
    ...dialect.schema,
  ];
}
