import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { POLICY } from "../../src/conformance/graph/world.ts";
import { block, violations, World } from "../../src/conformance/index.ts";
import type { CollectionKind } from "../../src/core/words.ts";
import { openOnThisThread } from "./engine.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-hubs-"));
afterAll(() => rm(folder, { recursive: true }));
let files = 0;

/** More than a transaction reviews because of one entity. */
const SPOKES = 10_500;
const G = "hubs";

/** A hub that only the document d mentions, with relationships in both directions to what another document keeps. */
function hub() {
  const ids = Array.from({ length: SPOKES / 2 }, (_, i) => `s${i}`);
  const made = block({
    documents: ["d", "keeper"],
    units: { u: "d", k: "keeper" },
    entities: ["hub", ...ids],
    mentions: { u: "hub", k: ids.join(" ") },
    relationships: Object.fromEntries(
      ids.flatMap((id) => [
        [`out-${id}`, [`hub ${id}`] as [string]],
        [`in-${id}`, [`${id} hub`] as [string]],
      ]),
    ),
    vectors: false,
  });
  return made;
}

async function open(): Promise<World> {
  const w = new World(openOnThisThread(join(folder, `${++files}.db`)));
  await w.import(G, hub());
  return w;
}

async function preview(w: World, kind: CollectionKind, policy = POLICY): Promise<{ deleted: number; purged: number }> {
  const sum = { deleted: 0, purged: 0 };
  await w.withLease(G, async (fence) => {
    for (let cursor: string | null = null; ; ) {
      const batch = await w.store.collect(fence, kind, { cursor, limit: 1_000, policy, now: w.now, dryRun: true });
      sum.deleted += batch.deleted;
      sum.purged += batch.purged;
      if (batch.cursor === null) return;
      cursor = batch.cursor;
    }
  });
  return sum;
}

test("the relationships of a hub follow it step by step, there and back", { timeout: 60_000 }, async () => {
  const w = await open();
  const before = await w.dump(G);
  await w.deprecate(G, "d");
  await w.collect(G, { kinds: ["orphan_entities"], finish: false });
  expect((await w.store.counts(G)).relationships.parked).toBe(0);
  expect((await w.store.counts(G)).candidates.stale_edges).toBe(SPOKES);
  expect(await w.store.remaining(G, "stale_edges", POLICY, w.now)).toBe(SPOKES);
  expect(await violations(w.store, G)).toEqual([]);
  expect((await preview(w, "stale_edges")).deleted).toBe(SPOKES);
  const { stale_edges: edges } = await w.collect(G, { limit: 1_000 });
  expect(edges.deleted).toBe(SPOKES);
  expect(edges.batches).toBeGreaterThan(10);
  expect((await w.store.counts(G)).relationships.parked).toBe(SPOKES);

  await w.restore(G, "d");
  const { relationships } = await w.store.counts(G);
  expect(relationships.live).toBeGreaterThanOrEqual(10_000);
  expect(relationships.live).toBeLessThan(SPOKES);
  expect(await violations(w.store, G)).toEqual([]);
  await w.collect(G);
  expect(await w.dump(G)).toEqual(before);
  await w.store.close();
});

test("a hub whose restore window has run out goes in bounded steps, itself last", { timeout: 60_000 }, async () => {
  const w = await open();
  await w.replace(G, block({ documents: ["d"], units: { n: "d" } }));
  await w.collect(G);
  w.later(POLICY.restoreWindowMs);
  expect((await preview(w, "orphan_entities")).purged).toBe(SPOKES + 1);
  const { entities } = await w.store.counts(G);
  const purged: number[] = [];
  await w.withLease(G, async (fence) => {
    for (let cursor: string | null = null; ; ) {
      const batch = await w.store.collect(fence, "orphan_entities", {
        cursor,
        limit: 1_000,
        policy: POLICY,
        now: w.now,
        dryRun: false,
      });
      purged.push(batch.purged);
      expect(await violations(w.store, G)).toEqual([]);
      if (batch.cursor === null) return;
      cursor = batch.cursor;
    }
  });
  expect(purged).toEqual([10_000, SPOKES - 10_000 + 1]);
  const counts = await w.store.counts(G);
  expect(counts.entities.parked).toBe(entities.parked - 1);
  expect(counts.relationships).toEqual({ live: 0, parked: 0 });
  await w.store.close();
});
