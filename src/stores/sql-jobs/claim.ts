import type { ActiveRun, Beat, BeatAnswer, ClaimRequest, Hold, Run } from "../../jobs/ports.ts";
import { CHANCE_LOSSES, lossDelayMs } from "../../jobs/rules.ts";
import { num, toJson, toRun } from "./rows.ts";
import { type Dialect, first, lock, type Row, rows, type Steps } from "./statement.ts";

/** See `RunQueue.claim`. */
export function* claim(dialect: Dialect, request: ClaimRequest): Steps<Run | null> {
  if (request.kinds.length === 0) return null;
  let heavyAllowed = (yield* heavyRunning()) < request.heavyCap;
  let next = yield* nextRun(dialect, request, heavyAllowed);
  if (next !== null && num(next.heavy) === 1) {
    // Heavy claims of all processes go one by one, so that two of them cannot both take the last place under the cap.
    yield* lock(dialect, "heavy");
    if ((yield* heavyRunning()) >= request.heavyCap) {
      heavyAllowed = false;
      next = yield* nextRun(dialect, request, false);
    }
  }
  if (next === null) return null;
  const token = num((yield* first(dialect.nextToken))?.token);
  const run = yield* first(
    `UPDATE job_runs SET state = 'running', token = $2, owner = $3, attempt = attempt + 1, beat = beat + 1, reason = NULL,
       started_at = COALESCE(started_at, $4), cancel_requested = 0, pause_requested = 0
     WHERE id = $1 AND state = 'queued' RETURNING *`,
    String(next.id),
    token,
    request.owner,
    request.at,
  );
  if (run === null) return null;
  yield* rows(
    "INSERT INTO job_attempts (run_id, number, token, owner, started_at) VALUES ($1, $2, $3, $4, $5)",
    String(run.id),
    num(run.attempt),
    token,
    request.owner,
    request.at,
  );
  yield* rows(
    "INSERT INTO job_turns (group_id, token) VALUES ($1, $2) ON CONFLICT (group_id) DO UPDATE SET token = excluded.token",
    String(run.group_id),
    token,
  );
  return toRun(run);
}

/** Whether a claim may be worth its write lock: most looks into a queue find nothing. */
export function* anyDue(at: number): Steps<boolean> {
  return (
    (yield* first(
      "SELECT 1 FROM job_runs WHERE state = 'queued' AND (run_at <= $1 OR created_at > $1) LIMIT 1",
      at,
    )) !== null
  );
}

function* heavyRunning(): Steps<number> {
  return num((yield* first("SELECT count(*) AS n FROM job_runs WHERE state = 'running' AND heavy = 1"))?.n);
}

/**
 * A run that was created in the future was created before the clock was set back: its due time means nothing any more. Where
 * a run waits because its workers kept vanishing, another run of that kind and group would take the next worker with it.
 */
function* nextRun(dialect: Dialect, request: ClaimRequest, heavyAllowed: boolean): Steps<Row | null> {
  const kinds = request.kinds.map((_, i) => `$${i + 4}`).join(", ");
  return yield* first(
    `SELECT r.id, r.heavy FROM job_runs r LEFT JOIN job_turns t ON t.group_id = r.group_id
     WHERE r.state = 'queued' AND (r.run_at <= $1 OR r.created_at > $1) AND r.heavy <= $2 AND r.kind IN (${kinds})
       AND NOT EXISTS (SELECT 1 FROM job_runs a WHERE a.group_id = r.group_id AND a.state = 'running')
       AND NOT EXISTS (SELECT 1 FROM job_pauses p WHERE p.level = 'all' OR (p.level = 'kind' AND p.key = r.kind)
         OR (p.level = 'group' AND p.key = r.group_id) OR (p.level = 'schedule' AND p.key = r.schedule_id))
       AND NOT EXISTS (SELECT 1 FROM job_runs w WHERE w.group_id = r.group_id AND w.kind = r.kind AND w.state = 'queued'
         AND w.losses > $3 AND w.run_at > $1 AND w.created_at <= $1)
     ORDER BY COALESCE(t.token, 0), r.run_at, r.seq LIMIT 1 ${dialect.skipLocked}`,
    request.at,
    heavyAllowed ? 1 : 0,
    CHANCE_LOSSES,
    ...request.kinds,
  );
}

/** A heartbeat, with whatever the attempt has to say; refused when the hold is lost. */
export function* beat(hold: Hold, beat: Beat): Steps<BeatAnswer> {
  const row = yield* first(
    `UPDATE job_runs SET beat = beat + 1, progress = COALESCE($4, progress), checkpoint = COALESCE($5, checkpoint),
       batches = batches + $6, losses = CASE WHEN $6 = 1 THEN 0 ELSE losses END, counters_before = COALESCE($7, counters_before)
     WHERE id = $1 AND group_id = $2 AND token = $3 AND state = 'running' RETURNING attempt, batches, cancel_requested, pause_requested`,
    hold.runId,
    hold.groupId,
    hold.token,
    toJson(beat.progress),
    toJson(beat.checkpoint),
    beat.batch === undefined ? 0 : 1,
    toJson(beat.before),
  );
  if (row === null) return { held: false };
  if (beat.batch !== undefined) {
    yield* rows(
      "INSERT INTO job_batches (run_id, seq, attempt, at, done, total, phase) VALUES ($1, $2, $3, $4, $5, $6, $7)",
      hold.runId,
      num(row.batches),
      num(row.attempt),
      beat.at,
      beat.batch.done,
      beat.batch.total,
      beat.batch.phase,
    );
    // The log shows the last hundred; a run of a million batches must not fill the store.
    yield* rows("DELETE FROM job_batches WHERE run_id = $1 AND seq <= $2", hold.runId, num(row.batches) - 100);
  }
  return { held: true, cancel: num(row.cancel_requested) === 1, pause: num(row.pause_requested) === 1 };
}

export function* active(): Steps<ActiveRun[]> {
  const found = yield* rows(
    "SELECT id, group_id, kind, token, beat, owner, heavy FROM job_runs WHERE state = 'running' ORDER BY seq",
  );
  return found.map((row) => ({
    runId: String(row.id),
    groupId: String(row.group_id),
    kind: String(row.kind),
    token: num(row.token),
    beat: num(row.beat),
    owner: String(row.owner),
    heavy: num(row.heavy) === 1,
  }));
}

/** Compare-and-set on token and beat: a heartbeat that arrives meanwhile keeps the hold. */
export function* reclaim(run: ActiveRun, at: number): Steps<boolean> {
  const losses = num((yield* first("SELECT losses FROM job_runs WHERE id = $1", run.runId))?.losses) + 1;
  const row = yield* first(
    `UPDATE job_runs SET losses = $5, owner = NULL,
       state = CASE WHEN cancel_requested = 1 THEN 'cancelled' WHEN pause_requested = 1 THEN 'paused' ELSE 'queued' END,
       ended_at = CASE WHEN cancel_requested = 1 THEN CAST($6 AS bigint) ELSE NULL END,
       run_at = $7, cancel_requested = 0, pause_requested = 0, reason = $8
     WHERE id = $1 AND group_id = $2 AND token = $3 AND beat = $4 AND state = 'running' RETURNING attempt`,
    run.runId,
    run.groupId,
    run.token,
    run.beat,
    losses,
    at,
    at + lossDelayMs(losses),
    losses === 1 ? "its worker was lost" : `its worker was lost ${losses} times in a row`,
  );
  if (row === null) return false;
  yield* rows(
    "UPDATE job_attempts SET ended_at = $3, outcome = 'lost' WHERE run_id = $1 AND number = $2",
    run.runId,
    num(row.attempt),
    at,
  );
  return true;
}
