import assert from "node:assert/strict";
import type { Fence } from "../../core/words.ts";
import { library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { publishLibrary } from "./published.ts";
import { failure, POLICY, type World } from "./world.ts";

const G = "alpha";

/** Every write that a run makes. */
function writes(w: World, fence: Fence, now: number): Record<string, () => Promise<unknown>> {
  const collecting = { cursor: null, limit: 10, policy: POLICY, now };
  const upsert = { ranks: [{ entity: "a", score: 1, component: "a" }] };
  return {
    collect: () => w.store.collect(fence, "orphan_entities", { ...collecting, dryRun: false }),
    sweep: () => w.store.sweep(fence, collecting),
    finishCollection: () => w.store.finishCollection(fence, { readGeneration: 2, ownChanges: 0, sweptAt: now, now }),
    stageAnalytics: () => w.store.stageAnalytics(fence, { upsert, remove: {} }, now),
    publishAnalytics: () => w.store.publishAnalytics(fence, { generation: 2, state: null, detail: {}, now }),
    discardStaged: () => w.store.discardStaged(fence, 10, now),
    pruneAnalytics: () => w.store.pruneAnalytics(fence, 10, now),
    renewLease: () => w.store.renewLease(fence, 1_000, now),
  };
}

async function refusesAll(w: World, fence: Fence, now: number, why: string): Promise<void> {
  for (const [name, write] of Object.entries(writes(w, fence, now))) {
    const before = await w.everything(G);
    await failure(write, "LEASE_LOST");
    assert.deepEqual(await w.everything(G), before, `${name} with a lease ${why} writes nothing`);
  }
}

/** A group with something to collect, to publish and to prune. */
async function busy(w: World): Promise<void> {
  await w.import(G, library());
  await publishLibrary(w, G);
  await publishLibrary(w, G);
  await w.deprecate(G, "d1");
  w.later(POLICY.graceAgeMs);
}

/** One holder at a time, and nothing written by one that no longer holds. */
export const LEASE_CASES: GraphStoreCase[] = [
  {
    name: "lease: one holder at a time; the token grows with each new one",
    async run(w) {
      await w.import(G, library());
      const first = await w.store.acquireLease(G, "one", 60_000, w.now);
      assert.ok(first);
      assert.equal(first.groupId, G);
      assert.equal(await w.store.acquireLease(G, "two", 60_000, w.now), null);
      assert.equal(await w.store.acquireLease(G, "two", 60_000, w.later(59_999)), null);
      const second = await w.store.acquireLease(G, "two", 60_000, w.later(1));
      assert.ok(second && second.token > first.token, "free again when it has run out");
      await w.store.releaseLease(second);
      const third = await w.store.acquireLease(G, "three", 60_000, w.now);
      assert.ok(third && third.token > second.token, "and when it was let go; the token goes on growing");
    },
  },
  {
    name: "lease: its holder may take it again, and renew it",
    async run(w) {
      await w.import(G, library());
      assert.ok(await w.store.acquireLease(G, "one", 60_000, w.now));
      const again = await w.store.acquireLease(G, "one", 60_000, w.now);
      assert.ok(again);
      await w.store.renewLease(again, 60_000, w.later(50_000));
      assert.equal(await w.store.acquireLease(G, "two", 60_000, w.later(50_000)), null);
      await w.store.renewLease(again, 60_000, w.now);
      await w.store.sweep(again, { cursor: null, limit: 1, policy: POLICY, now: w.later(59_999) });
    },
  },
  {
    name: "lease: groups have leases of their own, and a fence is good for its group only",
    async run(w) {
      await w.import(G, library());
      await w.import("beta", library());
      const alpha = await w.lease(G);
      const beta = await w.lease("beta");
      for (let i = 0; i < 3; i++) await w.store.releaseLease(await (i === 0 ? beta : w.lease("beta")));
      const last = await w.lease("beta");
      await failure(() => w.store.discardStaged({ groupId: "beta", token: alpha.token }, 1, w.now), "LEASE_LOST");
      await failure(() => w.store.discardStaged({ groupId: G, token: last.token + 1 }, 1, w.now), "LEASE_LOST");
      await w.store.discardStaged(alpha, 1, w.now);
      await w.store.discardStaged(last, 1, w.now);
    },
  },
  {
    name: "fence: a holder whose lease went to another writes nothing",
    async run(w) {
      await busy(w);
      const old = await w.store.acquireLease(G, "old", 60_000, w.now);
      assert.ok(old);
      const now = w.later(60_000);
      assert.ok(await w.store.acquireLease(G, "new", 60_000, now));
      await refusesAll(w, old, now, "that another holds");
      await w.store.releaseLease(old);
      assert.equal(
        await w.store.acquireLease(G, "third", 60_000, now),
        null,
        "releasing what is not held does nothing",
      );
    },
  },
  {
    name: "fence: a holder whose lease has run out writes nothing, though nobody else has taken it",
    async run(w) {
      await busy(w);
      const fence = await w.store.acquireLease(G, "slow", 60_000, w.now);
      assert.ok(fence);
      await refusesAll(w, fence, w.later(60_000), "that has run out by the caller's time");
    },
  },
  {
    name: "fence: a lease runs out by the store's own time, whatever the caller's clock says",
    async run(w) {
      await busy(w);
      const fence = await w.store.acquireLease(G, "stopped clock", 20, w.now);
      assert.ok(fence);
      await new Promise((resolve) => setTimeout(resolve, 60)); // The store's clock is its own: only waiting moves it.
      await refusesAll(w, fence, w.now, "that has run out by the store's time");
    },
  },
  {
    name: "fence: after a release nothing is written with it",
    async run(w) {
      await busy(w);
      const fence = await w.lease(G);
      await w.store.releaseLease(fence);
      await refusesAll(w, fence, w.now, "that was released");
    },
  },
  {
    name: "lease: lifecycle calls are never refused because a run holds the group",
    async run(w) {
      await w.import(G, library());
      await w.withLease(G, async () => {
        assert.equal((await w.deprecate(G, "d1")).outcomes[0]?.outcome, "deprecated");
        assert.equal((await w.restore(G, "d1")).outcomes[0]?.outcome, "restored");
        assert.equal((await w.purge(G, "d1")).outcomes[0]?.outcome, "purged");
      });
    },
  },
];
