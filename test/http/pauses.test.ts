import { afterAll, beforeEach, expect, test } from "vitest";
import { closeWorlds, expectProblem, fill, makeWorld, send, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await makeWorld();
  await fill(world, "acme", 2);
  await fill(world, "beta", 2);
});
afterAll(closeWorlds);

const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
const collect = async (group: string, key: string) =>
  (await send(world, "/maintenance/run-all-gc?wait=1", { group, body: {}, ...as(key) })).statusCode;

test("everything, a kind or a group stands still until the pause ends; what waits begins then", async () => {
  const admin = await world.key("admin");
  const set = (body: object) => send(world, "/maintenance/pauses", { body, ...as(admin) });
  const end = (body: object) => send(world, "/maintenance/pauses/end", { body, ...as(admin) });
  const levels = [{ level: "all" }, { level: "kind", key: "gc_all" }, { level: "group", key: "acme" }];
  for (const level of levels) {
    const paused = await set({ ...level, reason: "moving house" });
    expect(paused.json().pauses, JSON.stringify(level)).toMatchObject([{ ...level, reason: "moving house" }]);
    expect(await collect("acme", admin)).toBe(202);
    expect(await collect("beta", admin)).toBe(level.level === "group" ? 200 : 202);
    expect((await end(level)).json()).toEqual({ pauses: [] });
    expect(await collect("acme", admin)).toBe(200);
    expect(await collect("beta", admin)).toBe(200);
  }
});

test("an operator of one group pauses that group and no other, and sees no pause of another", async () => {
  const admin = await world.key("admin");
  const operator = await world.key("operator", ["acme"]);
  const reader = await world.key("reader");
  await send(world, "/maintenance/pauses", { body: { level: "group", key: "beta" }, ...as(admin) });
  const own = await send(world, "/maintenance/pauses", { body: { level: "group", key: "acme" }, ...as(operator) });
  expect(own.json().pauses.map((p: { key: string }) => p.key)).toEqual(["acme"]);
  const refusals: [object, string, number, string][] = [
    [{ level: "group", key: "beta" }, operator, 404, "GROUP_NOT_FOUND"],
    [{ level: "all" }, operator, 403, "FORBIDDEN"],
    [{ level: "kind", key: "gc_all" }, operator, 403, "FORBIDDEN"],
    [{ level: "group", key: "acme" }, reader, 403, "FORBIDDEN"],
    [{ level: "kind", key: "everything" }, admin, 422, "INVALID_VALUE"],
    [{ level: "all", key: "gc_all" }, admin, 422, "INVALID_VALUE"],
    [{ level: "group" }, admin, 422, "INVALID_VALUE"],
  ];
  for (const path of ["/maintenance/pauses", "/maintenance/pauses/end"]) {
    for (const [body, key, status, code] of refusals) {
      const answer = await send(world, path, { body, ...as(key) });
      expect({ status: answer.statusCode, code: expectProblem(answer).code }, JSON.stringify(body)).toEqual({
        status,
        code,
      });
    }
  }
});
