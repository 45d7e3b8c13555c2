import assert from "node:assert/strict";
import type { Operation, OperationRecord, Verb } from "../../core/words.ts";
import { block, library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { idsOf } from "./look.ts";
import type { World } from "./world.ts";

const G = "alpha";

/** Calls that have an effect when made one after the other on the library. */
const CALLS: [Verb, string[]][] = [
  ["deprecate", ["d1", "d2"]],
  ["restore", ["d1"]],
  ["hold", ["d3"]],
  ["release", ["d3"]],
  ["purge", ["d2"]],
];

/** One document with many units. */
function long(units: number) {
  const ids = Array.from({ length: units }, (_, i) => `u${String(i).padStart(3, "0")}`);
  return block({
    documents: ["long", "other"],
    units: { ...Object.fromEntries(ids.map((id) => [id, "long"])), shared: "long other", rest: "other" },
    entities: ["a", "b", ...ids.map((id) => `e-${id}`)],
    mentions: { ...Object.fromEntries(ids.map((id) => [id, `a e-${id}`])), rest: "b" },
    relationships: {
      r: ["a b"],
      ...Object.fromEntries(ids.map((id) => [`r-${id}`, [`a e-${id}`, id] as [string, string]])),
    },
  });
}

async function advanceToEnd(w: World, first: OperationRecord, unitsPerTransaction: number): Promise<OperationRecord[]> {
  const records = [first];
  while (records.at(-1)?.state === "rolling") {
    assert.ok(records.length < 100, "the operation comes to an end");
    records.push(await w.store.advance(G, first.id, { unitsPerTransaction }));
  }
  return records;
}

async function doneIn(w: World, verb: Verb, limit: number): Promise<OperationRecord[]> {
  return advanceToEnd(w, await w.call(G, verb, "long", { unitsPerTransaction: limit }), limit);
}

/** Idempotency, generations, and plans that are rolled forward. */
export const OPERATION_CASES: GraphStoreCase[] = [
  {
    name: "operation: the same id again answers with the first record and has no second effect",
    async run(w) {
      const content = library();
      const importing: Operation = w.operation(G, "import", ["d1", "d2", "d3"]);
      const first = await w.store.apply(importing, { block: content });
      assert.deepEqual(await w.store.apply({ ...importing, at: w.later(5) }, { block: content }), {
        ...first,
        replayed: true,
      });
      for (const [verb, ids] of CALLS) {
        const operation = w.operation(G, verb, ids);
        const record = await w.store.apply(operation);
        assert.equal(record.replayed, false);
        const before = await w.everything(G);
        const again = await w.store.apply({ ...operation, at: w.later(1_000) });
        assert.deepEqual(again, { ...record, replayed: true }, verb);
        assert.deepEqual(await w.everything(G), before, `${verb} has no second effect`);
        assert.deepEqual(await w.store.operation(G, operation.id), record);
      }
      const deprecate = w.operation(G, "deprecate", ["d1"]);
      const record = await w.store.apply(deprecate);
      await w.restore(G, "d1");
      const restored = await w.everything(G);
      assert.deepEqual(await w.store.apply(deprecate), { ...record, replayed: true });
      assert.deepEqual(await w.everything(G), restored, "not even when the effect has been undone meanwhile");
    },
  },
  {
    name: "operation: the same id for another call is refused",
    async run(w) {
      await w.import(G, library(), { id: "first" });
      await w.store.apply(w.operation(G, "deprecate", ["d1"], { id: "second" }));
      for (const id of ["first", "second"]) {
        await w.refuses(G, "OPERATION_ID_REUSED", () => w.store.apply(w.operation(G, "deprecate", ["d2"], { id })));
        await w.refuses(G, "OPERATION_ID_REUSED", () => w.import(G, block({ documents: ["x"] }), { id }));
      }
    },
  },
  {
    name: "operation: ids are unique within their group only",
    async run(w) {
      for (const g of [G, "beta"]) {
        assert.equal((await w.import(g, library(), { id: "import" })).replayed, false);
        const record = await w.store.apply(w.operation(g, "deprecate", ["d1"], { id: "deprecate" }));
        assert.deepEqual([record.replayed, record.groupId], [false, g]);
      }
    },
  },
  {
    name: "operation: one without an effect is recorded, without a generation and without an audit entry",
    async run(w) {
      await w.import(G, library());
      const before = await w.everything(G);
      const operation = w.operation(G, "restore", ["d1"]);
      const record = await w.store.apply(operation);
      assert.deepEqual(record.outcomes, [{ id: "d1", outcome: "unchanged" }]);
      assert.equal(record.generation, 1);
      assert.deepEqual(await w.everything(G), before);
      await w.deprecate(G, "d1");
      assert.deepEqual(await w.store.apply(operation), { ...record, replayed: true }, "its answer is for ever");
      assert.equal((await w.store.document(G, "d1"))?.status, "deprecated");
    },
  },
  {
    name: "operation: a refused one leaves no record, and its id may be used again",
    async run(w) {
      await w.import(G, library());
      await w.refuses(G, "INVALID_VALUE", () =>
        w.store.apply(w.operation(G, "deprecate", ["d1"], { id: "again", successor: "missing" })),
      );
      assert.equal(await w.store.operation(G, "again"), null);
      const record = await w.store.apply(w.operation(G, "deprecate", ["d1"], { id: "again", successor: "d2" }));
      assert.deepEqual([record.replayed, record.outcomes[0]?.outcome], [false, "deprecated"]);
    },
  },
  {
    name: "operation: an effective one raises the generation by one, with the record, at the time of the call",
    async run(w) {
      await w.import(G, library());
      let generation = 1;
      for (const [verb, ids] of CALLS) {
        const record = await w.call(G, verb, ids);
        generation++;
        assert.equal(record.generation, generation, verb);
        assert.equal((await w.state(G)).generation, generation, verb);
        assert.deepEqual([record.verb, record.at, record.state], [verb, w.now, "done"]);
      }
    },
  },
  {
    name: "operation: what is above the units of a transaction is rolled forward, to the same end",
    async run(w) {
      for (const [i, limit] of [3, 1, 1_000].entries()) {
        const g = G + i;
        await w.import(g, long(7));
        for (const verb of ["deprecate", "restore", "purge"] as const) {
          await w.collect(g);
          const first = await w.store.apply(w.operation(g, verb, ["long"]), { unitsPerTransaction: limit });
          assert.equal(first.state, limit < 8 ? "rolling" : "done");
          assert.equal(first.outcomes[0]?.outcome, verb === "purge" ? "purged" : `${verb}d`);
          let record = first;
          while (record.state === "rolling") {
            const before = await w.state(g);
            record = await w.store.advance(g, first.id, { unitsPerTransaction: limit });
            const after = await w.state(g);
            assert.ok(after.generation - before.generation <= 1);
            assert.equal(record.generation, after.generation);
          }
          assert.equal(record.effect.textUnits, 7, `${verb} by ${limit}`);
          assert.equal(record.effect.documents, 1, `${verb} by ${limit}`);
        }
        await w.collect(g);
      }
      assert.deepEqual(await w.dump(`${G}0`), await w.dump(`${G}2`));
      assert.deepEqual(await w.dump(`${G}1`), await w.dump(`${G}2`));
      assert.deepEqual(await idsOf(w, `${G}0`, "text_unit"), ["rest", "shared"]);
    },
  },
  {
    name: "operation: the first transaction changes the status of all documents and no more units than allowed",
    async run(w) {
      await w.import(G, long(7));
      const first = await w.call(G, "deprecate", ["other", "long"], { unitsPerTransaction: 2 });
      assert.equal(first.state, "rolling");
      assert.deepEqual(await idsOf(w, G, "text_unit", "parked").then((ids) => ids.length), 2);
      assert.equal((await w.store.counts(G)).documents.deprecated, 2);
      assert.deepEqual(await w.store.unfinished(10), [{ groupId: G, operationId: first.id }]);
      const replayed = await w.store.apply({ ...w.operation(G, "deprecate", ["other", "long"]), id: first.id }, {});
      assert.deepEqual([replayed.replayed, replayed.state], [true, "rolling"]);
      for (let parked = 2; ; ) {
        const record = await w.store.advance(G, first.id, { unitsPerTransaction: 2 });
        const now = (await idsOf(w, G, "text_unit", "parked")).length;
        assert.ok(now - parked <= 2, "each batch keeps to its size");
        parked = now;
        if (record.state === "done") break;
      }
      assert.deepEqual(await idsOf(w, G, "text_unit", "live"), []);
      assert.deepEqual(await w.store.unfinished(10), []);
      const before = await w.everything(G);
      assert.equal((await w.store.advance(G, first.id)).state, "done");
      assert.deepEqual(await w.everything(G), before, "advancing a done operation is a no-op");
    },
  },
  {
    name: "operation: a purge in batches hides the document first and deletes its record last",
    async run(w) {
      await w.import(G, long(5));
      const first = await w.call(G, "purge", "long", { unitsPerTransaction: 2 });
      assert.equal(first.state, "rolling");
      assert.equal((await w.store.document(G, "long"))?.status, "deprecated");
      assert.ok((await idsOf(w, G, "text_unit")).length >= 7 - 2, "no more units than the transaction may");
      await advanceToEnd(w, first, 2);
      assert.equal(await w.store.document(G, "long"), null);
      assert.deepEqual(await idsOf(w, G, "text_unit"), ["rest", "shared"]);
      assert.deepEqual(await idsOf(w, G, "entity"), ["b"]);
      assert.deepEqual(await idsOf(w, G, "relationship"), []);
    },
  },
  {
    name: "operation: rolling operations overlap; the end is what the law says of the last statuses",
    alone: true,
    async run(w) {
      await w.import(G, long(7));
      const before = await w.dump(G);
      const down = await w.call(G, "deprecate", "long", { unitsPerTransaction: 2 });
      const up = await w.call(G, "restore", "long", { unitsPerTransaction: 3 });
      assert.equal((await w.store.unfinished(10)).length, 2);
      assert.equal((await w.store.unfinished(1)).length, 1);
      await w.store.advance(G, down.id, { unitsPerTransaction: 2 });
      await advanceToEnd(w, up, 3);
      await advanceToEnd(w, await w.store.advance(G, down.id, { unitsPerTransaction: 2 }), 2);
      assert.deepEqual(await w.dump(G), before);
      const again = await w.call(G, "deprecate", "long", { unitsPerTransaction: 2 });
      await w.purge(G, "other");
      await advanceToEnd(w, again, 2);
      assert.deepEqual(await idsOf(w, G, "text_unit", "live"), []);
      assert.equal((await doneIn(w, "restore", 100)).length, 1);
      assert.deepEqual((await idsOf(w, G, "text_unit", "live")).length, 8);
    },
  },
];
