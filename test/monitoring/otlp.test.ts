import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type GraphkeeperServer, startGraphkeeper } from "../servers/graphkeeper.ts";
import { nodeModulesWith } from "../servers/tools.ts";
import { type Collector, startCollector } from "./collector.ts";

/** What docs/operations.md tells to install beside the service. */
const PACKAGES = ["@opentelemetry/api@1.10.0", "@opentelemetry/auto-instrumentations-node@0.82.0"];
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";

interface Item {
  scope: string;
  name: string;
  service: string;
  traceId?: string;
  spanId?: string;
  parent?: string;
  points?: { asDouble?: number; attributes: { key: string; value: { stringValue: string } }[] }[];
}

let collector: Collector<Item>;
let server: GraphkeeperServer;

beforeAll(async () => {
  const home = await nodeModulesWith(PACKAGES);
  const register = createRequire(join(home, "package.json")).resolve(
    "@opentelemetry/auto-instrumentations-node/register",
  );
  // OTLP over HTTP in JSON: https://opentelemetry.io/docs/specs/otlp/#otlphttp
  collector = await startCollector((path, body) => {
    const [resources, scopes, items] = path.endsWith("/traces")
      ? ["resourceSpans", "scopeSpans", "spans"]
      : ["resourceMetrics", "scopeMetrics", "metrics"];
    const found: Item[] = [];
    for (const { resource, [scopes]: inside } of body[resources] ?? []) {
      const service = resource.attributes.find((each: { key: string }) => each.key === "service.name");
      for (const { scope, [items]: each } of inside)
        for (const { name, traceId, spanId, parentSpanId, sum } of each) {
          const points = sum?.dataPoints;
          const parent = parentSpanId;
          found.push({ scope: scope.name, name, service: service?.value.stringValue, traceId, spanId, parent, points });
        }
    }
    return found;
  });
  server = await startGraphkeeper({
    nodeArgs: ["--import", pathToFileURL(register).href],
    environment: {
      OTEL_SERVICE_NAME: "graphkeeper-test",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_LOGS_EXPORTER: "none",
      OTEL_METRIC_EXPORT_INTERVAL: "500",
      OTEL_METRIC_EXPORT_TIMEOUT: "500",
      OTEL_BSP_SCHEDULE_DELAY: "200",
      // Who asks the cloud where it runs waits for an answer that never comes here.
      OTEL_NODE_RESOURCE_DETECTORS: "env",
    },
  });
}, 300_000);
afterAll(async () => {
  await server?.stop();
  collector?.close();
});

test("a preloaded SDK and the standard variables are all that OTLP needs: spans of a call, its run, and the counter", async () => {
  await server.fill("acme", ["d1"]);
  await server.call("POST", "/documents/d1/deprecate", { group: "acme", body: {} });
  const response = await fetch(`${server.url}/maintenance/run-all-gc`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${server.apiKey}`,
      "x-group-id": "acme",
      traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01`,
    },
  });
  expect(response.status).toBe(200);
  const describe = (item: Item) => `${item.scope} ${item.name} ${item.traceId ?? ""}`;
  const span = (name: string, scope = "graphrag.maintenance") =>
    collector.find((i) => i.name === name && i.scope === scope && i.traceId === TRACE_ID, describe);
  // The instrumentation of HTTP has its span for the request; ours comes below it, the run below ours.
  const outer = await span("POST", "@opentelemetry/instrumentation-http");
  expect(outer).toMatchObject({ parent: "00f067aa0ba902b7", service: "graphkeeper-test" });
  const request = await span("POST /maintenance/run-all-gc");
  expect(request.parent).toBe(outer.spanId);
  const run = await span("run gc_all");
  expect(run.parent).toBe(request.spanId);
  expect((await span("batch gc_all")).parent).toBe(run.spanId);
  const counter = await collector.find((item) => item.name === "orphan_entities_cleaned", describe);
  expect(counter.scope).toBe("graphrag.maintenance");
  expect(counter.points).toMatchObject([
    { asDouble: 4, attributes: [{ key: "group_id", value: { stringValue: "acme" } }] },
  ]);
  const logged = server
    .output()
    .split("\n")
    .filter((line) => line.includes(TRACE_ID))
    .map((line) => JSON.parse(line).msg);
  expect(logged).toEqual(["run begins", "run ends", "request"]);
});
