import "../telemetry.ts";
import { app, type InvocationContext, type RetryOptions, type Timer } from "@azure/functions";
import { MaintenanceApi } from "../api.ts";
import { nominalTime } from "../nominal-time.ts";
import { scheduleOf } from "../schedules.ts";

/** What an invocation did; the host shows it in its log. */
interface Summary {
  nominal_time: string;
  past_due: boolean;
  groups: number;
  deleted: number;
  recomputed: number;
}

const RETRY: RetryOptions = {
  strategy: "exponentialBackoff",
  maxRetryCount: 5,
  minimumInterval: { seconds: 10 },
  maximumInterval: { minutes: 5 },
};

const maintenanceSchedule = scheduleOf(process.env.GRAPHRAG_MAINTENANCE_SCHEDULE, "hourly");
/** When it is set, recomputes wait for it (off-peak) instead of following each collection. */
const recomputeSchedule = scheduleOf(process.env.GRAPHRAG_RECOMPUTE_SCHEDULE, null);

function api(context: InvocationContext): MaintenanceApi {
  return new MaintenanceApi({
    url: process.env.GRAPHRAG_API_URL ?? "http://localhost:8000",
    apiKey: process.env.GRAPHRAG_API_KEY,
    traceparent: context.traceContext?.traceParent ?? undefined,
  });
}

/**
 * Works through the stale groups, one after the other. A group that fails keeps no other from its turn; at the end the
 * invocation fails as a whole, so that the host tries again, with the same keys: what was done is not done twice.
 */
async function forStaleGroups(
  timer: Timer,
  context: InvocationContext,
  work: { collect: boolean; recompute: boolean },
): Promise<Summary> {
  const nominal = nominalTime(timer, Date.now()).toISOString();
  // Work is by what is stale, not by the clock: a late invocation does the same as one in time, and once.
  if (timer.isPastDue) context.warn(`The timer is past due; this run stands for the occurrence of ${nominal}.`);
  const key = (what: string) => `azure:${what}:${nominal}`;
  const calls = api(context);
  const summary: Summary = { nominal_time: nominal, past_due: timer.isPastDue, groups: 0, deleted: 0, recomputed: 0 };
  const failures: string[] = [];
  for await (const group of calls.staleGroups()) {
    const { group_id: groupId } = group;
    summary.groups++;
    try {
      if (work.collect && group.needs_gc) {
        const { deleted } = await calls.collect(groupId, key("run-all-gc"));
        summary.deleted += typeof deleted === "number" ? deleted : 0;
      }
      if (work.recompute && group.needs_gds_recompute) {
        await calls.recompute(groupId, key("recompute-gds"));
        summary.recomputed++;
      }
    } catch (error) {
      context.error(`${groupId}: ${(error as Error).message}`);
      failures.push(groupId);
    }
  }
  context.log(`Maintenance of ${nominal}: ${JSON.stringify(summary)}`);
  if (failures.length > 0) throw new Error(`Maintenance failed for ${failures.length} of ${summary.groups} groups.`);
  return summary;
}

if (maintenanceSchedule !== null) {
  app.timer("maintenance", {
    schedule: maintenanceSchedule,
    useMonitor: true,
    retry: RETRY,
    handler: (timer, context) =>
      forStaleGroups(timer, context, { collect: true, recompute: recomputeSchedule === null }),
  });
}
if (recomputeSchedule !== null) {
  app.timer("recompute", {
    schedule: recomputeSchedule,
    useMonitor: true,
    retry: RETRY,
    handler: (timer, context) => forStaleGroups(timer, context, { collect: false, recompute: true }),
  });
}
