import assert from "node:assert/strict";
import { block, library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { idsOf, mentionsOf, relationship, textUnit } from "./look.ts";
import { POLICY, type World } from "./world.ts";

const G = "alpha";

/** The import must answer with these outcomes and change nothing. */
async function changesNothing(w: World, given: Parameters<World["import"]>[1], outcomes: string[]): Promise<void> {
  const before = await w.everything(G);
  const record = await w.import(G, given);
  assert.deepEqual(
    record.outcomes.map(({ outcome }) => outcome),
    outcomes,
  );
  assert.deepEqual(record.effect, { documents: 0, textUnits: 0, entities: 0, relationships: 0, vectors: 0 });
  assert.deepEqual(await w.everything(G), before);
}

/** Import of what was deprecated or purged in between. */
export const AGAIN_CASES: GraphStoreCase[] = [
  {
    name: "again: a deprecated document stays so and is named, held or not, with a successor or not, its text the same or not",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1", "d3");
      await w.deprecate(G, ["d2", "d3"]);
      await w.call(G, "hold", "d2");
      await changesNothing(w, library(), ["deprecated_kept", "deprecated_kept", "deprecated_kept"]);
      await w.collect(G);
      await changesNothing(w, library(), ["deprecated_kept", "deprecated_kept", "deprecated_kept"]);
      const changed = block({
        documents: ["d1", "d2"],
        units: { u1: { documents: "d1", text: "another text" }, n: "d2" },
        entities: ["new", "a"],
        mentions: { u1: "new", n: "a" },
        relationships: { late: ["new a", "u1"] },
      });
      await changesNothing(w, changed, ["deprecated_kept", "deprecated_kept"]);
    },
  },
  {
    name: "again: a deprecated document comes back with an import that asks for it, with its old text or a new one",
    async run(w) {
      await w.import(G, library());
      const before = await w.dump(G);
      await w.deprecate(G, ["d1", "d3"], "d2");
      await w.collect(G);
      const record = await w.import(G, library(), { restore: true });
      assert.deepEqual(
        record.outcomes.map(({ outcome }) => outcome),
        ["restored", "unchanged", "restored"],
      );
      assert.deepEqual(await w.dump(G), before);
      await w.deprecate(G, "d3");
      await w.call(G, "hold", "d3");
      const changed = block({ documents: ["d3"], units: { n: "d3" } });
      await w.refuses(G, "LEGAL_HOLD", () => w.import(G, changed, { restore: true }));
      await w.call(G, "release", "d3");
      assert.equal((await w.import(G, changed, { restore: true })).outcomes[0]?.outcome, "replaced");
      assert.equal((await textUnit(w, G, "n")).presence, "live");
    },
  },
  {
    name: "again: of a block whose documents are kept in part, the rest is imported, and nothing of the kept ones",
    async run(w) {
      const entities = ["a", "b", "c", "hand"];
      await w.import(G, block({ documents: ["old"], units: { u: "old" }, entities: ["b"], mentions: { u: "b" } }));
      await w.deprecate(G, "old");
      await w.collect(G);
      const both = block({
        documents: ["old", "new"],
        units: { u: "old", ours: "old new", mine: "new", hidden: "old" },
        entities,
        mentions: { ours: "a", mine: "a", hidden: "b c" },
        relationships: { shared: ["a a", "ours hidden"], gone: ["b c", "hidden"], end: ["a c"], free: ["hand a"] },
      });
      both.mentions.push({ textUnit: "hidden", entity: "a" });
      const record = await w.import(G, both);
      assert.deepEqual(record.outcomes, [
        { id: "old", outcome: "deprecated_kept" },
        { id: "new", outcome: "imported" },
      ]);
      assert.equal((await w.store.document(G, "old"))?.status, "deprecated");
      assert.deepEqual(await idsOf(w, G, "text_unit"), ["mine", "ours", "u"]);
      assert.deepEqual((await textUnit(w, G, "ours")).documents, ["new"]);
      assert.deepEqual(await idsOf(w, G, "entity", "live"), ["a", "hand"], "b stays parked, c never came");
      assert.deepEqual(await idsOf(w, G, "relationship"), ["free", "shared"]);
      assert.deepEqual((await relationship(w, G, "shared")).textUnits, ["ours"]);
      assert.deepEqual(await mentionsOf(w, G, "ours"), ["a"]);
      await changesNothing(w, both, ["deprecated_kept", "unchanged"]);
    },
  },
  {
    name: "again: a document that was purged stays away and is named, by a call or by the end of its window, until it is asked for",
    async run(w) {
      await w.import(G, library());
      await w.purge(G, "d1");
      await w.deprecate(G, "d3");
      w.later(POLICY.restoreWindowMs);
      await w.collect(G);
      await changesNothing(w, library(), ["purged_before", "unchanged", "purged_before"]);
      const changed = block({ documents: ["d1"], units: { u1: { documents: "d1", text: "another text" } } });
      await changesNothing(w, changed, ["purged_before"]);
      await w.refuses(G, "DOCUMENT_NOT_FOUND", () => w.replace(G, changed));
      const record = await w.import(G, library(), { again: true });
      assert.deepEqual(
        record.outcomes.map(({ outcome }) => outcome),
        ["imported", "unchanged", "imported"],
      );
      await w.import("fresh", library());
      const versions = (lines: string[]) => lines.map((line) => line.replace(/"version":\d+/, ""));
      assert.deepEqual(versions(await w.dump(G)), versions(await w.dump("fresh")), "as if it had never been away");
      await changesNothing(w, library(), ["unchanged", "unchanged", "unchanged"]);
      assert.equal((await w.import("beta", changed)).outcomes[0]?.outcome, "imported", "another group knows nothing");
    },
  },
  {
    name: "again: a purged document is not brought back as an owner of a text unit",
    async run(w) {
      await w.import(G, library());
      await w.purge(G, "d1");
      const shared = block({
        documents: ["d4"],
        units: { n: "d1 d4", gone: "d1" },
        entities: ["x"],
        mentions: { gone: "x" },
      });
      const record = await w.import(G, shared);
      assert.deepEqual(record.outcomes, [{ id: "d4", outcome: "imported" }]);
      assert.deepEqual((await textUnit(w, G, "n")).documents, ["d4"]);
      assert.ok(!(await idsOf(w, G, "text_unit")).includes("gone"));
      assert.ok(!(await idsOf(w, G, "entity")).includes("x"));
    },
  },
];
