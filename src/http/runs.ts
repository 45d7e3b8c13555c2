import { z } from "zod";
import { toWire } from "../core/wire.ts";
import type { RunState } from "../jobs/ports.ts";
import type { WatchedRun } from "../jobs/service.ts";
import { RUN_KINDS } from "../maintenance/handler.ts";
import { route } from "./route.ts";
import * as shapes from "./shapes.ts";
import { cursor, id, limit } from "./validate.ts";

const STATES = [
  "queued",
  "running",
  "paused",
  "succeeded",
  "failed",
  "cancelled",
  "dead",
  "skipped",
] as const satisfies RunState[];

const list = route({
  method: "GET",
  path: "/maintenance/runs",
  role: "reader",
  group: "optional",
  tag: "runs",
  summary: "List runs, newest first",
  query: z.strictObject({
    kind: z.enum(RUN_KINDS).optional(),
    state: z.enum(STATES).optional(),
    schedule: z.string().min(1).max(100).optional(),
    limit: limit().optional(),
    cursor: cursor().optional(),
  }),
  answers: { 200: { description: "Runs of the groups that the key may see", schema: shapes.runs } },
  handle: async ({ graphkeeper, query, groupId, visible }) => {
    const filter = {
      groupId: groupId === "" ? undefined : groupId,
      kind: query.kind,
      states: query.state === undefined ? undefined : [query.state],
      scheduleId: query.schedule,
      cursor: query.cursor,
      limit: query.limit ?? 100,
    };
    const { items, nextCursor } = await graphkeeper.jobs.list(filter, visible);
    return { body: { runs: items, nextCursor } };
  },
});

const params = z.strictObject({ id: id() });

const get = route({
  method: "GET",
  path: "/maintenance/runs/{id}",
  role: "reader",
  group: "none",
  tag: "runs",
  summary: "One run, with its attempts, progress and why it waits",
  params,
  answers: { 200: { description: "The run", schema: shapes.run } },
  handle: async (call) => ({ body: await call.graphkeeper.jobs.get(call.params.id, call.visible) }),
});

function command(name: "cancel" | "pause" | "resume" | "retry", summary: string) {
  return route({
    method: "POST",
    path: `/maintenance/runs/{id}/${name}`,
    role: "operator",
    group: "none",
    idempotency: "answer",
    tag: "runs",
    summary,
    description: "A command that does not fit the run's state changes nothing; the answer says the state.",
    params,
    answers: { 200: { description: "The run as it is now", schema: shapes.run } },
    handle: async (call) => {
      const by = { actor: call.principal.actor, action: `run.${name}`, ref: call.params.id };
      const work = () => call.graphkeeper.jobs[name](call.params.id, call.visible);
      return { body: await call.graphkeeper.audited(by, work) };
    },
  });
}

const redrive = route({
  method: "POST",
  path: "/maintenance/runs/redrive",
  role: "operator",
  group: "optional",
  idempotency: "answer",
  tag: "runs",
  summary: "Send dead runs back to the queue, oldest first",
  body: z.strictObject({
    kind: z.enum(RUN_KINDS).optional(),
    limit: z.number().int().min(1).max(1_000).optional(),
    dry_run: z.boolean().optional(),
  }),
  answers: { 200: { description: "The runs", schema: z.object({ runs: z.array(shapes.run), dry_run: z.boolean() }) } },
  handle: async ({ graphkeeper, body, groupId, visible, principal }) => {
    const query = {
      groupId: groupId === "" ? undefined : groupId,
      kind: body.kind,
      limit: body.limit,
      dryRun: body.dry_run ?? false,
    };
    const work = () => graphkeeper.jobs.redrive(query, visible);
    if (query.dryRun) return { body: await work() };
    const by = { actor: principal.actor, action: "run.redrive", ref: groupId || "all", detail: query };
    return { body: await graphkeeper.audited(by, work) };
  },
});

const events = route({
  method: "GET",
  path: "/maintenance/runs/{id}/events",
  role: "reader",
  group: "none",
  tag: "runs",
  summary: "Follow a run as server-sent events",
  description: "One event `run` with the run at once and after each change, until it has ended or the key is revoked.",
  params,
  answers: { 200: { description: "Events", type: "text/event-stream" } },
  handle: async (call) => {
    // A run that is not there is a 404, not a stream that ends.
    await call.graphkeeper.jobs.get(call.params.id, call.visible);
    const over = new AbortController();
    const signal = AbortSignal.any([call.gone, call.stopping, over.signal]);
    const changes = call.graphkeeper.jobs.events(call.params.id, signal, call.visible);
    return {
      stream: eventStream(changes, call.stillAllowed, over),
      type: "text/event-stream",
      headers: { "x-accel-buffering": "no" },
    };
  },
});

export const runRoutes = [
  list,
  redrive,
  get,
  command("cancel", "Cancel a run; it stops after its batch"),
  command("pause", "Pause a run; it keeps its checkpoint"),
  command("resume", "Let a paused run go on from its checkpoint"),
  command("retry", "Send a run that failed, died, was cancelled or skipped back to the queue"),
  events,
];

/** Proxies cut connections on which nothing comes for a minute; a revoked key is noticed at the latest then. */
const HEARTBEAT_MS = 5_000;

async function* eventStream(
  changes: AsyncGenerator<WatchedRun>,
  stillAllowed: () => Promise<boolean>,
  over: AbortController,
): AsyncGenerator<string> {
  let number = 0;
  let next = changes.next();
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const beat = new Promise<null>((resolve) => {
        timer = setTimeout(() => resolve(null), HEARTBEAT_MS);
      });
      const change = await Promise.race([next, beat]).finally(() => clearTimeout(timer));
      if (!(await stillAllowed())) return;
      if (change === null) {
        yield ": still there\n\n";
        continue;
      }
      if (change.done) return;
      yield `id: ${++number}\nevent: run\ndata: ${JSON.stringify(toWire(change.value))}\n\n`;
      next = changes.next();
    }
  } finally {
    next.catch(() => {});
    over.abort();
  }
}
