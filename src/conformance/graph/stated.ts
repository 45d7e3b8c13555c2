import assert from "node:assert/strict";
import type { ImportBlock } from "../../core/words.ts";
import { block } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { entity, idsOf, mentionsOf, relationship } from "./look.ts";
import type { World } from "./world.ts";

const G = "alpha";

/** As `block`, but the units mention only what stands in `mentions`. */
function untold(sketch: Parameters<typeof block>[0]): ImportBlock {
  return { ...block(sketch), mentions: block({ ...sketch, relationships: {} }).mentions };
}

/** Anna is mentioned in d1 alone; d2 states that she runs Acme, and mentions Acme alone. */
async function importBoth(w: World): Promise<void> {
  await w.import(G, untold({ documents: ["d1"], units: { u1: "d1" }, entities: ["anna"], mentions: { u1: "anna" } }));
  await w.import(
    G,
    untold({
      documents: ["d2"],
      units: { u2: "d2" },
      entities: ["acme"],
      mentions: { u2: "acme" },
      relationships: { runs: ["anna acme", "u2"] },
    }),
  );
}

const presences = async (w: World) =>
  Promise.all([entity(w, G, "anna"), entity(w, G, "acme"), relationship(w, G, "runs")]).then((rows) =>
    rows.map((row) => row.presence),
  );

/** A text unit that supports a relationship mentions both ends, whatever the block says. */
export const STATED_CASES: GraphStoreCase[] = [
  {
    name: "stated: a fact keeps its ends while a live unit states it, although no mention was given",
    async run(w) {
      await importBoth(w);
      assert.deepEqual(await mentionsOf(w, G, "u2"), ["acme", "anna"]);
      const before = await w.dump(G);
      const impact = await w.store.impact(G, "deprecate", ["d1"]);
      assert.deepEqual([impact.entities.count, impact.relationships.count], [0, 0]);
      await w.deprecate(G, "d1");
      await w.collect(G);
      assert.deepEqual(await presences(w), ["live", "live", "live"]);
      await w.deprecate(G, "d2");
      await w.collect(G);
      assert.deepEqual(await presences(w), ["parked", "parked", "parked"]);
      await w.restore(G, "d2");
      assert.deepEqual(await presences(w), ["live", "live", "live"], "at once");
      await w.restore(G, "d1");
      assert.deepEqual(await w.dump(G), before);
      await w.purge(G, "d1");
      await w.collect(G);
      assert.deepEqual(await presences(w), ["live", "live", "live"]);
      await w.purge(G, "d2");
      assert.deepEqual([await idsOf(w, G, "entity"), await idsOf(w, G, "relationship")], [[], []]);
    },
  },
  {
    name: "stated: support that a later import adds mentions the ends too; a replace takes both away",
    async run(w) {
      await importBoth(w);
      const again = { documents: ["d3"], units: { u3: "d3" } };
      await w.import(G, untold({ ...again, relationships: { runs: ["anna acme", "u3"] } }));
      await w.deprecate(G, ["d1", "d2"]);
      await w.collect(G);
      assert.deepEqual(await presences(w), ["live", "live", "live"]);
      await w.replace(G, untold({ ...again, units: { u3: { documents: "d3", text: "nothing of it" } } }));
      await w.collect(G);
      assert.deepEqual(await presences(w), ["parked", "parked", "parked"]);
    },
  },
];
