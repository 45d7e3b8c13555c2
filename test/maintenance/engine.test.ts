import { expect, test } from "vitest";
import type { GraphkeeperError } from "../../src/core/errors.ts";
import type { AnalyticsEngine } from "../../src/core/ports.ts";
import { chooseEngine, type EngineName } from "../../src/maintenance/engine.ts";

/** What the choice looks at, and how often. */
function store(live: number, version: string | null | undefined) {
  const looked: string[] = [];
  const engine: Pick<AnalyticsEngine, "name" | "version"> = {
    name: "gds",
    version: async () => {
      looked.push("version");
      return version ?? null;
    },
  };
  return {
    looked,
    engine: version === undefined ? undefined : (engine as AnalyticsEngine),
    counts: async () => {
      looked.push("counts");
      return { entities: { live, parked: 1_000_000 } } as never;
    },
  };
}

const choose = (s: ReturnType<typeof store>, name: EngineName, threshold = 100) =>
  chooseEngine(s, "g", { name, threshold }).then(
    (chosen) => chosen.name,
    (error: GraphkeeperError) => error.code,
  );

test("auto takes the database's engine above the threshold, where there is one", async () => {
  expect(await choose(store(101, "2.13.10"), "auto")).toBe("gds 2.13.10");
  expect(await choose(store(100, "2.13.10"), "auto")).toBe("builtin");
  expect(await choose(store(101, null), "auto")).toBe("builtin");
  expect(await choose(store(101, undefined), "auto")).toBe("builtin");
});

test("an engine that is asked for by name is taken whatever the size, or it is missing", async () => {
  expect(await choose(store(1, "2.13.10"), "gds")).toBe("gds 2.13.10");
  expect(await choose(store(1, null), "gds")).toBe("ENGINE_UNAVAILABLE");
  expect(await choose(store(1, undefined), "gds")).toBe("ENGINE_UNAVAILABLE");
  expect(await choose(store(1_000, "2.13.10"), "builtin")).toBe("builtin");
});

test("the entities are counted only where that decides", async () => {
  const without = store(1, null);
  await choose(without, "auto");
  expect(without.looked).toEqual(["version"]);
  const named = store(1, "2.13.10");
  await choose(named, "gds");
  expect(named.looked).not.toContain("counts");
  const builtin = store(1, "2.13.10");
  await choose(builtin, "builtin");
  expect(builtin.looked).toEqual([]);
});
