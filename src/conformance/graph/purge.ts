import assert from "node:assert/strict";
import { readPublished } from "../../core/published.ts";
import { block, library, vectorOf } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { recordsOf } from "./dump.ts";
import { entity, idsOf, mentionsOf, relationship, textUnit } from "./look.ts";
import { publishLibrary } from "./published.ts";

const G = "alpha";

/** Purge, legal hold and the guard. */
export const PURGE_CASES: GraphStoreCase[] = [
  {
    name: "purge: removes the document, its own units, entities without a mention and relationships without an end or support",
    async run(w) {
      await w.import(G, library());
      const record = await w.purge(G, "d1");
      assert.deepEqual(record.outcomes, [{ id: "d1", outcome: "purged" }]);
      assert.deepEqual(record.effect, { documents: 1, textUnits: 2, entities: 1, relationships: 2, vectors: 3 });
      assert.equal(record.generation, 2);
      assert.equal(await w.store.document(G, "d1"), null);
      assert.deepEqual(await idsOf(w, G, "text_unit"), ["u2", "u3", "u4"]);
      assert.deepEqual(await idsOf(w, G, "entity"), ["a", "c", "d", "f"]);
      assert.deepEqual(await idsOf(w, G, "relationship"), ["ac", "ad", "cc", "dd", "fa"]);
      assert.deepEqual((await textUnit(w, G, "u2")).documents, ["d2"], "the shared unit stays with its other owner");
      assert.equal((await textUnit(w, G, "u2")).presence, "live");
    },
  },
  {
    name: "purge: leaves no trace in any record, count or search, and touches nothing else",
    async run(w) {
      const only = block({
        documents: [{ id: "secret-doc", title: "secret-title", metadata: { key: "secret-metadata" } }],
        units: { "secret-unit": { documents: "secret-doc", text: "secret-text" } },
        entities: { "secret-entity": "secret-name" },
        mentions: { "secret-unit": "secret-entity" },
      });
      await w.import(G, library());
      const before = await w.dump(G);
      const counts = await w.store.counts(G);
      only.mentions.push({ textUnit: "secret-unit", entity: "a" });
      const ends = { type: "secret-type", description: "secret-description" };
      only.relationships.push({ id: "secret-1", source: "a", target: "secret-entity", ...ends });
      only.relationships.push({ id: "secret-2", source: "a", target: "a", textUnits: ["secret-unit"], ...ends });
      await w.import(G, only);
      assert.ok(JSON.stringify(await w.dump(G)).includes("secret"));
      await w.purge(G, "secret-doc");
      assert.deepEqual(await w.dump(G), before);
      const { candidates: _, ...now } = await w.store.counts(G);
      const { candidates: __, ...then } = counts;
      assert.deepEqual(now, then);
      for (const kind of ["text_unit", "entity"] as const) {
        const hits = await w.store.search(G, { of: kind, vector: vectorOf("secret-text"), k: 100 });
        assert.ok(!JSON.stringify(hits).includes("secret"));
      }
      assert.ok(!JSON.stringify(await w.store.documents(G, { limit: 100 })).includes("secret"));
    },
  },
  {
    name: "purge: works on deprecated documents, before and after collection, and several at once",
    async run(w) {
      const ends: string[][] = [];
      for (const [i, prepare] of [false, true].entries()) {
        const g = G + i;
        await w.import(g, library());
        await w.deprecate(g, ["d1", "d2"]);
        if (prepare) await w.collect(g);
        const record = await w.purge(g, ["d2", "d1", "missing"]);
        assert.deepEqual(
          record.outcomes.map(({ outcome }) => outcome),
          ["purged", "purged", "not_found"],
        );
        await w.collect(g);
        ends.push(await w.dump(g));
        assert.deepEqual(await idsOf(w, g, "entity"), ["d", "f"]);
        assert.deepEqual(await idsOf(w, g, "relationship"), ["dd"], "an unknown support lives by its ends only");
      }
      assert.deepEqual(ends[0], ends[1]);
    },
  },
  {
    name: "purge: an entity that a parked unit still mentions stays, as a candidate, and comes back with its document",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d2");
      await w.purge(G, "d1");
      const unit = await textUnit(w, G, "u2");
      assert.deepEqual([unit.documents, unit.presence, unit.vector?.place], [["d2"], "parked", "parked"]);
      assert.deepEqual((await entity(w, G, "a")).candidate, ["orphan_entities"]);
      await w.collect(G);
      assert.deepEqual(await idsOf(w, G, "entity", "parked"), ["a", "c"]);
      await w.restore(G, "d2");
      assert.deepEqual(await idsOf(w, G, "entity", "parked"), []);
      assert.equal((await relationship(w, G, "ac")).presence, "live");
    },
  },
  {
    name: "purge: a relationship with other support, or with unknown support and both ends, stays",
    async run(w) {
      const more = block({
        documents: ["d1", "d2"],
        units: { u1: "d1", u2: "d2" },
        entities: ["a", "b"],
        relationships: { both: ["a b", "u1 u2"], one: ["a b", "u1"], unknown: ["a b"] },
      });
      await w.import(G, more);
      await w.purge(G, "d1");
      assert.deepEqual(await idsOf(w, G, "relationship", "live"), ["both", "unknown"]);
      assert.deepEqual((await relationship(w, G, "both")).textUnits, ["u2"]);
      assert.deepEqual(await mentionsOf(w, G, "u1"), []);
    },
  },
  {
    name: "purge: published and staged rows of purged entities vanish at once and do not come back with a publication",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      await w.withLease(G, async (fence) => {
        const similarity = [
          { a: "a", b: "b", score: 0.5 },
          { a: "a", b: "d", score: 0.25 },
        ];
        const ranks = [
          { entity: "b", score: 0.5, component: "a" },
          { entity: "d", score: 0.5, component: "a" },
        ];
        const memberships = [{ level: 0, entity: "b", community: "c1" }];
        await w.store.stageAnalytics(fence, { upsert: { similarity, ranks, memberships }, remove: {} }, w.now);
        await w.purge(G, "d1"); // With it goes b.
        const noB = async () => {
          const published = await readPublished(w.store, G);
          assert.ok(published.similarity.every((row) => row.a !== "b" && row.b !== "b"));
          assert.ok(published.memberships.every((row) => row.entity !== "b"));
          assert.ok(published.ranks.every((row) => row.entity !== "b"));
          assert.deepEqual(
            (await w.store.members(G, "c1", { limit: 10 })).items.filter((id) => id === "b"),
            [],
          );
          assert.equal((await w.store.counts(G)).similarityEdges, published.similarity.length);
        };
        await noB();
        const late = {
          ranks: [{ entity: "b", score: 0.75, component: "a" }],
          memberships,
          similarity: similarity.slice(0, 1),
        };
        await w.store.stageAnalytics(fence, { upsert: late, remove: {} }, w.now); // Read before the purge, staged after it.
        await w.store.publishAnalytics(fence, { generation: 1, state: null, detail: {}, now: w.now });
        await noB();
        const { ranks: published } = await readPublished(w.store, G);
        assert.equal(published.find((row) => row.entity === "d")?.score, 0.5, "what was staged of others is published");
        const readers = JSON.stringify(await recordsOf(w.store, G));
        assert.ok(!readers.includes('"entity":"b"'));
      });
    },
  },
  {
    name: "purge: no other document names the purged one as its successor any more",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1", "d2");
      await w.purge(G, "d2");
      assert.equal((await w.store.document(G, "d1"))?.successor, null);
      assert.equal((await w.store.document(G, "d1"))?.status, "deprecated");
    },
  },
  {
    name: "purge: an import of the same id starts at version 1",
    async run(w) {
      await w.import(G, library());
      await w.replace(G, block({ documents: ["d1"], units: { n: "d1" } }));
      assert.equal((await w.store.document(G, "d1"))?.version, 2);
      await w.purge(G, "d1");
      const { at, outcomes } = await w.import(G, block({ documents: ["d1"], units: { u1: "d1" } }), { again: true });
      assert.deepEqual(outcomes, [{ id: "d1", outcome: "imported" }]);
      const document = await w.store.document(G, "d1");
      assert.deepEqual([document?.version, document?.createdAt, document?.status], [1, at, "active"]);
      assert.deepEqual(await mentionsOf(w, G, "u1"), [], "and its units begin anew");
    },
  },
  {
    name: "purge: a group whose documents are all purged is empty; its operations and its audit stay",
    async run(w) {
      await w.import(G, library(), { id: "import" });
      await publishLibrary(w, G);
      await w.purge(G, ["d1", "d2", "d3"]);
      assert.deepEqual(await idsOf(w, G, "text_unit"), []);
      assert.deepEqual(await idsOf(w, G, "entity"), ["f"], "nothing ever mentioned f: the sweep is for that");
      assert.deepEqual(await idsOf(w, G, "relationship"), []);
      assert.equal((await w.store.operation(G, "import"))?.outcomes.length, 3);
      assert.equal((await w.state(G)).generation, 2);
      assert.ok((await w.store.audit(G, { afterSeq: 0, limit: 10 })).length >= 2);
    },
  },
  {
    name: "hold: a flag that keeps a document from being purged or replaced, and from nothing else",
    async run(w) {
      await w.import(G, library());
      const held = await w.call(G, "hold", ["d1", "d3"]);
      assert.deepEqual(
        held.outcomes.map(({ outcome }) => outcome),
        ["held", "held"],
      );
      assert.equal(held.generation, 2);
      assert.equal((await w.store.document(G, "d1"))?.legalHold, true);
      const before = await w.everything(G);
      assert.equal((await w.call(G, "hold", "d1")).outcomes[0]?.outcome, "unchanged");
      assert.equal((await w.call(G, "release", "d2")).outcomes[0]?.outcome, "unchanged");
      assert.deepEqual(await w.everything(G), before);
      await w.refuses(G, "LEGAL_HOLD", () => w.purge(G, "d1"));
      const version = block({ documents: ["d9", "d1"], units: { n: "d1", m: "d9" } });
      await w.refuses(G, "LEGAL_HOLD", () => w.import(G, version));
      await w.refuses(G, "LEGAL_HOLD", () => w.replace(G, block({ documents: ["d1"], units: { n: "d1" } })));
      await w.deprecate(G, "d1");
      await w.refuses(G, "LEGAL_HOLD", () => w.purge(G, "d1"));
      assert.equal(
        (await w.import(G, library(), { restore: true })).outcomes[0]?.outcome,
        "restored",
        "the same content is no replacement",
      );
      const bulk = await w.purge(G, ["d1", "d2"]);
      assert.deepEqual(
        bulk.outcomes.map(({ outcome }) => outcome),
        ["on_hold", "purged"],
      );
      assert.ok(await w.store.document(G, "d1"));
      assert.equal(await w.store.document(G, "d2"), null);
      const released = await w.call(G, "release", "d1");
      assert.deepEqual([released.outcomes[0]?.outcome, released.generation], ["released", bulk.generation + 1]);
      assert.equal((await w.purge(G, "d1")).outcomes[0]?.outcome, "purged");
    },
  },
  {
    name: "guard: refuses in the transaction what would hide more entities than allowed, unless forced",
    async run(w) {
      await w.import(G, library()); // 5 live entities: d1 alone holds b (20 %), d1 and d2 together a, b, c (60 %).
      for (const verb of ["deprecate", "purge"] as const) {
        const guard = { share: 0.2, floor: 0 };
        const call = (options: object) =>
          w.store.apply(w.operation(G, verb, ["d1", "d2"], { id: `guarded-${verb}` }), options);
        await w.refuses(G, "BLAST_RADIUS", () => call({ guard }));
        assert.equal(await w.store.operation(G, `guarded-${verb}`), null);
        await w.refuses(G, "BLAST_RADIUS", () => call({ guard: { share: 0.59, floor: 2 } }));
        const record = await call({ guard: null });
        assert.equal(record.replayed, false, "the refused id may be used again with force");
        assert.deepEqual(record.outcomes.length, 2);
        await w.import(G, library(), { restore: true, again: true });
      }
      for (const guard of [
        { share: 0.6, floor: 0 },
        { share: 0, floor: 3 },
      ]) {
        assert.equal((await w.store.apply(w.operation(G, "deprecate", ["d1", "d2"]), { guard })).outcomes.length, 2);
        await w.store.apply(w.operation(G, "restore", ["d1", "d2"]), { guard: { share: 0, floor: 0 } }); // Never guarded.
      }
      const guard = { share: 0.2, floor: 0 };
      await w.store.apply(w.operation(G, "deprecate", ["d1"]), { guard }); // Exactly 20 % is not more than 20 %.
    },
  },
  {
    name: "guard: is the default when the call names none",
    async run(w) {
      const many = Array.from({ length: 1_001 }, (_, i) => `e${i}`);
      await w.import(
        G,
        block({
          documents: ["big"],
          units: { u: "big" },
          entities: many,
          mentions: { u: many.join(" ") },
          vectors: false,
        }),
      );
      await w.refuses(G, "BLAST_RADIUS", () => w.deprecate(G, "big"));
      await w.refuses(G, "BLAST_RADIUS", () => w.purge(G, "big"));
      assert.equal((await w.store.impact(G, "deprecate", ["big"])).exceedsGuard, true);
      assert.equal((await w.store.impact(G, "purge", ["big"])).exceedsGuard, true);
      assert.equal((await w.call(G, "deprecate", "big", { guard: null })).outcomes[0]?.outcome, "deprecated");
    },
  },
];
