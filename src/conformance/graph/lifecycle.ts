import assert from "node:assert/strict";
import { COLLECTION_KINDS } from "../../core/words.ts";
import { block, library, vectorOf } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { entity, idsOf, relationship, textUnit } from "./look.ts";

const G = "alpha";

function* ordersOf<T>(items: T[]): Generator<T[]> {
  if (items.length < 2) yield items;
  else
    for (const [i, first] of items.entries())
      for (const rest of ordersOf(items.filter((_, j) => j !== i))) yield [first, ...rest];
}

/** Deprecate and restore. */
export const LIFECYCLE_CASES: GraphStoreCase[] = [
  {
    name: "deprecate: parks the document's own units with their vectors at once, and hides nothing else",
    async run(w) {
      await w.import(G, library());
      const { dump } = (await w.everything(G)) as { dump: string[] };
      const record = await w.deprecate(G, "d1", "d3");
      assert.deepEqual(record.outcomes, [{ id: "d1", outcome: "deprecated" }]);
      assert.deepEqual(record.effect, { documents: 1, textUnits: 2, entities: 0, relationships: 0, vectors: 2 });
      assert.equal(record.generation, 2);
      const document = await w.store.document(G, "d1");
      assert.deepEqual(
        [document?.status, document?.deprecatedAt, document?.successor],
        ["deprecated", record.at, "d3"],
      );
      assert.deepEqual(await idsOf(w, G, "text_unit", "parked"), ["u1", "u5"]);
      for (const id of ["u1", "u5"]) assert.equal((await textUnit(w, G, id)).vector?.place, "parked");
      assert.deepEqual(await idsOf(w, G, "entity", "parked"), []);
      assert.deepEqual(await idsOf(w, G, "relationship", "parked"), []);
      assert.deepEqual((await entity(w, G, "b")).candidate, ["orphan_entities"]);
      assert.equal((await relationship(w, G, "ab")).candidate, true);
      assert.equal((await w.dump(G)).length, dump.length, "every row is still there");
    },
  },
  {
    name: "deprecate: a vector search of texts does not find the document's own units when the call returns",
    async run(w) {
      await w.import(G, library());
      const find = async (text: string) =>
        (await w.store.search(G, { of: "text_unit", vector: vectorOf(text), k: 10 })).map(({ id, documents }) => [
          id,
          documents,
        ]);
      assert.equal((await find("text of u1")).length, 5);
      await w.deprecate(G, "d1");
      const found = Object.fromEntries(await find("text of u1"));
      assert.deepEqual(found, { u2: ["d2"], u3: ["d2"], u4: ["d3"] }, "of the shared unit, active owners only");
      await w.restore(G, "d1");
      assert.deepEqual((await find("text of u1"))[0], ["u1", ["d1"]]);
    },
  },
  {
    name: "deprecate: an already deprecated document is unchanged, and so is one that is restored twice",
    async run(w) {
      await w.import(G, library());
      assert.equal((await w.restore(G, "d1")).outcomes[0]?.outcome, "unchanged");
      await w.deprecate(G, "d1", "d2");
      const before = await w.everything(G);
      const record = await w.deprecate(G, "d1", "d3");
      assert.equal(record.outcomes[0]?.outcome, "unchanged");
      assert.equal(record.generation, 2);
      assert.deepEqual(await w.everything(G), before);
      await w.restore(G, "d1");
      const restored = await w.everything(G);
      assert.equal((await w.restore(G, "d1")).outcomes[0]?.outcome, "unchanged");
      assert.deepEqual(await w.everything(G), restored);
    },
  },
  {
    name: "deprecate: the successor must be another document of the group",
    async run(w) {
      await w.import(G, library());
      await w.import("beta", block({ documents: ["only-in-beta"], units: { u: "only-in-beta" } }));
      for (const successor of ["missing", "d1", "only-in-beta"]) {
        await w.refuses(G, "INVALID_VALUE", () => w.deprecate(G, "d1", successor));
      }
      await w.refuses(G, "INVALID_VALUE", () => w.deprecate(G, ["d2", "d1"], "d1"));
    },
  },
  {
    name: "deprecate: a bulk tells of each document what became of it; one unknown document alone is an error",
    async run(w) {
      await w.import(G, library());
      await w.import("beta", block({ documents: ["foreign"], units: { u: "foreign" } }));
      await w.deprecate(G, "d2");
      for (const verb of ["deprecate", "restore", "purge", "hold", "release"] as const) {
        const missing = await w.refuses(G, "DOCUMENT_NOT_FOUND", () => w.call(G, verb, "missing"));
        const foreign = await w.refuses(G, "DOCUMENT_NOT_FOUND", () => w.call(G, verb, "foreign"));
        const alike = (text: string) => text.replaceAll("foreign", "missing");
        assert.equal(alike(foreign.message), missing.message, "foreign and missing answer alike");
        await w.refuses("nowhere", "GROUP_NOT_FOUND", () => w.call("nowhere", verb, "d1"));
      }
      const record = await w.deprecate(G, ["d3", "missing", "d2", "d1"]);
      assert.deepEqual(record.outcomes, [
        { id: "d3", outcome: "deprecated" },
        { id: "missing", outcome: "not_found" },
        { id: "d2", outcome: "unchanged" },
        { id: "d1", outcome: "deprecated" },
      ]);
      assert.equal(record.effect.documents, 2);
      assert.equal(record.generation, 3, "one generation for all");
      const nothing = await w.deprecate(G, ["missing", "gone"]);
      assert.equal(nothing.generation, 3, "none for nothing");
      assert.deepEqual(
        nothing.outcomes.map(({ outcome }) => outcome),
        ["not_found", "not_found"],
      );
    },
  },
  {
    name: "restore: brings everything back at once, what collection has parked included, bit for bit",
    async run(w) {
      await w.import(G, library());
      const before = await w.dump(G);
      await w.deprecate(G, ["d1", "d2"], "d3");
      await w.collect(G);
      assert.deepEqual(await idsOf(w, G, "entity", "live"), ["d", "f"]);
      const record = await w.restore(G, ["d1", "d2"]);
      assert.deepEqual(
        record.outcomes.map(({ outcome }) => outcome),
        ["restored", "restored"],
      );
      assert.deepEqual(record.effect, { documents: 2, textUnits: 4, entities: 3, relationships: 6, vectors: 7 });
      assert.deepEqual(await w.dump(G), before, "without waiting for any job");
      const document = await w.store.document(G, "d1");
      assert.deepEqual([document?.status, document?.deprecatedAt, document?.successor], ["active", null, null]);
      const hits = await w.store.search(G, { of: "entity", vector: vectorOf("a"), k: 1 });
      assert.deepEqual(
        hits.map(({ id }) => id),
        ["a"],
      );
      await w.collect(G);
      assert.deepEqual(await w.dump(G), before, "and nothing that was noted meanwhile takes it away again");
    },
  },
  {
    name: "restore: undoes a deprecation after any part of the collection, or none",
    async run(w) {
      await w.import(G, library());
      const before = await w.dump(G);
      for (let done = 0; done <= COLLECTION_KINDS.length; done++) {
        await w.deprecate(G, ["d1", "d2", "d3"]);
        await w.collect(G, { kinds: COLLECTION_KINDS.slice(0, done), finish: false });
        await w.restore(G, ["d1", "d2", "d3"]);
        assert.deepEqual(await w.dump(G), before, `after ${done} kinds`);
      }
      await w.deprecate(G, "d1");
      await w.collect(G, { kinds: ["stale_edges"], finish: false });
      await w.restore(G, "d1");
      assert.deepEqual(await w.dump(G), before, "after edges alone");
    },
  },
  {
    name: "restore: operations overlap and compose, in every order",
    async run(w) {
      await w.import(G, library());
      const before = await w.dump(G);
      const orders = [...ordersOf(["d1", "d2", "d3"])];
      for (const down of orders) {
        for (const up of orders) {
          for (const id of down) {
            await w.deprecate(G, id);
            await w.collect(G);
          }
          assert.deepEqual(await idsOf(w, G, "entity", "live"), ["f"]);
          assert.deepEqual(await idsOf(w, G, "relationship", "live"), []);
          for (const id of up) {
            await w.restore(G, id);
            const active = up.slice(0, up.indexOf(id) + 1);
            assert.deepEqual(await idsOf(w, G, "entity", "live"), liveEntities(active), `with ${active}`);
          }
          assert.deepEqual(await w.dump(G), before, `down ${down}, up ${up}`);
        }
      }
    },
  },
  {
    name: "restore: an entity returns exactly when one of its mentions is live again, whoever parked it",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1");
      assert.equal((await entity(w, G, "a")).presence, "live");
      await w.deprecate(G, "d2");
      await w.collect(G);
      assert.equal((await entity(w, G, "a")).presence, "parked");
      await w.restore(G, "d2");
      assert.equal((await entity(w, G, "a")).presence, "live", "u2 mentions it");
      assert.equal((await entity(w, G, "b")).presence, "parked", "only d1 does");
      assert.equal((await relationship(w, G, "ab")).presence, "parked");
      assert.equal((await relationship(w, G, "ac")).presence, "live");
    },
  },
  {
    name: "restore: deprecate, collect, restore, collect gives the same canonical dump",
    async run(w) {
      await w.import(G, library());
      await w.collect(G);
      const before = await w.dump(G);
      for (const ids of [["d1"], ["d2"], ["d3"], ["d1", "d2"], ["d1", "d2", "d3"]]) {
        await w.deprecate(G, ids);
        await w.collect(G, { limit: 1 });
        assert.notDeepEqual(await w.dump(G), before);
        await w.restore(G, ids);
        await w.collect(G, { limit: 1 });
        assert.deepEqual(await w.dump(G), before, `${ids}`);
      }
    },
  },
  {
    name: "restore: in a bulk, what is not deprecated is unchanged",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1");
      const record = await w.restore(G, ["d1", "d2", "missing"]);
      assert.deepEqual(
        record.outcomes.map(({ outcome }) => outcome),
        ["restored", "unchanged", "not_found"],
      );
    },
  },
];

/** Live entities of the library by its active documents; f is mentioned by nothing and young. */
function liveEntities(active: string[]): string[] {
  const by: Record<string, string[]> = { d1: ["a", "b", "c"], d2: ["a", "c"], d3: ["d"] };
  return [...new Set([...active.flatMap((id) => by[id] ?? []), "f"])].sort();
}
