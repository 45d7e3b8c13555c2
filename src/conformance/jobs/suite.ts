import assert from "node:assert/strict";
import { GraphkeeperError } from "../../core/errors.ts";
import type { ActiveRun, Enqueue, Hold, JobStore, Run, Schedule } from "../../jobs/ports.ts";
import { Scheduler } from "../../jobs/scheduler.ts";
import { FakeClock } from "./clock.ts";

export interface JobStoreSuite {
  /** The runner's `test`; the suite imposes none. */
  test: (name: string, run: () => Promise<void>) => void;
  /** An empty store each time; the suite closes it. */
  open: (clock: FakeClock) => Promise<JobStore>;
  /** The same data opened once more, as another process does; leave out where a store has one holder only. */
  reopen?: (store: JobStore, clock: FakeClock) => Promise<JobStore>;
}

const KINDS = ["light", "other", "heavy"];
const MINUTE = 60_000;
const GROUP = "acme";

/** What every job store must do, whatever it is made of. Deterministic: times are given, nothing sleeps. */
export function jobStoreConformance(suite: JobStoreSuite): void {
  const check = (name: string, body: (store: JobStore, clock: FakeClock) => Promise<void>) =>
    suite.test(name, async () => {
      const clock = new FakeClock();
      const store = await suite.open(clock);
      try {
        await body(store, clock);
      } finally {
        await store.close();
      }
    });
  let ids = 0;
  const request = (clock: FakeClock, more: Partial<Enqueue> = {}): Enqueue => ({
    id: `run-${++ids}`,
    kind: "light",
    groupId: GROUP,
    trigger: "manual",
    actor: "ada",
    params: {},
    at: clock.now(),
    runAt: clock.now(),
    heavy: more.kind === "heavy",
    maxAttempts: 3,
    mode: "new",
    ...more,
  });
  const claim = (store: JobStore, clock: FakeClock, owner = "w1", heavyCap = 1) =>
    store.claim({ owner, at: clock.now(), kinds: KINDS, heavyCap });
  const holdOf = (run: Run | null): Hold => {
    assert.ok(run !== null);
    return { runId: run.id, groupId: run.groupId, token: run.token };
  };
  const done = (store: JobStore, clock: FakeClock, run: Run | null) =>
    store.settle(holdOf(run), { as: "succeeded", at: clock.now(), result: { deleted: 1 }, after: null });
  const only = (runs: ActiveRun[]): ActiveRun => {
    assert.equal(runs.length, 1);
    return runs[0] as ActiveRun;
  };

  check("a run goes from the queue to its end, with every member kept", async (store, clock) => {
    const params = { limit: 5, text: "žluťoučký 🐎 'quoted' \"double\"", nested: { b: [1, null, true] } };
    const { run, outcome } = await store.enqueue(request(clock, { params, before: { orphans: 3 } }));
    assert.equal(outcome, "created");
    assert.deepEqual(
      {
        state: run.state,
        params: run.params,
        before: run.before,
        attempt: run.attempt,
        token: run.token,
        owner: run.owner,
      },
      { state: "queued", params, before: { orphans: 3 }, attempt: 0, token: 0, owner: null },
    );
    clock.jump(10);
    const claimed = await claim(store, clock);
    assert.deepEqual(
      { ...claimed, token: 0 },
      { ...run, state: "running", attempt: 1, owner: "w1", startedAt: clock.now(), token: 0 },
    );
    clock.jump(10);
    const progress = { done: 1, total: 2, phase: "scan", at: clock.now(), waiting: null };
    const answer = await store.beat(holdOf(claimed), {
      at: clock.now(),
      progress,
      checkpoint: { at: 1 },
      batch: { done: 1, total: 2, phase: "scan" },
    });
    assert.deepEqual(answer, { held: true, cancel: false, pause: false });
    assert.equal(
      await store.settle(holdOf(claimed), {
        as: "succeeded",
        at: clock.now(),
        result: { deleted: 7 },
        after: { orphans: 0 },
      }),
      true,
    );
    const detail = await store.run(run.id);
    assert.deepEqual(
      {
        state: detail?.state,
        result: detail?.result,
        after: detail?.after,
        progress: detail?.progress,
        checkpoint: detail?.checkpoint,
        batches: detail?.batches,
        owner: detail?.owner,
      },
      {
        state: "succeeded",
        result: { deleted: 7 },
        after: { orphans: 0 },
        progress,
        checkpoint: { at: 1 },
        batches: 1,
        owner: null,
      },
    );
    assert.deepEqual(
      detail?.attempts.map((a) => [a.number, a.outcome, a.owner]),
      [[1, "succeeded", "w1"]],
    );
    assert.deepEqual(detail?.batchLog, [{ attempt: 1, seq: 1, at: clock.now(), done: 1, total: 2, phase: "scan" }]);
    assert.equal(await store.run("missing"), null);
  });

  check("runs wait for their time", async (store, clock) => {
    await store.enqueue(request(clock, { runAt: clock.now() + MINUTE }));
    assert.equal(await claim(store, clock), null);
    clock.jump(MINUTE);
    assert.equal((await claim(store, clock))?.state, "running");
  });

  check("a clock that is set back holds up nobody", async (store, clock) => {
    await store.enqueue(request(clock));
    clock.jump(-25 * 60 * MINUTE);
    assert.equal((await claim(store, clock))?.state, "running");
  });

  check("only the kinds that were asked for are claimed", async (store, clock) => {
    await store.enqueue(request(clock));
    assert.equal(await store.claim({ owner: "w", at: clock.now(), kinds: ["other"], heavyCap: 1 }), null);
    assert.equal(await store.claim({ owner: "w", at: clock.now(), kinds: [], heavyCap: 1 }), null);
  });

  check("one active run per group, across kinds", async (store, clock) => {
    await store.enqueue(request(clock));
    await store.enqueue(request(clock, { kind: "other" }));
    await store.enqueue(request(clock, { kind: "other", groupId: "second" }));
    const a = await claim(store, clock);
    const b = await claim(store, clock);
    assert.deepEqual([a?.groupId, b?.groupId].sort(), [GROUP, "second"]);
    assert.equal(await claim(store, clock), null);
    await done(store, clock, a?.groupId === GROUP ? a : b);
    assert.equal((await claim(store, clock))?.groupId, GROUP);
  });

  check(
    "many claims at once: never two active runs of a group, never more heavy ones than the cap",
    async (store, clock) => {
      for (let i = 0; i < 40; i++)
        await store.enqueue(request(clock, { groupId: `g${i % 8}`, kind: i % 3 === 0 ? "heavy" : "light" }));
      let finished = 0;
      for (let round = 0; finished < 40; round++) {
        assert.ok(round < 60, "it must come to an end");
        const claimed = (
          await Promise.all(Array.from({ length: 12 }, (_, i) => claim(store, clock, `w${i}`, 2)))
        ).filter((run) => run !== null);
        const active = await store.active();
        assert.equal(new Set(active.map((run) => run.groupId)).size, active.length);
        assert.ok(active.filter((run) => run.heavy).length <= 2);
        assert.ok(claimed.length > 0, "somebody must get something");
        await Promise.all(claimed.map((run) => done(store, clock, run)));
        finished += claimed.length;
      }
      assert.equal((await store.active()).length, 0);
    },
  );

  check("groups take turns", async (store, clock) => {
    for (let i = 0; i < 5; i++) await store.enqueue(request(clock, { groupId: "greedy" }));
    for (const groupId of ["b", "c"]) await store.enqueue(request(clock, { groupId }));
    const order: string[] = [];
    for (let i = 0; i < 7; i++) {
      const run = await claim(store, clock);
      order.push(run?.groupId as string);
      await done(store, clock, run);
    }
    assert.deepEqual(order, ["greedy", "b", "c", "greedy", "greedy", "greedy", "greedy"]);
  });

  check("tokens grow with every hold, and an older one writes nothing", async (store, clock) => {
    const { run } = await store.enqueue(request(clock));
    const first = await claim(store, clock);
    const zombie = holdOf(first);
    assert.equal(await store.reclaim(only(await store.active()), clock.now()), true);
    const second = await claim(store, clock, "w2");
    assert.ok((second?.token as number) > zombie.token);
    assert.deepEqual(await store.beat(zombie, { at: clock.now(), checkpoint: { evil: true } }), { held: false });
    assert.equal(await store.settle(zombie, { as: "succeeded", at: clock.now(), result: {} }), false);
    assert.equal(
      await store.settle({ ...holdOf(second), groupId: "foreign" }, { as: "succeeded", at: clock.now(), result: {} }),
      false,
    );
    const detail = await store.run(run.id);
    assert.deepEqual(
      [detail?.state, detail?.checkpoint, detail?.losses, detail?.attempts.map((a) => a.outcome)],
      ["running", null, 1, ["lost", null]],
    );
  });

  check("reclaim is compare-and-set: a heartbeat meanwhile keeps the hold", async (store, clock) => {
    await store.enqueue(request(clock));
    const run = await claim(store, clock);
    const seen = only(await store.active());
    assert.equal((await store.beat(holdOf(run), { at: clock.now() })).held, true);
    assert.equal(await store.reclaim(seen, clock.now()), false);
    const again = only(await store.active());
    assert.ok(again.beat > seen.beat);
    const both = await Promise.all([store.reclaim(again, clock.now()), store.reclaim(again, clock.now())]);
    assert.deepEqual(both.sort(), [false, true]);
  });

  check(
    "a run whose workers vanish never dies of it: it waits longer; a saved batch starts again",
    async (store, clock) => {
      const { run } = await store.enqueue(request(clock));
      const lose = async (batch: boolean) => {
        const claimed = await claim(store, clock);
        if (batch)
          await store.beat(holdOf(claimed), {
            at: clock.now(),
            checkpoint: { n: 1 },
            batch: { done: 1, total: null, phase: "" },
          });
        await store.reclaim(only(await store.active()), clock.now());
        const lost = await store.run(run.id);
        const waits = (lost?.runAt ?? 0) - clock.now();
        clock.jump(waits);
        return [lost?.state, lost?.losses, waits];
      };
      for (const losses of [1, 2, 3]) assert.deepEqual(await lose(false), ["queued", losses, 0]);
      assert.deepEqual(await lose(true), ["queued", 1, 0]);
      for (const losses of [2, 3]) assert.deepEqual(await lose(false), ["queued", losses, 0]);
      assert.deepEqual(await lose(false), ["queued", 4, 30_000]);
      assert.deepEqual(await lose(false), ["queued", 5, 120_000]);
      for (let i = 6; i < 20; i++) await lose(false);
      assert.deepEqual(await lose(false), ["queued", 20, 3_600_000]);
      assert.deepEqual(await store.pauses(), []);
      const work = { kind: "light", groupId: GROUP, failures: 0, losses: 20, runId: run.id, error: null };
      assert.deepEqual(await store.failing({ coveredBy: {}, limit: 10 }), [work]);
      await done(store, clock, await claim(store, clock));
      assert.deepEqual(await store.failing({ coveredBy: {}, limit: 10 }), []);
    },
  );

  check(
    "failures count by kind and group, since the last success there or of a kind that covers it",
    async (store, clock) => {
      const error = { code: "RUN_FAILED", message: "no" };
      const failed: string[] = [];
      const fail = async (groupId: string) => {
        await store.enqueue(request(clock, { groupId }));
        const hold = holdOf(await claim(store, clock));
        failed.push(hold.runId);
        await store.settle(hold, { as: "failed", at: clock.now(), error });
      };
      for (const group of [GROUP, "other", GROUP]) await fail(group);
      const all = () => store.failing({ coveredBy: { light: ["heavy"] }, limit: 10 });
      const work = (groupId: string, failures: number, runId: string) => ({
        kind: "light",
        groupId,
        failures,
        losses: 0,
        runId,
        error,
      });
      assert.deepEqual(await all(), [work(GROUP, 2, failed[2]!), work("other", 1, failed[1]!)]);
      assert.deepEqual(await store.failing({ groupId: "other", coveredBy: {}, limit: 10 }), [
        work("other", 1, failed[1]!),
      ]);
      await store.enqueue(request(clock, { groupId: "other" }));
      await done(store, clock, await claim(store, clock));
      assert.deepEqual(await all(), [work(GROUP, 2, failed[2]!)]);
      await store.enqueue(request(clock, { kind: "heavy", heavy: true }));
      await done(store, clock, await claim(store, clock));
      assert.deepEqual(await all(), []);
      await fail(GROUP);
      assert.deepEqual(await all(), [work(GROUP, 1, failed[3]!)]);
    },
  );

  check("settings are kept by name", async (store) => {
    assert.equal(await store.setting("alerts"), null);
    await store.putSetting("alerts", { a: [1] });
    await store.putSetting("alerts", { b: null });
    assert.deepEqual(await store.setting("alerts"), { b: null });
    assert.equal(await store.setting("version"), null);
  });

  check("retry goes back to the queue at its time, and counts what is a failure", async (store, clock) => {
    const { run } = await store.enqueue(request(clock));
    const error = { code: "RUN_FAILED", message: "no" };
    let claimed = await claim(store, clock);
    await store.settle(holdOf(claimed), {
      as: "retry",
      at: clock.now(),
      runAt: clock.now() + 100,
      failure: true,
      reason: "failed",
      error,
    });
    assert.equal(await claim(store, clock), null);
    clock.jump(100);
    claimed = await claim(store, clock);
    await store.settle(holdOf(claimed), {
      as: "retry",
      at: clock.now(),
      runAt: clock.now(),
      failure: false,
      reason: "shut down",
      error: null,
    });
    const waiting = await store.run(run.id);
    assert.deepEqual(
      [waiting?.state, waiting?.failures, waiting?.error, waiting?.attempts.map((a) => a.outcome)],
      ["queued", 1, error, ["retry", "released"]],
    );
  });

  check("commands fit the state or change nothing", async (store, clock) => {
    const state = async (id: string) => (await store.run(id))?.state;
    const { run } = await store.enqueue(request(clock));
    await store.command(run.id, "resume", clock.now());
    assert.equal(await state(run.id), "queued");
    await store.command(run.id, "pause", clock.now());
    assert.equal(await claim(store, clock), null);
    await store.command(run.id, "resume", clock.now());
    const claimed = await claim(store, clock);
    assert.equal((await store.command(run.id, "pause", clock.now()))?.pauseRequested, true);
    assert.deepEqual(await store.beat(holdOf(claimed), { at: clock.now() }), {
      held: true,
      cancel: false,
      pause: true,
    });
    await store.command(run.id, "cancel", clock.now());
    assert.deepEqual(await store.beat(holdOf(claimed), { at: clock.now() }), { held: true, cancel: true, pause: true });
    // The attempt stops for its own reason just then; the cancel still wins.
    await store.settle(holdOf(claimed), {
      as: "retry",
      at: clock.now(),
      runAt: clock.now(),
      failure: false,
      reason: "shut down",
      error: null,
    });
    assert.equal(await state(run.id), "cancelled");
    await store.command(run.id, "cancel", clock.now());
    await store.command(run.id, "retry", clock.now());
    assert.deepEqual([await state(run.id), (await store.run(run.id))?.endedAt], ["queued", null]);
    await store.command(run.id, "cancel", clock.now());
    assert.equal(await state(run.id), "cancelled");
    assert.equal(await store.command("missing", "cancel", clock.now()), null);
  });

  check("three deaths in a row park a group; lifting the pause lets it go", async (store, clock) => {
    for (let i = 0; i < 3; i++) {
      await store.enqueue(request(clock));
      await store.settle(holdOf(await claim(store, clock)), {
        as: "dead",
        at: clock.now(),
        error: { code: "RUN_FAILED", message: "no" },
      });
    }
    await store.enqueue(request(clock));
    assert.equal(await claim(store, clock), null);
    const pauses = await store.pauses();
    assert.deepEqual(
      pauses.map((p) => [p.level, p.key, p.automatic]),
      [["group", GROUP, true]],
    );
    await store.setPause("group", GROUP, null);
    const run = await claim(store, clock);
    await done(store, clock, run);
    await store.enqueue(request(clock));
    await store.settle(holdOf(await claim(store, clock)), {
      as: "dead",
      at: clock.now(),
      error: { code: "RUN_FAILED", message: "no" },
    });
    assert.deepEqual(await store.pauses(), []);
  });

  check("pauses hold all, a kind, a group", async (store, clock) => {
    await store.enqueue(request(clock));
    for (const [level, key] of [
      ["all", ""],
      ["kind", "light"],
      ["group", GROUP],
    ] as const) {
      await store.setPause(level, key, { reason: "why", actor: "ada", at: clock.now(), automatic: false });
      assert.equal(await claim(store, clock), null, level);
      assert.equal((await store.pauses()).length, 1);
      await store.setPause(level, key, null);
    }
    await store.setPause("kind", "other", { reason: "why", actor: "ada", at: clock.now(), automatic: false });
    assert.notEqual(await claim(store, clock), null);
  });

  check("joining: the run that waits, never the one that began, never one of other params", async (store, clock) => {
    const first = await store.enqueue(request(clock, { mode: "join", runAt: clock.now() + MINUTE }));
    const sooner = await store.enqueue(request(clock, { mode: "join" }));
    assert.deepEqual(
      [sooner.outcome, sooner.run.id, sooner.run.runAt, sooner.run.events],
      ["joined", first.run.id, clock.now(), 2],
    );
    assert.equal(
      (await store.enqueue(request(clock, { mode: "join", params: { a: 1 }, runAt: clock.now() + MINUTE }))).outcome,
      "created",
    );
    const claimed = await claim(store, clock);
    assert.equal(claimed?.id, first.run.id);
    const later = await store.enqueue(request(clock, { mode: "join" }));
    assert.equal(later.outcome, "created");
    await store.settle(holdOf(claimed), {
      as: "retry",
      at: clock.now(),
      runAt: clock.now(),
      failure: true,
      reason: "",
      error: null,
    });
    assert.equal((await store.enqueue(request(clock, { mode: "join" }))).run.id, later.run.id);
  });

  check("concurrent triggers make one waiting run", async (store, clock) => {
    const all = await Promise.all(Array.from({ length: 10 }, () => store.enqueue(request(clock, { mode: "join" }))));
    assert.equal(new Set(all.map((e) => e.run.id)).size, 1);
    assert.equal(all.filter((e) => e.outcome === "created").length, 1);
    assert.equal((await store.run((all[0] as { run: Run }).run.id))?.events, 10);
  });

  check("debounce: min(last + quiet, first + maxWait)", async (store, clock) => {
    const debounce = { quietMs: 30_000, maxWaitMs: 100_000 };
    const start = clock.now();
    const event = () => store.enqueue(request(clock, { mode: "debounce", trigger: "event", debounce }));
    assert.equal((await event()).run.runAt, start + 30_000);
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      clock.jump(20_000);
      times.push((await event()).run.runAt - start);
    }
    assert.deepEqual(times, [50_000, 70_000, 90_000, 100_000, 100_000]);
    assert.equal((await store.runs({ limit: 10 })).length, 1);
  });

  check("the traces of the calls that asked for a run are kept with it", async (store, clock) => {
    const traced = (n: number) => ({ traceparent: `00-${String(n).padStart(32, "0")}-${"b".repeat(16)}-01` });
    const plain = await store.enqueue(request(clock, { groupId: "none" }));
    assert.deepEqual(plain.run.traces, []);
    const first = { ...traced(1), tracestate: "vendor=a" };
    const debounce = { quietMs: 30_000, maxWaitMs: 100_000 };
    await store.enqueue(request(clock, { mode: "debounce", trigger: "event", debounce, trace: first }));
    // A call of the same trace, one without a trace, one of another, and more than are kept.
    for (const trace of [traced(1), undefined, traced(2)])
      await store.enqueue(request(clock, { mode: "debounce", trigger: "event", debounce, trace }));
    const joined = await store.enqueue(request(clock, { mode: "join", trace: traced(3) }));
    assert.deepEqual([joined.outcome, joined.run.traces], ["joined", [first, traced(2), traced(3)]]);
    for (let n = 4; n < 20; n++) await store.enqueue(request(clock, { mode: "join", trace: traced(n) }));
    clock.jump(MINUTE);
    await claim(store, clock);
    const claimed = await claim(store, clock);
    const kept = [first, ...[2, 3, 4, 5, 6, 7, 8].map(traced)];
    assert.deepEqual(claimed?.traces, kept);
    await done(store, clock, claimed);
    assert.deepEqual((await store.run(joined.run.id))?.traces, kept);
  });

  check(
    "Idempotency-Key of a trigger: the same run, another body refused, forgotten after its time",
    async (store, clock) => {
      const key = { scope: "s", key: "k", requestHash: "h1", keepMs: 1_000 };
      const all = await Promise.all(
        Array.from({ length: 5 }, () => store.enqueue(request(clock, { idempotency: key }))),
      );
      assert.deepEqual(all.map((e) => e.outcome).sort(), ["created", "replayed", "replayed", "replayed", "replayed"]);
      assert.equal(new Set(all.map((e) => e.run.id)).size, 1);
      await assert.rejects(store.enqueue(request(clock, { idempotency: { ...key, requestHash: "h2" } })), {
        code: "IDEMPOTENCY_MISMATCH",
      });
      assert.equal((await store.enqueue(request(clock, { idempotency: { ...key, scope: "t" } }))).outcome, "created");
      clock.jump(1_000);
      assert.equal(
        (await store.enqueue(request(clock, { idempotency: { ...key, requestHash: "h2" } }))).outcome,
        "created",
      );
    },
  );

  check("Idempotency-Key of other calls: conflict while it runs, then the first answer", async (store, clock) => {
    const id = { scope: "s", key: "k" };
    const begin = (hash = "h") =>
      store.beginKey(id, { hash, at: clock.now(), keepMs: MINUTE, abandonedAfterMs: 1_000 });
    const both = await Promise.allSettled([begin(), begin()]);
    assert.equal(both.filter((r) => r.status === "fulfilled").length, 1);
    const refused = both.find((r) => r.status === "rejected") as PromiseRejectedResult;
    assert.ok(GraphkeeperError.is(refused.reason, "IDEMPOTENCY_CONFLICT"));
    await store.finishKey(id, { status: 200, text: "é" }, clock.now());
    assert.deepEqual(await begin(), { state: "replay", answer: { status: 200, text: "é" } });
    await assert.rejects(begin("other"), { code: "IDEMPOTENCY_MISMATCH" });
    clock.jump(MINUTE);
    assert.deepEqual(await begin("other"), { state: "begun" });
    await store.finishKey(id, null, clock.now());
    assert.deepEqual(await begin("third"), { state: "begun" });
    clock.jump(1_000);
    // Its process died in the middle: the key is free again.
    assert.deepEqual(await begin("third"), { state: "begun" });
  });

  const schedule = (clock: FakeClock, more: Partial<Schedule> = {}): Schedule => ({
    id: "s1",
    kind: "light",
    target: { groupId: GROUP },
    dialect: "cron",
    expression: "0 * * * *",
    timeZone: "UTC",
    params: {},
    overlap: "skip",
    catchUp: { policy: "latest" },
    catchUpWindowMs: MINUTE,
    spreadMs: 0,
    windows: [],
    blackouts: [{ fromAt: 1, toAt: 2, reason: "x" }],
    need: null,
    enabled: true,
    cursorAt: clock.now(),
    version: 0,
    createdAt: clock.now(),
    updatedAt: clock.now(),
    ...more,
  });
  const step = (clock: FakeClock, from: Schedule, toAt: number, runs: string[]) => ({
    at: clock.now(),
    fromAt: from.cursorAt,
    toAt,
    heavy: false,
    maxAttempts: 3,
    occurrences: [
      {
        nominalAt: toAt,
        outcome: "fired" as const,
        reason: null,
        runs: runs.map((groupId) => ({ id: `run-${++ids}`, groupId, runAt: toAt, missed: 2 })),
        skips: [{ groupId: "lazy", reason: "no need" }],
      },
    ],
  });

  check("schedules are kept, changed by version, removed", async (store, clock) => {
    const made = schedule(clock);
    assert.deepEqual(
      await Promise.all([store.putSchedule(made, 0), store.putSchedule(made, 0)]).then((r) => r.sort()),
      [false, true],
    );
    const stored = (await store.schedules())[0] as Schedule;
    assert.deepEqual(stored, { ...made, version: 1 });
    assert.equal(await store.putSchedule({ ...stored, expression: "@daily" }, 1), true);
    assert.equal(await store.putSchedule({ ...stored, expression: "@weekly" }, 1), false);
    assert.equal((await store.schedules())[0]?.expression, "@daily");
    assert.equal(await store.removeSchedule("s1"), true);
    assert.equal(await store.removeSchedule("s1"), false);
    assert.deepEqual(await store.schedules(), []);
  });

  check("occurrences are decided once, whoever is first", async (store, clock) => {
    await store.putSchedule(schedule(clock, { overlap: "allow" }), 0);
    const seen = (await store.schedules())[0] as Schedule;
    const toAt = seen.cursorAt + MINUTE;
    const results = await Promise.all(
      Array.from({ length: 6 }, () => store.advance(seen, step(clock, seen, toAt, [GROUP, "second"]))),
    );
    assert.equal(results.filter(Boolean).length, 1);
    const runs = await store.runs({ scheduleId: "s1", limit: 10 });
    assert.deepEqual(runs.map((r) => [r.groupId, r.nominalAt, r.missed, r.trigger]).sort(), [
      [GROUP, toAt, 2, "schedule"],
      ["second", toAt, 2, "schedule"],
    ]);
    const occurrences = await store.occurrences({ limit: 10 });
    assert.deepEqual(
      occurrences.map((o) => [o.scheduleId, o.nominalAt, o.outcome, o.runs, o.skips]),
      [["s1", toAt, "fired", 2, [{ groupId: "lazy", reason: "no need" }]]],
    );
    // An edit that moved the cursor back meets the same nominal time again: it stays decided.
    await store.putSchedule({ ...seen, cursorAt: seen.cursorAt }, 1);
    const edited = (await store.schedules())[0] as Schedule;
    assert.equal(await store.advance({ ...edited, version: 1 }, step(clock, edited, toAt, [GROUP])), false);
    assert.equal(await store.advance(edited, step(clock, edited, toAt, [GROUP])), true);
    assert.equal((await store.runs({ scheduleId: "s1", limit: 10 })).length, 2);
    assert.deepEqual(await store.occurrences({ scheduleId: "none", limit: 10 }), []);
    assert.deepEqual(await store.occurrences({ beforeAt: toAt, limit: 10 }), []);
  });

  check("a schedule of a thousand groups fires in one step", async (store, clock) => {
    await store.putSchedule(schedule(clock, { target: "stale" }), 0);
    const seen = (await store.schedules())[0] as Schedule;
    const groups = Array.from({ length: 1_000 }, (_, i) => `g${i}`);
    assert.equal(await store.advance(seen, step(clock, seen, clock.now(), groups)), true);
    assert.equal((await store.runs({ scheduleId: "s1", limit: 2_000 })).length, 1_000);
    const next = (await store.schedules())[0] as Schedule;
    await store.advance(next, step(clock, next, clock.now() + MINUTE, groups));
    const occurrence = (await store.occurrences({ limit: 1 }))[0];
    assert.deepEqual(
      [occurrence?.outcome, occurrence?.runs, occurrence?.skipped, occurrence?.skips.length],
      ["skipped", 0, 1_001, 100],
    );
  });

  check("lists are filtered and newest first", async (store, clock) => {
    for (let i = 0; i < 6; i++)
      await store.enqueue(request(clock, { groupId: `g${i % 2}`, kind: i < 3 ? "light" : "other", id: `list-${i}` }));
    const idsOf = async (query: Partial<Parameters<JobStore["runs"]>[0]>) =>
      (await store.runs({ limit: 10, ...query })).map((r) => r.id);
    assert.deepEqual(await idsOf({}), ["list-5", "list-4", "list-3", "list-2", "list-1", "list-0"]);
    assert.deepEqual(await idsOf({ groupId: "g1", kind: "other" }), ["list-5", "list-3"]);
    assert.deepEqual(await idsOf({ states: ["running"] }), []);
    assert.deepEqual(await idsOf({ states: [] }), []);
    const page = await store.runs({ limit: 2 });
    assert.deepEqual(await idsOf({ beforeSeq: page[1]?.seq, limit: 2 }), ["list-3", "list-2"]);
    assert.deepEqual(await idsOf({ createdBefore: clock.now() }), []);
  });

  check("weeks sum up and outlive the runs; failures are kept longer", async (store, clock) => {
    for (let i = 0; i < 4; i++) {
      await store.enqueue(request(clock));
      const run = await claim(store, clock);
      const hold = holdOf(run);
      clock.jump(1_000);
      if (i === 3)
        await store.settle(hold, { as: "failed", at: clock.now(), error: { code: "RUN_FAILED", message: "no" } });
      else
        await store.settle(hold, {
          as: "succeeded",
          at: clock.now(),
          result: { deleted: 2, name: "x" },
          after: { orphans: i },
        });
    }
    const week = (await store.weeks({ fromAt: 0 }))[0];
    assert.deepEqual(week, {
      weekStartAt: Date.parse("2026-11-23T00:00:00Z"),
      kind: "light",
      groupId: GROUP,
      runs: 4,
      succeeded: 3,
      failed: 1,
      durationMs: 4_000,
      sums: { deleted: 6 },
      lastCounters: { orphans: 2 },
    });
    const retention = {
      at: clock.now() + MINUTE,
      maxAgeMs: 1,
      keep: 10,
      failedMaxAgeMs: 1e12,
      failedKeep: 10,
      occurrencesMaxAgeMs: 1,
      keysMaxAgeMs: 1,
    };
    assert.equal(await store.prune({ ...retention, limit: 2 }), 2);
    assert.equal(await store.prune({ ...retention, limit: 2 }), 1);
    assert.equal(await store.prune({ ...retention, limit: 2 }), 0);
    assert.deepEqual(
      (await store.runs({ limit: 10 })).map((r) => r.state),
      ["failed"],
    );
    assert.equal((await store.weeks({ fromAt: 0, groupId: GROUP, kind: "light" })).length, 1);
    assert.deepEqual(await store.weeks({ fromAt: 0, groupId: "other" }), []);
  });

  check("the summary of kinds counts what waits, works and fails", async (store, clock) => {
    const settle = async (as: "succeeded" | "failed") => {
      await store.enqueue(request(clock));
      const hold = holdOf(await claim(store, clock));
      clock.jump(1_000);
      const error = { code: "RUN_FAILED", message: "no" };
      await store.settle(hold, as === "failed" ? { as, at: clock.now(), error } : { as, at: clock.now(), result: {} });
    };
    await settle("failed");
    await settle("succeeded");
    const successAt = clock.now();
    await settle("failed");
    await settle("failed");
    const dueAt = clock.now();
    await store.enqueue(request(clock));
    await store.enqueue(request(clock, { runAt: clock.now() + MINUTE }));
    await store.enqueue(request(clock, { kind: "other", groupId: "second" }));
    const light = {
      kind: "light",
      queued: 2,
      running: 0,
      paused: 0,
      dead: 0,
      oldestDueAt: dueAt,
      lastSuccessAt: successAt,
      consecutiveFailures: 2,
    };
    const other = { ...light, kind: "other", queued: 1, lastSuccessAt: null, consecutiveFailures: 0 };
    assert.deepEqual(await store.summary(clock.now()), [light, other]);
    assert.deepEqual(await store.summary(clock.now(), GROUP), [light]);
    assert.deepEqual(await store.summary(clock.now(), "nobody"), []);
  });

  check("eight schedulers at the same ticks: as many runs as ticks", async (store, clock) => {
    let runIds = 0;
    const schedulers = Array.from(
      { length: 8 },
      () =>
        new Scheduler({ store, clock, kinds: { light: {} }, newId: () => `tick-${++runIds}`, targets: async () => [] }),
    );
    const ticks = 25;
    await store.putSchedule(schedule(clock, { expression: "* * * * *", overlap: "allow" }), 0);
    for (let i = 0; i < ticks; i++) {
      clock.jump(MINUTE);
      await Promise.all(schedulers.map((s) => s.tick()));
    }
    const runs = await store.runs({ scheduleId: "s1", limit: 1_000 });
    assert.equal(runs.length, ticks);
    assert.equal(new Set(runs.map((run) => run.nominalAt)).size, ticks);
  });

  if (suite.reopen !== undefined) {
    const reopen = suite.reopen;
    check("everything is there when the store is opened again, and tokens go on growing", async (store, clock) => {
      const { run } = await store.enqueue(request(clock));
      const claimed = await claim(store, clock);
      await store.beat(holdOf(claimed), { at: clock.now(), checkpoint: { n: 1 } });
      const again = await reopen(store, clock);
      try {
        assert.deepEqual((await again.run(run.id))?.checkpoint, { n: 1 });
        assert.equal(await again.reclaim(only(await again.active()), clock.now()), true);
        const taken = await claim(again, clock, "w2");
        assert.ok((taken?.token as number) > (claimed?.token as number));
        assert.equal((await store.beat(holdOf(claimed), { at: clock.now() })).held, false);
      } finally {
        await again.close();
      }
    });
  }
}
