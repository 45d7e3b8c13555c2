import { expect, test } from "vitest";
import { block, violations, World } from "../../src/conformance/index.ts";
import { GraphkeeperError } from "../../src/core/errors.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "./server.ts";

const db = useNeo4j({ settings: SMALL_GRAPHS });
const CALLS = 300;

/** Half deprecations, each of its own document and in three groups, half reads; the errors of those that failed. */
async function burst(store: Neo4jStore, w: World, groups: string[]): Promise<unknown[]> {
  const calls = Array.from({ length: CALLS }, (_, i) => {
    const g = groups[i % groups.length] as string;
    const id = `d${Math.floor(i / groups.length)}`;
    return i % 2 === 0 ? w.call(g, "deprecate", [id], { guard: null }) : store.document(g, id);
  });
  const settled = await Promise.allSettled(calls);
  return settled.flatMap((call) => (call.status === "rejected" ? [call.reason] : []));
}

test("300 deprecations and reads at once, three times the driver's pool: they wait for each other, and none fails", {
  timeout: 240_000,
}, async () => {
  await db.clear();
  const store = await openNeo4jStore({ uri: db.uri() });
  const groups = ["a", "b", "c"];
  try {
    const w = new World(store);
    const documents = Array.from({ length: CALLS / groups.length }, (_, i) => `d${i}`);
    const units = Object.fromEntries(documents.map((d) => [`${d}-u`, d]));
    for (const g of groups) await w.import(g, block({ documents, units, entities: [], mentions: {} }));
    expect((await burst(store, w, groups)).map(String)).toEqual([]);
    const deprecated = await Promise.all(groups.map(async (g) => (await store.counts(g)).documents.deprecated));
    expect(deprecated.reduce((sum, n) => sum + n)).toBe(CALLS / 2);
    for (const g of groups) expect(await violations(store, g)).toEqual([]);
  } finally {
    await store.close();
  }
});

test.each(["killed", "frozen"] as const)(
  "300 calls on a server that is %s: whoever waits is told within 2 s, with the time to come back",
  { timeout: 240_000 },
  async (how) => {
    await db.clear();
    const store = await openNeo4jStore({ uri: db.uri() });
    try {
      const w = new World(store);
      await w.import("a", block({ documents: ["d0"], units: { u: "d0" }, entities: [], mentions: {} }));
      await burst(store, w, ["a"]);
      const begun = performance.now();
      if (how === "killed") await db.server().kill9();
      else process.kill(db.server().pid(), "SIGSTOP");
      const told: { after: number; error: unknown }[] = [];
      const calls = Array.from({ length: CALLS }, () =>
        store.document("a", "d0").catch((error: unknown) => {
          told.push({ after: performance.now() - begun, error });
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      // What was under way on a frozen server stays under way: it goes on when the server does.
      expect(told.length).toBeGreaterThanOrEqual(how === "killed" ? CALLS : CALLS - 40);
      for (const { after, error } of told) {
        expect(GraphkeeperError.is(error, "STORE_UNAVAILABLE"), String(error)).toBe(true);
        expect((error as GraphkeeperError).details.retry_after).toBeGreaterThan(0);
        expect(after).toBeLessThan(2_500);
      }
      if (how === "killed") await db.server().restart();
      else process.kill(db.server().pid(), "SIGCONT");
      await Promise.all(calls);
      const again = () => store.document("a", "d0").catch(() => null);
      while ((await again()) === null) await new Promise((resolve) => setTimeout(resolve, 200));
    } finally {
      if (how === "frozen") process.kill(db.server().pid(), "SIGCONT");
      await store.close();
    }
  },
);
