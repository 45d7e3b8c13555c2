import assert from "node:assert/strict";
import { entityHash, relationshipHash } from "../../core/canonical.ts";
import { readPublished } from "../../core/published.ts";
import { block, library, vectorOf } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { recordsOf } from "./dump.ts";
import { community, publishLibrary } from "./published.ts";

const G = "alpha";
const pairs = (rows: { a: string; b: string }[]) => rows.map(({ a, b }) => `${a}-${b}`);

/** The live graph as analytics read it, and what they publish. */
export const ANALYTICS_CASES: GraphStoreCase[] = [
  {
    name: "analytics: the graph that is read is the live one, in columns",
    async run(w) {
      const more = block({
        documents: ["d4"],
        units: { u9: "d4" },
        entities: ["bare"],
        mentions: { u9: "bare" },
        vectors: false,
      });
      const ends = { source: "bare", target: "a", type: "weighs", description: "much", weight: 2.5 };
      more.relationships.push({ id: "zz", ...ends });
      await w.import(G, library());
      await w.import(G, more);
      await w.deprecate(G, "d3");
      await w.collect(G);
      const graph = await w.store.readGraph(G);
      assert.equal(graph.groupId, G);
      assert.equal(graph.generation, (await w.state(G)).generation);
      assert.deepEqual(graph.ids, ["a", "b", "bare", "c", "f"]);
      assert.equal(graph.dimension, 6);
      assert.deepEqual([...graph.hasVector], [1, 1, 0, 1, 1]);
      const expected = ["a", "b", null, "c", "f"].flatMap((id) =>
        id === null ? [0, 0, 0, 0, 0, 0] : [...vectorOf(id)],
      );
      assert.deepEqual([...graph.vectors], expected);
      const hash = (id: string) => entityHash({ name: `Name of ${id}` });
      assert.deepEqual([...graph.entityHashes], graph.ids.map(hash));
      const relates = relationshipHash({ type: "relates to" });
      const edges = [...graph.sources].map((source, i) => [
        graph.ids[source],
        graph.ids[graph.targets[i] as number],
        graph.weights[i],
        graph.relationshipHashes[i],
      ]);
      const sorted = (rows: unknown[][]) => rows.map((row) => row.join(" ")).sort();
      assert.deepEqual(
        sorted(edges),
        sorted([
          ["a", "b", 1, relates],
          ["a", "c", 1, relates],
          ["b", "c", 1, relates],
          ["bare", "a", 2.5, relationshipHash({ type: "weighs", description: "much" })],
          ["c", "c", 1, relates],
          ["f", "a", 1, relates],
        ]),
      );
    },
  },
  {
    name: "analytics: a graph without vectors has dimension 0",
    async run(w) {
      await w.import(
        G,
        block({ documents: ["d"], units: { u: "d" }, entities: ["a"], mentions: { u: "a" }, vectors: false }),
      );
      const graph = await w.store.readGraph(G);
      assert.deepEqual([graph.dimension, graph.vectors.length, [...graph.hasVector]], [0, 0, [0]]);
      await w.deprecate(G, "d");
      await w.collect(G);
      assert.deepEqual((await w.store.readGraph(G)).ids, []);
    },
  },
  {
    name: "analytics: nothing that is staged can be seen until it is published, then all of it at once",
    async run(w) {
      await w.import(G, library());
      assert.equal(await w.store.analyticsState(G), null);
      const before = await w.everything(G);
      const rows = {
        similarity: [{ a: "a", b: "b", score: 0.1 + 0.2 }],
        communities: [community("c1", 0)],
        memberships: [{ level: 0, entity: "a", community: "c1" }],
        ranks: [{ entity: "a", score: 1 / 3, component: "a" }],
      };
      await w.withLease(G, async (fence) => {
        await w.store.stageAnalytics(
          fence,
          { upsert: { similarity: rows.similarity, ranks: rows.ranks }, remove: {} },
          w.now,
        );
        await w.store.stageAnalytics(
          fence,
          { upsert: { communities: rows.communities, memberships: rows.memberships }, remove: {} },
          w.now,
        );
        assert.deepEqual(await w.everything(G), before, "staged rows are nobody's business");
        assert.deepEqual((await w.store.communities(G, { limit: 10 })).items, []);
        assert.deepEqual((await w.store.members(G, "c1", { limit: 10 })).items, []);
        const state = Uint8Array.of(0, 1, 255);
        const publication = { generation: 1, state, detail: { note: "first publication" }, now: w.now };
        const published = await w.store.publishAnalytics(fence, publication);
        assert.deepEqual([published.analyticsEpoch, published.analyticsGeneration, published.generation], [1, 1, 1]);
        assert.deepEqual(await w.state(G), published);
        assert.deepEqual(await w.store.analyticsState(G), state);
      });
      const communities = rows.communities.map((row) => ({ ...row, acknowledgedHash: null }));
      assert.deepEqual(await readPublished(w.store, G), { epoch: 1, ...rows, communities });
      assert.deepEqual((await w.store.members(G, "c1", { limit: 10 })).items, ["a"]);
      const counts = await w.store.counts(G);
      assert.deepEqual([counts.similarityEdges, counts.communities], [1, 1]);
      const kinds = (await recordsOf(w.store, G)).slice(-4).map(({ kind }) => kind);
      assert.deepEqual(kinds, ["similarity", "community", "membership", "rank"]);
      const entries = await w.store.audit(G, { afterSeq: 1, limit: 10 });
      assert.ok(
        JSON.stringify(entries).includes("first publication"),
        "a publication is in the audit, with its detail",
      );
    },
  },
  {
    name: "analytics: a publication changes what its parts say, by key, and leaves the rest",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      const before = await readPublished(w.store, G);
      await w.withLease(G, async (fence) => {
        const remove = {
          similarity: [{ a: "a", b: "b" }],
          communities: ["c2"],
          memberships: [
            { level: 0, entity: "c" },
            { level: 0, entity: "d" },
          ],
          ranks: ["d"],
        };
        const upsert = {
          similarity: [
            { a: "a", b: "c", score: 0.25 },
            { a: "b", b: "d", score: 0.75 },
          ],
          communities: [community("c1", 0, { size: 3, memberHash: "other", changedGeneration: 2 })],
          memberships: [{ level: 0, entity: "c", community: "c1" }],
          ranks: [{ entity: "a", score: 0.5, component: "a" }],
        };
        await w.store.stageAnalytics(fence, { upsert: {}, remove }, w.now);
        await w.store.stageAnalytics(fence, { upsert, remove: {} }, w.now);
        assert.deepEqual(await readPublished(w.store, G), before);
        await w.store.publishAnalytics(fence, { generation: 1, state: null, detail: {}, now: w.now });
      });
      const after = await readPublished(w.store, G);
      assert.equal(after.epoch, 2);
      assert.deepEqual(
        after.similarity.map(({ a, b, score }) => [a, b, score]),
        [
          ["a", "c", 0.25],
          ["b", "d", 0.75],
          ["c", "d", 0.7],
        ],
      );
      assert.deepEqual(
        after.communities.map(({ id, size }) => [id, size]),
        [
          ["c1", 3],
          ["top", 4],
        ],
      );
      assert.deepEqual(
        after.memberships.filter(({ level }) => level === 0).map(({ entity, community: id }) => entity + id),
        ["ac1", "bc1", "cc1"],
      );
      assert.deepEqual(
        after.ranks.map(({ entity, score }) => [entity, score]),
        [
          ["a", 0.5],
          ["b", 0.2],
          ["c", 0.3],
        ],
      );
      assert.equal(await w.store.analyticsState(G), null, "the state is that of the last publication");
    },
  },
  {
    name: "analytics: what an unpublished run staged can be taken back, in bounded steps",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      const before = await readPublished(w.store, G);
      const stale = {
        upsert: { similarity: [{ a: "b", b: "c", score: 0.5 }], ranks: [{ entity: "a", score: 0.9, component: "a" }] },
        remove: { similarity: [{ a: "a", b: "b" }], communities: ["c1"], memberships: [{ level: 0, entity: "a" }] },
      };
      await w.withLease(G, async (fence) => {
        assert.equal(await w.store.discardStaged(fence, 10, w.now), 0);
        await w.store.stageAnalytics(fence, stale, w.now);
        let taken = 0;
        for (let n = -1; n !== 0; taken += n) {
          n = await w.store.discardStaged(fence, 2, w.now);
          assert.ok(n <= 2, "no more than asked");
        }
        assert.ok(taken >= 4, "something was taken back");
        await w.store.publishAnalytics(fence, { generation: 1, state: null, detail: {}, now: w.now });
        assert.deepEqual(await readPublished(w.store, G), { ...before, epoch: 2 });
        await w.store.stageAnalytics(fence, stale, w.now);
        await w.store.publishAnalytics(fence, { generation: 1, state: null, detail: {}, now: w.now });
        const published = await readPublished(w.store, G);
        assert.deepEqual(
          pairs(published.similarity),
          ["a-c", "b-c", "c-d"],
          "and staged again, it is published as ever",
        );
      });
    },
  },
  {
    name: "analytics: pruning removes in bounded steps what was replaced, and nothing that readers see",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      await w.withLease(G, async (fence) => {
        assert.equal(await w.store.pruneAnalytics(fence, 10, w.now), 0, "the first publication replaced nothing");
        const ranks = ["a", "b", "c", "d"].map((entity) => ({ entity, score: 0.5, component: "a" }));
        await w.store.stageAnalytics(fence, { upsert: { ranks }, remove: { similarity: [{ a: "a", b: "b" }] } }, w.now);
        await w.store.publishAnalytics(fence, { generation: 1, state: null, detail: {}, now: w.now });
        const { state, dump, counts } = (await w.everything(G)) as { state: unknown; dump: unknown; counts: unknown };
        let pruned = 0;
        for (let n = -1; n !== 0; pruned += n) {
          n = await w.store.pruneAnalytics(fence, 2, w.now);
          assert.ok(n <= 2, "no more than asked");
        }
        assert.ok(pruned >= 4, "the replaced rows are gone");
        const now = (await w.everything(G)) as { state: unknown; dump: unknown; counts: unknown };
        assert.deepEqual([now.state, now.dump, now.counts], [state, dump, counts]);
      });
    },
  },
];
