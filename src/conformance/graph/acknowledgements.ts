import assert from "node:assert/strict";
import { communityHash } from "../../core/ports.ts";
import { library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { recordsOf } from "./dump.ts";
import { acknowledge, community, publish, publishLibrary } from "./published.ts";

const G = "alpha";

/** An acknowledgement belongs to what a community consists of. */
export const ACKNOWLEDGEMENT_CASES: GraphStoreCase[] = [
  {
    name: "analytics: an acknowledgement follows the content to another id, and back to the same one",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      const content = { memberHash: "m", edgeHash: "e", textHash: "t" };
      const hash = communityHash(community("any", 0, content));
      const known = async () =>
        (await w.store.communities(G, { limit: 10 })).items.filter((c) => c.contentAcknowledged).map(({ id }) => id);
      await publish(w, G, { communities: [community("c1", 0, content)] });
      assert.equal(await acknowledge(w, G, "c1"), 1);
      assert.deepEqual(await known(), ["c1"]);
      await publish(w, G, { communities: [community("c1", 0, { textHash: "other" })] });
      assert.deepEqual(await known(), []);
      // Under another id, while the first one has become something else, acknowledged as such.
      assert.equal(await acknowledge(w, G, "c1"), 1);
      await publish(w, G, { communities: [community("c3", 0, content)] });
      assert.deepEqual(await known(), ["c1", "c3"]);
      const unacknowledged = await w.store.communities(G, { unacknowledged: true, limit: 10 });
      assert.ok(
        unacknowledged.items.some(({ id }) => id === "c3"),
        "its own id was not acknowledged",
      );
      await publish(w, G, {}, ["c3"]);
      assert.deepEqual(await w.store.vanishedCommunities(G), [], "its id was never acknowledged");
      // The first one vanishes, its id comes back for something else; only then the content comes back.
      await publish(w, G, { communities: [community("c1", 0, content)] });
      assert.deepEqual(await known(), ["c1"]);
      assert.equal(await acknowledge(w, G, "c1"), 1);
      await publish(w, G, {}, ["c1"]);
      assert.deepEqual(await w.store.vanishedCommunities(G), [{ id: "c1", hash, publishedAs: null }]);
      await publish(w, G, { communities: [community("c4", 0, content)] });
      assert.deepEqual(await w.store.vanishedCommunities(G), [{ id: "c1", hash, publishedAs: "c4" }]);
      await publish(w, G, { communities: [community("c1", 0, { textHash: "new" })] });
      assert.deepEqual(await w.store.vanishedCommunities(G), []);
      assert.deepEqual(await known(), ["c4"]);
    },
  },
  {
    name: "analytics: acknowledging where a content went forgets where it was; throwing a summary away forgets the content",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      const content = { memberHash: "m", edgeHash: "e", textHash: "t" };
      const hash = communityHash(community("any", 0, content));
      const known = async (id: string) => {
        const { items } = await w.store.communities(G, { limit: 10 });
        return items.find((c) => c.id === id)?.contentAcknowledged;
      };
      await publish(w, G, { communities: [community("c1", 0, content)] });
      assert.equal(await acknowledge(w, G, "c1"), 1);
      await publish(w, G, { communities: [community("c3", 0, content)] }, ["c1"]);
      assert.deepEqual(await w.store.vanishedCommunities(G), [{ id: "c1", hash, publishedAs: "c3" }]);
      assert.equal(await acknowledge(w, G, "c3"), 1);
      assert.deepEqual(await w.store.vanishedCommunities(G), []);
      await publish(w, G, {}, ["c3"]);
      assert.equal(await w.store.acknowledgeCommunities(G, [{ id: "c3", hash }], w.now), 1);
      await publish(w, G, { communities: [community("c4", 0, content)] });
      assert.equal(await known("c4"), false);
    },
  },
  {
    name: "analytics: a community with the content of its parent says so",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      const content = { memberHash: "m", edgeHash: "e", textHash: "t" };
      await publish(w, G, {
        communities: [
          community("c1", 0, { parent: "top", ...content }),
          community("c2", 0, { parent: "top", ...content, edgeHash: "other" }),
          community("top", 1, content),
        ],
      });
      const { items } = await w.store.communities(G, { limit: 10 });
      assert.deepEqual(
        items.map(({ id, sameAsParent }) => [id, sameAsParent]),
        [
          ["c1", true],
          ["c2", false],
          ["top", false],
        ],
      );
      assert.equal(await acknowledge(w, G, "top"), 1);
      const after = (await w.store.communities(G, { limit: 10 })).items;
      assert.deepEqual(
        after.map(({ id, contentAcknowledged }) => [id, contentAcknowledged]),
        [
          ["c1", true],
          ["c2", false],
          ["top", true],
        ],
      );
    },
  },
  {
    name: "analytics: names of a community's members are those of live ones, the highest rank first",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      const { ids } = await w.store.readGraph(G);
      const nameOf = new Map<string, string>();
      for (const record of await recordsOf(w.store, G))
        if (record.kind === "entity") nameOf.set(record.id, record.name);
      const names = (of: string[]) => of.filter((id) => ids.includes(id)).map((id) => nameOf.get(id));
      assert.deepEqual(await w.store.memberNames(G, ["top", "missing", "c1"], 3), [
        { id: "top", names: names(["d", "c", "b"]) },
        { id: "missing", names: [] },
        { id: "c1", names: names(["b", "a"]) },
      ]);
      await w.deprecate(G, ["d1", "d2", "d3"]);
      await w.collect(G);
      const left = new Set((await w.store.readGraph(G)).ids);
      assert.ok(left.size < ids.length, "something is parked");
      const [top] = await w.store.memberNames(G, ["top"], 4);
      assert.deepEqual(
        top?.names,
        ["d", "c", "b", "a"].filter((id) => left.has(id)).map((id) => nameOf.get(id)),
      );
    },
  },
];
