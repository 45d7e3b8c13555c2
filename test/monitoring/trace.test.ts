import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { SpanKind, trace } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { GraphkeeperClient } from "../../src/client/index.ts";
import { FakeClock } from "../../src/conformance/jobs/clock.ts";
import { parseTrace, type TraceContext } from "../../src/core/trace.ts";
import { createLogger } from "../../src/http/log.ts";
import type { JobStore } from "../../src/jobs/ports.ts";
import { JobService } from "../../src/jobs/service.ts";
import { MaintenanceMetrics } from "../../src/monitoring/metrics.ts";
import { traceRequest } from "../../src/monitoring/trace-requests.ts";
import { watchRuns } from "../../src/monitoring/watch-runs.ts";
import { Webhook } from "../../src/monitoring/webhook.ts";
import { openPostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { closeWorlds, fill, makeWorld, send } from "../http/world.ts";
import { type PostgresServer, startPostgres } from "../servers/postgres.ts";
import { type Any, forgetSdk, loadSdk, registerTracing } from "./sdk.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01`, tracestate: "vendor=value" };
const OTHER = { traceparent: `00-${"c".repeat(32)}-${"d".repeat(16)}-01` };

let load: (name: string) => Any;
let spans: ReturnType<typeof registerTracing>;
const span = (name: string) => spans.getFinishedSpans().find((each) => each.name === name);

beforeAll(async () => {
  load = await loadSdk();
}, 300_000);
beforeEach(() => {
  spans = registerTracing(load);
});
afterEach(async () => {
  await closeWorlds();
  forgetSdk();
});

test("headers that the standard does not let pass are taken for none", () => {
  const id = "a".repeat(32);
  const from = "b".repeat(16);
  const good = `00-${id}-${from}-01`;
  expect(parseTrace(good)).toEqual({ traceparent: good });
  expect(parseTrace(good, "a=b,c=d")).toEqual({ traceparent: good, tracestate: "a=b,c=d" });
  expect(parseTrace(good, "x".repeat(513))).toEqual({ traceparent: good });
  // A version to come may add members; what is known of it is passed on.
  expect(parseTrace(`cc-${id}-${from}-09-more`)).toEqual({ traceparent: `00-${id}-${from}-09` });
  // An instrumented fetch adds its own behind the caller's.
  expect(parseTrace(`${OTHER.traceparent}, ${good}`)).toEqual({ traceparent: good });
  const bad = [
    ["", "00", good.toUpperCase(), `${good}-x`, `ff-${id}-${from}-01`, `0-${id}-${from}-01`, ` ${good} x`],
    [`00-${"0".repeat(32)}-${from}-01`, `00-${id}-${"0".repeat(16)}-01`, `00-${id}g-${from}-01`, `00-${id}-${from}`],
  ].flat();
  for (const header of [undefined, ...bad]) expect(parseTrace(header), header).toBeNull();
});

describe("a request and the run that it asks for", () => {
  /** What the composed service does around its runs. */
  const watched = async (options: { sdk?: boolean } = {}) => {
    if (options.sdk === false) forgetSdk();
    const lines: Record<string, unknown>[] = [];
    const logger = createLogger({ stream: { write: (line) => void lines.push(JSON.parse(line)) } });
    const log = (line: Record<string, string | number>, message: string) => logger.info(line, message);
    const world = await makeWorld({
      watch: (handler) => watchRuns(handler, new MaintenanceMetrics(), { log }),
      http: { logger, trace: traceRequest },
    });
    await fill(world, "acme", 2);
    return { world, lines };
  };

  test("are one trace: caller, request, run, and batches", async () => {
    const { world, lines } = await watched();
    const deprecated = await send(world, "/documents/d0/deprecate", { group: "acme", body: {}, headers: { ...OTHER } });
    expect(deprecated.statusCode).toBe(200);
    const answer = await send(world, "/maintenance/run-all-gc", { group: "acme", body: {}, headers: { ...CALLER } });
    expect(answer.statusCode).toBe(200);
    const request = span("POST /maintenance/run-all-gc")!;
    expect(request.spanContext().traceId).toBe(TRACE_ID);
    expect(request.parentSpanContext?.spanId).toBe("00f067aa0ba902b7");
    expect(request.kind).toBe(SpanKind.SERVER);
    expect(request.attributes).toMatchObject({
      "http.request.method": "POST",
      "http.route": "/maintenance/run-all-gc",
      "http.response.status_code": 200,
    });
    const run = span("run gc_all")!;
    expect(run.spanContext().traceId).toBe(TRACE_ID);
    expect(run.parentSpanContext?.spanId).toBe(request.spanContext().spanId);
    expect(span("batch gc_all")?.parentSpanContext?.spanId).toBe(run.spanContext().spanId);
    // And the lines in the log: found by the trace, the run, the group or the request.
    const { run_id: runId } = answer.json();
    const found = lines.filter((line) => line.trace_id === TRACE_ID);
    expect(found.map((line) => line.msg).sort()).toEqual(["request", "run begins", "run ends"]);
    expect(found.find((line) => line.msg === "run ends")).toMatchObject({
      run_id: runId,
      group_id: "acme",
      outcome: "succeeded",
      span_id: run.spanContext().spanId,
    });
    expect(found.find((line) => line.msg === "request")).toMatchObject({ group_id: "acme", status: 200 });
    expect((await send(world, `/maintenance/runs/${runId}`)).json().traces).toEqual([
      { traceparent: `00-${TRACE_ID}-${request.spanContext().spanId}-01`, tracestate: "vendor=value" },
    ]);
    expect(span("POST /documents/{id}/deprecate")!.spanContext().traceId).toBe("c".repeat(32));
  });

  test("without an SDK the run keeps the caller's trace, and the log says it", async () => {
    const { world, lines } = await watched({ sdk: false });
    const answer = await send(world, "/maintenance/run-all-gc", { group: "acme", body: {}, headers: { ...CALLER } });
    const kept = (await send(world, `/maintenance/runs/${answer.json().run_id}`)).json();
    expect(kept.traces).toEqual([CALLER]);
    const found = lines.filter((line) => line.trace_id === TRACE_ID).map((line) => line.msg);
    expect(found.sort()).toEqual(["request", "run begins", "run ends"]);
    const plain = await send(world, "/maintenance/run-all-gc", { group: "acme", body: {} });
    expect((await send(world, `/maintenance/runs/${plain.json().run_id}`)).json().traces).toEqual([]);
  });

  test("a failed request is a span with its status; probes are none", async () => {
    const { world } = await watched();
    spans.reset();
    expect((await send(world, "/documents/none/deprecate", { group: "acme", body: {} })).statusCode).toBe(404);
    expect((await send(world, "/livez", { headers: { ...CALLER } })).statusCode).toBe(200);
    const all = spans.getFinishedSpans();
    expect(all.map((each) => [each.name, each.attributes["http.response.status_code"], each.status.code])).toEqual([
      ["POST /documents/{id}/deprecate", 404, 0],
    ]);
  });
});

test("a debounced run of the embedded store goes on with the trace of its first event, and is linked to the next", async () => {
  const { compose } = await import("../../src/compose.ts");
  const { loadConfig } = await import("../../src/config/config.ts");
  const { temporaryGraphkeeper } = await import("../data/graphs.ts");
  const { block } = await import("./world.ts");
  const place = await temporaryGraphkeeper();
  await place.graphkeeper.close();
  const config = loadConfig({}, { overrides: { data: place.path, "maintenance.quietSeconds": 0 } });
  const graphkeeper = await compose(config, { watch: (handler) => watchRuns(handler, new MaintenanceMetrics()) });
  try {
    await graphkeeper.importBlock("g1", block("a", 2), { trace: CALLER });
    await graphkeeper.deprecate("g1", ["a"], { trace: OTHER });
    const [waiting] = (await graphkeeper.jobs.list({ limit: 10 })).items;
    expect(waiting).toMatchObject({ state: "queued", trigger: "event", traces: [CALLER, OTHER] });
    await graphkeeper.jobs.drain();
    const run = span("run gc_all")!;
    expect(run.spanContext().traceId).toBe(TRACE_ID);
    expect(run.links.map((link) => link.context.traceId)).toEqual(["c".repeat(32)]);
  } finally {
    await graphkeeper.close();
    await place.close();
  }
});

describe("PostgreSQL", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  }, 180_000);
  afterAll(async () => {
    await server?.stop();
  });

  test("the process that carries a run out is another than the one that was asked", async () => {
    const clock = new FakeClock();
    const stores: JobStore[] = [];
    const process = async (owner: string, done: string[]) => {
      const store = await openPostgresJobs({ url: server.url, now: () => clock.now() });
      stores.push(store);
      const handler = watchRuns(async ({ run }) => {
        done.push(`${owner} ${run.id}`);
        return {};
      }, new MaintenanceMetrics());
      return new JobService({ store, handler, clock, kinds: { gc_all: {} }, owner });
    };
    const done: string[] = [];
    const asked = await process("asked", done);
    const works = await process("works", done);
    try {
      const { run } = await asked.trigger({ kind: "gc_all", groupId: "acme", trace: CALLER });
      await works.drain();
      expect(done).toEqual([`works ${run.id}`]);
      const found = span("run gc_all")!;
      expect(found.spanContext().traceId).toBe(TRACE_ID);
      expect(found.parentSpanContext?.spanId).toBe("00f067aa0ba902b7");
      // An attempt after that is of the same trace.
      expect((await asked.get(run.id)).traces).toEqual([CALLER]);
    } finally {
      for (const store of stores) await store.close();
    }
  });
});

describe("outwards", () => {
  const receiver = async (): Promise<{ url: string; seen: (string | undefined)[]; close(): void }> => {
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.traceparent as string | undefined);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, close: () => server.close() };
  };

  test("the webhook says the trace of its message", async () => {
    const { url, seen, close } = await receiver();
    const webhook = new Webhook({ url, secret: "a secret" }, new FakeClock());
    await webhook.send("m1", { type: "alert.firing" });
    const sent = span("webhook")!;
    expect(seen).toEqual([`00-${sent.spanContext().traceId}-${sent.spanContext().spanId}-01`]);
    forgetSdk();
    await webhook.send("m2", { type: "alert.firing" });
    expect(seen[1]).toBeUndefined();
    close();
  });

  test("a webhook that fails is a span with its error", async () => {
    const webhook = new Webhook({ url: "http://127.0.0.1:1/", secret: "a secret", pausesMs: [] }, new FakeClock());
    await expect(webhook.send("m1", {})).rejects.toThrow("cannot be reached");
    expect(span("webhook")?.status.code).toBe(2);
  });

  test("the client passes on the active span's trace, or the one that it is given", async () => {
    const { url, seen, close } = await receiver();
    await new GraphkeeperClient({ url }).call({ path: "/x" });
    const traceId = await trace.getTracer("caller").startActiveSpan("work", async (active) => {
      await new GraphkeeperClient({ url }).call({ path: "/x" });
      active.end();
      return active.spanContext().traceId;
    });
    const given: TraceContext = CALLER;
    await new GraphkeeperClient({ url, trace: () => given }).call({ path: "/x" });
    expect(seen[0]).toBeUndefined();
    expect(seen[1]?.slice(3, 35)).toBe(traceId);
    expect(seen[2]).toBe(CALLER.traceparent);
    close();
  });
});
