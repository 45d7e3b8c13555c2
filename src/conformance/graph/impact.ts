import assert from "node:assert/strict";
import { compareIds, type StoredRecord } from "../../core/ports.ts";
import type { Impact } from "../../core/words.ts";
import { block, library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { recordsOf } from "./dump.ts";
import { publishLibrary } from "./published.ts";
import { failure, type World } from "./world.ts";

const G = "alpha";
type Kind = "text_unit" | "entity" | "relationship";

/** Rows that a verb, and the collection after it, hid, showed or deleted; found by comparing full scans. */
async function whatHappens(w: World, verb: Impact["verb"], ids: string[]) {
  const before = await recordsOf(w.store, G);
  const { outcomes } = await w.call(G, verb, ids, { guard: null });
  if (verb === "deprecate") await w.collect(G);
  const after = await recordsOf(w.store, G);
  const presence = (records: StoredRecord[], kind: Kind) =>
    new Map(
      records.flatMap((row) => (row.kind === kind && "presence" in row ? [[row.id, row.presence] as const] : [])),
    );
  const changed = (kind: Kind) => {
    const now = presence(after, kind);
    return [...presence(before, kind)]
      .filter(([id, was]) => (verb === "purge" ? !now.has(id) : was !== now.get(id)))
      .map(([id]) => id)
      .sort(compareIds);
  };
  return {
    outcomes,
    textUnits: changed("text_unit"),
    entities: changed("entity"),
    relationships: changed("relationship"),
  };
}

/** Preview of what a verb would do. */
export const IMPACT_CASES: GraphStoreCase[] = [
  {
    name: "impact: says exactly what then happens, and changes nothing itself",
    async run(w) {
      const choices = [["d1"], ["d2"], ["d3"], ["d1", "d2"], ["d2", "d3", "d1"], ["d1", "missing"]];
      for (const ids of choices) {
        for (const verb of ["deprecate", "restore", "purge"] as const) {
          if (!(await w.store.group(G)) || verb === "purge") {
            if (await w.store.group(G)) await w.purge(G, ["d1", "d2", "d3"]);
            await w.import(G, library(), { again: true });
          }
          const before = await w.everything(G);
          const impact = await w.store.impact(G, verb, ids);
          assert.deepEqual(await w.everything(G), before);
          assert.deepEqual([impact.groupId, impact.verb, impact.exceedsGuard], [G, verb, false]);
          assert.equal(impact.liveEntities, (await w.store.counts(G)).entities.live);
          const happened = await whatHappens(w, verb, ids);
          assert.deepEqual(impact.documents, happened.outcomes, `${verb} ${ids}`);
          for (const kind of ["textUnits", "entities", "relationships"] as const) {
            assert.deepEqual(impact[kind].ids, happened[kind], `${kind}: ${verb} ${ids}`);
            assert.equal(impact[kind].count, happened[kind].length);
          }
          assert.equal(impact.vectors, happened.textUnits.length + happened.entities.length);
        }
      }
    },
  },
  {
    name: "impact: tells shared things from those that go, and which documents stay as they are",
    async run(w) {
      await w.import(G, library());
      const d1 = await w.store.impact(G, "deprecate", ["d1"]);
      assert.deepEqual(
        [d1.textUnits, d1.entities.ids, d1.entities.shared],
        [{ count: 2, ids: ["u1", "u5"], shared: 1 }, ["b"], 1],
      );
      await w.deprecate(G, "d2");
      await w.call(G, "hold", "d3");
      const outcomes = async (verb: Impact["verb"]) =>
        (await w.store.impact(G, verb, ["d1", "d2", "d3", "missing"])).documents.map(({ outcome }) => outcome);
      assert.deepEqual(await outcomes("deprecate"), ["deprecated", "unchanged", "deprecated", "not_found"]);
      assert.deepEqual(await outcomes("restore"), ["unchanged", "restored", "unchanged", "not_found"]);
      assert.deepEqual(await outcomes("purge"), ["purged", "purged", "on_hold", "not_found"]);
      await failure(() => w.store.impact(G, "deprecate", ["missing"]), "DOCUMENT_NOT_FOUND");
    },
  },
  {
    name: "impact: names the communities whose members or texts change",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      const communities = async (id: string) => (await w.store.impact(G, "deprecate", [id])).communities;
      assert.deepEqual(await communities("d3"), ["c2", "top"]);
      assert.deepEqual(await communities("d1"), ["c1", "top"]);
    },
  },
  {
    name: "impact: lists the first thousand ids of a kind and counts all",
    async run(w) {
      const names = Array.from({ length: 1_500 }, (_, i) => `e${i}`);
      await w.import(
        G,
        block({
          documents: ["d", "k"],
          units: { u: "d", v: "k" },
          entities: names,
          mentions: { u: names.join(" ") },
          vectors: false,
        }),
      );
      const { entities, exceedsGuard } = await w.store.impact(G, "deprecate", ["d"]);
      assert.deepEqual([entities.count, exceedsGuard], [1_500, true]);
      assert.deepEqual(entities.ids, names.sort(compareIds).slice(0, 1_000));
    },
  },
];
