import assert from "node:assert/strict";
import type { GraphStore } from "../../core/ports.ts";
import { library } from "./blocks.ts";
import { violations } from "./invariants.ts";
import { scoped } from "./scoped.ts";
import { World } from "./world.ts";

/** One sentence of the contract. */
export interface GraphStoreCase {
  name: string;
  /** It is about the store as a whole: it gets one of its own, even where the others share one. */
  alone?: true;
  run(world: World): Promise<void>;
}

/** A group with the same names and ids as the cases use; nothing that happens elsewhere may touch it. */
const BYSTANDER = "bystander";

let cases = 0;

/**
 * Runs one case in a world of its own.
 *
 * @param open a fresh, empty store, which is closed in the end
 * @param shared a store for many cases, each in groups of its own, which stays open; for cases that don't need one alone
 */
export async function runCase(
  graphCase: GraphStoreCase,
  open: () => Promise<GraphStore>,
  shared?: () => Promise<GraphStore>,
): Promise<void> {
  const store = shared && !graphCase.alone ? scoped(await shared(), `case-${++cases}:`) : await open();
  try {
    await runIn(store, graphCase);
  } finally {
    await store.close();
  }
}

/**
 * Whatever the case is about, in the end every group must keep to the law, and the group that nobody named must be what it
 * was, down to the candidates that wait in it.
 */
async function runIn(store: GraphStore, graphCase: GraphStoreCase): Promise<void> {
  const world = new World(store);
  await world.import(BYSTANDER, library());
  await world.deprecate(BYSTANDER, "d3");
  await publishBystander(world);
  const before = await world.everything(BYSTANDER);
  await graphCase.run(world);
  assert.deepEqual(await world.everything(BYSTANDER), before, "the other group is untouched");
  for (const { groupId } of (await store.groups({ limit: 1_000 })).items) {
    assert.deepEqual(await violations(store, groupId), [], `the group ${groupId} keeps to the law`);
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
