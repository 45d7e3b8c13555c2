import { type AnalyticsPart, type CommunityRow, communityHash } from "../../core/ports.ts";
import type { World } from "./world.ts";

export function community(id: string, level: number, more: Partial<CommunityRow> = {}): CommunityRow {
  const hashes = { memberHash: `m-${id}`, edgeHash: `e-${id}`, textHash: `t-${id}` };
  return { id, level, parent: null, size: 2, ...hashes, changedGeneration: 1, ...more };
}

/** Analytics of the library, published as of its present generation: not computed, but of the right shape. */
export async function publishLibrary(w: World, groupId: string): Promise<void> {
  await w.withLease(groupId, async (fence) => {
    const upsert = {
      similarity: [
        { a: "a", b: "b", score: 0.9 },
        { a: "a", b: "c", score: 0.8000000000000002 },
        { a: "c", b: "d", score: 0.7 },
      ],
      communities: [
        community("c1", 0, { parent: "top" }),
        community("c2", 0, { parent: "top" }),
        community("top", 1, { size: 4 }),
      ],
      memberships: [
        { level: 0, entity: "a", community: "c1" },
        { level: 0, entity: "b", community: "c1" },
        { level: 0, entity: "c", community: "c2" },
        { level: 0, entity: "d", community: "c2" },
        ...["a", "b", "c", "d"].map((entity) => ({ level: 1, entity, community: "top" })),
      ],
      ranks: ["a", "b", "c", "d"].map((entity, i) => ({ entity, score: (i + 1) / 10, component: "a" })),
    };
    await w.store.stageAnalytics(fence, { upsert, remove: {} }, w.now);
    const { generation } = await w.state(groupId);
    const state = Uint8Array.of(1, 2, 3, 0, 255);
    await w.store.publishAnalytics(fence, { generation, state, detail: { made: "by hand" }, now: w.now });
  });
}

export function publish(w: World, groupId: string, upsert: AnalyticsPart["upsert"], communities: string[] = []) {
  return w.withLease(groupId, async (fence) => {
    await w.store.stageAnalytics(fence, { upsert, remove: { communities } }, w.now);
    const { generation } = await w.state(groupId);
    await w.store.publishAnalytics(fence, { generation, state: null, detail: {}, now: w.now });
  });
}

/** With the hashes that they have now. */
export async function acknowledge(w: World, groupId: string, ...ids: string[]): Promise<number> {
  const { items } = await w.store.communities(groupId, { limit: 100 });
  const wanted = items.filter(({ id }) => ids.includes(id));
  return w.store.acknowledgeCommunities(
    groupId,
    wanted.map((c) => ({ id: c.id, hash: communityHash(c) })),
    w.now,
  );
}
