import { afterAll, describe, expect, test } from "vitest";
import { GraphkeeperError } from "../../src/core/errors.ts";
import { RateLimits } from "../../src/http/rate-limit.ts";
import { closeWorlds, fill, makeWorld, send } from "./world.ts";

afterAll(closeWorlds);

/** Calls as fast as they come, every `everyMs`, for `minutes`. @returns how many were let through in each minute */
function hammer(limits: RateLimits, clock: { now: number }, minutes: number, everyMs: number, group: string | null) {
  const passed: number[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    let count = 0;
    for (let ms = 0; ms < 60_000; ms += everyMs) {
      try {
        limits.take("key:a", group);
        count++;
      } catch (error) {
        if (!GraphkeeperError.is(error, "RATE_LIMITED")) throw error;
      }
      clock.now += everyMs;
    }
    passed.push(count);
  }
  return passed;
}

describe("the token buckets", () => {
  test("no minute lets through more than 5 % above or below the limit", () => {
    for (const [limit, everyMs] of [
      [10, 100],
      [60, 7],
      [1_000, 10],
      [6_000, 3],
    ] as const) {
      for (const of of ["key", "group"]) {
        const clock = { now: 1_000_000 };
        const perKey = of === "key" ? limit : 0;
        const perGroup = of === "group" ? limit : 0;
        const limits = new RateLimits({ perKey, perGroup, clock: () => clock.now });
        for (const passed of hammer(limits, clock, 4, everyMs, "acme")) {
          expect(passed, `${limit} of ${of}`).toBeGreaterThanOrEqual(Math.floor(limit * 0.95));
          expect(passed, `${limit} of ${of}`).toBeLessThanOrEqual(Math.ceil(limit * 1.05));
        }
        // Idle for an hour: tokens do not pile up beyond the burst.
        clock.now += 3_600_000;
        expect(hammer(limits, clock, 1, everyMs, "acme")[0]).toBeLessThanOrEqual(Math.ceil(limit * 1.05));
      }
    }
  });

  test("after the seconds that it says a call passes, and one before does not", () => {
    let now = 5_000_000;
    const limits = new RateLimits({ perKey: 20, perGroup: 0, clock: () => now });
    limits.take("a", null);
    let asked = 0;
    try {
      limits.take("a", null);
    } catch (error) {
      asked = (error as GraphkeeperError).details.retry_after as number;
    }
    expect(asked).toBe(3);
    now += asked * 1_000 - 1;
    expect(() => limits.take("a", null)).toThrow("Too many calls of this key");
    now += 1;
    limits.take("a", null);
    // Others are not concerned; nor is anybody by a clock that was set back.
    limits.take("b", null);
    now -= 3_600_000;
    expect(() => limits.take("a", null)).toThrow("Too many calls");
    now += 3_600_000 + 3_000;
    limits.take("a", null);
  });

  test("a call that the group's limit refuses costs the key nothing", () => {
    const limits = new RateLimits({ perKey: 40, perGroup: 20, clock: () => 0 });
    limits.take("a", "g1");
    for (let i = 0; i < 10; i++) expect(() => limits.take("a", "g1")).toThrow("of this group");
    limits.take("a", "g2");
    expect(() => limits.take("a", "g3")).toThrow("of this key");
  });
});

describe("the service", () => {
  test("answers 429 with Retry-After before it reads the body, by key and by group", async () => {
    let now = 1_000_000;
    const rateLimits = { perKey: 60, perGroup: 40, clock: () => now };
    const world = await makeWorld({ worker: false, http: { rateLimits } });
    await fill(world, "acme", 1);
    await fill(world, "beta", 1);
    const one = await world.key("editor", ["acme", "beta"]);
    const two = await world.key("editor", ["acme"]);
    const stranger = await world.key("editor", ["gamma"]);
    const call = (key: string, group: string) => send(world, "/documents", { key, group });
    // Of a key: three at once (5 % of 60), then one a second.
    for (const group of ["acme", "beta", "beta"]) expect((await call(one, group)).statusCode).toBe(200);
    const refused = await send(world, "/documents/d0/deprecate", { key: one, group: "acme", raw: "{ not JSON" });
    expect(refused.statusCode).toBe(429);
    expect(refused.headers["retry-after"]).toBe("1");
    expect(refused.json()).toMatchObject({ code: "RATE_LIMITED", limit: "key", retry_after: 1 });
    // Of a group, over all keys: two at once (5 % of 40).
    expect((await call(two, "acme")).statusCode).toBe(200);
    const full = await call(two, "acme");
    expect([full.statusCode, full.json().limit]).toEqual([429, "group"]);
    now += 60_000;
    expect((await call(two, "acme")).statusCode).toBe(200);
    // Nobody uses up the calls of a group that is not theirs.
    for (let i = 0; i < 3; i++) expect((await call(stranger, "acme")).statusCode).toBe(404);
    expect((await call(two, "acme")).statusCode).toBe(200);
    // Probes have no key and no limit.
    for (let i = 0; i < 100; i++) expect((await send(world, "/livez")).statusCode).toBe(200);
  });

  test("groups in the path count like those in the header", async () => {
    const world = await makeWorld({ worker: false, http: { rateLimits: { perKey: 0, perGroup: 20, clock: () => 0 } } });
    await fill(world, "acme", 1);
    const key = await world.key("operator");
    expect((await send(world, "/groups/acme/verify", { key })).statusCode).toBe(200);
    expect((await send(world, "/documents", { key, group: "acme" })).statusCode).toBe(429);
  });
});

test("the first key must be an admin's: another would lock everybody out", async () => {
  const world = await makeWorld({ worker: false });
  const body = { name: "ci", role: "reader", groups: ["*"] };
  const refused = await send(world, "/keys", { body });
  expect(refused.statusCode).toBe(422);
  expect(refused.json()).toMatchObject({ code: "INVALID_VALUE", field: "role" });
  expect(refused.json().detail).toContain("first key must have the role admin");
  // Still open: nothing was made.
  const admin = await send(world, "/keys", { body: { name: "root", role: "admin", groups: ["*"] } });
  expect(admin.statusCode).toBe(201);
  expect((await send(world, "/keys", { key: admin.json().key, body })).statusCode).toBe(201);
  // With a static key there is another way in.
  const staticKey = "a-static-key-of-more-than-thirty-two-characters";
  const guarded = await makeWorld({ worker: false, auth: { staticKey } });
  expect((await send(guarded, "/keys", { key: staticKey, body })).statusCode).toBe(201);
});
