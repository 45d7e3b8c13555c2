import assert from "node:assert/strict";
import { vectorHex } from "../../core/canonical.ts";
import { block, hexOf, library, vectorOf } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { entity, idsOf, mentionsOf, relationship, textUnit } from "./look.ts";
import { DAY, POLICY, type World } from "./world.ts";

const G = "alpha";

async function unitHex(w: World, id: string): Promise<string> {
  return vectorHex((await textUnit(w, G, id)).vector?.values as Float32Array);
}

async function textsOf(w: World, document: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const id of await idsOf(w, G, "text_unit")) {
    const unit = await textUnit(w, G, id);
    if (unit.documents.includes(document)) found[id] = unit.text;
  }
  return found;
}

/** A new text under a document's old id. */
export const REPLACE_CASES: GraphStoreCase[] = [
  {
    name: "replace: the document must exist",
    async run(w) {
      const version = block({ documents: ["new"], units: { u: "new" } });
      const error = await w.refuses("never-was", "GROUP_NOT_FOUND", () => w.replace("never-was", version));
      assert.ok(error.message.includes("never-was"));
      await w.import(G, library());
      await w.refuses(G, "DOCUMENT_NOT_FOUND", () => w.replace(G, version));
    },
  },
  {
    name: "replace: raises the version and takes over title, metadata and hash; by import alike",
    async run(w) {
      for (const how of ["replace", "import"] as const) {
        const g = `by-${how}`;
        const first = await w.import(
          g,
          block({ documents: [{ id: "d", title: "One", metadata: { a: 1 } }], units: { u: "d" } }),
        );
        const second = block({ documents: [{ id: "d", contentHash: "h2", metadata: { b: 2 } }], units: { v: "d" } });
        const record = await w[how](g, second);
        assert.deepEqual(record.outcomes, [{ id: "d", outcome: "replaced" }]);
        assert.equal(record.generation, 2);
        const document = await w.store.document(g, "d");
        assert.equal(document?.version, 2);
        assert.equal(document?.title, null);
        assert.equal(document?.contentHash, "h2");
        assert.deepEqual(document?.metadata, { b: 2 });
        assert.equal(document?.createdAt, first.at);
        assert.equal(document?.textUnits, 1);
      }
    },
  },
  {
    name: "replace: an equal text keeps its old unit's id, vector, mentions and support, whatever its new id",
    async run(w) {
      const first = block({
        documents: ["d"],
        units: { u1: { documents: "d", text: "kept" }, u2: { documents: "d", text: "dropped" } },
        entities: ["a", "b", "c"],
        mentions: { u1: "a", u2: "b" },
        relationships: { r: ["a c", "u1"] },
      });
      await w.import(G, first);
      const second = block({
        documents: ["d"],
        units: { n1: { documents: "d", text: "new" }, n2: { documents: "d", text: "kept" } },
        entities: ["a", "b", "e"],
        mentions: { n1: "b", n2: "e" },
        relationships: { s: ["a e", "n2"] },
      });
      (second.textUnits[1] as { embedding: Float32Array }).embedding = vectorOf("computed anew, with other bits");
      await w.replace(G, second);
      assert.deepEqual(await textsOf(w, "d"), { n1: "new", u1: "kept" });
      assert.equal(await unitHex(w, "u1"), hexOf("kept"), "the old vector, bit for bit");
      assert.deepEqual(await mentionsOf(w, G, "u1"), ["a", "c", "e"], "old and new mentions");
      assert.deepEqual((await relationship(w, G, "r")).textUnits, ["u1"]);
      assert.deepEqual((await relationship(w, G, "s")).textUnits, ["u1"], "the new id is understood as the old one");
    },
  },
  {
    name: "replace: a kept unit without a vector takes the new one",
    async run(w) {
      await w.import(G, block({ documents: ["d"], units: { u: { documents: "d", text: "kept" } }, vectors: false }));
      const second = block({
        documents: [{ id: "d", contentHash: "2" }],
        units: { n: { documents: "d", text: "kept" } },
      });
      await w.replace(G, second);
      assert.equal(await unitHex(w, "u"), hexOf("kept"));
      assert.equal((await textUnit(w, G, "u")).vector?.place, "searchable");
    },
  },
  {
    name: "replace: units without an owner go with their mentions and their place in support, which stays known",
    async run(w) {
      await w.import(G, library());
      const record = await w.replace(
        G,
        block({ documents: ["d1"], units: { n: "d1" }, entities: ["a"], mentions: { n: "a" } }),
      );
      assert.equal(record.outcomes[0]?.outcome, "replaced");
      assert.deepEqual(await idsOf(w, G, "text_unit"), ["n", "u2", "u3", "u4"], "u1 and u5 are gone, u2 is d2's");
      assert.deepEqual((await textUnit(w, G, "u2")).documents, ["d2"]);
      const ab = await relationship(w, G, "ab");
      assert.deepEqual([ab.textUnits, ab.presence, ab.candidate], [[], "live", true], "hidden by the collection only");
      const b = await entity(w, G, "b");
      assert.deepEqual([b.presence, b.candidate, b.everMentioned], ["live", ["orphan_entities"], true]);
      await w.collect(G);
      assert.deepEqual(await idsOf(w, G, "entity", "parked"), ["b"]);
      assert.deepEqual(await idsOf(w, G, "relationship", "parked"), ["ab", "bc"]);
      w.later(POLICY.restoreWindowMs);
      await w.collect(G);
      assert.deepEqual(await idsOf(w, G, "entity", "parked"), [], "nothing can bring b back: it goes after the window");
      assert.deepEqual(await idsOf(w, G, "relationship"), ["ac", "ad", "cc", "dd", "fa"]);
    },
  },
  {
    name: "replace: a unit shared with a deprecated document is parked at once",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d2");
      assert.equal((await textUnit(w, G, "u2")).presence, "live");
      await w.replace(G, block({ documents: ["d1"], units: { n: "d1" } }));
      const unit = await textUnit(w, G, "u2");
      assert.deepEqual([unit.documents, unit.presence, unit.vector?.place], [["d2"], "parked", "parked"]);
      assert.deepEqual((await entity(w, G, "c")).candidate, ["orphan_entities"]);
    },
  },
  {
    name: "replace: the same content is unchanged; it brings a deprecated document back when it is asked to",
    async run(w) {
      const content = block({ documents: ["d"], units: { u: "d" } });
      await w.import(G, content);
      const before = await w.everything(G);
      assert.equal((await w.replace(G, content)).outcomes[0]?.outcome, "unchanged");
      assert.deepEqual(await w.everything(G), before);
      await w.deprecate(G, "d");
      await w.refuses(G, "DOCUMENT_DEPRECATED", () => w.replace(G, content));
      assert.equal((await w.replace(G, content, { restore: true })).outcomes[0]?.outcome, "restored");
      assert.equal((await w.store.document(G, "d"))?.version, 1);
      assert.equal((await textUnit(w, G, "u")).presence, "live");
    },
  },
  {
    name: "replace: a deprecated document comes back with the new content when it is asked to; time and successor are cleared",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1", "d2");
      await w.collect(G);
      const version = block({
        documents: ["d1"],
        units: { n: { documents: "d1", text: "text of u1" } },
        mentions: { n: "b" },
      });
      assert.equal((await w.import(G, version, { restore: true })).outcomes[0]?.outcome, "replaced");
      const document = await w.store.document(G, "d1");
      assert.deepEqual(
        [document?.status, document?.version, document?.deprecatedAt, document?.successor],
        ["active", 2, null, null],
      );
      const unit = await textUnit(w, G, "u1");
      assert.deepEqual([unit.presence, unit.vector?.place], ["live", "searchable"]);
      assert.equal((await entity(w, G, "b")).presence, "live", "what the kept unit mentions is back at once");
    },
  },
  {
    name: "replace: ids that count positions, moved by a text put in front, keep their texts",
    async run(w) {
      const at = (texts: string[]) => Object.fromEntries(texts.map((text, i) => [`d-${i}`, { documents: "d", text }]));
      const entities = ["a", "b", "c"];
      await w.import(
        G,
        block({ documents: ["d"], units: at(["one", "two"]), entities, mentions: { "d-0": "a", "d-1": "b" } }),
      );
      const second = block({ documents: ["d"], units: at(["zero", "one", "two"]), entities, mentions: { "d-0": "c" } });
      await w.replace(G, second);
      assert.deepEqual(
        await textsOf(w, "d"),
        { "d-0": "one", "d-1": "two", "d-2": "zero" },
        "the new text takes the free id",
      );
      assert.deepEqual(await mentionsOf(w, G, "d-0"), ["a"]);
      assert.deepEqual(await mentionsOf(w, G, "d-2"), ["c"], "what the block says of its d-0 is said of zero");
      assert.equal(await unitHex(w, "d-0"), hexOf("one"));
      const before = await w.dump(G);
      assert.equal((await w.import(G, second)).outcomes[0]?.outcome, "unchanged");
      await w.deprecate(G, "d");
      assert.equal((await w.import(G, second, { restore: true })).outcomes[0]?.outcome, "restored");
      assert.deepEqual(await w.dump(G), before, "the same version again finds the same units");
    },
  },
  {
    name: "replace: texts that exchange their ids stay with their old ids",
    async run(w) {
      const units = { u: { documents: "d", text: "one" }, v: { documents: "d", text: "two" } };
      await w.import(G, block({ documents: ["d"], units }));
      const swapped = { v: { documents: "d", text: "one" }, u: { documents: "d", text: "two" } };
      await w.replace(G, block({ documents: [{ id: "d", contentHash: "2" }], units: swapped }));
      assert.deepEqual(await textsOf(w, "d"), { u: "one", v: "two" });
    },
  },
  {
    name: "replace: a text that stands twice stays twice",
    async run(w) {
      const twice = { u: { documents: "d", text: "Yes." }, v: { documents: "d", text: "Yes." } };
      await w.import(G, block({ documents: ["d"], units: twice }));
      await w.replace(G, block({ documents: [{ id: "d", contentHash: "2" }], units: twice }));
      assert.deepEqual(await textsOf(w, "d"), { u: "Yes.", v: "Yes." });
      const renamed = {
        x: { documents: "d", text: "Yes." },
        y: { documents: "d", text: "Yes." },
        z: { documents: "d", text: "Yes." },
      };
      await w.replace(G, block({ documents: [{ id: "d", contentHash: "3" }], units: renamed }));
      assert.deepEqual(await textsOf(w, "d"), { u: "Yes.", v: "Yes.", z: "Yes." }, "one to one, the rest is new");
    },
  },
  {
    name: "replace: an id used again for another text of the same document is a new unit",
    async run(w) {
      const entities = ["a", "b"];
      await w.import(
        G,
        block({ documents: ["d"], units: { u: { documents: "d", text: "old" } }, entities, mentions: { u: "a" } }),
      );
      await w.replace(
        G,
        block({ documents: ["d"], units: { u: { documents: "d", text: "new" } }, entities, mentions: { u: "b" } }),
      );
      assert.deepEqual(await textsOf(w, "d"), { u: "new" });
      assert.deepEqual(await mentionsOf(w, G, "u"), ["b"], "the old text's mentions are gone");
      assert.equal(await unitHex(w, "u"), hexOf("new"));
      assert.deepEqual((await entity(w, G, "a")).candidate, ["orphan_entities"]);
    },
  },
  {
    name: "replace: an id used again for another text is a conflict while another document owns the old one",
    async run(w) {
      await w.import(G, library());
      const version = block({ documents: ["d1"], units: { u2: { documents: "d1", text: "another" } } });
      await w.refuses(G, "CONFLICT", () => w.replace(G, version));
      const both = block({ documents: ["d1", "d2"], units: { u2: { documents: "d1 d2", text: "another" } } });
      await w.import(G, both); // All its owners are replaced in this block.
      assert.equal((await textUnit(w, G, "u2")).text, "another");
      assert.deepEqual(await mentionsOf(w, G, "u2"), []);
    },
  },
  {
    name: "replace: a unit that passes from one document of the block to another is not removed in between",
    async run(w) {
      const first = block({
        documents: ["d", "e"],
        units: { u: "d", v: "e" },
        entities: ["a"],
        relationships: { r: ["a a", "u"] },
      });
      await w.import(G, first);
      const moved = block({ documents: ["d", "e"], units: { x: "d", u: "e", v: "e" }, vectors: false });
      const record = await w.import(G, moved);
      assert.equal(record.effect.textUnits, 1, "x is new; u is neither new nor gone");
      assert.deepEqual((await textUnit(w, G, "u")).documents, ["e"]);
      assert.equal(await unitHex(w, "u"), hexOf("text of u"));
      assert.deepEqual(await mentionsOf(w, G, "u"), ["a"]);
      assert.deepEqual((await relationship(w, G, "r")).textUnits, ["u"]);
    },
  },
  {
    name: "replace: a document that comes back after a replace does not double its units",
    async run(w) {
      const kept = { documents: "d", text: "kept" };
      await w.import(G, block({ documents: ["d"], units: { u: kept } }));
      const second = block({ documents: ["d"], units: { n: kept, m: "d" } });
      await w.replace(G, second);
      await w.deprecate(G, "d");
      assert.equal((await w.import(G, second, { restore: true })).outcomes[0]?.outcome, "restored");
      assert.deepEqual(await textsOf(w, "d"), { m: "text of m", u: "kept" });
    },
  },
  {
    name: "replace: chains of successors and versions stay as they are told",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1", "d2");
      await w.deprecate(G, "d2", "d3");
      assert.equal((await w.store.document(G, "d1"))?.successor, "d2");
      assert.equal((await w.store.document(G, "d2"))?.successor, "d3");
      await w.restore(G, "d2");
      assert.equal((await w.store.document(G, "d1"))?.successor, "d2");
      assert.equal((await w.store.document(G, "d2"))?.successor, null);
      await w.deprecate(G, "d2", "d1"); // Two that name each other harm nobody.
      w.later(DAY);
      await w.collect(G);
      await w.restore(G, ["d1", "d2"]);
      assert.equal((await w.store.counts(G)).documents.deprecated, 0);
    },
  },
];
