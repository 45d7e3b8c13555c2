import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { ALERTS } from "../../src/monitoring/conditions.ts";
import { MaintenanceMetrics } from "../../src/monitoring/metrics.ts";
import { gaugeFamilies } from "../../src/monitoring/prometheus.ts";
import { startGraphkeeper } from "../servers/graphkeeper.ts";
import { findPromtool } from "../servers/prometheus.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FOLDER = join(ROOT, "deploy", "prometheus");
let promtool: string;

beforeAll(async () => {
  promtool = await findPromtool();
}, 300_000);

function run(args: string[], cwd: string, input = ""): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile(promtool, args, { cwd }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") reject(error);
      else resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
    child.stdin?.end(input);
  });
}

describe("the Prometheus rules", () => {
  test("are valid and pass their unit tests", async () => {
    expect(await run(["check", "rules", "rules.yaml"], FOLDER)).toMatchObject({ code: 0 });
    expect(await run(["test", "rules", "rules.test.yaml"], FOLDER)).toEqual({
      code: 0,
      output: expect.stringContaining("SUCCESS"),
    });
  });

  test.each([
    ["> 10", "> 11"],
    ['older_than_seconds="86400"', 'older_than_seconds="3600"'],
    [">= 3", ">= 2"],
    ["> 3)", "> 4)"],
    ["(graphkeeper_writes_fail) > 0", "(graphkeeper_writes_fail) > 1"],
    ["(graphkeeper_clock_doubt) > 0", "(graphkeeper_clock_doubt) > 1"],
    ["unless on (job, kind)", "and on (job, kind)"],
    ['{kind!="gc_all"}', ""],
    ["> 1.2)", ">= 1.2)"],
    ["> 100", "> 0"],
    ["offset 7d", "offset 8d"],
    ["for: 1h", "for: 0m"],
    ["max by (job) (graphkeeper_stores_up)", "min by (job) (graphkeeper_stores_up)"],
  ])("their unit tests find the fault %s -> %s", async (right, wrong) => {
    const folder = await mkdtemp(join(tmpdir(), "gk-rules-"));
    try {
      await cp(FOLDER, folder, { recursive: true });
      const rules = await readFile(join(folder, "rules.yaml"), "utf8");
      // Comments speak of the rules too; only expressions are spoilt.
      const spoilt = rules
        .split("\n")
        .map((line) => (line.trimStart().startsWith("#") ? line : line.replace(right, wrong)))
        .join("\n");
      expect(spoilt).not.toBe(rules);
      await writeFile(join(folder, "rules.yaml"), spoilt);
      expect((await run(["test", "rules", "rules.test.yaml"], folder)).code).toBe(1);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("what a started service gives under /metrics passes promtool and answers the rules", async () => {
    const server = await startGraphkeeper();
    try {
      await server.fill("g1", ["a"]);
      await server.call("POST", "/maintenance/run-all-gc", { group: "g1" });
      const headers = { authorization: `Bearer ${server.apiKey}` };
      const answer = await fetch(`${server.url}/metrics`, { headers });
      expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      const text = await answer.text();
      expect(await run(["check", "metrics"], FOLDER, text)).toEqual({ code: 0, output: "" });
      expect(text).toMatch(/^graphkeeper_job_last_success_timestamp_seconds\{kind="orphan_entities"\} \d+/m);
      const { alerts } = await server.call<{ alerts: { name: string; status: string }[] }>(
        "GET",
        "/maintenance/alerts",
      );
      expect(alerts.map((alert) => [alert.name, alert.status])).toEqual(ALERTS.map((name) => [name, "ok"]));
    } finally {
      await server.stop();
    }
  });

  test("speak of metrics that the product has, and of runbooks that there are", async () => {
    const rules = await readFile(join(FOLDER, "rules.yaml"), "utf8");
    const families = [
      ...gaugeFamilies({ at: 0, groups: [], kinds: [], failing: [] }, 1),
      ...new MaintenanceMetrics().families(),
    ];
    const known = new Set([
      ...families.map((family) => family.name),
      "graphkeeper_build_info",
      "graphkeeper_stores_up",
      "graphkeeper_writes_fail",
      "graphkeeper_clock_doubt",
    ]);
    const used = new Set(rules.match(/\bgraphkeeper_\w+/g));
    expect([...used].filter((name) => !known.has(name))).toEqual([]);
    expect(used.size).toBeGreaterThan(5);
    const alerts = rules.match(/- alert:/g)!;
    const runbooks = [...rules.matchAll(/runbook_url: http:\/\/graphkeeper:8000\/runbooks\/(\S+)/g)].map((m) => m[1]!);
    expect(runbooks).toHaveLength(alerts.length);
    for (const name of runbooks) expect(existsSync(join(ROOT, "docs/runbooks", `${name}.md`)), name).toBe(true);
  });
});
