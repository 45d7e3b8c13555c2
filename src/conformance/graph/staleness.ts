import assert from "node:assert/strict";
import { block, library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import type { World } from "./world.ts";

const G = "alpha";

async function publishNow(w: World, generation?: number): Promise<void> {
  await w.withLease(G, async (fence) => {
    const read = generation ?? (await w.state(G)).generation;
    await w.store.publishAnalytics(fence, { generation: read, state: null, detail: {}, now: w.now });
  });
}

async function staleGroups(w: World): Promise<string[]> {
  return (await w.store.groups({ stale: true, limit: 100 })).items.map(({ groupId }) => groupId);
}

/** Which generation the work has followed. */
export const STALENESS_CASES: GraphStoreCase[] = [
  {
    name: "staleness: a new group is stale since its first change, until collection and analytics have both followed",
    alone: true,
    async run(w) {
      const { at } = await w.import(G, library());
      const { audit: _, ...begun } = await w.state(G);
      assert.deepEqual(begun, {
        groupId: G,
        generation: 1,
        collectedGeneration: 0,
        analyticsGeneration: null,
        analyticsEpoch: 0,
        staleSince: at,
        lastSweepAt: null,
        createdAt: at,
      });
      assert.ok((await staleGroups(w)).includes(G));
      await w.deprecate(G, "d1");
      assert.equal((await w.state(G)).staleSince, at, "since the first change, not the last");
      await w.collect(G);
      assert.equal((await w.state(G)).staleSince, at, "analytics still lag");
      await publishNow(w);
      const state = await w.state(G);
      assert.equal(state.staleSince, null);
      assert.deepEqual([state.collectedGeneration, state.analyticsGeneration], [state.generation, state.generation]);
      assert.ok(!(await staleGroups(w)).includes(G));
      const { at: later } = await w.restore(G, "d1");
      assert.equal((await w.state(G)).staleSince, later);
      await publishNow(w);
      assert.equal((await w.state(G)).staleSince, later, "collection lags");
      assert.ok((await staleGroups(w)).includes(G));
      await w.collect(G);
      assert.equal((await w.state(G)).staleSince, null);
    },
  },
  {
    name: "staleness: a change during a collection keeps the group stale",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1");
      await w.withLease(G, async (fence) => {
        const { generation: readGeneration } = await w.state(G);
        await w.deprecate(G, "d2"); // Somebody else's.
        const done = { readGeneration, ownChanges: 0, sweptAt: null, now: w.now };
        const state = await w.store.finishCollection(fence, done);
        assert.equal(state.collectedGeneration, readGeneration);
        assert.ok(state.collectedGeneration < state.generation, "the change in between is not followed");
      });
      assert.ok((await staleGroups(w)).includes(G));
    },
  },
  {
    name: "staleness: a run's own batches count as followed, and following never goes back",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, ["d1", "d2"]);
      const before = await w.state(G);
      await w.collect(G, { limit: 1 });
      const state = await w.state(G);
      assert.ok(state.generation > before.generation + 2, "several effective batches");
      assert.equal(state.collectedGeneration, state.generation);
      await w.withLease(G, async (fence) => {
        const late = await w.store.finishCollection(fence, {
          readGeneration: 1,
          ownChanges: 0,
          sweptAt: null,
          now: w.now,
        });
        assert.equal(late.collectedGeneration, state.collectedGeneration);
      });
    },
  },
  {
    name: "staleness: the time of the sweep is kept, finishing raises no generation",
    async run(w) {
      await w.import(G, library());
      await w.withLease(G, async (fence) => {
        const finish = (sweptAt: number | null) =>
          w.store.finishCollection(fence, { readGeneration: 1, ownChanges: 0, sweptAt, now: w.now });
        const swept = w.now;
        assert.equal((await finish(swept)).lastSweepAt, swept);
        w.later(1_000);
        const state = await finish(null);
        assert.deepEqual([state.lastSweepAt, state.generation, state.collectedGeneration], [swept, 1, 1]);
        assert.deepEqual(await w.state(G), state, "the answer is what is stored");
      });
    },
  },
  {
    name: "staleness: analytics of an older generation are not fresh",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d1");
      await w.collect(G);
      await publishNow(w, 1);
      const state = await w.state(G);
      assert.deepEqual([state.analyticsGeneration, state.analyticsEpoch], [1, 1]);
      assert.notEqual(state.staleSince, null);
      assert.ok((await staleGroups(w)).includes(G));
    },
  },
  {
    name: "staleness: groups are listed by id, in pages",
    alone: true,
    async run(w) {
      for (const g of ["gamma", "Alpha", "alpha:2", "alpha", "0"])
        await w.import(g, block({ documents: ["d"], units: { u: "d" } }));
      const found: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await w.store.groups({ cursor, limit: 2 });
        assert.ok(page.items.length <= 2);
        for (const state of page.items) {
          found.push(state.groupId);
          assert.deepEqual(await w.state(state.groupId), state);
        }
        if (page.nextCursor === null) break;
        cursor = page.nextCursor;
      }
      assert.deepEqual(found, ["0", "Alpha", "alpha", "alpha:2", "bystander", "gamma"]);
    },
  },
];
