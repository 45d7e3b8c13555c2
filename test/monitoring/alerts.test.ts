import { afterEach, describe, expect, test } from "vitest";
import { GraphkeeperError } from "../../src/core/errors.ts";
import { idleKind } from "../../src/jobs/rules.ts";
import {
  DEFAULT_THRESHOLDS,
  jobAbsent,
  jobFailures,
  orphanGrowth,
  staleGroups,
} from "../../src/monitoring/conditions.ts";
import type { GroupFigures, KindFigures, Snapshot } from "../../src/monitoring/snapshot.ts";
import { block, DAY_MS, HOUR_MS, type MonitoringWorld, makeWorld, run } from "./world.ts";

let world: MonitoringWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

async function statuses(from: MonitoringWorld): Promise<Record<string, string>> {
  const { alerts } = await from.monitoring.alerts();
  return Object.fromEntries(alerts.map((alert) => [alert.name, alert.status]));
}
async function alert(from: MonitoringWorld, name: string) {
  return (await from.monitoring.alerts()).alerts.find((each) => each.name === name)!;
}

describe("stale groups", () => {
  test("more than ten groups for more than a day; recomputing one resolves it", async () => {
    world = await makeWorld();
    for (let i = 0; i < 11; i++) await world.graphkeeper.importBlock(`g${i}`, block("a", 2));
    await world.clock.advance(DAY_MS);
    await world.monitoring.tick();
    expect((await alert(world, "stale_groups")).status).toBe("ok");
    await world.clock.advance(60_000);
    await world.monitoring.tick();
    const firing = await alert(world, "stale_groups");
    expect(firing).toMatchObject({
      status: "firing",
      value: 11,
      threshold: 10,
      runbook: "/runbooks/stale-groups",
    });
    expect(firing.groupIds).toHaveLength(10);
    await run(world, "recompute", "g3");
    await run(world, "gc_all", "g3");
    await world.clock.advance(60_000);
    await world.monitoring.tick();
    expect(await alert(world, "stale_groups")).toMatchObject({ status: "resolved", value: 10 });
    await world.clock.advance(DAY_MS + 60_000);
    await run(world, "recompute", "g4");
    await world.monitoring.tick();
    expect((await alert(world, "stale_groups")).status).toBe("ok");
  });

  test("a caller hears no names of groups that it may not see", async () => {
    world = await makeWorld({ monitoring: { thresholds: { staleGroups: 0 } } });
    await world.graphkeeper.importBlock("mine", block("a", 1));
    await world.graphkeeper.importBlock("yours", block("a", 1));
    await world.clock.advance(2 * DAY_MS);
    const { alerts } = await world.monitoring.alerts((groupId) => groupId === "mine");
    expect(alerts.find((each) => each.name === "stale_groups")?.groupIds).toEqual(["mine"]);
    expect(JSON.stringify(alerts)).not.toContain("yours");
  });
});

describe("jobs", () => {
  test("three failures of a kind in a row fire; a success resolves", async () => {
    let broken = true;
    world = await makeWorld({
      handler: async () => {
        if (broken) throw new Error("no memory");
        return { deleted: 0 };
      },
    });
    await world.graphkeeper.importBlock("g1", block("a", 1));
    for (let i = 1; i <= 3; i++) {
      expect((await statuses(world)).job_failures).toBe("ok");
      // The group is set aside after deaths in a row; a person lets it go on.
      await world.graphkeeper.jobs.resumeLevel("group", "g1");
      expect((await run(world, "orphan_entities", "g1")).state).toBe("dead");
      await world.clock.advance(60_000);
      await world.monitoring.tick();
    }
    expect(await alert(world, "job_failures")).toMatchObject({
      status: "firing",
      value: 3,
      kinds: ["orphan_entities"],
    });
    broken = false;
    await world.graphkeeper.jobs.resumeLevel("group", "g1");
    // A run of all three kinds is a success of each.
    expect((await run(world, "gc_all", "g1")).state).toBe("succeeded");
    await world.clock.advance(60_000);
    await world.monitoring.tick();
    expect((await alert(world, "job_failures")).status).toBe("resolved");
  });

  test("failures are counted by kind and group, and named with their run, whatever succeeds in other groups", async () => {
    let broken = true;
    world = await makeWorld({
      monitoring: { publicUrl: "https://graph.example.com/" },
      handler: async ({ groupId }) => {
        if (broken && groupId === "bad") throw new GraphkeeperError("OUT_OF_BUDGET", "too large");
        return { deleted: 0 };
      },
    });
    for (const id of ["bad", "good"]) await world.graphkeeper.importBlock(id, block("a", 1));
    let last = "";
    for (let i = 0; i < 3; i++) {
      const failed = await run(world, "orphan_entities", "bad");
      expect(failed.state).toBe("failed");
      last = failed.id;
      expect((await run(world, "orphan_entities", "good")).state).toBe("succeeded");
    }
    await world.monitoring.tick();
    const firing = await alert(world, "job_failures");
    expect(firing).toMatchObject({ status: "firing", value: 3, groupIds: ["bad"], kinds: ["orphan_entities"] });
    expect(firing.failing).toEqual([
      {
        kind: "orphan_entities",
        groupId: "bad",
        failures: 3,
        losses: 0,
        runId: last,
        errorCode: "OUT_OF_BUDGET",
        url: `https://graph.example.com/ui/#/runs/${last}`,
      },
    ]);
    expect(firing.runbook).toBe("https://graph.example.com/runbooks/job-failures");
    const seen = (await world.monitoring.alerts((groupId) => groupId === "good")).alerts;
    expect(JSON.stringify(seen)).not.toMatch(/"bad"|bad-/);
    expect((await world.graphkeeper.health("bad")).status).toBe("attention");
    expect(await world.monitoring.metricsText()).toMatch(/consecutive_failures\{kind="orphan_entities"\} 3/);
    broken = false;
    // A run of all three kinds mends each of them.
    await run(world, "gc_all", "bad");
    await run(world, "recompute", "bad");
    await run(world, "gc_all", "bad");
    await world.clock.advance(60_000);
    await world.monitoring.tick();
    expect((await alert(world, "job_failures")).status).toBe("resolved");
    expect((await world.graphkeeper.health("bad")).findings).toEqual([]);
  });

  test("a worker that is lost again and again parks no group; it is tried later and later, and told of", async () => {
    world = await makeWorld();
    await world.graphkeeper.importBlock("g1", block("a", 1));
    await run(world, "recompute", "g1");
    const { run: first } = await world.graphkeeper.run({ kind: "gc_all", groupId: "g1" });
    const { jobStore, clock, graphkeeper } = world;
    const delays: number[] = [];
    for (let i = 0; i < 20; i++) {
      const claimed = await jobStore.claim({ owner: "w", at: clock.now(), kinds: ["gc_all"], heavyCap: 1 });
      expect(claimed?.id, `attempt ${i}`).toBe(first.id);
      for (const active of await jobStore.active()) await jobStore.reclaim(active, clock.now());
      const { state, runAt } = await graphkeeper.jobs.get(first.id);
      expect(state).toBe("queued");
      delays.push((runAt - clock.now()) / 1_000);
      await clock.advance(runAt - clock.now());
    }
    expect(delays.slice(0, 9)).toEqual([0, 0, 0, 30, 120, 480, 1_920, 3_600, 3_600]);
    expect(await graphkeeper.jobs.pauses()).toEqual([]);
    for (const active of await jobStore.active()) await jobStore.reclaim(active, clock.now());
    await jobStore.claim({ owner: "w", at: clock.now(), kinds: ["gc_all"], heavyCap: 1 });
    for (const active of await jobStore.active()) await jobStore.reclaim(active, clock.now());
    // What is asked for anew takes no further worker along before that time, and says why it waits.
    const { run: asked } = await graphkeeper.run({ kind: "gc_all", groupId: "g1" });
    expect(asked.id).not.toBe(first.id);
    expect(await jobStore.claim({ owner: "w", at: clock.now(), kinds: ["gc_all"], heavyCap: 1 })).toBeNull();
    expect((await graphkeeper.jobs.get(asked.id)).reason).toMatch(/its worker was lost 21 times in a row; due at/);
    await world.monitoring.tick();
    expect(await alert(world, "job_failures")).toMatchObject({
      status: "firing",
      failing: [{ kind: "gc_all", groupId: "g1", failures: 0, losses: 21, runId: first.id }],
      summary: "gc_all lost its worker 21 times in a row (1 group).",
    });
    expect((await graphkeeper.health("g1")).findings.join()).toMatch(/lost its worker 21 times/);
    await clock.advance(3_600_000);
    await graphkeeper.jobs.drain();
    expect((await graphkeeper.jobs.get(first.id)).state).toBe("succeeded");
    expect((await graphkeeper.jobs.get(asked.id)).state).toBe("succeeded");
    await world.monitoring.tick();
    expect((await alert(world, "job_failures")).status).toBe("resolved");
  });

  test("work without any success for 26 hours fires, quiet without work does not", async () => {
    world = await makeWorld();
    await world.graphkeeper.importBlock("g1", block("a", 1));
    await run(world, "recompute", "g1");
    await run(world, "gc_all", "g1");
    await world.clock.advance(60 * DAY_MS);
    await world.monitoring.tick();
    expect((await statuses(world)).job_absent).toBe("ok");
    await world.graphkeeper.importBlock("g1", block("b", 1));
    await world.clock.advance(26 * HOUR_MS);
    await world.monitoring.tick();
    expect((await statuses(world)).job_absent).toBe("ok");
    await world.clock.advance(60_000);
    await world.monitoring.tick();
    expect(await alert(world, "job_absent")).toMatchObject({
      status: "firing",
      kinds: ["orphan_entities", "stale_edges", "deprecated_vectors", "recompute"],
    });
    await run(world, "gc_all", "g1");
    await world.clock.advance(60_000);
    expect((await alert(world, "job_absent")).kinds).toEqual(["recompute"]);
  });
});

describe("growth of orphans", () => {
  test("fires above 20 % in a week after an hour, from the ledger's counters", async () => {
    world = await makeWorld();
    await world.graphkeeper.importBlock("g1", block("a", 200));
    await world.graphkeeper.importBlock("g1", block("b", 41));
    await world.graphkeeper.importBlock("g1", block("c", 40));
    await world.graphkeeper.deprecate("g1", ["a"], { force: true });
    await run(world, "gc_all", "g1");
    await world.monitoring.tick();
    expect((await alert(world, "orphan_growth")).summary).toBe("No group has a history of a week yet.");
    await world.clock.advance(7 * DAY_MS + 60_000);
    await world.graphkeeper.deprecate("g1", ["c"], { force: true });
    await world.monitoring.tick();
    // 200 to 240 is 20 % and not more.
    expect(await alert(world, "orphan_growth")).toMatchObject({ status: "ok", value: expect.closeTo(0.2) });
    await world.graphkeeper.deprecate("g1", ["b"], { force: true });
    await world.clock.advance(60_000);
    await world.monitoring.tick();
    expect((await alert(world, "orphan_growth")).status).toBe("pending");
    await world.clock.advance(HOUR_MS);
    await world.monitoring.tick();
    expect(await alert(world, "orphan_growth")).toMatchObject({
      status: "firing",
      value: expect.closeTo(0.405),
      groupIds: ["g1"],
    });
  });

  test("goes by the weeks where retention let the runs go", async () => {
    world = await makeWorld();
    await world.graphkeeper.importBlock("g1", block("a", 150));
    await world.graphkeeper.importBlock("g1", block("b", 100));
    await world.graphkeeper.deprecate("g1", ["a"], { force: true });
    await run(world, "gc_all", "g1");
    await world.clock.advance(10 * DAY_MS);
    const keep = {
      keep: 0,
      failedKeep: 0,
      maxAgeMs: 0,
      failedMaxAgeMs: 0,
      occurrencesMaxAgeMs: 0,
      keysMaxAgeMs: DAY_MS,
    };
    await world.jobStore.prune({ ...keep, at: world.clock.now(), limit: 100 });
    expect(await world.jobStore.runs({ groupId: "g1", limit: 10 })).toEqual([]);
    await world.graphkeeper.deprecate("g1", ["b"], { force: true });
    expect((await alert(world, "orphan_growth")).summary).toBe(
      "Orphan entities went from 150 to 250 in a week (67 %).",
    );
  });
});

describe("conditions", () => {
  const at = Date.parse("2026-11-24T12:00:00Z");
  const group = (id: string, more: Partial<GroupFigures> = {}): GroupFigures => ({
    groupId: id,
    staleSince: null,
    needsGc: false,
    gdsStale: false,
    behindGc: 0,
    behindGds: 0,
    orphans: 0,
    createdAt: 0,
    ...more,
  });
  const kind = (name: string, more: Partial<KindFigures> = {}): KindFigures => ({
    ...idleKind(name),
    neededSinceAt: null,
    ...more,
  });
  const snapshot = (groups: GroupFigures[], kinds: KindFigures[] = []): Snapshot => ({
    at,
    groups,
    kinds,
    failing: [],
  });

  test("stale collection alone is not stale analytics", () => {
    const groups = Array.from({ length: 20 }, (_, i) => group(`g${i}`, { needsGc: true, staleSince: at - 2 * DAY_MS }));
    expect(staleGroups(snapshot(groups), DEFAULT_THRESHOLDS).active).toBe(false);
  });

  test("eleven groups that take turns in being stale are no alert, however long there are eleven", () => {
    const of = (ageMs: number) =>
      Array.from({ length: 11 }, (_, i) => group(`g${i}`, { gdsStale: true, staleSince: at - ageMs - i }));
    expect(staleGroups(snapshot(of(23 * HOUR_MS)), DEFAULT_THRESHOLDS)).toMatchObject({ active: false, value: 0 });
    expect(staleGroups(snapshot(of(24 * HOUR_MS + 1)), DEFAULT_THRESHOLDS)).toMatchObject({ active: true, value: 11 });
  });

  test("growth from nothing is without bound, and small numbers say nothing", () => {
    const known = new Set(["g"]);
    const judge = (before: number, now: number) =>
      orphanGrowth(snapshot([group("g", { orphans: now })]), { orphans: before, groupIds: known }, DEFAULT_THRESHOLDS)
        .active;
    expect(judge(0, 500)).toBe(true);
    expect(judge(2, 90)).toBe(false);
    expect(judge(0, 0)).toBe(false);
    expect(judge(1_000, 1_200)).toBe(false);
    expect(judge(1_000, 1_201)).toBe(true);
  });

  test("two failures are not three; a kind with a late success is not silent", () => {
    expect(jobFailures(snapshot([], [kind("recompute", { consecutiveFailures: 2 })]), DEFAULT_THRESHOLDS).active).toBe(
      false,
    );
    expect(jobFailures(snapshot([], [kind("recompute", { consecutiveFailures: 3 })]), DEFAULT_THRESHOLDS).active).toBe(
      true,
    );
    const needed = { neededSinceAt: at - 3 * DAY_MS };
    expect(
      jobAbsent(snapshot([], [kind("recompute", { ...needed, lastSuccessAt: at - 25 * HOUR_MS })]), DEFAULT_THRESHOLDS)
        .active,
    ).toBe(false);
    expect(
      jobAbsent(snapshot([], [kind("recompute", { ...needed, lastSuccessAt: at - 27 * HOUR_MS })]), DEFAULT_THRESHOLDS)
        .active,
    ).toBe(true);
  });
});
