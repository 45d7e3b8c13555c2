import { afterAll, beforeEach, expect, test } from "vitest";
import { closeWorlds, fill, makeWorld, send, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await makeWorld();
  await fill(world, "acme", 3);
});
afterAll(closeWorlds);

test("a recompute takes the engine from the query or the body; one that is not there is said plainly", async () => {
  const call = (query: string, body: object) =>
    send(world, `/maintenance/recompute-gds${query}`, { group: "acme", body });
  for (const [query, body] of [
    ["", {}],
    ["?engine=builtin", {}],
    ["?engine=auto", {}],
    // The body is the more particular one.
    ["?engine=gds", { engine: "builtin" }],
  ] as const) {
    const answer = await call(query, body);
    expect(answer.json(), query).toMatchObject({ status: "succeeded", engine: "builtin" });
  }
  for (const [query, body] of [
    ["?engine=gds", {}],
    ["", { engine: "gds" }],
  ] as const) {
    const answer = await call(query, body);
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({ code: "ENGINE_UNAVAILABLE" });
    expect(answer.json().remedy).toContain("plugin");
  }
  expect((await call("?engine=quantum", {})).statusCode).toBeGreaterThanOrEqual(400);
  expect((await call("?engine=quantum", {})).statusCode).toBeLessThan(500);
  const health = (await send(world, "/maintenance/health", {})).json();
  expect(health.engines).toEqual(["builtin"]);
});
