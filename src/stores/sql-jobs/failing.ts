import type { FailingWork, RunError } from "../../jobs/ports.ts";
import { num } from "./rows.ts";
import { first, type Row, rows, type Steps } from "./statement.ts";

/** Kinds and groups that are looked at, the latest first: an installation where more of them fail has one fault, not many. */
const MOST_PAIRS = 1_000;

/** See `RunLedger.failing`. */
export function* failing(query: {
  groupId?: string;
  coveredBy: Record<string, readonly string[]>;
  limit: number;
}): Steps<FailingWork[]> {
  const group = query.groupId ?? null;
  const found = new Map<string, FailingWork>();
  const pairs = yield* rows(
    `SELECT kind, group_id, MAX(seq) AS seq FROM job_runs
     WHERE state IN ('failed', 'dead') AND (CAST($1 AS text) IS NULL OR group_id = $1)
     GROUP BY kind, group_id ORDER BY MAX(seq) DESC LIMIT $2`,
    group,
    MOST_PAIRS,
  );
  for (const pair of pairs) {
    const work = yield* unmended(pair, query.coveredBy[String(pair.kind)] ?? []);
    if (work !== null) found.set(`${work.kind} ${work.groupId}`, work);
  }
  const lost = yield* rows(
    `SELECT kind, group_id, id, losses, error FROM job_runs
     WHERE state IN ('queued', 'running', 'paused') AND losses > 0 AND (CAST($1 AS text) IS NULL OR group_id = $1)
     ORDER BY losses DESC LIMIT $2`,
    group,
    MOST_PAIRS,
  );
  for (const row of lost) {
    const key = `${row.kind} ${row.group_id}`;
    const work = found.get(key) ?? { ...workOf(row), failures: 0, losses: 0 };
    work.losses = Math.max(work.losses, num(row.losses));
    found.set(key, work);
  }
  return [...found.values()].sort((a, b) => b.failures - a.failures || b.losses - a.losses).slice(0, query.limit);
}

/** null when a success came after the failures, of the kind itself or of one that does its work as well. */
function* unmended(pair: Row, others: readonly string[]): Steps<FailingWork | null> {
  let succeeded = 0;
  for (const kind of [String(pair.kind), ...others]) {
    const success = yield* first(
      "SELECT MAX(seq) AS seq FROM job_runs WHERE group_id = $1 AND kind = $2 AND state = 'succeeded'",
      String(pair.group_id),
      kind,
    );
    succeeded = Math.max(succeeded, num(success?.seq ?? 0));
  }
  if (num(pair.seq) < succeeded) return null;
  const failures = yield* first(
    `SELECT COUNT(*) AS n FROM job_runs
     WHERE group_id = $1 AND kind = $2 AND state IN ('failed', 'dead') AND seq > $3`,
    String(pair.group_id),
    String(pair.kind),
    succeeded,
  );
  const latest = yield* first("SELECT kind, group_id, id, error FROM job_runs WHERE seq = $1", num(pair.seq));
  return latest === null ? null : { ...workOf(latest), failures: num(failures?.n), losses: 0 };
}

function workOf(row: Row): Pick<FailingWork, "kind" | "groupId" | "runId" | "error"> {
  return {
    kind: String(row.kind),
    groupId: String(row.group_id),
    runId: String(row.id),
    error: row.error === null || row.error === undefined ? null : (JSON.parse(String(row.error)) as RunError),
  };
}
