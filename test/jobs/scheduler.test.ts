import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeClock } from "../../src/conformance/jobs/clock.ts";
import { type GroupNeed, spreadMs } from "../../src/jobs/due.ts";
import type { JobHandler, JobStore } from "../../src/jobs/ports.ts";
import type { ScheduleInput } from "../../src/jobs/schedules.ts";
import { JobService, type JobServiceOptions } from "../../src/jobs/service.ts";
import { opening } from "../../src/jobs/windows.ts";
import { openSqliteJobs } from "../../src/stores/sqlite/jobs.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (text: string) => Date.parse(text);
const iso = (time: number) => new Date(time).toISOString().replace(".000Z", "Z");

let folder: string;
let store: JobStore;
let clock: FakeClock;
const services: JobService[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gk-jobs-"));
  clock = new FakeClock("2026-11-24T00:30:00Z");
  store = await openSqliteJobs({ path: join(folder, "data.db"), now: () => clock.now() });
});
afterEach(async () => {
  for (const service of services.splice(0)) {
    const stopped = service.stop({ graceMs: 0 });
    await clock.advance(60_000);
    await stopped;
  }
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

let ids = 0;
const quick: JobHandler = async () => ({ examined: 1 });
function service(options: Partial<JobServiceOptions> = {}): JobService {
  const made = new JobService({
    store,
    handler: quick,
    clock,
    owner: `p${services.length}`,
    kinds: { orphan_entities: {}, stale_edges: {}, deprecated_vectors: {}, recompute: { heavy: true } },
    newId: () => `r${++ids}`,
    random: () => 0.5,
    ...options,
  });
  services.push(made);
  return made;
}
const daily: ScheduleInput = {
  kind: "orphan_entities",
  expression: "0 2 * * *",
  target: { groupId: "acme" },
  spreadMs: 0,
};
const outcomes = async () =>
  (await store.occurrences({ limit: 100 })).map((o) => `${iso(o.nominalAt)} ${o.outcome}`).reverse();
const runsOf = async (scheduleId: string) => (await store.runs({ scheduleId, limit: 1_000 })).reverse();

describe("schedules as data", () => {
  test("a new installation has the specification's, staggered; a removed one does not come back", async () => {
    const jobs = service({ targets: async () => ["acme"] });
    await jobs.start({ roles: [] });
    const list = await jobs.schedules.list();
    expect(Object.fromEntries(list.map((s) => [s.kind, iso(s.nextAt as number)]))).toEqual({
      orphan_entities: "2026-11-24T01:00:00Z",
      stale_edges: "2026-11-24T01:15:00Z",
      deprecated_vectors: "2026-11-24T01:30:00Z",
      recompute: "2026-11-24T02:00:00Z",
    });
    await jobs.schedules.remove("recompute-daily");
    await service().start({ roles: [] });
    expect((await jobs.schedules.list()).length).toBe(3);
  });

  test("set changes what is given and keeps the rest; refusals explain", async () => {
    const jobs = service();
    await jobs.schedules.set("nightly", daily);
    const changed = await jobs.schedules.set("nightly", {
      expression: "0 30 3 * * *",
      dialect: "ncrontab",
      timeZone: "Europe/Berlin",
    });
    expect(changed).toMatchObject({
      kind: "orphan_entities",
      target: { groupId: "acme" },
      version: 2,
      overlap: "skip",
    });
    expect((await jobs.schedules.preview("nightly", 2)).map(iso)).toEqual([
      "2026-11-24T02:30:00Z",
      "2026-11-25T02:30:00Z",
    ]);
    for (const [input, why] of [
      [{ expression: "0 30 3 * * *", dialect: "cron" }, /6 fields are NCRONTAB/],
      [{ kind: "nonsense" }, /no kind of job/],
      [{ timeZone: "Mars/Olympus" }, /no time zone/],
      [{ windows: [{ from: "22:00", to: "22:00" }] }, /not equal/],
      [{ catchUp: { policy: "all", max: 0 } }, /needs max/],
      [{ overlap: "sometimes" }, /overlap is/],
      [{ target: { groupId: "../x" } }, /group id/],
    ] as [ScheduleInput, RegExp][]) {
      await expect(jobs.schedules.set("nightly", input)).rejects.toThrow(why);
    }
    await expect(jobs.schedules.preview("missing", 1)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(jobs.schedules.set("../x", daily)).rejects.toMatchObject({ code: "INVALID_VALUE" });
  });
});

describe("occurrences", () => {
  test("each nominal time once, however many processes decide", async () => {
    const all = [service(), service(), service()];
    await all[0]?.schedules.set("often", { ...daily, expression: "*/10 * * * *", overlap: "allow" });
    for (let i = 0; i < 30; i++) {
      await clock.advance(10 * MINUTE);
      await Promise.all(all.map((jobs) => jobs.tick()));
      await all[i % 3]?.drain();
    }
    const runs = await runsOf("often");
    expect(runs.length).toBe(30);
    expect(new Set(runs.map((r) => r.nominalAt)).size).toBe(30);
    expect(new Set(runs.map((r) => r.state))).toEqual(new Set(["succeeded"]));
    expect((await outcomes()).length).toBe(30);
  });

  test("overlap: skip records its reason, buffer_one keeps one waiting, allow queues all", async () => {
    const jobs = service();
    for (const overlap of ["skip", "buffer_one", "allow"] as const) {
      await jobs.schedules.set(overlap, {
        ...daily,
        kind: overlap === "skip" ? "orphan_entities" : overlap === "allow" ? "stale_edges" : "deprecated_vectors",
        target: { groupId: overlap },
        expression: "0 * * * *",
        overlap,
      });
    }
    await clock.advance(HOUR);
    await jobs.tick();
    // The first run of each schedule begins and does not end.
    for (let i = 0; i < 3; i++)
      await store.claim({
        owner: "slow",
        at: clock.now(),
        kinds: ["orphan_entities", "stale_edges", "deprecated_vectors"],
        heavyCap: 1,
      });
    for (let i = 0; i < 3; i++) {
      await clock.advance(HOUR);
      await jobs.tick();
    }
    const count = async (id: string) => (await runsOf(id)).length;
    expect([await count("skip"), await count("buffer_one"), await count("allow")]).toEqual([1, 2, 4]);
    const skipped = (await store.occurrences({ scheduleId: "skip", limit: 1 }))[0];
    expect(skipped).toMatchObject({ outcome: "skipped", runs: 0, skipped: 1 });
    expect(skipped?.reason).toMatch(/overlap: run r\d+ is still running/);
  });

  test("catch-up after an outage: none, latest, all up to a maximum", async () => {
    const jobs = service();
    const hourly = { ...daily, expression: "0 * * * *" };
    await jobs.schedules.set("none", { ...hourly, kind: "orphan_entities", catchUp: { policy: "none" } });
    await jobs.schedules.set("latest", { ...hourly, kind: "stale_edges", catchUp: { policy: "latest" } });
    await jobs.schedules.set("all", {
      ...hourly,
      kind: "deprecated_vectors",
      catchUp: { policy: "all", max: 3 },
      overlap: "allow",
    });
    await clock.advance(5 * HOUR + 5 * MINUTE);
    await jobs.tick();
    expect(await runsOf("none")).toEqual([]);
    expect(await runsOf("latest")).toMatchObject([{ nominalAt: at("2026-11-24T05:00:00Z"), missed: 4 }]);
    expect((await runsOf("all")).map((r) => [iso(r.nominalAt as number), r.missed])).toEqual([
      ["2026-11-24T03:00:00Z", 2],
      ["2026-11-24T04:00:00Z", 0],
      ["2026-11-24T05:00:00Z", 0],
    ]);
    const missed = await store.occurrences({ scheduleId: "none", limit: 10 });
    expect(missed.map((o) => [o.outcome, o.reason])).toEqual(Array(5).fill(["missed", "missed: catch-up is off"]));
    expect((await store.occurrences({ scheduleId: "latest", limit: 10 })).map((o) => o.outcome)).toEqual([
      "fired",
      "missed",
      "missed",
      "missed",
      "missed",
    ]);
  });

  test("an outage longer than the window is one missed record, not thousands", async () => {
    const jobs = service();
    await jobs.schedules.set("often", {
      ...daily,
      dialect: "ncrontab",
      expression: "*/2 * * * * *",
      catchUpWindowMs: 10_000,
    });
    clock.jump(30 * 24 * HOUR);
    await jobs.tick();
    const decided = await store.occurrences({ scheduleId: "often", limit: 100 });
    expect(decided.length).toBeLessThanOrEqual(8);
    expect(decided.at(-1)?.reason).toMatch(/older than the catch-up window/);
    expect((await runsOf("often")).length).toBe(1);
  });

  test("clock jumps and both changes to and from summer time: each daily slot once", async () => {
    clock = new FakeClock("2026-03-20T00:00:00Z");
    const jobs = service();
    await jobs.schedules.set("nightly", { ...daily, expression: "30 2 * * *", timeZone: "Europe/Berlin" });
    const jumps = [HOUR, -HOUR, 25 * HOUR, -25 * HOUR];
    let steps = 0;
    for (const end = at("2026-11-10T00:00:00Z"); clock.now() < end; steps++) {
      await clock.advance(6 * HOUR, 1);
      await jobs.tick();
      const jump = steps % 40 === 39 ? jumps[((steps + 1) / 40) % jumps.length] : undefined;
      if (jump !== undefined) {
        clock.jump(jump);
        await jobs.tick();
        // Nobody's clock stays wrong: it is set right again, the other way round.
        clock.jump(-jump);
        await jobs.tick();
      }
      await jobs.drain();
    }
    const berlin = new Intl.DateTimeFormat("en-CA", { timeZone: "Europe/Berlin" });
    const dates = (await store.occurrences({ scheduleId: "nightly", limit: 1_000 }))
      .map((o) => berlin.format(o.nominalAt))
      .reverse();
    expect(new Set(dates).size).toBe(dates.length);
    for (let i = 1; i < dates.length; i++) {
      expect(Date.parse(dates[i] as string) - Date.parse(dates[i - 1] as string), `${dates[i - 1]} ${dates[i]}`).toBe(
        24 * HOUR,
      );
    }
    expect(dates.length).toBeGreaterThan(230);
    const runs = await runsOf("nightly");
    expect(new Set(runs.map((r) => r.nominalAt)).size).toBe(runs.length);
  });

  test("pauses at four levels: nothing begins, and each occurrence says why", async () => {
    const jobs = service({ targets: async () => ["acme", "other"] });
    await jobs.schedules.set("hourly", { kind: "orphan_entities", expression: "0 * * * *", spreadMs: 0 });
    const hour = async () => {
      await clock.advance(HOUR);
      await jobs.tick();
      await jobs.drain();
      return (await store.occurrences({ limit: 1 }))[0];
    };
    await jobs.pauseLevel("all", "", "upgrade", "ada");
    expect(await hour()).toMatchObject({ outcome: "skipped", reason: "paused (all): upgrade" });
    await jobs.resumeLevel("all", "");
    await jobs.pauseLevel("kind", "orphan_entities", "too slow", "ada");
    expect(await hour()).toMatchObject({ outcome: "skipped", reason: "paused (kind): too slow" });
    await jobs.resumeLevel("kind", "orphan_entities");
    await jobs.schedules.pause("hourly", "holiday", "ada");
    expect((await jobs.schedules.list())[0]).toMatchObject({ nextAt: null, pause: { reason: "holiday" } });
    expect(await hour()).toMatchObject({ outcome: "skipped", reason: "paused (schedule): holiday" });
    await jobs.schedules.resume("hourly");
    await jobs.pauseLevel("group", "acme", "legal", "ada");
    expect(await hour()).toMatchObject({
      outcome: "fired",
      runs: 1,
      skips: [{ groupId: "acme", reason: "paused (group): legal" }],
    });
    await jobs.resumeLevel("group", "acme");
    expect(await hour()).toMatchObject({ outcome: "fired", runs: 2, skipped: 0 });
  });

  test("due by need: a lower bound, an upper bound by age, and the sweep in between", async () => {
    const needs = new Map<string, GroupNeed>();
    const jobs = service({
      targets: async () => [...needs.keys()],
      need: async (_, groupId) => needs.get(groupId) as GroupNeed,
      sweeps: { orphan_entities: { base: 1_000, scale: 0, cap: 1_000, maxAgeMs: 12 * HOUR } },
    });
    await jobs.schedules.set("hourly", {
      kind: "orphan_entities",
      expression: "0 * * * *",
      spreadMs: 0,
      need: { base: 50, scale: 0.1, cap: 10_000, maxAgeMs: 6 * HOUR },
    });
    needs.set("few", { changes: 3, size: 1_000, since: clock.now() });
    needs.set("many", { changes: 151, size: 1_000, since: clock.now() });
    await clock.advance(HOUR);
    await jobs.tick();
    expect(await runsOf("hourly")).toMatchObject([{ groupId: "many" }]);
    expect((await store.occurrences({ limit: 1 }))[0]?.skips).toEqual([
      { groupId: "few", reason: "no need: 3 changes, not over 150" },
    ]);
    await jobs.drain();
    await clock.advance(6 * HOUR);
    await jobs.tick();
    expect((await runsOf("hourly")).filter((r) => r.groupId === "few").length).toBe(1);
    await jobs.drain();
    needs.set("flood", { changes: 5_000, size: 1_000_000, since: clock.now() });
    expect(await jobs.sweep()).toBe(1);
    expect(await jobs.sweep()).toBe(0);
    expect((await store.runs({ groupId: "flood", limit: 5 }))[0]).toMatchObject({
      trigger: "sweep",
      kind: "orphan_entities",
    });
  });

  test("a scheduled run joins one that waits for another reason", async () => {
    const jobs = service();
    await jobs.schedules.set("nightly", daily);
    const event = await jobs.requestAfterEvent("orphan_entities", "acme");
    await clock.advance(90 * MINUTE);
    await jobs.tick();
    expect((await store.runs({ limit: 10 })).map((r) => r.id)).toEqual([event.run.id]);
    expect(await outcomes()).toEqual(["2026-11-24T02:00:00Z fired"]);
  });

  test("one broken schedule does not stop the others", async () => {
    const errors: string[] = [];
    const jobs = service({
      targets: async (kind) => {
        if (kind === "stale_edges") throw new Error("the graph does not answer");
        return ["acme"];
      },
      onError: (_, where) => errors.push(where),
    });
    await jobs.schedules.set("a-broken", { kind: "stale_edges", expression: "0 * * * *" });
    await jobs.schedules.set("b-whole", { kind: "orphan_entities", expression: "0 * * * *" });
    await clock.advance(HOUR);
    await jobs.tick();
    expect(errors).toEqual(["schedule a-broken"]);
    expect((await runsOf("b-whole")).length).toBe(1);
    // It was not decided, so that it is caught up once the graph is back.
    expect(await outcomes()).toEqual(["2026-11-24T01:00:00Z fired"]);
  });
});

describe("spread and windows", () => {
  test("1,000 groups spread evenly, always alike, before the next nominal time", () => {
    const schedule = { id: "recompute-daily", spreadMs: HOUR };
    const offsets = Array.from({ length: 1_000 }, (_, i) => spreadMs(schedule, `group-${i}`, 1_000, 24 * HOUR));
    expect(offsets).toEqual(
      Array.from({ length: 1_000 }, (_, i) => spreadMs(schedule, `group-${i}`, 1_000, 24 * HOUR)),
    );
    const bins = Array(20).fill(0) as number[];
    for (const offset of offsets)
      bins[Math.floor((offset / HOUR) * 20)] = (bins[Math.floor((offset / HOUR) * 20)] ?? 0) + 1;
    const chi2 = bins.reduce((sum, n) => sum + (n - 50) ** 2 / 50, 0);
    // 19 degrees of freedom: 43.8 is the 0.1 % quantile.
    expect(chi2).toBeLessThan(43.8);
    expect(spreadMs({ id: "x", spreadMs: null }, "only", 1, HOUR)).toBe(0);
    for (let i = 0; i < 1_000; i++)
      expect(spreadMs({ id: "x", spreadMs: 10 * HOUR }, `g${i}`, 100_000, 2_000)).toBeLessThan(2_000);
  });

  test("windows over midnight, on days, across summer time, with blackouts", () => {
    const night = { timeZone: "Europe/Berlin", windows: [{ from: "22:00", to: "05:00" }], blackouts: [] };
    expect(opening(night, at("2026-11-24T22:30:00Z"))).toEqual({ open: true });
    expect(opening(night, at("2026-11-25T03:59:00Z"))).toEqual({ open: true });
    expect(opening(night, at("2026-11-25T04:00:00Z"))).toMatchObject({
      open: false,
      nextAt: at("2026-11-25T21:00:00Z"),
    });
    expect(opening(night, at("2026-07-25T12:00:00Z"))).toMatchObject({ nextAt: at("2026-07-25T20:00:00Z") });
    const sunday = { timeZone: "UTC", windows: [{ days: [0], from: "01:00", to: "03:00" }], blackouts: [] };
    expect(opening(sunday, at("2026-11-24T12:00:00Z"))).toMatchObject({
      nextAt: at("2026-11-29T01:00:00Z"),
      reason: "outside its maintenance windows",
    });
    const frozen = {
      ...sunday,
      blackouts: [{ fromAt: at("2026-11-29T00:00:00Z"), toAt: at("2026-11-29T02:00:00Z"), reason: "release" }],
    };
    expect(opening(frozen, at("2026-11-29T01:30:00Z"))).toEqual({
      open: false,
      nextAt: at("2026-11-29T02:00:00Z"),
      reason: "blackout: release",
    });
    expect(opening({ timeZone: "UTC", windows: [], blackouts: [] }, 0)).toEqual({ open: true });
  });

  test("outside its window an occurrence is postponed, and a run parks when the window closes", async () => {
    const jobs = service({
      worker: { leaseMs: 600_000, beatMs: 60_000 },
      handler: async (ctx) => {
        let done = (ctx.checkpoint?.done as number | undefined) ?? 0;
        for (; done < 10; done++) {
          await ctx.breathe();
          await clock.sleep(10 * MINUTE, ctx.signal);
          ctx.progress({ done: done + 1, total: 10, phase: "work" });
          await ctx.saveCheckpoint({ done: done + 1 });
        }
        return { examined: done };
      },
    });
    await jobs.schedules.set("nightly", { ...daily, windows: [{ from: "03:00", to: "04:00" }] });
    await clock.advance(90 * MINUTE);
    await jobs.tick();
    const occurrence = (await store.occurrences({ limit: 1 }))[0];
    expect(occurrence).toMatchObject({ outcome: "postponed", nominalAt: at("2026-11-24T02:00:00Z") });
    expect(occurrence?.reason).toContain("until 2026-11-24T03:00:00.000Z");
    await jobs.drain();
    expect(await runsOf("nightly")).toMatchObject([{ state: "queued", attempt: 0, runAt: at("2026-11-24T03:00:00Z") }]);
    const work = async (hours: number) => {
      const drained = jobs.drain();
      await clock.advance(hours * HOUR, 1);
      await drained;
    };
    await clock.advance(HOUR);
    await work(1.5);
    const run = (await runsOf("nightly"))[0];
    const parked = {
      state: "queued",
      runAt: at("2026-11-25T03:00:00Z"),
      failures: 0,
      reason: "outside its maintenance windows",
    };
    expect(run).toMatchObject(parked);
    expect(run?.checkpoint?.done).toBeGreaterThanOrEqual(5);
    clock.jump((run?.runAt as number) - clock.now());
    await work(1);
    expect(await store.run(run?.id as string)).toMatchObject({ state: "succeeded", result: { examined: 10 } });
  });
});

describe("the ledger", () => {
  test("weekly sums outlive runs; failures are kept longer", async () => {
    let fail = false;
    let before = 100;
    const jobs = service({
      handler: async () => {
        if (fail) throw new Error("no");
        before -= 10;
        return { deleted: 10, examined: 100, note: "text" };
      },
      kinds: { orphan_entities: { maxAttempts: 1 } },
      worker: { counters: async () => ({ orphans: before }) },
    });
    for (let day = 0; day < 21; day++) {
      fail = day % 7 === 6;
      await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
      await jobs.drain();
      clock.jump(24 * HOUR);
    }
    const run = (await store.runs({ limit: 1, states: ["succeeded"] }))[0];
    expect([run?.before, run?.after]).toEqual([{ orphans: -70 }, { orphans: -80 }]);
    clock.jump(30 * 24 * HOUR);
    expect(await jobs.forget()).toBe(18);
    expect((await store.runs({ limit: 100 })).map((r) => r.state)).toEqual(["dead", "dead", "dead"]);
    const weeks = await store.weeks({ fromAt: 0, groupId: "acme" });
    expect(weeks.reduce((sum, w) => sum + (w.sums.deleted ?? 0), 0)).toBe(180);
    expect(weeks.map((w) => w.runs)).toEqual([6, 7, 7, 1]);
    expect(weeks.map((w) => w.failed)).toEqual([0, 1, 1, 1]);
    expect(weeks.every((w) => w.sums.note === undefined)).toBe(true);
    expect(weeks.map((w) => new Date(w.weekStartAt).getUTCDay())).toEqual([1, 1, 1, 1]);
  });

  test("retention by count keeps the newest of each kind and group", async () => {
    const jobs = service({
      retention: {
        maxAgeMs: 1e12,
        keep: 5,
        failedMaxAgeMs: 1e12,
        failedKeep: 5,
        occurrencesMaxAgeMs: 1e12,
        keysMaxAgeMs: 1e12,
      },
    });
    for (let i = 0; i < 12; i++) {
      for (const groupId of ["a", "b"]) await jobs.trigger({ kind: "orphan_entities", groupId });
      await jobs.drain();
      clock.jump(1_000);
    }
    await jobs.forget();
    const left = await store.runs({ groupId: "a", limit: 100 });
    expect(left.length).toBe(5);
    expect(left[0]?.createdAt).toBe(Math.max(...left.map((r) => r.createdAt)));
    expect((await store.run(left[0]?.id as string))?.attempts.length).toBe(1);
  });
});
