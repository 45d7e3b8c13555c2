import { canonicalJson } from "../../core/canonical.ts";
import { GraphkeeperError } from "../../core/errors.ts";
import { type TraceContext, traceIdOf } from "../../core/trace.ts";
import type { Enqueue, Enqueued } from "../../jobs/ports.ts";
import { debouncedRunAt } from "../../jobs/rules.ts";
import { num, toJson, toRun } from "./rows.ts";
import { type Dialect, first, lock, type Row, rows, type Steps } from "./statement.ts";

/** Puts a run into the queue, or joins the one that waits. See `Enqueue.mode`. */
export function* enqueue(dialect: Dialect, request: Enqueue): Steps<Enqueued> {
  const idempotency = request.idempotency;
  if (idempotency !== undefined) {
    yield* lock(dialect, `key ${idempotency.scope} ${idempotency.key}`);
    const known = yield* knownKey(idempotency, request.at);
    if (known !== null) return { run: known, outcome: "replayed" };
  }
  // Two requests that both find nobody waiting would make two runs.
  if (request.mode !== "new") yield* lock(dialect, `join ${request.kind} ${request.groupId}`);
  const waiting = request.mode === "new" ? null : yield* joinWaiting(dialect, request);
  const row = waiting ?? (yield* insertRun(request));
  const run = toRun(row);
  if (idempotency !== undefined) {
    yield* rows(
      "INSERT INTO job_keys (scope, key, request_hash, run_id, at) VALUES ($1, $2, $3, $4, $5)",
      idempotency.scope,
      idempotency.key,
      idempotency.requestHash,
      run.id,
      request.at,
    );
  }
  return { run, outcome: waiting === null ? "created" : "joined" };
}

function* knownKey(id: NonNullable<Enqueue["idempotency"]>, at: number) {
  const key = yield* first(
    "SELECT request_hash, run_id, at FROM job_keys WHERE scope = $1 AND key = $2",
    id.scope,
    id.key,
  );
  if (key === null) return null;
  const run = key.run_id === null ? null : yield* first("SELECT * FROM job_runs WHERE id = $1", String(key.run_id));
  if (num(key.at) + id.keepMs <= at || run === null) {
    yield* rows("DELETE FROM job_keys WHERE scope = $1 AND key = $2", id.scope, id.key);
    return null;
  }
  if (key.request_hash !== id.requestHash) {
    throw new GraphkeeperError("IDEMPOTENCY_MISMATCH", "This Idempotency-Key was used for another request.", {
      key: id.key,
    });
  }
  return toRun(run);
}

function* joinWaiting(dialect: Dialect, request: Enqueue): Steps<Row | null> {
  const found = yield* first(
    `SELECT id, run_at, caused_by, first_event_at, traces FROM job_runs
     WHERE group_id = $1 AND kind = $2 AND state = 'queued' AND attempt = 0 AND params = $3
     ORDER BY run_at, seq LIMIT 1 ${dialect.forUpdate}`,
    request.groupId,
    request.kind,
    canonicalJson(request.params),
  );
  if (found === null) return null;
  let runAt = Math.min(num(found.run_at), request.runAt);
  if (request.mode === "debounce" && request.debounce !== undefined) {
    const firstAt = found.first_event_at === null ? request.at : num(found.first_event_at);
    const debounced = debouncedRunAt(firstAt, request.at, request.debounce);
    // An event puts off only what events asked for; a run that was wanted sooner for another reason serves it as well.
    runAt = found.caused_by === "event" ? debounced : Math.min(num(found.run_at), debounced);
  }
  return yield* first(
    `UPDATE job_runs SET run_at = $2, events = events + 1, first_event_at = COALESCE(first_event_at, $3), last_event_at = $3,
       caused_by = CASE WHEN caused_by = 'event' THEN $4 ELSE caused_by END, traces = $5
     WHERE id = $1 AND state = 'queued' RETURNING *`,
    String(found.id),
    runAt,
    request.at,
    // Once somebody asked for it directly, later events must not put it off.
    request.mode === "debounce" ? "event" : request.trigger,
    withTrace(found.traces, request.trace),
  );
}

export function* insertRun(
  request: Enqueue & { scheduleId?: string; nominalAt?: number; missed?: number },
): Steps<Row> {
  const runAt =
    request.mode === "debounce" && request.debounce !== undefined
      ? debouncedRunAt(request.at, request.at, request.debounce)
      : request.runAt;
  const row = yield* first(
    `INSERT INTO job_runs (id, kind, group_id, state, caused_by, actor, params, schedule_id, nominal_at, missed, created_at, run_at,
       max_attempts, heavy, first_event_at, last_event_at, counters_before, traces)
     VALUES ($1, $2, $3, 'queued', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $10, $10, $14, $15) RETURNING *`,
    request.id,
    request.kind,
    request.groupId,
    request.trigger,
    request.actor,
    canonicalJson(request.params),
    request.scheduleId ?? null,
    request.nominalAt ?? null,
    request.missed ?? 0,
    request.at,
    runAt,
    request.maxAttempts,
    request.heavy ? 1 : 0,
    toJson(request.before),
    withTrace(null, request.trace),
  );
  return row as Row;
}

/** A debounced run may stand for thousands of calls; the first few traces tell where it came from. */
const MAX_TRACES = 8;

/** The stored list with one more, unless its trace is there already or the list is full. */
function withTrace(stored: unknown, trace: TraceContext | undefined): string | null {
  const traces = stored === null || stored === undefined ? [] : (JSON.parse(String(stored)) as TraceContext[]);
  if (trace !== undefined && traces.length < MAX_TRACES && !traces.some((t) => traceIdOf(t) === traceIdOf(trace)))
    traces.push(trace);
  return traces.length === 0 ? null : JSON.stringify(traces);
}
