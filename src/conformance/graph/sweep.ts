import assert from "node:assert/strict";
import { library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { entity, relationship } from "./look.ts";
import { POLICY } from "./world.ts";

const G = "alpha";

/** The full scan behind the candidates. */
export const SWEEP_CASES: GraphStoreCase[] = [
  {
    name: "sweep: looks at every entity and relationship, step by step, and finds nothing where all is noted",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1");
      const before = await w.everything(G);
      for (const limit of [1, 5, 100]) {
        const { examined, found } = await w.sweep(G, POLICY, limit);
        assert.deepEqual([examined, found], [12, 0], `by ${limit}`);
      }
      assert.deepEqual(await w.everything(G), before);
    },
  },
  {
    name: "sweep: records what lags behind as a candidate, and changes nothing itself",
    async run(w) {
      await w.import(G, library());
      w.later(POLICY.graceAgeMs);
      const before = await w.dump(G);
      assert.equal((await w.sweep(G)).found, 1);
      assert.deepEqual((await entity(w, G, "f")).candidate, ["orphan_entities"]);
      assert.deepEqual(await w.dump(G), before);
      assert.equal((await w.state(G)).generation, 1);
      assert.equal(await w.store.remaining(G, "orphan_entities", POLICY, w.now), 1);
      assert.equal((await relationship(w, G, "fa")).presence, "live");
      assert.equal((await w.sweep(G, { ...POLICY, unsupported: "keep" })).found, 0);
    },
  },
];
