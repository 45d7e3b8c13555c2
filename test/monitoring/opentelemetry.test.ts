import { metrics } from "@opentelemetry/api";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { unseenSdk } from "../../src/monitoring/metrics.ts";
import { type Any, forgetSdk, loadSdk, registerTracing } from "./sdk.ts";
import { block, DAY_MS, type MonitoringWorld, makeWorld, run } from "./world.ts";

interface Collected {
  scope: { name: string };
  metrics: { descriptor: { name: string; unit: string }; dataPoints: { attributes: object; value: unknown }[] }[];
}
let load: (name: string) => Any;
let reader: { collect(): Promise<{ resourceMetrics: { scopeMetrics: Collected[] } }>; shutdown(): Promise<void> };
let spans: ReturnType<typeof registerTracing>;
let world: MonitoringWorld | null = null;

beforeAll(async () => {
  load = await loadSdk();
}, 300_000);
beforeEach(() => {
  const { MeterProvider, MetricReader } = load("@opentelemetry/sdk-metrics");
  class Pull extends MetricReader {
    async onForceFlush() {}
    async onShutdown() {}
  }
  const pull = new Pull() as Any;
  reader = pull;
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [pull] }));
  spans = registerTracing(load);
});
afterEach(async () => {
  await world?.close();
  world = null;
  forgetSdk();
});

async function points(name: string) {
  const { resourceMetrics } = await reader.collect();
  const scope = resourceMetrics.scopeMetrics.find((each) => each.scope.name === "graphrag.maintenance");
  return scope?.metrics.find((each) => each.descriptor.name === name)?.dataPoints ?? null;
}

test("the specification's counter, with its meter, its name and its attribute", async () => {
  world = await makeWorld();
  await world.graphkeeper.importBlock("tenant-a", block("a", 3));
  await world.graphkeeper.importBlock("tenant-b", block("a", 2));
  for (const group of ["tenant-a", "tenant-b"]) {
    await world.graphkeeper.deprecate(group, ["a"]);
    await run(world, "gc_all", group);
  }
  const found = await points("orphan_entities_cleaned");
  expect(found?.map(({ attributes, value }) => [attributes, value])).toEqual([
    [{ group_id: "tenant-a" }, 3],
    [{ group_id: "tenant-b" }, 2],
  ]);
});

test("gauges are read from the stores when the SDK collects", async () => {
  world = await makeWorld();
  await world.graphkeeper.importBlock("g1", block("a", 3));
  await world.clock.advance(DAY_MS + 1_000);
  const late = await points("graphkeeper.groups.gds_stale");
  expect(late?.map(({ attributes, value }) => [attributes, value])).toContainEqual([{ older_than_seconds: 86_400 }, 1]);
  expect((await points("graphkeeper.groups.stale_age"))?.[0]?.value).toBe(86_401);
  await run(world, "gc_all", "g1");
  await run(world, "recompute", "g1");
  expect((await points("graphkeeper.groups.stale_age"))?.[0]?.value).toBe(0);
  // Stopped, it lets go of the SDK: nothing reads closed stores.
  await world.monitoring.stop();
  let reads = 0;
  world.store.groups = async () => {
    reads++;
    throw new Error("closed");
  };
  await reader.collect();
  expect(reads).toBe(0);
});

test("a span for the attempt of a run, and one below it for each batch", async () => {
  world = await makeWorld();
  await world.graphkeeper.importBlock("g1", block("a", 3));
  await world.graphkeeper.deprecate("g1", ["a"]);
  const ended = await run(world, "gc_all", "g1");
  const all = spans.getFinishedSpans();
  const attempt = all.find((span) => span.name === "run gc_all")!;
  expect(attempt.attributes).toMatchObject({
    "graphkeeper.group.id": "g1",
    "graphkeeper.run.id": ended.id,
    "graphkeeper.outcome": "succeeded",
  });
  const batches = all.filter((span) => span.name === "batch gc_all");
  expect(batches.length).toBeGreaterThan(0);
  expect(attempt.attributes["graphkeeper.batches"]).toBe(batches.length);
  for (const batch of batches) expect(batch.parentSpanContext?.spanId).toBe(attempt.spanContext().spanId);
});

test("a failed attempt is a span with its error", async () => {
  world = await makeWorld({
    handler: async () => {
      throw new Error("the database went away");
    },
  });
  await world.graphkeeper.importBlock("g1", block("a", 1));
  await run(world, "gc_all", "g1");
  const [attempt] = spans.getFinishedSpans();
  expect(attempt?.status).toEqual({ code: 2, message: "the database went away" });
  expect(attempt?.attributes["graphkeeper.outcome"]).toBe("failed");
});

test("an SDK whose API is older than ours is not seen, and we can say so", () => {
  expect(unseenSdk()).toBeNull();
  metrics.disable();
  expect(unseenSdk()).toBeNull();
  const key = Symbol.for("opentelemetry.js.api.1");
  const global = globalThis as { [key: symbol]: object | undefined };
  const ours = global[key];
  try {
    // As @opentelemetry/api 1.9.1 leaves it, which SDK 2.x and today's Azure Monitor distribution come with.
    global[key] = { version: "1.9.1", metrics: { getMeter: () => null } };
    expect(unseenSdk()).toContain("@opentelemetry/api 1.9.1");
  } finally {
    global[key] = ours;
  }
});
