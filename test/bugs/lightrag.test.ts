import { expect, test } from "vitest";
import { block } from "../../src/conformance/index.ts";
import { one, useGraphkeeper } from "./world.ts";

/** HKUDS/LightRAG: what its users ran into. */

const { keeper, newGroup, write, purge, run, records } = useGraphkeeper();

test("LightRAG #2795, #2765: 85 documents deleted in one call are one plan, one collection, one recompute, with the end of 85", async () => {
  const groups = [newGroup(), newGroup()] as [string, string];
  const ids = Array.from({ length: 90 }, (_, i) => `d${String(i).padStart(2, "0")}`);
  const gone = ids.slice(0, 85);
  for (const group of groups) {
    for (const [i, id] of ids.entries()) await write(group, one(id, `e${i} e${(i + 1) % 90} hub`));
    await run("recompute", group);
  }
  const [bulk, single] = groups;
  await purge(bulk, gone);
  await run("gc_all", bulk);
  await run("recompute", bulk);
  for (const id of gone) await purge(single, [id]);
  await run("gc_all", single);
  const dump = async (group: string) => {
    const lines = [];
    for await (const line of keeper().dump(group, { facts: true })) lines.push(line);
    return lines;
  };
  expect(await dump(bulk)).toEqual(await dump(single));
  const actions = (await keeper().audit(bulk, { afterSeq: 90, limit: 1_000 })).map((a) => a.action);
  const count = (action: string) => actions.filter((a) => a === action).length;
  expect([count("purge"), count("publish")]).toEqual([1, 2]);
  expect((await keeper().store.group(bulk))?.generation).toBeLessThan(90 + 5);
});

test("LightRAG #2690: lifecycle calls are not refused while something else runs; a replace is one operation, never delete and lose", async () => {
  const group = newGroup();
  await write(group, one("d", "a b"));
  const store = keeper().store;
  const fence = await store.acquireLease(group, "somebody", 60_000, Date.now());
  expect(fence).not.toBeNull();
  const seen: number[] = [];
  let done = false;
  const watch = (async () => {
    while (!done) seen.push((await keeper().documents(group, { limit: 10 })).items.length);
  })();
  for (let i = 0; i < 10; i++) {
    const next = block({ ...one("d", "a b"), units: { "d/u": { documents: "d", text: `version ${i}` } } });
    const record = await keeper().replace(group, "d", next);
    expect(record.outcomes).toEqual([{ id: "d", outcome: "replaced" }]);
  }
  done = true;
  await watch;
  expect(new Set(seen)).toEqual(new Set([1]));
  expect(await keeper().document(group, "d")).toMatchObject({ version: 11, status: "active" });
  if (fence) await store.releaseLease(fence);
});

test("LightRAG #2442, cognee #3526: what is derived dies with the document, and the ids that are gone are told for other caches", async () => {
  const group = newGroup();
  await write(group, one("d", "a b c"));
  await write(group, one("e", "c f g"));
  await run("recompute", group);
  await purge(group, ["d"]);
  const derived = [
    ...(await records(group, "similarity")).flatMap((row) => [row.a, row.b]),
    ...(await records(group, "membership")).flatMap((row) => [row.entity, row.community]),
    ...(await records(group, "rank")).flatMap((row) => [row.entity, row.component]),
  ];
  expect(derived.filter((id) => ["a", "b", "d"].includes(id))).toEqual([]);
  expect(derived).toEqual(expect.arrayContaining(["c", "f", "g"]));
  const [entry] = (await keeper().audit(group, { afterSeq: 0, limit: 100 })).filter((a) => a.action === "purge");
  expect(JSON.stringify(entry?.detail)).toContain('"d"');
});

test("LightRAG #1555, graphiti #1837: a fact goes with its last support, and what was summarised with it is to be summarised again", async () => {
  const group = newGroup();
  await write(group, one("d", "a b"));
  await write(group, { ...one("e", "a b"), relationships: { "second a-b": ["b a", "e/u"] } });
  await run("recompute", group);
  const { communities } = await keeper().changedCommunities(group, { limit: 10 });
  await keeper().acknowledge(group, communities);
  await purge(group, ["d"]);
  await run("recompute", group);
  expect((await records(group, "relationship")).map((r) => r.id)).toEqual(["second a-b"]);
  const again = await keeper().changedCommunities(group, { limit: 10 });
  expect(again.communities.length).toBeGreaterThan(0);
  for (const c of again.communities) expect(c.grades).toContain("edges");
});

test("LightRAG, measured: a changed text under the same id is taken, not refused as a duplicate; the same text again is nothing", async () => {
  const group = newGroup();
  await write(group, one("d", "a b"));
  const same = await keeper().importBlock(group, block(one("d", "a b")));
  expect(same.outcomes).toEqual([{ id: "d", outcome: "unchanged" }]);
  const changed = block({
    ...one("d", "a b"),
    units: { "d/u2": { documents: "d", text: "changed" } },
    mentions: {},
    relationships: {},
  });
  const record = await keeper().importBlock(group, changed);
  expect(record.outcomes).toEqual([{ id: "d", outcome: "replaced" }]);
  expect((await records(group, "text_unit")).map((u) => u.text)).toEqual(["changed"]);
});
