import { afterAll, beforeAll, expect, test } from "vitest";
import { corpus, workplace } from "./run.ts";

let place: Awaited<ReturnType<typeof workplace>>;
beforeAll(async () => {
  place = await workplace();
  await place.run(["import", "-"], { stdin: corpus("a", "b") });
});
afterAll(() => place.remove());

test("recompute --engine: the built-in one by name, and on the embedded store no other", async () => {
  const { run } = place;
  expect((await run(["recompute", "--engine", "builtin", "--json"])).json()).toMatchObject({ engine: "builtin" });
  const missing = await run(["recompute", "--engine", "gds"]);
  expect(missing.code).not.toBe(0);
  expect(missing.err + missing.out).toContain("plugin of Neo4j");
  const unknown = await run(["recompute", "--engine", "quantum"]);
  expect(unknown.code).not.toBe(0);
  expect(unknown.err).toContain("auto, builtin, gds");
  const configured = await run(["recompute"], { env: { GRAPHKEEPER_ENGINE: "gds" } });
  expect(configured.code).not.toBe(0);
});
