import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { block, vectorOf, World } from "../../src/conformance/index.ts";
import type { GraphStore } from "../../src/core/ports.ts";
import { readPublished } from "../../src/core/published.ts";
import type { ImportBlock } from "../../src/core/words.ts";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { longestTurnMs } from "../data/turns.ts";
import { openOnThisThread } from "./engine.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-turns-"));
afterAll(() => rm(folder, { recursive: true }));

/** 8,000 units, 16,000 entities in a ring, vectors that are rows of one matrix each. */
function large(): ImportBlock {
  const units = Array.from({ length: 8_000 }, (_, i) => `u${i}`);
  const entities = Array.from({ length: 16_000 }, (_, i) => `e${i}`);
  const made = block({
    documents: ["d"],
    units: Object.fromEntries(units.map((id) => [id, "d"])),
    entities,
    mentions: Object.fromEntries(units.map((id, i) => [id, `e${2 * i} e${2 * i + 1}`])),
    relationships: Object.fromEntries(
      entities.map((id, i) => [`r${i}`, [`${id} e${(i + 1) % entities.length}`] as [string]]),
    ),
    vectors: false,
  });
  for (const items of [made.textUnits, made.entities]) {
    const matrix = new Float32Array(items.length * 64);
    items.forEach((item, i) => {
      matrix.set(vectorOf(item.id, 64), i * 64);
      item.embedding = matrix.subarray(i * 64, (i + 1) * 64);
    });
  }
  return made;
}

/** All that moves much between the threads. */
async function muchOfEverything(store: GraphStore, made: ImportBlock): Promise<void> {
  const w = new World(store);
  await store.apply(w.operation("alpha", "import", ["d"]), { block: made });
  for await (const _ of store.records("alpha"));
  const graph = await store.readGraph("alpha");
  expect(graph.ids).toHaveLength(16_000);
  await w.withLease("alpha", async (fence) => {
    const ranks = graph.ids.map((entity) => ({ entity, score: 1, component: "e0" }));
    await store.stageAnalytics(fence, { upsert: { ranks }, remove: {} }, w.now);
    await store.publishAnalytics(fence, { generation: 1, state: new Uint8Array(1 << 20), detail: {}, now: w.now });
  });
  expect((await readPublished(store, "alpha")).ranks).toHaveLength(16_000);
  await store.apply(w.operation("alpha", "deprecate", ["d"]), { guard: null });
  await w.collect("alpha");
}

test("however much is imported, read and collected, no turn of the event loop takes 200 ms", {
  timeout: 120_000,
}, async () => {
  const made = large();
  const store = await openSqliteStore({ path: join(folder, "threads.db"), synchronous: "normal" });
  expect(await longestTurnMs(() => muchOfEverything(store, made))).toBeLessThan(200);
  await store.close();
});

test("the watch sees a store that works on the thread of the event loop", { timeout: 120_000 }, async () => {
  const made = large();
  const store = openOnThisThread(join(folder, "here.db"));
  expect(await longestTurnMs(() => muchOfEverything(store, made))).toBeGreaterThan(200);
  await store.close();
});
