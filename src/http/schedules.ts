import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import type { Pause, Schedule } from "../jobs/ports.ts";
import type { ScheduleInput } from "../jobs/schedules.ts";
import { RUN_KINDS } from "../maintenance/handler.ts";
import { withoutWords } from "./pauses.ts";
import { type Call, route } from "./route.ts";
import * as shapes from "./shapes.ts";
import { integer, limit, text, time } from "./validate.ts";

const base = { group: "none", tag: "schedules" } as const;
const params = z.strictObject({ id: z.string().min(1).max(100) });
const milliseconds = z.number().min(0).max(31_622_400_000);

const body = z.strictObject({
  kind: z.enum(RUN_KINDS).optional(),
  target: z
    .union([z.literal("stale"), z.strictObject({ group_id: z.string() })])
    .optional()
    .describe("One group, or every group that has work of this kind when the schedule is due."),
  dialect: z.enum(["cron", "ncrontab"]).optional().describe("Five fields, or the six of Azure."),
  expression: z.string().max(200).optional(),
  time_zone: z.string().max(100).optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  overlap: z.enum(["skip", "buffer_one", "allow"]).optional(),
  catch_up: z
    .union([
      z.strictObject({ policy: z.enum(["none", "latest"]) }),
      z.strictObject({ policy: z.literal("all"), max: z.number().int().min(1).max(1_000) }),
    ])
    .optional(),
  catch_up_window_ms: milliseconds.optional(),
  spread_ms: milliseconds.nullable().optional(),
  windows: z
    .array(
      z.strictObject({
        days: z.array(z.number().int().min(0).max(6)).optional(),
        from: z.string().max(5),
        to: z.string().max(5),
      }),
    )
    .max(100)
    .optional(),
  blackouts: z
    .array(z.strictObject({ from_at: time(), to_at: time(), reason: text(2_000) }))
    .max(100)
    .optional(),
  need: z
    .strictObject({
      base: z.number(),
      scale: z.number(),
      cap: z.number(),
      max_age_ms: milliseconds.nullable(),
    })
    .nullable()
    .optional(),
  enabled: z.boolean().optional(),
});

const list = route({
  ...base,
  method: "GET",
  path: "/maintenance/schedules",
  role: "reader",
  summary: "List schedules, with the pause that holds each and the next time",
  answers: { 200: { description: "Schedules", schema: shapes.schedules } },
  handle: async (call) => ({
    body: {
      schedules: (await call.graphkeeper.jobs.schedules.list())
        .filter((schedule) => maySee(call, schedule))
        .map((schedule) => shown(call, schedule)),
    },
  }),
});

const get = route({
  ...base,
  method: "GET",
  path: "/maintenance/schedules/{id}",
  role: "reader",
  summary: "One schedule",
  params,
  answers: { 200: { description: "The schedule", schema: shapes.schedule } },
  handle: async (call) => ({ body: await seen(call, call.params.id) }),
});

const put = route({
  ...base,
  method: "PUT",
  path: "/maintenance/schedules/{id}",
  role: "operator",
  idempotency: "answer",
  summary: "Create or change a schedule; members that are absent keep their value",
  params,
  body,
  answers: { 200: { description: "The schedule", schema: shapes.schedule } },
  handle: async (call) => {
    const { schedules } = call.graphkeeper.jobs;
    const known = (await schedules.list()).find((schedule) => schedule.id === call.params.id);
    if (known !== undefined && !maySee(call, known)) {
      throw new GraphkeeperError("CONFLICT", "This id is taken; choose another one.", { schedule: call.params.id });
    }
    if (known !== undefined) demandReach(call, known.target);
    const input = inputOf(call.body);
    demandReach(call, input.target ?? known?.target ?? "stale");
    const by = { actor: call.principal.actor, action: "schedule.set", ref: call.params.id, detail: input };
    return { body: await call.graphkeeper.audited(by, () => schedules.set(call.params.id, input)) };
  },
});

const remove = route({
  ...base,
  method: "DELETE",
  path: "/maintenance/schedules/{id}",
  role: "operator",
  summary: "Remove a schedule; its runs and occurrences stay",
  params,
  answers: { 204: { description: "Removed" } },
  handle: async (call) => {
    await reached(call, call.params.id);
    const by = { actor: call.principal.actor, action: "schedule.remove", ref: call.params.id };
    await call.graphkeeper.audited(by, () => call.graphkeeper.jobs.schedules.remove(call.params.id));
    return { status: 204 };
  },
});

const pause = route({
  ...base,
  method: "POST",
  path: "/maintenance/schedules/{id}/pause",
  role: "operator",
  idempotency: "answer",
  summary: "Pause a schedule; times that pass are recorded as skipped",
  params,
  body: z.strictObject({ reason: text(2_000).optional() }),
  answers: { 200: { description: "The schedule", schema: shapes.schedule } },
  handle: async (call) => {
    await reached(call, call.params.id);
    const { reason = "paused by hand" } = call.body;
    const { actor } = call.principal;
    await call.graphkeeper.audited({ actor, action: "schedule.pause", ref: call.params.id, detail: { reason } }, () =>
      call.graphkeeper.jobs.schedules.pause(call.params.id, reason, actor),
    );
    return { body: await seen(call, call.params.id) };
  },
});

const resume = route({
  ...base,
  method: "POST",
  path: "/maintenance/schedules/{id}/resume",
  role: "operator",
  idempotency: "answer",
  summary: "End the pause of a schedule",
  params,
  answers: { 200: { description: "The schedule", schema: shapes.schedule } },
  handle: async (call) => {
    await reached(call, call.params.id);
    const by = { actor: call.principal.actor, action: "schedule.resume", ref: call.params.id };
    await call.graphkeeper.audited(by, () => call.graphkeeper.jobs.schedules.resume(call.params.id));
    return { body: await seen(call, call.params.id) };
  },
});

const preview = route({
  ...base,
  method: "GET",
  path: "/maintenance/schedules/{id}/preview",
  role: "reader",
  summary: "The next times of a schedule",
  params,
  query: z.strictObject({ n: integer(1, 100).optional() }),
  answers: { 200: { description: "Times", schema: shapes.times } },
  handle: async (call) => {
    await seen(call, call.params.id);
    return { body: timesOf(await call.graphkeeper.jobs.schedules.preview(call.params.id, call.query.n ?? 10)) };
  },
});

const previewExpression = route({
  ...base,
  method: "POST",
  path: "/maintenance/schedules/preview",
  role: "reader",
  summary: "The next times of an expression that is not stored",
  body: z.strictObject({
    expression: z.string().max(200),
    dialect: z.enum(["cron", "ncrontab"]).optional(),
    time_zone: z.string().max(100).optional(),
    n: z.number().int().min(1).max(100).optional(),
  }),
  answers: { 200: { description: "Times", schema: shapes.times } },
  handle: async ({ graphkeeper, body: { expression, n, dialect, time_zone } }) => ({
    body: timesOf(graphkeeper.jobs.schedules.previewExpression(expression, n ?? 10, dialect, time_zone)),
  }),
});

const occurrences = route({
  ...base,
  method: "GET",
  path: "/maintenance/schedules/{id}/occurrences",
  role: "reader",
  summary: "What became of the times that have passed, newest first",
  params,
  query: z.strictObject({ before: time().optional(), limit: limit().optional() }),
  answers: { 200: { description: "Occurrences", schema: shapes.occurrences } },
  handle: async (call) => {
    await seen(call, call.params.id);
    const query = { scheduleId: call.params.id, beforeAt: call.query.before, limit: call.query.limit ?? 100 };
    const found = await call.graphkeeper.jobs.schedules.occurrences(query);
    const { visible } = call;
    const skips = (all: { groupId: string }[]) => all.filter((skip) => visible === null || visible(skip.groupId));
    return { body: { occurrences: found.map((o) => ({ ...o, skips: skips(o.skips) })) } };
  },
});

export const scheduleRoutes = [list, previewExpression, get, put, remove, pause, resume, preview, occurrences];

type AnyCall = Call<unknown, unknown, unknown>;

/** Schedules for all stale groups are no secret; those of one group are seen by who sees the group. */
function maySee(call: AnyCall, schedule: Pick<Schedule, "target">): boolean {
  return schedule.target === "stale" || call.visible === null || call.visible(schedule.target.groupId);
}

async function seen(call: AnyCall, id: string) {
  const schedule = (await call.graphkeeper.jobs.schedules.list()).find((s) => s.id === id);
  if (schedule === undefined || !maySee(call, schedule)) {
    throw new GraphkeeperError("NOT_FOUND", "There is no such schedule.", { schedule: id });
  }
  return shown(call, schedule);
}

/** Why a schedule for all groups is paused, and by whom, is told to who sees all groups. */
function shown<S extends { target: Schedule["target"]; pause: Pause | null }>(call: AnyCall, schedule: S): S {
  if (call.visible === null || schedule.target !== "stale" || schedule.pause === null) return schedule;
  return { ...schedule, pause: withoutWords(schedule.pause) };
}

/** The schedule, if the caller may change it. */
async function reached(call: AnyCall, id: string): Promise<void> {
  demandReach(call, (await seen(call, id)).target);
}

/** A schedule that runs for all groups is changed by who sees all groups. */
function demandReach(call: AnyCall, target: Schedule["target"]): void {
  if (call.visible === null) return;
  if (target === "stale") {
    throw new GraphkeeperError("FORBIDDEN", "A schedule for all stale groups is changed with a key for all groups.");
  }
  if (!call.visible(target.groupId)) {
    throw new GraphkeeperError("GROUP_NOT_FOUND", "There is no such group.", { group: target.groupId });
  }
}

function inputOf(wire: z.output<typeof body>): ScheduleInput {
  const { target, need } = wire;
  return {
    kind: wire.kind,
    target: target === undefined || target === "stale" ? target : { groupId: target.group_id },
    dialect: wire.dialect,
    expression: wire.expression,
    timeZone: wire.time_zone,
    params: wire.params as ScheduleInput["params"],
    overlap: wire.overlap,
    catchUp: wire.catch_up,
    catchUpWindowMs: wire.catch_up_window_ms,
    spreadMs: wire.spread_ms,
    windows: wire.windows,
    blackouts: wire.blackouts?.map((b) => ({ fromAt: b.from_at, toAt: b.to_at, reason: b.reason })),
    need:
      need === undefined || need === null
        ? need
        : { base: need.base, scale: need.scale, cap: need.cap, maxAgeMs: need.max_age_ms },
    enabled: wire.enabled,
  };
}

function timesOf(times: number[]): { times: string[] } {
  return { times: times.map((at) => new Date(at).toISOString()) };
}
