import assert from "node:assert/strict";
import type { GraphStore } from "../../core/ports.ts";
import { library } from "./blocks.ts";
import { violations } from "./invariants.ts";
import { World } from "./world.ts";

/** One sentence of the contract. */
export interface GraphStoreCase {
  name: string;
  run(world: World): Promise<void>;
}

/** A group with the same names and ids as the cases use; nothing that happens elsewhere may touch it. */
const BYSTANDER = "bystander";

/**
 * Runs one case on a fresh store. Whatever the case is about, in the end every group must keep to the law, and the group
 * that nobody named must be what it was, down to the candidates that wait in it.
 */
export async function runCase(graphCase: GraphStoreCase, open: () => Promise<GraphStore>): Promise<void> {
  const store = await open();
  try {
    const world = new World(store);
    await world.import(BYSTANDER, library());
    await world.deprecate(BYSTANDER, "d3");
    await publishBystander(world);
    const before = await world.everything(BYSTANDER);
    await graphCase.run(world);
    assert.deepEqual(await world.everything(BYSTANDER), before, "the other group is untouched");
    const groups = await store.groups({ limit: 1_000 });
    for (const { groupId } of groups.items) {
      assert.deepEqual(await violations(store, groupId), [], `the group ${groupId} keeps to the law`);
    }
  } finally {
    await store.close();
  }
}

async function publishBystander(world: World): Promise<void> {
  await world.withLease(BYSTANDER, async (fence) => {
    const similarity = [
      { a: "a", b: "b", score: 0.75 },
      { a: "a", b: "d", score: 0.5 },
    ];
    const ranks = ["a", "b", "c", "d"].map((entity) => ({ entity, score: 0.25, component: "a" }));
    await world.store.stageAnalytics(fence, { upsert: { similarity, ranks }, remove: {} }, world.now);
    const { generation } = await world.state(BYSTANDER);
    await world.store.publishAnalytics(fence, { generation, state: null, detail: {}, now: world.now });
  });
}
