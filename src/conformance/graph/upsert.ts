import assert from "node:assert/strict";
import { vectorHex } from "../../core/canonical.ts";
import { block, hexOf, library, vectorOf } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { entity, relationship, textUnit } from "./look.ts";

const G = "alpha";

/** Import of what is stored already, and of what touches it. */
export const UPSERT_CASES: GraphStoreCase[] = [
  {
    name: "import: a unit with an id and text that are stored gets the new owners, and a vector if it had none",
    async run(w) {
      const bare = block({ documents: ["d"], units: { u: "d", v: "d" } });
      delete (bare.textUnits[0] as { embedding?: Float32Array }).embedding;
      await w.import(G, bare);
      const more = block({ documents: ["e"], units: { u: "e", v: "e" } });
      (more.textUnits[1] as { embedding: Float32Array }).embedding = vectorOf("another");
      await w.import(G, more);
      assert.deepEqual((await textUnit(w, G, "u")).documents, ["d", "e"]);
      assert.equal(await hexOfUnit(w, "u"), hexOf("text of u"), "the absent vector is filled");
      assert.equal(await hexOfUnit(w, "v"), hexOf("text of v"), "the present vector stays");
    },
  },
  {
    name: "import: a unit with a stored id and another text is a conflict with its other owners",
    async run(w) {
      await w.import(G, library());
      const other = block({ documents: ["x"], units: { u1: { documents: "x", text: "another" } } });
      const error = await w.refuses(G, "CONFLICT", () => w.import(G, other));
      assert.equal(error.details.field, "text_unit");
      assert.equal(error.details.id, "u1");
    },
  },
  {
    name: "import: an entity's name is overwritten, its type, description and vector only where given",
    async run(w) {
      const first = block({ documents: ["d"], units: { u: "d" }, mentions: { u: "a" } });
      first.entities.push({ id: "a", name: "One", type: "T", description: "D", embedding: vectorOf("one") });
      await w.import(G, first);
      await w.import(G, block({ documents: ["e"], entities: { a: "Two" }, vectors: false }));
      const kept = await entity(w, G, "a");
      assert.deepEqual([kept.name, kept.type, kept.description], ["Two", "T", "D"]);
      assert.equal(vectorHex(kept.vector?.values as Float32Array), hexOf("one"));
      const third = block({ documents: ["f"] });
      third.entities.push({ id: "a", name: "Three", type: "T3", description: "D3", embedding: vectorOf("three") });
      await w.import(G, third);
      const now = await entity(w, G, "a");
      assert.deepEqual([now.name, now.type, now.description], ["Three", "T3", "D3"]);
      assert.equal(vectorHex(now.vector?.values as Float32Array), hexOf("three"));
      assert.equal(now.createdAt, kept.createdAt, "it is as old as it was");
    },
  },
  {
    name: "import: a relationship's description and weight are overwritten where given, other ends or types are a conflict",
    async run(w) {
      const first = block({
        documents: ["d"],
        units: { u: "d" },
        entities: ["a", "b"],
        relationships: { r: ["a b", "u"] },
      });
      await w.import(G, first);
      assert.equal((await relationship(w, G, "r")).weight, 1, "the weight is 1 when absent");
      const again = (change: object) => {
        const more = block({ documents: [`d${w.now}`] });
        more.relationships.push({ id: "r", source: "a", target: "b", type: "relates to", textUnits: ["u"], ...change });
        return w.import(G, more);
      };
      await again({ description: "first", weight: 2.5 });
      await again({});
      const kept = await relationship(w, G, "r");
      assert.deepEqual([kept.description, kept.weight], ["first", 2.5]);
      for (const change of [{ source: "b" }, { target: "a" }, { type: "other" }]) {
        const error = await w.refuses(G, "CONFLICT", () => again(change));
        assert.equal(error.details.field, "relationship");
        assert.equal(error.details.id, "r");
      }
    },
  },
  {
    name: "import: support is united when both know it, and unknown if either does not",
    async run(w) {
      await w.import(G, library());
      const state = async (id: string, support: string[] | undefined) => {
        const more = block({ documents: [`d${w.now}`] });
        const { source, target, type } = await relationship(w, G, id);
        more.relationships.push({ id, source, target, type, textUnits: support });
        await w.import(G, more);
        return (await relationship(w, G, id)).textUnits;
      };
      assert.deepEqual(await state("ab", ["u2", "u1"]), ["u1", "u2"]);
      assert.equal(await state("ab", undefined), null);
      assert.equal(await state("ab", ["u1"]), null, "unknown stays unknown");
      assert.equal(await state("bc", ["u2"]), null);
    },
  },
  {
    name: "import: a unit whose owners are all deprecated is parked, with its vector; what it alone mentions waits as a candidate",
    async run(w) {
      await w.import(G, block({ documents: ["old"], units: { u: "old" }, entities: ["a"], mentions: { u: "a" } }));
      await w.deprecate(G, "old");
      await w.collect(G);
      const late = block({
        documents: ["new"],
        units: { v: "old", n: "new" },
        entities: ["b", "a"],
        mentions: { v: "a b" },
      });
      await w.import(G, late);
      const unit = await textUnit(w, G, "v");
      assert.equal(unit.presence, "parked");
      assert.equal(unit.vector?.place, "parked");
      const b = await entity(w, G, "b");
      assert.deepEqual([b.presence, b.candidate, b.everMentioned], ["live", ["orphan_entities"], true]);
      assert.equal((await entity(w, G, "a")).presence, "parked", "nothing live mentions it: it stays parked");
      await w.collect(G);
      assert.equal((await entity(w, G, "b")).presence, "parked");
    },
  },
  {
    name: "import: a live mention brings a parked entity back at once, with its vector and its relationships",
    async run(w) {
      await w.import(G, library());
      const before = await w.dump(G);
      await w.deprecate(G, "d3");
      await w.collect(G);
      assert.equal((await entity(w, G, "d")).presence, "parked");
      await w.import(G, block({ documents: ["d4"], units: { u9: "d4" }, mentions: { u9: "d" } }));
      const d = await entity(w, G, "d");
      assert.equal(d.presence, "live");
      assert.equal(d.vector?.place, "searchable");
      assert.equal((await relationship(w, G, "ad")).presence, "live", "support unknown: it follows its ends");
      assert.equal((await relationship(w, G, "dd")).presence, "parked", "its known support is still parked");
      await w.purge(G, "d4");
      await w.restore(G, "d3");
      assert.deepEqual(await w.dump(G), before);
    },
  },
];

async function hexOfUnit(w: Parameters<GraphStoreCase["run"]>[0], id: string): Promise<string> {
  return vectorHex((await textUnit(w, G, id)).vector?.values as Float32Array);
}
