import { expect, test } from "vitest";
import { FakeClock } from "../../src/conformance/jobs/clock.ts";
import { GraphkeeperError } from "../../src/core/errors.ts";
import { storeClock } from "../../src/jobs/clock.ts";
import { once } from "../../src/jobs/idempotency.ts";
import type { IdempotencyKeys } from "../../src/jobs/ports.ts";
import { debouncedRunAt, judgeError, retryDelayMs, weekStart } from "../../src/jobs/rules.ts";
import { Throttle } from "../../src/jobs/throttle.ts";
import { openSqliteJobs } from "../../src/stores/sqlite/jobs.ts";

test("the throttle slows down when the canary does, says why, recovers, gives its place away, lets urgent work through", async () => {
  const clock = new FakeClock();
  let latency = 10;
  let urgent = false;
  const throttle = new Throttle({ clock, probe: async () => latency, urgent: () => urgent });
  const look = async () => {
    await clock.advance(1_000, 1);
    return await throttle.advise(100);
  };
  for (let i = 0; i < 20; i++) expect(await look()).toEqual({ go: true, sleepMs: 0, reason: null });
  latency = 21;
  expect(await look()).toMatchObject({
    go: true,
    sleepMs: 100,
    reason: "sleeping 0.1 s: the canary takes 2.1× its baseline",
  });
  expect(await look()).toMatchObject({ sleepMs: 300 });
  for (let i = 0; i < 10; i++) await look();
  expect(throttle.intensity).toBe(0.05);
  latency = 10;
  for (let i = 0; i < 10; i++) await look();
  expect(await look()).toMatchObject({ sleepMs: 0 });
  latency = 100;
  let stopped = null;
  for (let i = 0; i < 10 && stopped === null; i++) {
    const advice = await look();
    if (!advice.go) stopped = advice;
  }
  expect(stopped).toMatchObject({ nextAt: clock.now() + 60_000 });
  expect(stopped?.reason).toMatch(/postponed: the canary takes 10\.0×/);
  urgent = true;
  expect(await look()).toEqual({ go: true, sleepMs: 0, reason: null });
});

test("a canary that does not answer is the busiest answer; noise below the floor is none", async () => {
  const clock = new FakeClock();
  const answers = [0.1, 1.9, 0.1, 1.9, 0.1];
  const noisy = new Throttle({ clock, probe: async () => answers.shift() as number });
  while (answers.length > 0) {
    await clock.advance(1_000, 1);
    expect((await noisy.advise(100)).go && noisy.intensity).toBe(1);
  }
  const dead = new Throttle({
    clock,
    probe: async () => {
      throw new Error("no answer");
    },
  });
  await clock.advance(1_000, 1);
  expect(await dead.advise(100)).toMatchObject({ go: true, sleepMs: 100 });
});

test("once: the first answer again, a failed call may be repeated", async () => {
  const clock = new FakeClock();
  const store: IdempotencyKeys & { close: () => Promise<void> } = await openSqliteJobs({ path: ":memory:" });
  let calls = 0;
  const call = (fail = false) =>
    once(store, clock, { scope: "s", key: "k" }, { body: 1 }, async () => {
      calls++;
      if (fail) throw new GraphkeeperError("STORE_UNAVAILABLE", "away");
      return { status: 202, n: calls };
    });
  await expect(call(true)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(await call()).toEqual({ answer: { status: 202, n: 2 }, replayed: false });
  expect(await call()).toEqual({ answer: { status: 202, n: 2 }, replayed: true });
  expect(calls).toBe(2);
  await store.close();
});

test("the store's clock does not follow a jump of this machine's", async () => {
  const base = new FakeClock("2026-01-01T00:00:00Z");
  const database = Date.parse("2026-06-01T00:00:00Z");
  let reads = 0;
  const clock = await storeClock(
    async () => {
      reads++;
      return database + base.monotonic();
    },
    30_000,
    base,
  );
  expect(clock.now()).toBe(database);
  base.jump(25 * 3_600_000);
  expect(clock.now()).toBe(database);
  await base.advance(31_000);
  expect(clock.now()).toBe(database + 31_000);
  await base.settle();
  expect(reads).toBe(2);
});

test("rules", () => {
  expect(debouncedRunAt(0, 95, { quietMs: 30, maxWaitMs: 100 })).toBe(100);
  expect(debouncedRunAt(0, 10, { quietMs: 30, maxWaitMs: 100 })).toBe(40);
  expect([1, 2, 3, 30].map((n) => retryDelayMs(n, { backoffMs: 100, backoffMaxMs: 1_000 }, () => 1))).toEqual([
    100, 200, 400, 1_000,
  ]);
  expect(retryDelayMs(1, {}, () => 0)).toBe(2_500);
  expect(judgeError(new Error("x"))).toEqual({ retry: true, failure: true });
  expect(judgeError(new GraphkeeperError("STORE_UNAVAILABLE", "x"))).toEqual({ retry: true, failure: true });
  expect(judgeError(new GraphkeeperError("LEASE_HELD", "x"))).toMatchObject({ retry: true, failure: false });
  expect(judgeError(new GraphkeeperError("BLAST_RADIUS", "x"))).toEqual({ retry: false });
  expect(new Date(weekStart(Date.parse("2026-11-24T12:00:00Z"))).toISOString()).toBe("2026-11-23T00:00:00.000Z");
  expect(new Date(weekStart(Date.parse("2026-11-22T23:59:59Z"))).toISOString()).toBe("2026-11-16T00:00:00.000Z");
});
