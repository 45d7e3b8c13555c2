import assert from "node:assert/strict";
import { block, library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { idsOf } from "./look.ts";
import { POLICY } from "./world.ts";

const G = "alpha";

/** Calls that are under way at the same time. */
export const CONCURRENCY_CASES: GraphStoreCase[] = [
  {
    name: "concurrency: calls made at the same time each have their effect, and a generation of their own",
    async run(w) {
      const ids = Array.from({ length: 12 }, (_, i) => `d${i}`);
      const units = Object.fromEntries(ids.map((id) => [`u-${id}`, id]));
      await w.import(G, block({ documents: ids, units, entities: ["a"], mentions: { "u-d0": "a", "u-d11": "a" } }));
      const records = await Promise.all(ids.map((id) => w.deprecate(G, id)));
      assert.deepEqual(
        records.map(({ generation }) => generation).sort((x, y) => x - y),
        ids.map((_, i) => i + 2),
      );
      assert.equal((await w.state(G)).generation, 1 + ids.length);
      assert.deepEqual(await idsOf(w, G, "text_unit", "live"), []);
      assert.equal((await w.store.audit(G, { afterSeq: 0, limit: 100 })).length, 1 + ids.length);
    },
  },
  {
    name: "concurrency: one operation id sent many times at once has one effect",
    async run(w) {
      await w.import(G, library());
      const operation = w.operation(G, "deprecate", ["d1", "d2"]);
      const records = await Promise.all(Array.from({ length: 6 }, () => w.store.apply(operation)));
      assert.equal(records.filter(({ replayed }) => !replayed).length, 1);
      for (const record of records)
        assert.deepEqual({ ...record, replayed: false }, await w.store.operation(G, operation.id));
      assert.equal((await w.state(G)).generation, 2);
    },
  },
  {
    name: "concurrency: the same new document imported twice at once is imported once",
    async run(w) {
      const content = library();
      const records = await Promise.all([w.import(G, content), w.import(G, content), w.import(G, content)]);
      const outcomes = records.map(({ outcomes: [first] }) => first?.outcome).sort();
      assert.deepEqual(outcomes, ["imported", "unchanged", "unchanged"]);
      assert.equal((await w.state(G)).generation, 1);
    },
  },
  {
    name: "concurrency: of many that ask for the lease at once, one gets it",
    async run(w) {
      await w.import(G, library());
      const fences = await Promise.all(
        Array.from({ length: 6 }, (_, i) => w.store.acquireLease(G, `holder ${i}`, 60_000, w.now)),
      );
      assert.equal(fences.filter((fence) => fence !== null).length, 1);
    },
  },
  {
    name: "concurrency: restores that race with a collection win",
    async run(w) {
      await w.import(G, library());
      const before = await w.dump(G);
      for (let round = 0; round < 5; round++) {
        await w.deprecate(G, ["d1", "d2", "d3"]);
        await Promise.all([
          w.withLease(G, async (fence) => {
            for (const kind of ["orphan_entities", "stale_edges", "deprecated_vectors"] as const) {
              for (let cursor: string | null = null; ; ) {
                const batch = await w.store.collect(fence, kind, {
                  cursor,
                  limit: 1,
                  policy: POLICY,
                  now: w.now,
                  dryRun: false,
                });
                if (batch.cursor === null) break;
                cursor = batch.cursor;
              }
            }
          }),
          (async () => {
            for (const id of ["d2", "d3", "d1"]) await w.restore(G, id);
          })(),
        ]);
        await w.collect(G);
        assert.deepEqual(await w.dump(G), before, `round ${round}`);
      }
    },
  },
];
