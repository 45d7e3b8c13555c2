import assert from "node:assert/strict";
import { communityHash } from "../../core/ports.ts";
import { library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { recordsOf } from "./dump.ts";
import { acknowledge, community, publish, publishLibrary } from "./published.ts";

const G = "alpha";
const UNKNOWN = { acknowledgedHash: null, contentAcknowledged: false, sameAsParent: false };

/** Published communities and what was summarised of them. */
export const COMMUNITY_CASES: GraphStoreCase[] = [
  {
    name: "analytics: communities are listed by level and id, filtered and in pages; members by id",
    async run(w) {
      await w.import(G, library());
      await w.withLease(G, async (fence) => {
        const communities = ["z", "b", "\u{1F600}", "\uFFFD", "a"].map((id, i) =>
          community(id, i % 2, { changedGeneration: i }),
        );
        const memberships = ["d", "a", "c", "f"].map((entity) => ({ level: 0, entity, community: "z" }));
        memberships.push({ level: 0, entity: "b", community: "a" });
        await w.store.stageAnalytics(fence, { upsert: { communities, memberships }, remove: {} }, w.now);
        await w.store.publishAnalytics(fence, { generation: 1, state: null, detail: {}, now: w.now });
      });
      const list = async (query: object) => {
        const ids: string[] = [];
        for (let cursor: string | undefined; ; ) {
          const page = await w.store.communities(G, { ...query, cursor, limit: 2 });
          assert.ok(page.items.length <= 2);
          ids.push(...page.items.map(({ id, level }) => level + id));
          if (page.nextCursor === null) return ids;
          cursor = page.nextCursor;
        }
      };
      assert.deepEqual(await list({}), ["0a", "0z", "0\u{1F600}", "1b", "1\uFFFD"]);
      assert.deepEqual(await list({ level: 1 }), ["1b", "1\uFFFD"]);
      assert.deepEqual(await list({ since: 2 }), ["0a", "1\uFFFD"]);
      assert.deepEqual(await list({ since: 2, level: 0 }), ["0a"]);
      const members: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await w.store.members(G, "z", { cursor, limit: 3 });
        members.push(...page.items);
        if (page.nextCursor === null) break;
        cursor = page.nextCursor;
      }
      assert.deepEqual(members, ["a", "c", "d", "f"]);
      const { items } = await w.store.communities(G, { level: 0, limit: 1 });
      assert.deepEqual(items, [{ ...community("a", 0, { changedGeneration: 4 }), ...UNKNOWN }]);
    },
  },
  {
    name: "analytics: a community is acknowledged by the hash it has now, until that changes",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      const waiting = async () =>
        (await w.store.communities(G, { unacknowledged: true, limit: 10 })).items.map(({ id }) => id);
      const [first] = (await w.store.communities(G, { limit: 1 })).items;
      assert.ok(first);
      const hash = communityHash(first);
      assert.deepEqual(await waiting(), ["c1", "c2", "top"]);
      const items = [
        { id: "c1", hash },
        { id: "c2", hash: "not the hash" },
        { id: "missing", hash },
      ];
      assert.equal(await w.store.acknowledgeCommunities(G, items, w.now), 1);
      assert.deepEqual(await waiting(), ["c2", "top"]);
      assert.equal((await w.store.communities(G, { limit: 1 })).items[0]?.acknowledgedHash, hash);
      assert.equal((await w.state(G)).generation, 1);
      const publish = (textHash: string) =>
        w.withLease(G, async (fence) => {
          const communities = [community("c1", 0, { parent: "top", textHash })];
          await w.store.stageAnalytics(fence, { upsert: { communities }, remove: {} }, w.now);
          await w.store.publishAnalytics(fence, { generation: 1, state: null, detail: {}, now: w.now });
        });
      await publish(first.textHash);
      assert.deepEqual(await waiting(), ["c2", "top"], "the same hashes again are still acknowledged");
      await publish("other text");
      assert.deepEqual(await waiting(), ["c1", "c2", "top"]);
      assert.equal(
        await w.store.acknowledgeCommunities(G, [{ id: "c1", hash }], w.now),
        0,
        "the hash of before is late",
      );
    },
  },
  {
    name: "analytics: the members that were summarised are kept until the next acknowledgement, without what was purged",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      const remembered = (id: string) => w.store.acknowledgedMembers(G, id);
      for (const id of ["c1", "missing"]) assert.equal(await remembered(id), null);
      assert.equal(await acknowledge(w, G, "c1", "top"), 2);
      assert.deepEqual(await remembered("c1"), ["a", "b"]);
      assert.deepEqual(await remembered("top"), ["a", "b", "c", "d"]);
      assert.equal(await remembered("c2"), null);
      await publish(w, G, {
        communities: [community("c1", 0, { parent: "top", memberHash: "other" })],
        memberships: [
          { level: 0, entity: "b", community: "c2" },
          { level: 0, entity: "d", community: "c1" },
          { level: 0, entity: "c", community: "c1" },
        ],
      });
      const late = [{ id: "c1", hash: communityHash(community("c1", 0)) }];
      assert.equal(await w.store.acknowledgeCommunities(G, late, w.now), 0);
      assert.deepEqual(await remembered("c1"), ["a", "b"], "as it was when it was acknowledged");
      assert.equal(await acknowledge(w, G, "c1"), 1);
      assert.deepEqual(await remembered("c1"), ["a", "c", "d"]);
      await w.purge(G, ["d1", "d2", "d3"]);
      const { ids } = await w.store.readGraph(G);
      assert.ok(!ids.includes("a"), "the purge takes a member");
      const left = new Set<string>();
      for (const record of await recordsOf(w.store, G)) if (record.kind === "entity") left.add(record.id);
      for (const [id, before] of [
        ["c1", ["a", "c", "d"]],
        ["top", ["a", "b", "c", "d"]],
      ] as const) {
        assert.deepEqual(
          await remembered(id),
          before.filter((member) => left.has(member)),
        );
      }
    },
  },
  {
    name: "analytics: a community that vanished after it was acknowledged is told until that is acknowledged too",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      assert.deepEqual(await w.store.vanishedCommunities(G), []);
      assert.equal(await acknowledge(w, G, "c1", "top"), 2);
      const memberships = ["c", "d"].map((entity) => ({ level: 0, entity, community: "c1" }));
      await publish(w, G, { memberships }, ["top", "c2"]);
      while (await w.withLease(G, (fence) => w.store.pruneAnalytics(fence, 10, w.now)));
      const hash = communityHash(community("top", 1));
      assert.deepEqual(await w.store.vanishedCommunities(G), [{ id: "top", hash, publishedAs: null }]);
      assert.equal(await w.store.acknowledgedMembers(G, "top"), null);
      const items = [
        { id: "top", hash: "not the hash" },
        { id: "c2", hash: communityHash(community("c2", 0)) },
      ];
      assert.equal(await w.store.acknowledgeCommunities(G, items, w.now), 0);
      assert.equal(await w.store.acknowledgeCommunities(G, [{ id: "top", hash }], w.now), 1);
      assert.deepEqual(await w.store.vanishedCommunities(G), []);
      assert.equal(await w.store.acknowledgeCommunities(G, [{ id: "top", hash }], w.now), 0);
      // One that has the id of a vanished one is new: nobody has summarised it.
      await publish(w, G, {}, ["c1"]);
      assert.deepEqual(
        (await w.store.vanishedCommunities(G)).map(({ id }) => id),
        ["c1"],
      );
      await publish(w, G, { communities: [community("c1", 0)] });
      assert.deepEqual(await w.store.vanishedCommunities(G), []);
      const [again] = (await w.store.communities(G, { limit: 1 })).items;
      assert.deepEqual([again?.id, again?.acknowledgedHash], ["c1", null]);
      assert.equal(await w.store.acknowledgedMembers(G, "c1"), null);
      await publish(w, G, {}, ["c1"]);
      assert.deepEqual(await w.store.vanishedCommunities(G), [], "and when it goes, no summary goes with it");
    },
  },
];
