import type { RunDetail } from "./ports.ts";

export interface Pace {
  /** Units of `done` per second, over the last batches of the attempt. */
  perSecond: number;
  /** null when the total is not known, or nothing moves. */
  etaMs: number | null;
}

/** How fast a run goes, from its batch log; null before the second batch of an attempt. */
export function pace(run: Pick<RunDetail, "batchLog" | "attempt" | "progress" | "state">): Pace | null {
  if (run.state !== "running") return null;
  const log = run.batchLog
    .filter((batch) => batch.attempt === run.attempt && batch.phase === run.progress?.phase)
    .slice(-20);
  const first = log[0];
  const last = log.at(-1);
  if (first === undefined || last === undefined || last.at <= first.at) return null;
  const perSecond = ((last.done - first.done) / (last.at - first.at)) * 1_000;
  const total = run.progress?.total ?? last.total;
  const left = total === null ? null : Math.max(0, total - (run.progress?.done ?? last.done));
  return { perSecond, etaMs: left === null || perSecond <= 0 ? null : Math.round((left / perSecond) * 1_000) };
}
