import assert from "node:assert/strict";
import { block, library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { idsOf } from "./look.ts";
import { DAY, POLICY } from "./world.ts";

const G = "alpha";

/** What happens when the time to restore runs out. */
export const RETENTION_CASES: GraphStoreCase[] = [
  {
    name: "retention: inside the restore window nothing is purged; at its end the document is, as by purge",
    async run(w) {
      await w.import(G, library());
      await w.import("purged", library());
      const { at } = await w.deprecate(G, "d1");
      await w.collect(G);
      w.now = at + POLICY.restoreWindowMs - 1_001; // Collecting takes a second of the clock.
      const inside = await w.collect(G);
      assert.deepEqual([inside.orphan_entities.purged, (await w.store.document(G, "d1"))?.status], [0, "deprecated"]);
      const sums = await w.collect(G);
      assert.ok(sums.orphan_entities.purged >= 1 + 2 + 1, "the document, its two units and b");
      assert.equal(await w.store.document(G, "d1"), null);
      await w.purge("purged", "d1");
      await w.collect("purged");
      assert.deepEqual(await w.dump(G), await w.dump("purged"));
      const before = await w.everything(G);
      for (const sum of Object.values(await w.collect(G))) assert.deepEqual([sum.deleted, sum.purged], [0, 0]);
      assert.deepEqual(await w.everything(G), before, "a second run changes nothing");
    },
  },
  {
    name: "retention: what is left to judge is judged in the same run, whatever the order of ids in the database's own memory",
    async run(w) {
      // Found by the model test: Neo4j orders what its transaction wrote by UTF-16 units, and these two differ in that order.
      const [low, high] = ["\uFFFD", "\u{1F642}"] as const;
      for (const limit of [100, 3]) {
        const g = `limit-${limit}`;
        for (const [document, unit, mentioned] of [
          ["d1", "u1", `${low} ${high}`],
          ["d2", "u2", `${low} ${high}`],
          ["d3", "u3", high],
        ] as const) {
          const mentions = { [unit]: mentioned };
          await w.import(
            g,
            block({ documents: [document], units: { [unit]: document }, entities: [low, high], mentions }),
          );
        }
        await w.deprecate(g, "d1");
        await w.collect(g); // From here on neither waits.
        await w.deprecate(g, "d3"); // One waits, and the purge of d1 makes the other wait.
        await w.collect(g, { policy: { ...POLICY, restoreWindowMs: 0 }, limit });
        assert.deepEqual(await idsOf(w, g, "entity"), [low, high], "u2 mentions both");
        const { candidates } = await w.store.counts(g);
        assert.deepEqual(candidates, { orphan_entities: 0, stale_edges: 0, deprecated_vectors: 0 }, "nothing waits");
      }
    },
  },
  {
    name: "retention: is complete in one run, batch by batch, whatever the order of ids in the database's own comparisons",
    async run(w) {
      // Neo4j compares by UTF-16 units where no index serves: a page that ends with the bracket then ends before the emoji.
      const ids = ["a", "\uFF08", "\u{1F642}"];
      const policy = { ...POLICY, unsupported: "collect", graceAgeMs: 0 } as const;
      for (const mentioned of [true, false]) {
        const g = `mentioned-${mentioned}`;
        const all = block({ documents: ids, entities: ids });
        for (const id of ids) {
          all.textUnits.push({ id, documents: [id], text: `text ${id}` });
          if (mentioned) all.mentions.push({ textUnit: id, entity: id });
          all.relationships.push({ id, source: id, target: id, type: "self", textUnits: mentioned ? [id] : undefined });
        }
        await w.import(g, all);
        await w.deprecate(g, ids);
        await w.sweep(g, policy, 1);
        for (const presence of ["parked", undefined] as const) {
          await w.collect(g, { policy, limit: 1 });
          const left = presence === undefined ? [] : ids;
          for (const kind of ["text_unit", "entity", "relationship"] as const)
            assert.deepEqual(await idsOf(w, g, kind, presence), left, `${g}: ${kind}`);
          assert.deepEqual(await idsOf(w, g, "document"), left, `${g}: document`);
          w.later(POLICY.restoreWindowMs);
        }
      }
    },
  },
  {
    name: "retention: is an operation of its own, in the audit",
    async run(w) {
      await w.import(G, library());
      const { at } = await w.deprecate(G, "d1");
      w.later(POLICY.restoreWindowMs);
      await w.collect(G);
      const id = `retention:d1:${at}`;
      const record = await w.store.operation(G, id);
      assert.ok(record, "the record is there");
      assert.deepEqual([record.verb, record.actor, record.state], ["purge", "retention", "done"]);
      assert.deepEqual(record.outcomes, [{ id: "d1", outcome: "purged" }]);
      assert.equal(record.effect.documents, 1);
      assert.equal(record.effect.textUnits, 2);
      const audit = await w.store.audit(G, { afterSeq: 0, limit: 100 });
      assert.ok(
        audit.some((entry) => JSON.stringify(entry).includes("d1") && entry.seq > 2),
        "and names the document",
      );
    },
  },
  {
    name: "retention: a window of 0 purges with the next collection, completely, in one run",
    async run(w) {
      const policy = { ...POLICY, restoreWindowMs: 0 };
      await w.import(G, library());
      await w.import("purged", library());
      await w.deprecate(G, "d1");
      await w.collect(G, { policy });
      assert.equal(await w.store.document(G, "d1"), null);
      await w.purge("purged", "d1");
      await w.collect("purged");
      assert.deepEqual(await w.dump(G), await w.dump("purged"));
      await w.replace(G, block({ documents: ["d3"], units: { n: "d3" } })); // d loses its only mention, dd its support.
      await w.collect(G, { policy });
      assert.deepEqual(await idsOf(w, G, "entity"), ["a", "c", "f"]);
      assert.deepEqual(await idsOf(w, G, "relationship"), ["ac", "cc", "fa"]);
      const before = await w.everything(G);
      for (const sum of Object.values(await w.collect(G, { policy })))
        assert.deepEqual([sum.deleted, sum.purged], [0, 0]);
      assert.deepEqual(await w.everything(G), before);
    },
  },
  {
    name: "retention: a window without end purges nothing, ever",
    async run(w) {
      const policy = { ...POLICY, restoreWindowMs: Number.POSITIVE_INFINITY };
      await w.import(G, library());
      const before = await w.dump(G);
      await w.deprecate(G, ["d1", "d2", "d3"]);
      await w.collect(G, { policy });
      w.later(10_000 * DAY);
      const sums = await w.collect(G, { policy });
      assert.deepEqual(
        Object.values(sums).map(({ purged }) => purged),
        [0, 0, 0],
      );
      await w.restore(G, ["d1", "d2", "d3"]);
      assert.deepEqual(await w.dump(G), before);
    },
  },
  {
    name: "retention: legal hold keeps a document for ever; released, it goes",
    async run(w) {
      await w.import(G, library());
      await w.call(G, "hold", "d1");
      await w.deprecate(G, ["d1", "d2"]);
      w.later(10 * POLICY.restoreWindowMs);
      await w.collect(G);
      assert.equal((await w.store.document(G, "d1"))?.status, "deprecated");
      assert.equal(await w.store.document(G, "d2"), null);
      assert.deepEqual(await idsOf(w, G, "text_unit", "parked"), ["u1", "u2", "u5"]);
      assert.equal(await w.store.remaining(G, "orphan_entities", POLICY, w.now), 0, "a held document is no work left");
      await w.call(G, "release", "d1");
      assert.ok((await w.store.remaining(G, "orphan_entities", POLICY, w.now)) > 0);
      await w.collect(G);
      assert.equal(await w.store.document(G, "d1"), null);
      assert.deepEqual(await idsOf(w, G, "text_unit"), ["u4"]);
    },
  },
  {
    name: "retention: a document that came back counts anew from its next deprecation",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1");
      w.later(POLICY.restoreWindowMs - DAY);
      await w.restore(G, "d1");
      await w.deprecate(G, "d1");
      w.later(2 * DAY);
      await w.collect(G);
      assert.equal((await w.store.document(G, "d1"))?.status, "deprecated");
    },
  },
  {
    name: "retention: a parked entity that a restorable document mentions stays, however long it is parked",
    async run(w) {
      await w.import(G, library());
      await w.call(G, "hold", "d2");
      await w.deprecate(G, "d2");
      await w.deprecate(G, "d1");
      await w.collect(G);
      w.later(2 * POLICY.restoreWindowMs);
      await w.collect(G);
      assert.deepEqual(await idsOf(w, G, "entity", "parked"), ["a", "c"]);
      await w.restore(G, "d2");
      assert.deepEqual(await idsOf(w, G, "entity", "parked"), []);
    },
  },
  {
    name: "retention: parked entities without a mention and relationships without support go at the end of their window",
    async run(w) {
      await w.import(G, library());
      await w.replace(G, block({ documents: ["d3"], units: { n: "d3" } }));
      await w.collect(G);
      assert.deepEqual(await idsOf(w, G, "entity", "parked"), ["d"]);
      assert.deepEqual(await idsOf(w, G, "relationship", "parked"), ["ad", "dd"]);
      w.later(POLICY.restoreWindowMs - 2_000);
      await w.collect(G);
      assert.deepEqual(await idsOf(w, G, "entity", "parked"), ["d"]);
      w.later(2_000);
      const sums = await w.collect(G);
      assert.ok(sums.orphan_entities.purged + sums.stale_edges.purged >= 3);
      assert.deepEqual(await idsOf(w, G, "entity"), ["a", "b", "c", "f"]);
      assert.deepEqual(await idsOf(w, G, "relationship"), ["ab", "ac", "bc", "cc", "fa"]);
    },
  },
  {
    name: "retention: an entity or relationship that gets a mention or support again is not purged",
    async run(w) {
      await w.import(G, library());
      await w.replace(G, block({ documents: ["d3"], units: { n: "d3" } }));
      await w.collect(G);
      w.later(POLICY.restoreWindowMs / 2);
      const again = block({
        documents: ["d4"],
        units: { m: "d4" },
        entities: ["d"],
        relationships: { dd: ["d d", "m"] },
      });
      await w.import(G, again);
      await w.deprecate(G, "d4");
      await w.collect(G);
      w.later(POLICY.restoreWindowMs / 2 + DAY);
      await w.collect(G);
      assert.deepEqual(await idsOf(w, G, "entity", "parked"), ["d"], "m still mentions it");
      assert.deepEqual(await idsOf(w, G, "relationship", "parked"), ["ad", "dd"]);
    },
  },
  {
    name: "retention: a long document goes in bounded batches, its record last",
    async run(w) {
      const ids = Array.from({ length: 9 }, (_, i) => `u${i}`);
      const units = Object.fromEntries(ids.map((id) => [id, "long"]));
      await w.import(G, block({ documents: ["long", "stays"], units, entities: ["a"], mentions: { u4: "a" } }));
      await w.deprecate(G, "long");
      w.later(POLICY.restoreWindowMs);
      await w.withLease(G, async (fence) => {
        for (let cursor: string | null = null, left = 9; ; ) {
          const batch = await w.store.collect(fence, "orphan_entities", {
            cursor,
            limit: 2,
            policy: POLICY,
            now: w.now,
            dryRun: false,
          });
          const now = (await idsOf(w, G, "text_unit")).length;
          assert.ok(left - now <= 2, "no more units a batch than its limit");
          if (now > 0) assert.ok(await w.store.document(G, "long"), "the record goes last");
          left = now;
          if (batch.cursor === null) break;
          cursor = batch.cursor;
        }
      });
      assert.equal(await w.store.document(G, "long"), null);
      assert.deepEqual(await idsOf(w, G, "text_unit"), []);
      assert.deepEqual(await idsOf(w, G, "entity"), []);
      assert.deepEqual(await w.store.unfinished(10), []);
    },
  },
  {
    name: "purge: is remembered of a document, in its own group, until it is imported again",
    async run(w) {
      const ids = ["d2", "missing", "d1"];
      assert.deepEqual(await w.store.purgedBefore("nobody", ids), [], "a group that does not exist remembers nothing");
      await w.import(G, library());
      await w.deprecate(G, "d1");
      assert.deepEqual(await w.store.purgedBefore(G, ids), []);
      await w.purge(G, ["d1", "d2", "missing"]);
      assert.deepEqual(await w.store.purgedBefore(G, ids), ["d2", "d1"], "in the order given");
      assert.deepEqual(await w.store.purgedBefore(G, ["u1", "d3", "d11"]), []);
      await w.import("beta", library());
      assert.deepEqual(await w.store.purgedBefore("beta", ids), []);
      await w.import(G, block({ documents: ["d1"], units: { u1: "d1" } }), { again: true });
      assert.deepEqual(await w.store.purgedBefore(G, ids), ["d2"]);
      await w.purge(G, "d1");
      assert.deepEqual(await w.store.purgedBefore(G, ids), ["d2", "d1"]);
      await w.deprecate(G, "d3");
      w.later(POLICY.restoreWindowMs);
      await w.collect(G);
      assert.deepEqual(await w.store.purgedBefore(G, ["d3"]), ["d3"], "by its restore window too");
      const { generation } = await w.state(G);
      const readmitted = await w.call(G, "readmit", ["d1", "d3", "d9"]);
      assert.deepEqual(
        readmitted.outcomes.map(({ outcome }) => outcome),
        ["readmitted", "readmitted", "not_found"],
      );
      assert.equal((await w.state(G)).generation, generation + 1);
      assert.deepEqual(await w.store.purgedBefore(G, ["d1", "d2", "d3"]), ["d2"]);
      await w.refuses(G, "DOCUMENT_NOT_FOUND", () => w.call(G, "readmit", "d1"));
    },
  },
];
