import type { JobStore, Pause, Run } from "./ports.ts";

/** Says in one sentence why a queued run waits: what an operator would otherwise have to find out by four queries. */
export async function explainWait(store: JobStore, run: Run, now: number, heavyCap: number): Promise<string> {
  const pause = (await store.pauses()).find((p) => applies(p, run));
  if (pause !== undefined) {
    const what = pause.level === "all" ? "all jobs are" : `the ${pause.level} ${pause.key} is`;
    return `${what} paused: ${pause.reason}`;
  }
  if (run.runAt > now) {
    const when = new Date(run.runAt).toISOString();
    return run.reason === null ? `due at ${when}` : `${run.reason}; due at ${when}`;
  }
  const active = await store.active();
  const other = active.find((a) => a.groupId === run.groupId);
  if (other !== undefined) return `run ${other.runId} (${other.kind}) works on this group`;
  const heavy = active.filter((a) => a.heavy).length;
  if (run.heavy && heavy >= heavyCap) return `${heavy} heavy runs are under way; the cap is ${heavyCap}`;
  return "waits for a free worker";
}

function applies(pause: Pause, run: Run): boolean {
  switch (pause.level) {
    case "all":
      return true;
    case "kind":
      return pause.key === run.kind;
    case "group":
      return pause.key === run.groupId;
    case "schedule":
      return pause.key === run.scheduleId;
  }
}
