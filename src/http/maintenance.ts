import { z } from "zod";
import { ERRORS, type ErrorCode, GraphkeeperError } from "../core/errors.ts";
import { toWire } from "../core/wire.ts";
import { COLLECTION_KINDS, type JsonObject } from "../core/words.ts";
import type { WatchedRun } from "../jobs/service.ts";
import { ENGINES } from "../maintenance/engine.ts";
import type { RunKind } from "../maintenance/handler.ts";
import { writesFailSince } from "./ops.ts";
import { type Answer, type Call, route } from "./route.ts";
import * as shapes from "./shapes.ts";
import { cursor, flag, limit, seconds } from "./validate.ts";

/** The paths of the specification: their names and shapes stay for ever, members are only added. */

const wait = {
  wait: seconds(3_600).optional().describe("Seconds to wait for the end before 202 with a Location; default 240."),
};
const collectQuery = z.strictObject({ ...wait, dry_run: flag().optional() });
const collectBody = z.strictObject({
  dry_run: z.boolean().optional().describe("Say what would go, change nothing."),
  sweep: z.boolean().optional().describe("Also scan the whole group for what no change announced."),
});
const engine = z.enum(ENGINES).describe("Who computes; gds is the plugin of Neo4j. Default: as configured.");
const recomputeQuery = z.strictObject({ ...wait, engine: engine.optional() });
const recomputeBody = z.strictObject({
  full: z.boolean().optional().describe("From scratch instead of bringing the last result up to date."),
  engine: engine.optional(),
});

const WAITS =
  "With X-Group-ID for that group, without it for all stale groups that the key may see, one after the other. Waits " +
  "for the end; when the wait is over before it, the answer is 202 with the run's path in Location.";

const stale = route({
  method: "GET",
  path: "/maintenance/admin/groups/stale",
  role: "reader",
  group: "none",
  tag: "maintenance",
  summary: "List the groups whose collection or analytics lag behind",
  query: z.strictObject({ limit: limit().optional(), cursor: cursor().optional() }),
  answers: { 200: { description: "Stale groups that the key may see", schema: shapes.staleGroups } },
  handle: async (call) => ({
    body: await call.graphkeeper.staleGroups(
      { cursor: call.query.cursor, limit: call.query.limit ?? 100 },
      call.visible,
    ),
  }),
});

const runAllGc = route({
  method: "POST",
  path: "/maintenance/run-all-gc",
  role: "operator",
  group: "optional",
  idempotency: "run",
  tag: "maintenance",
  summary: "Run all three kinds of garbage collection, one after the other",
  description: WAITS,
  query: collectQuery,
  body: collectBody,
  answers: runAnswers(shapes.collections),
  handle: (call) => runKind("gc_all", call, collectParams(call)),
});

const collect = route({
  method: "POST",
  path: "/maintenance/gc/{kind}",
  role: "operator",
  group: "optional",
  idempotency: "run",
  tag: "maintenance",
  summary: "Run one kind of garbage collection",
  description: WAITS,
  params: z.strictObject({ kind: z.enum(COLLECTION_KINDS) }),
  query: collectQuery,
  body: collectBody,
  answers: runAnswers(shapes.collections),
  handle: (call) => runKind(call.params.kind, call, collectParams(call)),
});

const recomputeGds = route({
  method: "POST",
  path: "/maintenance/recompute-gds",
  role: "operator",
  group: "optional",
  idempotency: "run",
  tag: "maintenance",
  summary: "Recompute similarity edges, communities and ranks",
  description: WAITS,
  query: recomputeQuery,
  body: recomputeBody,
  answers: runAnswers(shapes.recomputes),
  handle: (call) => {
    const asked = call.body.engine ?? call.query.engine;
    const params: JsonObject = { ...(call.body.full ? { full: true } : {}), ...(asked ? { engine: asked } : {}) };
    return runKind("recompute", call, params);
  },
});

const health = route({
  method: "GET",
  path: "/maintenance/health",
  role: "reader",
  group: "optional",
  tag: "maintenance",
  summary: "How a group is, or without X-Group-ID the service",
  answers: { 200: { description: "Status, counts, staleness, last runs, findings", schema: shapes.health } },
  handle: async (call) => ({
    body: call.groupId === "" ? await serviceHealth(call) : await call.graphkeeper.health(call.groupId),
  }),
});

export const maintenanceRoutes = [stale, runAllGc, collect, recomputeGds, health];

type RunCall = Call<unknown, { wait?: number }, unknown>;

function collectParams(call: Call<unknown, z.output<typeof collectQuery>, z.output<typeof collectBody>>): JsonObject {
  const dryRun = call.body.dry_run ?? call.query.dry_run ?? false;
  return { ...(dryRun ? { dry_run: true } : {}), ...(call.body.sweep ? { sweep: true } : {}) };
}

function runAnswers(schema: z.ZodType) {
  return {
    200: { description: "Ended within the wait", schema },
    202: { description: "Still under way; Location says where to look", schema: shapes.underWay },
  };
}

async function runKind(kind: RunKind, call: RunCall, params: JsonObject): Promise<Answer> {
  const until = performance.now() + (call.query.wait === undefined ? call.limits.waitMs : call.query.wait * 1_000);
  if (call.groupId !== "") return runGroup(kind, call, params, until);
  const entries: Record<string, unknown>[] = [];
  let replayed = false;
  let [deleted, failed, waiting] = [0, 0, 0];
  // The list is read before the first run, so that groups that become stale meanwhile do not keep the call going.
  for (const groupId of await staleIds(kind, call)) {
    const started = await start(kind, groupId, call, params).catch((error: unknown) => {
      // Removed since the list was read.
      if (GraphkeeperError.is(error, "GROUP_NOT_FOUND")) return null;
      throw error;
    });
    if (started === null) continue;
    const { run, outcome } = started;
    replayed ||= outcome === "replayed";
    const { entry, underWay } = describeRun(await waitFor(run, call, until));
    if (entry.status === "failed") failed++;
    if (underWay) waiting++;
    if (typeof entry.deleted === "number") deleted += entry.deleted;
    entries.push(entry);
  }
  const body = { groups: entries, deleted, failed };
  return waiting === 0
    ? { body, replayed }
    : { status: 202, body, headers: { location: `/maintenance/runs?kind=${kind}` }, replayed };
}

function start(kind: RunKind, groupId: string, call: RunCall, params: JsonObject) {
  const { idempotencyKey: key, principal } = call;
  return call.graphkeeper.run({
    kind,
    groupId,
    actor: principal.actor,
    params,
    trace: call.trace,
    // The group is part of the scope: one key may stand for the same call in several groups.
    idempotency: key === null ? undefined : { scope: `${principal.actor} ${groupId}`, key },
  });
}

async function runGroup(kind: RunKind, call: RunCall, params: JsonObject, until: number): Promise<Answer> {
  const { run: begun, outcome } = await start(kind, call.groupId, call, params);
  const run = await waitFor(begun, call, until);
  const replayed = outcome === "replayed";
  const { entry: body, underWay } = describeRun(run);
  if (underWay) return { status: 202, body, headers: { location: `/maintenance/runs/${run.id}` }, replayed };
  if (run.state === "succeeded" || run.state === "skipped") return { body, replayed };
  const code = run.state === "cancelled" ? "CANCELLED" : (run.error?.code ?? "RUN_FAILED");
  throw new GraphkeeperError(
    Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : "RUN_FAILED",
    run.error?.message ?? run.reason ?? "The run did not succeed.",
    { run_id: run.id, group_id: run.groupId },
  );
}

function waitFor(run: WatchedRun, call: RunCall, until: number): Promise<WatchedRun> {
  const signal = AbortSignal.any([call.gone, call.stopping]);
  return call.graphkeeper.jobs.wait(run.id, Math.max(0, until - performance.now()), signal);
}

/** A run as the answer shows it: with its result flattened into it once it has one. */
function describeRun(run: WatchedRun): { entry: Record<string, unknown>; underWay: boolean } {
  const head = { group_id: run.groupId, run_id: run.id, kind: run.kind };
  const { reason, error } = run;
  switch (run.state) {
    case "succeeded":
      return { entry: { ...head, ...run.result, status: "succeeded" }, underWay: false };
    case "skipped":
      return { entry: { ...head, status: "skipped", reason, deleted: 0 }, underWay: false };
    case "cancelled":
    case "failed":
    case "dead":
      return { entry: { ...head, status: "failed", state: run.state, reason, error }, underWay: false };
    default:
      return { entry: { ...head, status: run.state, reason, progress: toWire(run.progress) }, underWay: true };
  }
}

async function staleIds(kind: RunKind, call: RunCall): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await call.graphkeeper.staleGroups({ cursor, limit: 500 }, call.visible);
    for (const group of page.groups) {
      if (kind === "recompute" ? group.needsGdsRecompute : group.needsGc) ids.push(group.groupId);
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return ids;
}

async function serviceHealth(call: Call<unknown, unknown, unknown>): Promise<Record<string, unknown>> {
  const { graphkeeper, visible } = call;
  const failing: string[] = [];
  for (const store of [graphkeeper.store, graphkeeper.jobs.store]) {
    await store.ping().catch((error: unknown) => {
      // What it has can still be read, and told of.
      if (writesFailSince(error) === null) throw error;
      failing[0] = (error as GraphkeeperError).message;
    });
  }
  const head = { version: call.version, startedAt: call.startedAt };
  // Figures over all groups are for those who may see all groups.
  if (visible !== null) return { ...head, status: failing.length > 0 ? "attention" : "ok", findings: failing };
  const now = graphkeeper.clock();
  const { engine } = graphkeeper.store;
  const [kinds, pauses, stale, version] = await Promise.all([
    graphkeeper.jobs.store.summary(now),
    graphkeeper.jobs.pauses(),
    graphkeeper.staleGroups({ limit: 1_000 }),
    engine?.version() ?? null,
  ]);
  const findings = [
    ...failing,
    ...kinds
      .filter((k) => k.consecutiveFailures > 0)
      .map((k) => `${k.kind}: ${k.consecutiveFailures} failures in a row`),
    ...pauses.map((p) => `paused (${p.level}${p.key === "" ? "" : ` ${p.key}`}): ${p.reason}`),
  ];
  const staleGroups = { count: stale.groups.length, more: stale.nextCursor !== null };
  const status = findings.length > 0 ? "attention" : "ok";
  const engines = ["builtin", ...(engine && version !== null ? [`${engine.name} ${version}`] : [])];
  return { ...head, status, engines, staleGroups, kinds, pauses, findings };
}
