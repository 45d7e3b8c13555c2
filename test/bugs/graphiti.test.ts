import { expect, test } from "vitest";
import { one, useGraphkeeper } from "./world.ts";

/** getzep/graphiti: what its users ran into, and what was measured with it. */

const { keeper, newGroup, write, purge, run, records } = useGraphkeeper();

test("graphiti remove_episode: a fact that others confirm stays, whichever was named first; no dead id stays in its support", async () => {
  for (const gone of ["first", "second"]) {
    const group = newGroup();
    for (const id of ["first", "second"])
      await write(group, {
        documents: [id],
        units: { [`${id}/u`]: id },
        entities: ["a", "b"],
        relationships: { ab: ["a b", `${id}/u`] },
      });
    await purge(group, [gone]);
    const left = gone === "first" ? "second" : "first";
    expect(await records(group, "relationship")).toMatchObject([
      { id: "ab", presence: "live", textUnits: [`${left}/u`] },
    ]);
    await purge(group, [left]);
    expect(await records(group, "relationship")).toEqual([]);
  }
});

test("graphiti REST DELETE /episode removes only the node: here all that only it said goes with it", async () => {
  const group = newGroup();
  await write(group, one("d", "a b"));
  await write(group, one("e", "b c"));
  await purge(group, ["d"]);
  expect((await records(group, "text_unit")).map((u) => u.id)).toEqual(["e/u"]);
  expect((await records(group, "entity")).map((e) => e.id)).toEqual(["b", "c"]);
  expect((await records(group, "relationship")).map((r) => r.id)).toEqual(["b-c"]);
  expect((await records(group, "mention")).map((m) => m.textUnit)).toEqual(["e/u", "e/u"]);
});

test("graphiti #1401, #402, #1397, PR #1844: a graph on which label propagation swings for ever is clustered, and ends", async () => {
  const group = newGroup();
  // A complete bipartite graph: synchronous labels change sides in each round.
  const left = Array.from({ length: 30 }, (_, i) => `l${i}`);
  const right = Array.from({ length: 30 }, (_, i) => `r${i}`);
  await write(group, {
    documents: ["d"],
    units: { u: "d" },
    entities: [...left, ...right],
    mentions: { u: [...left, ...right].join(" ") },
    relationships: Object.fromEntries(left.flatMap((a) => right.map((b) => [`${a}-${b}`, [`${a} ${b}`]]))),
    vectors: false,
  });
  const result = await run("recompute", group);
  expect(result).toMatchObject({ fresh: true, entities: 60 });
  expect(result.iterations).toBeLessThanOrEqual(100);
  expect(await keeper().verify(group)).toEqual([]);
});

test("graphiti #1083, PR #1130: an entity that never had a mention goes by the full sweep, after its grace age only", async () => {
  const group = newGroup();
  await write(group, one("d", "a b"));
  await write(group, { documents: ["e"], units: { "e/u": "e" }, entities: ["never"] });
  const live = async () => (await records(group, "entity")).filter((e) => e.presence === "live").map((e) => e.id);
  await run("gc_all", group, { sweep: true });
  expect(await live()).toEqual(["a", "b", "never"]);
  const store = keeper().store;
  const tomorrow = Date.now() + 86_400_000;
  const policy = { restoreWindowMs: Number.POSITIVE_INFINITY, unsupported: "collect" as const, graceAgeMs: 3_600_000 };
  const fence = await store.acquireLease(group, "test", 1e12, tomorrow);
  if (fence === null) throw new Error("the lease is taken");
  expect((await store.sweep(fence, { cursor: null, limit: 100, policy, now: tomorrow })).found).toBe(1);
  await store.collect(fence, "orphan_entities", { cursor: null, limit: 100, policy, now: tomorrow, dryRun: false });
  expect(await live()).toEqual(["a", "b"]);
});

test("graphiti, measured: no community is left without members, and none tells of what is gone", async () => {
  const group = newGroup();
  for (const id of ["d", "e", "f"]) await write(group, one(id, `${id}1 ${id}2 ${id}3`));
  await run("recompute", group);
  const { communities } = await keeper().changedCommunities(group, { limit: 100 });
  await keeper().acknowledge(group, communities);
  await purge(group, ["d"]);
  await run("recompute", group);
  const members = new Map<string, number>();
  for (const m of await records(group, "membership")) members.set(m.community, (members.get(m.community) ?? 0) + 1);
  for (const { community } of await records(group, "community")) expect(members.get(community.id)).toBe(community.size);
  const again = await keeper().changedCommunities(group, { limit: 100 });
  expect(again.removed.length).toBeGreaterThan(0);
});
