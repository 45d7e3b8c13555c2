import { expect, test } from "vitest";
import { block } from "../../src/conformance/index.ts";
import { one, useGraphkeeper } from "./world.ts";

/** microsoft/graphrag: what its users ran into. */

const { keeper, newGroup, write, purge, run, records } = useGraphkeeper();

test("graphrag #469, #1613, #1972, #2078: an update that only deletes, one that only edits and a mixed one are ordinary", async () => {
  const group = newGroup();
  for (const id of ["d", "e", "f"]) await write(group, one(id, `${id}1 ${id}2 shared`));
  await run("recompute", group);
  const followed = async () => {
    await run("gc_all", group);
    expect(await run("recompute", group)).toMatchObject({ fresh: true });
    expect(await keeper().verify(group)).toEqual([]);
    return (await records(group, "rank")).map((r) => r.entity).sort();
  };
  await purge(group, ["d"]);
  expect(await followed()).toEqual(["e1", "e2", "f1", "f2", "shared"]);
  const edited = { ...one("e", "e1 e3 shared"), units: { "e/u": { documents: "e", text: "edited" } } };
  await keeper().replace(group, "e", block(edited));
  expect(await followed()).toEqual(["e1", "e3", "f1", "f2", "shared"]);
  await purge(group, ["f"]);
  await write(group, one("g", "g1 shared"));
  expect(await followed()).toEqual(["e1", "e3", "g1", "shared"]);
  await purge(group, ["e", "g"]);
  expect(await followed()).toEqual([]);
});

test("graphrag #2540; MS GraphRAG leaves communities pointing at discarded ids: memberships name what is there, before and after a recompute", async () => {
  const group = newGroup();
  for (const id of ["d", "e"]) await write(group, one(id, `${id}1 ${id}2 ${id}3`));
  await run("recompute", group);
  await purge(group, ["d"]);
  for (const when of ["before", "after"]) {
    const there = new Set((await records(group, "entity")).map((e) => e.id));
    const memberships = await records(group, "membership");
    expect(memberships.length, when).toBeGreaterThan(0);
    for (const m of memberships) expect(there.has(m.entity), `${m.entity} ${when}`).toBe(true);
    expect(await keeper().verify(group)).toEqual([]);
    await run("recompute", group);
  }
  const sizes = (await records(group, "community")).map((c) => c.community.size);
  expect(Math.min(...sizes)).toBeGreaterThan(0);
});

test("graphrag #741, #746, #431: after a small change only the communities that changed are to be summarised, with the cost told first", async () => {
  const group = newGroup();
  for (let i = 0; i < 8; i++) await write(group, one(`d${i}`, [0, 1, 2, 3].map((n) => `d${i}e${n}`).join(" ")));
  await run("recompute", group);
  const first = await keeper().changedCommunities(group, { level: 0, limit: 100 });
  expect(first.communities.length).toBeGreaterThanOrEqual(8);
  const all = await keeper().changedCommunities(group, { limit: 100 });
  await keeper().acknowledge(group, all.communities);
  await write(group, one("more", "d0e0 d0e9"));
  await run("recompute", group);
  const again = await keeper().changedCommunities(group, { level: 0, limit: 100, estimate: true });
  expect(again.communities).toHaveLength(1);
  expect(again.tokens).toBeDefined();
});
