import assert from "node:assert/strict";
import { vectorHex } from "../../core/canonical.ts";
import { readPublished } from "../../core/published.ts";
import { COLLECTION_KINDS, type CollectionBatch, type CollectionKind } from "../../core/words.ts";
import { block, hexOf, library, vectorOf } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { entity, idsOf } from "./look.ts";
import { publishLibrary } from "./published.ts";
import { HOUR, POLICY, type World } from "./world.ts";

const G = "alpha";
const NOTHING = { deleted: 0, purged: 0, examined: 0, ids: [] };

/** All batches of a dry run. */
async function preview(w: World, kind: CollectionKind, limit: number): Promise<CollectionBatch[]> {
  return w.withLease(G, async (fence) => {
    const batches: CollectionBatch[] = [];
    for (let cursor: string | null = null; ; ) {
      const batch = await w.store.collect(fence, kind, { cursor, limit, policy: POLICY, now: w.now, dryRun: true });
      batches.push(batch);
      assert.ok(batches.length < 100, "the dry run comes to an end");
      if (batch.cursor === null) return batches;
      cursor = batch.cursor;
    }
  });
}

/** A hub that everything touches, all of one document. */
function hub(spokes: number) {
  const ids = Array.from({ length: spokes }, (_, i) => `s${String(i).padStart(3, "0")}`);
  return block({
    documents: ["d", "keeper"],
    units: { u: "d", k: "keeper" },
    entities: ["hub", ...ids],
    mentions: { u: "hub", k: ids.join(" ") },
    relationships: Object.fromEntries(ids.map((id) => [`r-${id}`, [`hub ${id}`] as [string]])),
  });
}

/** Garbage collection of what a change made obsolete, and the sweep behind it. */
export const COLLECTION_CASES: GraphStoreCase[] = [
  {
    name: "collect: parks exactly what the law says, kind by kind, and says how much",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1");
      const entities = await w.collect(G, { kinds: ["orphan_entities"], finish: false });
      assert.deepEqual([entities.orphan_entities.deleted, entities.orphan_entities.ids], [1, ["b"]]);
      assert.deepEqual(await idsOf(w, G, "entity", "parked"), ["b"]);
      assert.deepEqual(await idsOf(w, G, "relationship", "parked"), [], "one kind does its own work only");
      assert.equal((await entity(w, G, "b")).vector?.place, "searchable");
      const edges = await w.collect(G, { kinds: ["stale_edges"], finish: false });
      assert.deepEqual([edges.stale_edges.deleted, edges.stale_edges.ids.sort()], [2, ["ab", "bc"]]);
      assert.deepEqual(await idsOf(w, G, "relationship", "parked"), ["ab", "bc"]);
      const vectors = await w.collect(G, { kinds: ["deprecated_vectors"], finish: false });
      assert.deepEqual([vectors.deprecated_vectors.deleted, vectors.deprecated_vectors.ids], [1, ["b"]]);
      const { vector } = await entity(w, G, "b");
      assert.equal(vector?.place, "parked");
      assert.equal(vectorHex(vector?.values as Float32Array), hexOf("b"), "moved, bit for bit");
      const purged = [entities.orphan_entities, edges.stale_edges, vectors.deprecated_vectors].map((sum) => sum.purged);
      assert.deepEqual(purged, [0, 0, 0]);
    },
  },
  {
    name: "collect: a second run changes nothing, in numbers, rows, generation and audit",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      await w.deprecate(G, ["d1", "d2"]);
      await w.collect(G);
      const before = await w.everything(G);
      for (const sum of Object.values(await w.collect(G))) {
        assert.deepEqual({ ...sum, batches: 1 }, { ...NOTHING, batches: 1 });
      }
      assert.deepEqual(await w.everything(G), before);
    },
  },
  {
    name: "collect: a group without candidates has nothing to collect",
    async run(w) {
      await w.import(G, library());
      const before = await w.everything(G);
      for (const sum of Object.values(await w.collect(G, { finish: false })))
        assert.deepEqual([sum.deleted, sum.purged], [0, 0]);
      assert.deepEqual(await w.everything(G), before);
    },
  },
  {
    name: "collect: what came back before the run is judged again and stays",
    async run(w) {
      await w.import(G, library());
      const before = await w.dump(G);
      await w.deprecate(G, ["d1", "d2", "d3"]);
      await w.restore(G, ["d1", "d2", "d3"]);
      const { generation } = await w.state(G);
      const sums = await w.collect(G);
      for (const sum of Object.values(sums)) assert.deepEqual([sum.deleted, sum.purged], [0, 0]);
      assert.deepEqual(await w.dump(G), before);
      assert.equal((await w.state(G)).generation, generation, "dropping a candidate is no effect");
      assert.deepEqual((await w.store.counts(G)).candidates, {
        orphan_entities: 0,
        stale_edges: 0,
        deprecated_vectors: 0,
      });
    },
  },
  {
    name: "collect: an entity that another document's live unit mentions is never parked",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1"); // a and c are candidates; u2 and u3 still mention them.
      await w.collect(G);
      for (const id of ["a", "c", "d", "f"]) assert.equal((await entity(w, G, id)).presence, "live", id);
      const hits = await w.store.search(G, { of: "entity", vector: vectorOf("a"), k: 10 });
      assert.deepEqual(hits.map(({ id }) => id).sort(), ["a", "c", "d", "f"]);
    },
  },
  {
    name: "collect: a parked entity is not found, whether its vector has been moved or not",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1");
      for (const kind of COLLECTION_KINDS) {
        await w.collect(G, { kinds: [kind], finish: false });
        const hits = await w.store.search(G, { of: "entity", vector: vectorOf("b"), k: 10 });
        assert.deepEqual(
          hits.map(({ id }) => id).filter((id) => id === "b"),
          [],
          `after ${kind}`,
        );
      }
    },
  },
  {
    name: "collect: batches keep to their limit, page by cursor, and add up to the same",
    async run(w) {
      const ends: string[][] = [];
      for (const limit of [1, 3, 1_000]) {
        const g = `${G}-${limit}`;
        await w.import(g, hub(20));
        await w.deprecate(g, ["d", "keeper"]);
        await w.withLease(g, async (fence) => {
          for (const kind of COLLECTION_KINDS) {
            let deleted = 0;
            for (let cursor: string | null = null; ; ) {
              const gone = await parked(w, g, kind);
              const batch = await w.store.collect(fence, kind, {
                cursor,
                limit,
                policy: POLICY,
                now: w.now,
                dryRun: false,
              });
              assert.ok(batch.examined <= limit, `${kind} looks at no more than ${limit}: ${batch.examined}`);
              assert.ok(batch.deleted <= limit && batch.ids.length <= limit);
              const hidden = (await parked(w, g, kind)) - gone;
              assert.equal(batch.deleted, hidden, `${kind} says what a count finds afterwards`);
              deleted += batch.deleted;
              if (batch.cursor === null) break;
              cursor = batch.cursor;
            }
            assert.equal(deleted, kind === "stale_edges" ? 20 : 21, kind);
          }
        });
        ends.push(await w.dump(g));
      }
      assert.deepEqual(ends[0], ends[2]);
      assert.deepEqual(ends[1], ends[2]);
    },
  },
  {
    name: "collect: a hub's relationships follow it, in bounded batches",
    async run(w) {
      await w.import(G, hub(60));
      const before = await w.dump(G);
      await w.deprecate(G, "d");
      await w.collect(G, { limit: 7 });
      assert.deepEqual(await idsOf(w, G, "entity", "parked"), ["hub"]);
      assert.equal((await w.store.counts(G)).relationships.parked, 60);
      await w.restore(G, "d");
      assert.deepEqual(await w.dump(G), before);
    },
  },
  {
    name: "collect: a dry run changes nothing and tells what a run then does",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      await w.deprecate(G, ["d1", "d2"]);
      for (const kind of COLLECTION_KINDS) {
        const before = await w.everything(G);
        for (const limit of [1, 100]) {
          const batches = await preview(w, kind, limit);
          const sum = (member: "deleted" | "purged") => batches.reduce((total, batch) => total + batch[member], 0);
          assert.deepEqual(await w.everything(G), before, `a dry run of ${kind} by ${limit}`);
          for (const batch of batches) assert.ok(batch.ids.length <= limit);
          if (limit === 1) continue;
          const real = (await w.collect(G, { kinds: [kind], finish: false }))[kind];
          assert.deepEqual([sum("deleted"), sum("purged")], [real.deleted, real.purged], kind);
          assert.deepEqual(batches.flatMap(({ ids }) => ids).sort(), real.ids.sort(), kind);
        }
      }
    },
  },
  {
    name: "collect: what remains is counted anew, and only what would change",
    async run(w) {
      await w.import(G, library());
      const remaining = (kind: CollectionKind) => w.store.remaining(G, kind, POLICY, w.now);
      const all = async () => Promise.all(COLLECTION_KINDS.map(remaining));
      assert.deepEqual(await all(), [0, 0, 0]);
      await w.deprecate(G, "d1"); // a, b, c are candidates; b alone is no longer live.
      assert.equal(await remaining("orphan_entities"), 1);
      assert.equal(await remaining("stale_edges"), 1, "ab has lost its support; bc still has both ends");
      await w.collect(G, { kinds: ["orphan_entities"], finish: false });
      assert.deepEqual(await all(), [0, 2, 1]);
      await w.collect(G);
      assert.deepEqual(await all(), [0, 0, 0]);
    },
  },
  {
    name: "collect: published similarity edges that touch a parked entity are dropped, whenever they were published",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      await w.deprecate(G, "d1");
      const first = await w.collect(G);
      assert.equal(first.stale_edges.deleted, 3, "ab, bc and the edge a-b");
      const edges = async () => (await readPublished(w.store, G)).similarity.map(({ a, b }) => `${a}-${b}`);
      assert.deepEqual(await edges(), ["a-c", "c-d"]);
      assert.equal((await w.store.counts(G)).similarityEdges, 2);
      await w.withLease(G, async (fence) => {
        const late = [{ a: "b", b: "c", score: 0.6 }]; // Read before b was parked, published after.
        await w.store.stageAnalytics(fence, { upsert: { similarity: late }, remove: {} }, w.now);
        await w.store.publishAnalytics(fence, { generation: 2, state: null, detail: {}, now: w.now });
      });
      const second = await w.collect(G);
      assert.equal(second.stale_edges.deleted, 1);
      assert.deepEqual(await edges(), ["a-c", "c-d"]);
      const before = await readPublished(w.store, G);
      await w.restore(G, "d1");
      assert.deepEqual(await readPublished(w.store, G), before, "edges come back with the next recompute");
    },
  },
  {
    name: "collect: a similarity edge that was staged before its end was parked does not outlive a collection after it is published",
    async run(w) {
      for (const limit of [100, 1]) {
        const g = `limit-${limit}`;
        await w.import(g, library());
        const edges = ["a", "c", "d"].map((other) => ({ a: other, b: "b", score: 0.5 }));
        await w.withLease(g, (fence) =>
          w.store.stageAnalytics(fence, { upsert: { similarity: edges }, remove: {} }, w.now),
        );
        await w.deprecate(g, "d1");
        assert.equal((await w.collect(g, { limit })).stale_edges.deleted, 2, "the relationships ab and bc");
        await w.withLease(g, (fence) =>
          w.store.publishAnalytics(fence, { generation: 2, state: null, detail: {}, now: w.now }),
        );
        await w.collect(g, { limit });
        assert.equal((await w.store.counts(g)).similarityEdges, 0);
        for (const sum of Object.values(await w.collect(g)))
          assert.deepEqual({ ...sum, batches: 1 }, { ...NOTHING, batches: 1 });
      }
    },
  },
  {
    name: "collect: an entity that nothing ever mentioned goes by policy and age, and comes back with the policy",
    async run(w) {
      await w.import(G, library());
      const collectedBy = async (policy: typeof POLICY) => {
        await w.sweep(G, policy);
        await w.collect(G, { policy });
        return idsOf(w, G, "entity", "parked");
      };
      assert.deepEqual(await collectedBy(POLICY), [], "younger than the grace age");
      w.later(POLICY.graceAgeMs - HOUR / 2);
      assert.deepEqual(await collectedBy(POLICY), []);
      w.later(HOUR / 2);
      assert.deepEqual(await collectedBy({ ...POLICY, unsupported: "keep" }), [], "kept by policy");
      const before = await w.dump(G);
      assert.deepEqual(await collectedBy(POLICY), ["f"]);
      assert.deepEqual(await idsOf(w, G, "relationship", "parked"), ["fa"]);
      assert.equal((await entity(w, G, "f")).vector?.place, "parked");
      assert.deepEqual(
        await collectedBy({ ...POLICY, unsupported: "keep" }),
        [],
        "the law is followed in both directions",
      );
      assert.deepEqual(await w.dump(G), before);
    },
  },
];

async function parked(w: World, groupId: string, kind: CollectionKind): Promise<number> {
  const counts = await w.store.counts(groupId);
  if (kind === "orphan_entities") return counts.entities.parked;
  return kind === "stale_edges" ? counts.relationships.parked : counts.vectors.parked;
}
