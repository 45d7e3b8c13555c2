import assert from "node:assert/strict";
import { block, library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { publishLibrary } from "./published.ts";
import { POLICY } from "./world.ts";

const GROUPS = ["alpha", "beta", "Alpha"];

/** Groups share names, ids and embeddings, and nothing else. */
export const GROUP_CASES: GraphStoreCase[] = [
  {
    name: "groups: whatever is done to one changes nothing of another that has the same names and ids",
    async run(w) {
      for (const g of GROUPS) {
        await w.import(g, library(), { id: "import" });
        await publishLibrary(w, g);
      }
      await w.deprecate("beta", "d1"); // With candidates that nobody has judged.
      const steps: ((g: string) => Promise<unknown>)[] = [
        (g) => w.deprecate(g, ["d1", "d2"], "d3"),
        (g) => w.collect(g, { limit: 2 }),
        (g) => w.restore(g, "d2"),
        (g) => w.call(g, "hold", "d3"),
        (g) => w.import(g, block({ documents: ["d1"], units: { u1: { documents: "d1", text: "other" } } })),
        (g) => w.sweep(g, { ...POLICY, graceAgeMs: 0 }),
        (g) => w.collect(g, { policy: { ...POLICY, graceAgeMs: 0 } }),
        (g) => publishLibrary(w, g),
        (g) => w.store.acknowledgeCommunities(g, [{ id: "c1", hash: "m-c1.e-c1.t-c1" }], w.now),
        (g) => w.purge(g, ["d1", "d2"]),
        (g) => w.collect(g, { policy: { ...POLICY, restoreWindowMs: 0 } }),
      ];
      for (const step of steps) {
        const others = GROUPS.filter((g) => g !== "alpha");
        const before = await Promise.all(others.map((g) => w.everything(g)));
        await step("alpha");
        assert.deepEqual(await Promise.all(others.map((g) => w.everything(g))), before);
      }
    },
  },
  {
    name: "groups: a new group begins with its first import, at generation 1, and cannot be collected across",
    async run(w) {
      assert.equal(await w.store.group("alpha"), null);
      await w.import("alpha", library());
      await w.import(
        "beta",
        block({ documents: ["only"], units: { u: "only" }, entities: ["a"], mentions: { u: "a" } }),
      );
      await w.deprecate("alpha", ["d1", "d2", "d3"]);
      await w.deprecate("beta", "only");
      await w.collect("beta");
      assert.deepEqual((await w.store.counts("alpha")).entities, { live: 5, parked: 0 });
      assert.deepEqual((await w.store.counts("beta")).entities, { live: 0, parked: 1 });
      await w.collect("alpha");
      await w.restore("alpha", "d1");
      assert.deepEqual((await w.store.counts("beta")).entities, { live: 0, parked: 1 });
    },
  },
];
