import { expect, test } from "vitest";
import { block, vectorOf } from "../../src/conformance/index.ts";
import { one, useGraphkeeper } from "./world.ts";

/** Peers with one entry or two. */

const { keeper, newGroup, write, purge, run, records } = useGraphkeeper();

test("mem0 #3245, #4187: a purge takes text, vector, entities and facts alike; a deprecation hides and keeps them all", async () => {
  const group = newGroup();
  await write(group, one("d", "a b"));
  const hits = async () =>
    (await keeper().search(group, { of: "text_unit", vector: vectorOf("text of d/u"), k: 5 })).length +
    (await keeper().search(group, { of: "entity", vector: vectorOf("a"), k: 5 })).length;
  expect(await hits()).toBe(3);
  await keeper().deprecate(group, ["d"], { force: true });
  await run("gc_all", group);
  expect(await hits()).toBe(0);
  expect((await keeper().store.counts(group)).vectors).toEqual({ searchable: 0, parked: 3 });
  await keeper().restore(group, ["d"]);
  expect(await hits()).toBe(3);
  await purge(group, ["d"]);
  const counts = await keeper().store.counts(group);
  expect([counts.vectors, counts.entities, counts.relationships, counts.textUnits]).toEqual([
    { searchable: 0, parked: 0 },
    { live: 0, parked: 0 },
    { live: 0, parked: 0 },
    { live: 0, parked: 0 },
  ]);
});

test("MemOS #1360, spring-ai #6990, graphiti #1793: a small group, most of it deprecated, still gets its k best, whatever its neighbours hold", async () => {
  const [small, big] = [newGroup(), newGroup()];
  for (let i = 0; i < 40; i++) await write(big, one(`d${i}`, `e${i} f${i}`));
  for (let i = 0; i < 20; i++) await write(small, one(`d${i}`, `e${i} f${i}`));
  await keeper().deprecate(
    small,
    Array.from({ length: 15 }, (_, i) => `d${i}`),
    { force: true },
  );
  const hits = await keeper().search(small, { of: "text_unit", vector: vectorOf("text of d3/u"), k: 5 });
  expect(hits.map((h) => h.id).sort()).toEqual([15, 16, 17, 18, 19].map((i) => `d${i}/u`));
});

test("FalkorDB GraphRAG-SDK #284: updates of many documents at once that share entities end as one after the other", async () => {
  const [together, apart] = [newGroup(), newGroup()];
  const ids = Array.from({ length: 24 }, (_, i) => `d${i}`);
  const next = (id: string, i: number) =>
    block({
      ...one(id, `hub e${i} e${(i + 1) % 24}`),
      units: { [`${id}/u`]: { documents: id, text: `second ${id}` } },
    });
  for (const group of [together, apart]) for (const [i, id] of ids.entries()) await write(group, one(id, `hub e${i}`));
  await Promise.all(ids.map((id, i) => keeper().replace(together, id, next(id, i))));
  for (const [i, id] of ids.entries()) await keeper().replace(apart, id, next(id, i));
  const dump = async (group: string) => {
    await run("gc_all", group);
    const lines = [];
    for await (const line of keeper().dump(group, { facts: true })) lines.push(line);
    return lines;
  };
  expect(await dump(together)).toEqual(await dump(apart));
  expect(await keeper().verify(together)).toEqual([]);
});

test("arcana #111: a delete makes the analytics stale in its own transaction; the orphan sweep touches no other group, nor what is just coming in", async () => {
  const [mine, other] = [newGroup(), newGroup()];
  for (const group of [mine, other]) {
    await write(group, one("d", "a b"));
    await write(group, one("e", "b c"));
    await run("recompute", group);
  }
  await write(other, { documents: ["f"], units: { "f/u": "f" }, entities: ["coming"] });
  const before = await keeper().store.group(other);
  await purge(mine, ["d"]);
  const { analyticsGeneration, generation } = (await keeper().store.group(mine)) ?? {};
  expect(generation).toBe((analyticsGeneration as number) + 1);
  await run("gc_all", mine, { sweep: true });
  await run("gc_all", mine, { sweep: true });
  expect(await keeper().store.group(other)).toEqual(before);
  expect((await records(other, "entity")).map((e) => `${e.id} ${e.presence}`)).toEqual([
    "a live",
    "b live",
    "c live",
    "coming live",
  ]);
});

test("R2R: counts follow what happened: a call that is refused, or on a document that stays, changes none", async () => {
  const group = newGroup();
  await write(group, one("d", "a b"));
  await write(group, one("e", "b c"));
  const before = await keeper().store.counts(group);
  await keeper().hold(group, ["d"]);
  await expect(purge(group, ["d"])).rejects.toMatchObject({ code: "LEGAL_HOLD" });
  await expect(purge("another-group", ["d"])).rejects.toMatchObject({ code: "GROUP_NOT_FOUND" });
  await expect(keeper().deprecate(group, ["unknown"])).rejects.toMatchObject({ code: "DOCUMENT_NOT_FOUND" });
  expect(await keeper().store.counts(group)).toEqual(before);
});

test("ragflow PR #7151, #6462, #15791: one delete never takes the whole graph unasked, and what is deleted is not found", async () => {
  const group = newGroup();
  const all = Array.from({ length: 1_101 }, (_, i) => `e${i}`);
  await write(group, {
    documents: ["d"],
    units: { u: "d" },
    entities: all,
    mentions: { u: all.join(" ") },
    vectors: false,
  });
  await write(group, one("e", "e0 own"));
  for (const call of [keeper().deprecate(group, ["d"]), keeper().purge(group, ["d"], { confirm: "d" })])
    await expect(call).rejects.toMatchObject({ code: "BLAST_RADIUS" });
  expect((await keeper().store.counts(group)).entities).toEqual({ live: 1_102, parked: 0 });
  await purge(group, ["d"]);
  expect((await records(group, "entity")).map((e) => e.id)).toEqual(["e0", "own"]);
});

test("RAGFlow logs that the cleanup of the graph failed and returns success: here what fails is the call's own failure, with nothing done", async () => {
  const group = newGroup();
  await write(group, one("d", "a b"));
  const before = await keeper().store.group(group);
  const dimension = block(one("x", "a y"));
  for (const unit of dimension.textUnits) unit.embedding = Float32Array.of(1, 2);
  await expect(keeper().importBlock(group, dimension)).rejects.toMatchObject({ code: "INVALID_EMBEDDING" });
  expect(await keeper().store.group(group)).toEqual(before);
});

test("Waggle-mcp #458: a recompute of an unchanged graph writes nothing", async () => {
  const group = newGroup();
  for (const id of ["d", "e"]) await write(group, one(id, `${id}1 ${id}2`));
  await run("recompute", group);
  expect(await run("recompute", group)).toMatchObject({ rows_written: 0, changed_communities: 0, fresh: true });
});
