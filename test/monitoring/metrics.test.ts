import { execFile } from "node:child_process";
import { afterEach, describe, expect, test } from "vitest";
import { MaintenanceMetrics } from "../../src/monitoring/metrics.ts";
import { writeExposition } from "../../src/monitoring/prometheus.ts";
import { findPromtool } from "../servers/prometheus.ts";
import { block, HOUR_MS, type MonitoringWorld, makeWorld, run } from "./world.ts";

let world: MonitoringWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

/** Value of a sample, by its line up to the value; NaN when there is none. */
function sample(text: string, series: string): number {
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return line === undefined ? Number.NaN : Number(line.slice(series.length + 1));
}

describe("/metrics", () => {
  test("tells what runs did and how the groups stand", async () => {
    world = await makeWorld();
    const { graphkeeper, monitoring, clock } = world;
    await graphkeeper.importBlock("g1", block("a", 3));
    await graphkeeper.importBlock("g1", block("b", 2));
    await graphkeeper.importBlock("g2", block("a", 1));
    await run(world, "gc_all", "g1");
    await run(world, "recompute", "g1");
    await graphkeeper.deprecate("g1", ["a"]);
    await clock.advance(2 * HOUR_MS);
    const before = await monitoring.metricsText();
    expect(sample(before, 'graphkeeper_build_info{version="1.2.3"}')).toBe(1);
    expect(sample(before, "graphkeeper_stores_up")).toBe(1);
    expect(sample(before, "graphkeeper_groups")).toBe(2);
    expect(sample(before, 'graphkeeper_stale_groups{work="gds"}')).toBe(2);
    expect(sample(before, 'graphkeeper_gds_stale_groups{older_than_seconds="3600"}')).toBe(2);
    expect(sample(before, 'graphkeeper_gds_stale_groups{older_than_seconds="86400"}')).toBe(0);
    expect(sample(before, "graphkeeper_stale_age_seconds")).toBe(7_200);
    expect(sample(before, "graphkeeper_orphan_entities")).toBe(3);
    expect(sample(before, "orphan_entities_cleaned_total")).toBe(0);

    const ended = await run(world, "gc_all", "g1");
    expect(ended.state).toBe("succeeded");
    const after = await monitoring.metricsText();
    expect(sample(after, "orphan_entities_cleaned_total")).toBe(3);
    expect(sample(after, 'graphkeeper_rows_deleted_total{kind="orphan_entities"}')).toBe(3);
    expect(sample(after, 'graphkeeper_run_attempts_total{kind="gc_all",outcome="succeeded"}')).toBe(2);
    expect(sample(after, 'graphkeeper_run_duration_seconds_count{kind="gc_all",outcome="succeeded"}')).toBe(2);
    expect(sample(after, 'graphkeeper_run_batches_total{kind="gc_all"}')).toBeGreaterThan(0);
    expect(sample(after, 'graphkeeper_job_last_success_timestamp_seconds{kind="orphan_entities"}')).toBe(
      clock.now() / 1_000,
    );
    // g2 was imported and never collected: the work is needed since then.
    expect(sample(after, 'graphkeeper_job_needed_since_timestamp_seconds{kind="recompute"}')).toBe(
      (clock.now() - 2 * HOUR_MS) / 1_000,
    );
  });

  test("names no group unless asked, and then a bounded number", async () => {
    const tenant = "secret-customer";
    world = await makeWorld();
    await world.graphkeeper.importBlock(tenant, block("a", 1));
    await world.graphkeeper.deprecate(tenant, ["a"]);
    await run(world, "gc_all", tenant);
    const plain = await world.monitoring.metricsText();
    expect(sample(plain, "orphan_entities_cleaned_total")).toBe(1);
    expect(plain).not.toContain(tenant);
    await world.close();

    world = await makeWorld({ groupLabels: 2 });
    for (const group of ["g1", "g2", "g3", "g4"]) {
      await world.graphkeeper.importBlock(group, block("a", 2));
      await world.graphkeeper.deprecate(group, ["a"]);
      await run(world, "gc_all", group);
      await world.clock.advance(1_000);
    }
    const named = await world.monitoring.metricsText();
    expect(sample(named, 'orphan_entities_cleaned_total{group_id="g1"}')).toBe(2);
    expect(sample(named, 'orphan_entities_cleaned_total{group_id="g2"}')).toBe(2);
    expect(sample(named, 'orphan_entities_cleaned_total{group_id="_other"}')).toBe(4);
    // The longest stale have series of their own.
    expect(
      [...named.matchAll(/^graphkeeper_group_stale_since_timestamp_seconds\{group_id="(\w+)"\}/gm)].map((m) => m[1]),
    ).toEqual(["g1", "g2"]);
  });

  test("failed and interrupted attempts are counted apart", async () => {
    world = await makeWorld({
      handler: async () => {
        throw new Error("the database went away");
      },
    });
    await world.graphkeeper.importBlock("g1", block("a", 1));
    await run(world, "gc_all", "g1");
    const text = await world.monitoring.metricsText();
    expect(sample(text, 'graphkeeper_run_attempts_total{kind="gc_all",outcome="failed"}')).toBe(1);
    expect(sample(text, 'graphkeeper_dead_runs{kind="gc_all"}')).toBe(1);
    expect(sample(text, 'graphkeeper_job_consecutive_failures{kind="gc_all"}')).toBe(1);
  });

  test("a store that does not answer still gives a scrape", async () => {
    world = await makeWorld();
    const store = world.store;
    const groups = store.groups;
    store.groups = async () => {
      throw new Error("gone");
    };
    const text = await world.monitoring.metricsText();
    store.groups = groups;
    expect(sample(text, "graphkeeper_stores_up")).toBe(0);
    expect(sample(text, "process_resident_memory_bytes")).toBeGreaterThan(1e6);
    expect(world.errors).toEqual(["metrics: gone"]);
  });

  test("promtool finds nothing to say about names, types and help", async () => {
    world = await makeWorld({ groupLabels: 5 });
    await world.graphkeeper.importBlock("g:1=x", block("a", 2));
    await world.graphkeeper.importBlock("g2", block("a", 2));
    await world.graphkeeper.deprecate("g2", ["a"]);
    await run(world, "gc_all", "g2");
    await run(world, "recompute", "g2");
    const text = await world.monitoring.metricsText();
    const promtool = await findPromtool();
    expect(await check(promtool, text)).toBe("");
    // The check is worth something: it complains about what is wrong.
    expect(
      await check(promtool, text.replaceAll("graphkeeper_run_attempts_total", "graphkeeper_run_attempts")),
    ).toContain("_total");
  });

  test("label values and help are escaped", () => {
    const sample = { suffix: "", labels: { a: 'x"y\\z\nw' }, value: Number.POSITIVE_INFINITY };
    const text = writeExposition([{ name: "n", type: "gauge", help: "h\ni", samples: [sample] }]);
    expect(text).toBe('# HELP n h\\ni\n# TYPE n gauge\nn{a="x\\"y\\\\z\\nw"} +Inf\n');
  });

  test("durations fall into buckets", () => {
    const metrics = new MaintenanceMetrics();
    metrics.observe({ kind: "orphan_entities", groupId: "g", deleted: 2, purged: 1, durationMs: 40 });
    const histogram = metrics.families().find((family) => family.name === "graphkeeper_job_duration_seconds");
    expect(histogram?.samples[0]).toEqual({
      suffix: "_bucket",
      labels: { kind: "orphan_entities", le: "0.05" },
      value: 1,
    });
  });
});

function check(promtool: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(promtool, ["check", "metrics"], (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") reject(error);
      else resolve(stdout + stderr);
    });
    child.stdin?.end(text);
  });
}
