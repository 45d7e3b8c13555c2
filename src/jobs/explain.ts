import type { JobStore, Pause, Run } from "./ports.ts";
import { CHANCE_LOSSES } from "./rules.ts";

/** Says in one sentence why a queued run waits: what an operator would otherwise have to find out by four queries. */
export async function explainWait(store: JobStore, run: Run, now: number, heavyCap: number): Promise<string> {
  const pause = (await store.pauses()).find((p) => applies(p, run));
  if (pause !== undefined) {
    const what = pause.level === "all" ? "all jobs are" : `the ${pause.level} ${pause.key} is`;
    // What was said of a pause of more than this group is not for everybody who sees the run.
    return pause.level === "group" ? `${what} paused: ${pause.reason}` : `${what} paused`;
  }
  if (run.runAt > now) {
    const when = new Date(run.runAt).toISOString();
    return run.reason === null ? `due at ${when}` : `${run.reason}; due at ${when}`;
  }
  const waiting = await store.runs({ groupId: run.groupId, kind: run.kind, states: ["queued"], limit: 100 });
  const lost = waiting.find((other) => other.losses > CHANCE_LOSSES && other.runAt > now);
  if (lost !== undefined) {
    return `run ${lost.id} of this kind and group goes first: ${lost.reason}; due at ${new Date(lost.runAt).toISOString()}`;
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
