import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeClock } from "../../src/conformance/jobs/clock.ts";
import { GraphkeeperError } from "../../src/core/errors.ts";
import type { JobContext, JobHandler, JobStore, KindConfig } from "../../src/jobs/ports.ts";
import { RunSkipped } from "../../src/jobs/ports.ts";
import { Reaper } from "../../src/jobs/reaper.ts";
import { JobService } from "../../src/jobs/service.ts";
import { openSqliteJobs } from "../../src/stores/sqlite/jobs.ts";

let folder: string;
let store: JobStore;
let clock: FakeClock;
const services: JobService[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gk-jobs-"));
  clock = new FakeClock();
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

const KINDS: Record<string, KindConfig> = {
  orphan_entities: {},
  stale_edges: {},
  recompute: { heavy: true },
};
function service(
  handler: JobHandler,
  more: { kinds?: Record<string, KindConfig>; concurrency?: number; heavyCap?: number; exclusive?: boolean } = {},
) {
  let id = 0;
  const made = new JobService({
    store,
    handler,
    clock,
    owner: `worker-${services.length}`,
    kinds: more.kinds ?? KINDS,
    random: () => 0.5,
    newId: () => `run-${services.length}-${++id}`,
    worker: { concurrency: more.concurrency ?? 2, heavyCap: more.heavyCap ?? 1, exclusive: more.exclusive },
  });
  services.push(made);
  return made;
}
/** Works in batches until it is told to stop or has done `total`. */
const counting =
  (total: number, msPerBatch = 100): JobHandler =>
  async (ctx: JobContext) => {
    let done = (ctx.checkpoint?.done as number | undefined) ?? 0;
    while (done < total) {
      await ctx.breathe();
      await clock.sleep(msPerBatch, ctx.signal);
      if (ctx.signal.aborted) continue;
      done++;
      ctx.progress({ done, total, phase: "scan" });
      await ctx.saveCheckpoint({ done });
    }
    return { examined: done };
  };

describe("runs", () => {
  test("a trigger is carried out and its result kept", async () => {
    const jobs = service(counting(3));
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme", actor: "ada" });
    const waiting = jobs.wait(run.id, 10_000);
    await clock.advance(1_000);
    const done = await waiting;
    expect(done).toMatchObject({ state: "succeeded", result: { examined: 3 }, attempt: 1, batches: 3, actor: "ada" });
    expect(done.attempts).toMatchObject([{ number: 1, outcome: "succeeded" }]);
    expect(done.batchLog.map((b) => b.done)).toEqual([1, 2, 3]);
  });

  test("wait returns the unfinished run when its time is over", async () => {
    const jobs = service(counting(1_000));
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    const waiting = jobs.wait(run.id, 2_000);
    await clock.advance(2_100);
    expect(await waiting).toMatchObject({ state: "running", progress: { total: 1_000, phase: "scan" } });
  });

  test("cancel reaches a running handler within 2 s, also from another process", async () => {
    let stoppedAt = 0;
    const handler: JobHandler = async (ctx) => {
      await new Promise<void>((resolve) => ctx.signal.addEventListener("abort", () => resolve()));
      stoppedAt = clock.now();
      throw new GraphkeeperError("CANCELLED", "told to stop");
    };
    const jobs = service(handler);
    const other = service(handler);
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    await clock.advance(500);
    const askedAt = clock.now();
    expect((await other.cancel(run.id)).cancelRequested).toBe(true);
    await clock.advance(2_000);
    expect(await jobs.get(run.id)).toMatchObject({ state: "cancelled", reason: "cancelled by hand" });
    expect(stoppedAt - askedAt).toBeLessThanOrEqual(2_000);
  });

  test("a handler that does not hear the signal is left behind", async () => {
    const jobs = service(() => new Promise(() => {}));
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    await clock.advance(500);
    await jobs.cancel(run.id);
    await clock.advance(31_000);
    expect((await jobs.get(run.id)).state).toBe("cancelled");
  });

  test("pause keeps the checkpoint, resume goes on from it", async () => {
    const seen: unknown[] = [];
    const work = counting(10);
    const jobs = service(async (ctx) => {
      seen.push(ctx.checkpoint);
      return await work(ctx);
    });
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    await clock.advance(450);
    await jobs.pause(run.id);
    await clock.advance(200);
    const paused = await jobs.get(run.id);
    expect(paused).toMatchObject({ state: "paused", reason: "paused by hand" });
    const at = (paused.checkpoint as { done: number }).done;
    expect(at).toBeGreaterThan(2);
    await jobs.resume(run.id);
    await clock.advance(3_000);
    expect(seen).toEqual([null, { done: at }]);
    expect(await jobs.get(run.id)).toMatchObject({ state: "succeeded", result: { examined: 10 }, attempt: 2 });
  });

  test("retries back off, then the run is dead; redrive previews and sends it back", async () => {
    let broken = true;
    const begun: number[] = [];
    const jobs = service(
      async () => {
        begun.push(clock.now());
        if (broken) throw new Error("the disk is full");
        return { deleted: 1 };
      },
      { kinds: { orphan_entities: { maxAttempts: 3, backoffMs: 1_000 } } },
    );
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    await clock.advance(60_000);
    expect(await jobs.get(run.id)).toMatchObject({
      state: "dead",
      failures: 3,
      error: { code: "RUN_FAILED", message: "the disk is full" },
    });
    const delays = begun.slice(1).map((t, i) => t - (begun[i] as number));
    expect(delays.length).toBe(2);
    expect(delays[0]).toBeGreaterThanOrEqual(750);
    expect(delays[1]).toBeGreaterThanOrEqual(1_500);
    expect((await jobs.redrive({ dryRun: true })).runs.map((r) => r.id)).toEqual([run.id]);
    expect((await jobs.get(run.id)).state).toBe("dead");
    broken = false;
    await jobs.redrive({ dryRun: false });
    await clock.advance(1_000);
    expect(await jobs.get(run.id)).toMatchObject({ state: "succeeded", error: null });
  });

  test("an error of the caller is not retried", async () => {
    const jobs = service(async () => {
      throw new GraphkeeperError("GROUP_NOT_FOUND", "no such group");
    });
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "nobody" });
    await clock.advance(1_000);
    expect(await jobs.get(run.id)).toMatchObject({ state: "failed", attempt: 1, error: { code: "GROUP_NOT_FOUND" } });
  });

  test("a handler that finds nothing to do ends the run as skipped, with its reason", async () => {
    const jobs = service(async () => {
      throw new RunSkipped("fresh at generation 7");
    });
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    await clock.advance(1_000);
    expect(await jobs.get(run.id)).toMatchObject({ state: "skipped", reason: "fresh at generation 7", failures: 0 });
  });

  test("a group whose graph lease another holds is tried again soon, and that is no failure", async () => {
    let held = 3;
    const jobs = service(async () => {
      if (held-- > 0) throw new GraphkeeperError("LEASE_HELD", "another run works on this group");
      return {};
    });
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    await clock.advance(5_000);
    expect(await jobs.get(run.id)).toMatchObject({ state: "succeeded", attempt: 4, failures: 0 });
  });

  test("a running run says how fast it goes and when it will be done", async () => {
    const jobs = service(counting(100, 500));
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    await clock.advance(20_250);
    const { pace, progress } = await jobs.get(run.id);
    expect(pace?.perSecond).toBeCloseTo(2, 1);
    expect(pace?.etaMs).toBe(((100 - (progress?.done as number)) / 2) * 1_000);
    await clock.advance(40_000);
    expect((await jobs.get(run.id)).pace).toBe(null);
  });

  test("a poison group is parked and does not block others", async () => {
    const jobs = service(
      async (ctx) => {
        if (ctx.groupId === "poison") throw new Error("boom");
        return {};
      },
      { kinds: { a: { maxAttempts: 1 }, b: { maxAttempts: 1 }, c: { maxAttempts: 1 }, d: { maxAttempts: 1 } } },
    );
    await jobs.start({ roles: ["worker"] });
    for (const kind of ["a", "b", "c"]) {
      await jobs.trigger({ kind, groupId: "poison" });
      await clock.advance(500);
    }
    expect(await jobs.pauses()).toMatchObject([{ level: "group", key: "poison", automatic: true }]);
    const parked = await jobs.trigger({ kind: "d", groupId: "poison" });
    const other = await jobs.trigger({ kind: "d", groupId: "healthy" });
    await clock.advance(1_000);
    expect((await jobs.get(other.run.id)).state).toBe("succeeded");
    const waiting = await jobs.get(parked.run.id);
    expect(waiting.state).toBe("queued");
    expect(waiting.reason).toContain("parked: 3 runs");
    await jobs.resumeLevel("group", "poison");
    await clock.advance(1_000);
    expect((await jobs.get(parked.run.id)).state).toBe("dead");
  });

  test("one run per group at a time, heavy runs under the cap, groups in turn", async () => {
    const running = new Map<string, string>();
    let mostHeavy = 0;
    const order: string[] = [];
    const jobs = service(
      async (ctx) => {
        expect(running.has(ctx.groupId)).toBe(false);
        running.set(ctx.groupId, ctx.kind);
        mostHeavy = Math.max(mostHeavy, [...running.values()].filter((k) => k === "recompute").length);
        order.push(ctx.groupId);
        await clock.sleep(100, ctx.signal);
        running.delete(ctx.groupId);
        return {};
      },
      { concurrency: 8, heavyCap: 2 },
    );
    for (const kind of ["orphan_entities", "stale_edges", "recompute"]) await jobs.trigger({ kind, groupId: "greedy" });
    for (const groupId of ["g1", "g2", "g3", "g4"]) await jobs.trigger({ kind: "recompute", groupId });
    await jobs.start({ roles: ["worker"] });
    await clock.advance(5_000);
    expect(mostHeavy).toBe(2);
    expect(order.length).toBe(7);
    // The greedy group came first, but its second run had to let groups go that had not been served yet.
    expect(order.indexOf("g1")).toBeLessThan(order.lastIndexOf("greedy"));
  });

  test("a vanished worker's run is taken over within 15 s and goes on from its checkpoint", async () => {
    const dead = service(counting(100));
    const { run } = await dead.trigger({ kind: "orphan_entities", groupId: "acme" });
    // The process dies: it claimed and saved a checkpoint, then nothing more is heard of it.
    const claimed = await store.claim({ owner: "dead", at: clock.now(), kinds: ["orphan_entities"], heavyCap: 1 });
    const hold = { runId: run.id, groupId: "acme", token: claimed?.token as number };
    await store.beat(hold, {
      at: clock.now(),
      checkpoint: { done: 98 },
      batch: { done: 98, total: 100, phase: "scan" },
    });
    const alive = service(counting(100));
    await alive.start({ roles: ["worker"] });
    await clock.advance(3_000);
    // Set back meanwhile: no dead worker lives longer for it.
    clock.jump(-25 * 3_600_000);
    await clock.advance(12_000);
    const done = await alive.get(run.id);
    expect(done).toMatchObject({ state: "succeeded", result: { examined: 100 }, attempt: 2 });
    expect(done.attempts.map((a) => a.outcome)).toEqual(["lost", "succeeded"]);
    // The zombie wakes up: nothing that it writes is taken.
    expect(await store.beat(hold, { at: clock.now(), checkpoint: { done: 1 } })).toEqual({ held: false });
    expect(await store.settle(hold, { as: "succeeded", at: clock.now(), result: {} })).toBe(false);
  });

  test("no wall clock jump steals a lease", async () => {
    const jobs = service(counting(300));
    const other = service(counting(300));
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    await clock.advance(1_000);
    await other.start({ roles: ["worker"] });
    for (const seconds of [9.9, -9.9, 3_600, -3_600, 90_000, -90_000, 315_360_000, -315_360_000]) {
      clock.jump(seconds * 1_000);
      await clock.advance(5_000);
    }
    const done = await jobs.get(run.id);
    expect(done).toMatchObject({ state: "succeeded", attempt: 1, losses: 0 });
    expect(done.attempts.length).toBe(1);
  });

  test("an observer that stood still itself takes nothing from anybody", async () => {
    const { run } = await service(counting(1)).trigger({ kind: "orphan_entities", groupId: "acme" });
    const claimed = await store.claim({ owner: "w", at: clock.now(), kinds: ["orphan_entities"], heavyCap: 1 });
    const reaper = new Reaper(store, clock, 10_000);
    expect(await reaper.look()).toEqual([]);
    // All processes of the machine were frozen: the worker could not beat, and the observer wakes up first.
    await clock.advance(60_000);
    expect(await reaper.look()).toEqual([]);
    await store.beat({ runId: run.id, groupId: "acme", token: claimed?.token as number }, { at: clock.now() });
    const lost: string[] = [];
    const lenient = new Reaper(store, clock, 10_000);
    for (let second = 0; second < 11; second++) {
      expect(await lenient.look((own) => own.runId === run.id)).toEqual([]);
      await clock.advance(1_000);
      lost.push(...(await reaper.look()).map((r) => `${second} ${r.runId}`));
    }
    expect(lost).toEqual([`10 ${run.id}`]);
  });

  test("a long write of the graph holds up heartbeats, but takes no run from its own process", async () => {
    const handler: JobHandler = async (ctx) => {
      await clock.sleep(40_000, ctx.signal);
      return { stopped: ctx.signal.aborted };
    };
    const jobs = service(handler, { exclusive: true });
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    await clock.advance(500);
    const graph = new DatabaseSync(join(folder, "data.db"));
    graph.exec("BEGIN IMMEDIATE");
    await clock.advance(30_000);
    graph.exec("COMMIT");
    graph.close();
    const waiting = jobs.wait(run.id, 60_000);
    for (let i = 0; i < 20; i++) {
      await clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await waiting).toMatchObject({ state: "succeeded", result: { stopped: false }, attempt: 1, losses: 0 });
  });

  test("a process that starts alone on its file takes back what the crash left, at once", async () => {
    const jobs = service(counting(2), { exclusive: true });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    await store.claim({ owner: "dead", at: clock.now(), kinds: ["orphan_entities"], heavyCap: 1 });
    await jobs.start({ roles: ["worker"] });
    await clock.advance(1_000);
    expect(await jobs.get(run.id)).toMatchObject({ state: "succeeded", attempt: 2 });
  });

  test("stop puts runs back with their checkpoint; nothing is lost or counted as a failure", async () => {
    const jobs = service(counting(1_000));
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    await clock.advance(1_000);
    const stopped = jobs.stop({ graceMs: 5_000 });
    await clock.advance(500);
    await stopped;
    expect(await jobs.get(run.id)).toMatchObject({
      state: "queued",
      failures: 0,
      losses: 0,
      reason: "waits for a free worker",
    });
    expect(((await jobs.get(run.id)).checkpoint as { done: number }).done).toBeGreaterThan(5);
  });

  test("a time-out ends an attempt", async () => {
    const jobs = service(counting(1_000), { kinds: { orphan_entities: { timeoutMs: 1_000, maxAttempts: 1 } } });
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    await clock.advance(3_000);
    expect(await jobs.get(run.id)).toMatchObject({ state: "dead", error: { code: "OUT_OF_BUDGET" } });
  });
});

describe("triggers", () => {
  test("without a key, triggers of one kind and group join the run that waits, not the one that runs", async () => {
    const jobs = service(counting(10));
    const a = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    const b = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    const elsewhere = await jobs.trigger({ kind: "orphan_entities", groupId: "other" });
    const dry = await jobs.trigger({ kind: "orphan_entities", groupId: "acme", params: { dry_run: true } });
    expect(b).toMatchObject({ outcome: "joined", run: { id: a.run.id, events: 2 } });
    expect(elsewhere.outcome).toBe("created");
    expect(dry.outcome).toBe("created");
    await jobs.start({ roles: ["worker"] });
    await clock.advance(300);
    expect((await jobs.get(a.run.id)).state).toBe("running");
    const c = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    expect(c.outcome).toBe("created");
  });

  test("Idempotency-Key: replay, mismatch, 24 h", async () => {
    const jobs = service(counting(1));
    const key = { scope: "caller", key: "k1" };
    const a = await jobs.trigger({ kind: "orphan_entities", groupId: "acme", idempotency: key });
    const b = await jobs.trigger({ kind: "orphan_entities", groupId: "acme", idempotency: key });
    expect([a.outcome, b.outcome, b.run.id]).toEqual(["created", "replayed", a.run.id]);
    await expect(jobs.trigger({ kind: "stale_edges", groupId: "acme", idempotency: key })).rejects.toMatchObject({
      code: "IDEMPOTENCY_MISMATCH",
      status: 422,
    });
    const foreign = await jobs.trigger({
      kind: "stale_edges",
      groupId: "acme",
      idempotency: { scope: "else", key: "k1" },
    });
    expect(foreign.outcome).toBe("created");
    clock.jump(24 * 3_600_000 + 1);
    const c = await jobs.trigger({ kind: "stale_edges", groupId: "acme", idempotency: key });
    expect(c.outcome).toBe("created");
  });

  test("events debounce with a ceiling, and a request while the job runs makes a new run", async () => {
    const jobs = service(counting(50));
    const start = clock.now();
    const first = await jobs.requestAfterEvent("recompute", "acme");
    expect(first.run.runAt).toBe(start + 30_000);
    for (let i = 0; i < 40; i++) {
      await clock.advance(20_000, 1);
      await jobs.requestAfterEvent("recompute", "acme");
    }
    const run = await jobs.get(first.run.id);
    expect(run).toMatchObject({ state: "queued", runAt: start + 600_000, events: 41, trigger: "event" });
    await jobs.start({ roles: ["worker"] });
    await clock.advance(1_000);
    expect((await jobs.get(first.run.id)).state).toBe("running");
    const second = await jobs.requestAfterEvent("recompute", "acme");
    expect(second.outcome).toBe("created");
  });

  test("a manual trigger brings a debounced run forward, and later events do not put it off again", async () => {
    const jobs = service(counting(1));
    const event = await jobs.requestAfterEvent("recompute", "acme");
    const manual = await jobs.trigger({ kind: "recompute", groupId: "acme" });
    expect(manual).toMatchObject({ outcome: "joined", run: { id: event.run.id, runAt: clock.now() } });
    await jobs.requestAfterEvent("recompute", "acme");
    expect((await jobs.get(event.run.id)).runAt).toBe(clock.now());
  });

  test("unknown kinds and foreign runs are refused", async () => {
    const jobs = service(counting(1));
    await expect(jobs.trigger({ kind: "constructor", groupId: "acme" })).rejects.toMatchObject({
      code: "INVALID_VALUE",
    });
    const { run } = await jobs.trigger({ kind: "recompute", groupId: "acme" });
    const notMine = (groupId: string) => groupId === "other";
    await expect(jobs.get(run.id, notMine)).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    await expect(jobs.cancel(run.id, notMine)).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    expect((await jobs.get(run.id)).state).toBe("queued");
  });

  test("lists go page by page, over what the caller may see", async () => {
    const jobs = service(counting(1));
    for (let i = 0; i < 25; i++)
      await jobs.trigger({
        kind: "recompute",
        groupId: i % 2 ? "mine" : `g${i}`,
        idempotency: { scope: "s", key: `${i}` },
      });
    const seen: string[] = [];
    let cursor: string | undefined;
    for (;;) {
      const page = await jobs.list({ limit: 5, cursor }, (g) => g === "mine");
      seen.push(...page.items.map((r) => r.groupId));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(Array(12).fill("mine"));
    expect((await jobs.list({ limit: 10 })).items.length).toBe(10);
    await expect(jobs.list({ cursor: "nonsense" })).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  });

  test("events() yields each change and ends with the run", async () => {
    const jobs = service(counting(3));
    await jobs.start({ roles: ["worker"] });
    const { run } = await jobs.trigger({ kind: "orphan_entities", groupId: "acme" });
    const states: string[] = [];
    const reading = (async () => {
      for await (const seen of jobs.events(run.id)) states.push(`${seen.state} ${seen.progress?.done ?? 0}`);
    })();
    await clock.advance(3_000);
    await reading;
    expect(states.at(-1)).toBe("succeeded 3");
    expect(new Set(states).size).toBeGreaterThan(2);
  });
});
