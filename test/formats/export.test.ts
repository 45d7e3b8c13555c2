import { afterAll, beforeAll, expect, test } from "vitest";
import { parseMsGraphrag } from "../../src/formats/msgraphrag.ts";
import { parseNative } from "../../src/formats/native.ts";
import { dumpOf, hasMsGraphrag, largeGraph, MSGRAPHRAG, temporaryGraphkeeper } from "../data/graphs.ts";

let place: Awaited<ReturnType<typeof temporaryGraphkeeper>>;
beforeAll(async () => {
  place = await temporaryGraphkeeper();
});
afterAll(() => place.close());

async function exported(group: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of place.graphkeeper.export(group)) lines.push(line);
  return lines;
}

async function copy(group: string): Promise<string> {
  const lines = await exported(group);
  await place.graphkeeper.importBlocks(`${group}-copy`, parseNative(lines.map((line) => `${line}\n`)));
  expect(await place.graphkeeper.verify(`${group}-copy`)).toEqual([]);
  return `${group}-copy`;
}

async function load(group: string, ...lines: object[]): Promise<void> {
  await place.graphkeeper.importBlocks(group, parseNative([lines.map((line) => JSON.stringify(line)).join("\n")]));
}

const document = (id: string) => ({ kind: "document", id });
const unit = (id: string, ...documents: string[]) => ({
  kind: "text_unit",
  id,
  documents,
  text: `text of ${id}`,
  embedding: [1, 2],
});
const entity = (id: string) => ({ kind: "entity", id, name: id, embedding: [0.1, 0.2, 0.3] });
const mention = (text_unit: string, entity: string) => ({ kind: "mention", text_unit, entity });
const fact = (id: string, source: string, target: string, text_units?: string[]) => ({
  kind: "relationship",
  id,
  source,
  target,
  type: "near",
  text_units,
});

test("the large graph, exported and imported, is the same graph, vectors and all", async () => {
  await place.graphkeeper.importBlocks("large", largeGraph());
  expect(await dumpOf(place.graphkeeper, await copy("large"))).toBe(await dumpOf(place.graphkeeper, "large"));
  // Each block is about what its documents brought; none holds all that is left.
  let [blocks, most] = [0, 0];
  for await (const { block } of parseNative((await exported("large")).map((line) => `${line}\n`))) {
    blocks++;
    most = Math.max(most, block.relationships.length);
    expect(block.documents).toHaveLength(1);
  }
  expect(blocks).toBe(1_890);
  expect(most).toBeLessThan(100);
}, 120_000);

test.skipIf(!hasMsGraphrag)("so is the output of a Microsoft GraphRAG index", async () => {
  await place.graphkeeper.importBlocks("dulce", parseMsGraphrag(MSGRAPHRAG));
  expect(await dumpOf(place.graphkeeper, await copy("dulce"))).toBe(await dumpOf(place.graphkeeper, "dulce"));
});

test("documents that share units, facts across documents and without support, entities that nothing mentions", async () => {
  await load(
    "mixed",
    document("a"),
    document("b"),
    unit("ab", "a", "b"),
    unit("b", "b"),
    entity("x"),
    entity("y"),
    mention("ab", "x"),
    mention("b", "y"),
    document("c"),
    unit("c", "c"),
    entity("z"),
    entity("alone"),
    mention("c", "z"),
    mention("c", "x"),
    fact("known", "x", "z", ["c", "ab"]),
    fact("unknown", "y", "z"),
    fact("loop", "alone", "alone"),
    document("no text"),
    document("ünïcode 𝄞 / ? # %"),
  );
  expect(await dumpOf(place.graphkeeper, await copy("mixed"))).toBe(await dumpOf(place.graphkeeper, "mixed"));
  expect(await exported("mixed-copy")).toEqual(await exported("mixed"));
});

test("what is deprecated stays away, collected yet or not", async () => {
  const { graphkeeper, run } = place;
  await load(
    "partly",
    document("old"),
    document("new"),
    unit("shared", "old", "new"),
    unit("only-old", "old"),
    entity("kept"),
    entity("lost"),
    mention("shared", "kept"),
    mention("only-old", "kept"),
    mention("only-old", "lost"),
    fact("both", "kept", "kept", ["shared", "only-old"]),
    fact("old-only", "kept", "kept", ["only-old"]),
    fact("end-lost", "kept", "lost"),
  );
  await graphkeeper.deprecate("partly", ["old"]);
  const before = await exported("partly");
  const kinds = before.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(kinds.map((line) => line.id ?? line.entity)).toEqual(["new", "shared", "kept", "kept", "both"]);
  expect(kinds[1]).toMatchObject({ documents: ["new"] });
  expect(kinds[4]).toMatchObject({ text_units: ["shared"] });
  const health = await graphkeeper.health(await copy("partly"));
  expect(health.counts).toMatchObject({
    documents: { active: 1, deprecated: 0 },
    entities: { live: 1, parked: 0 },
    relationships: { live: 1, parked: 0 },
  });
  await run("gc_all", "partly");
  expect(await exported("partly")).toEqual(before);
  // Back as it was, the export has all of it again.
  await graphkeeper.restore("partly", ["old"]);
  await run("gc_all", "partly");
  expect(await exported("partly")).toHaveLength(12);
});

test("a group without documents exports its entities; one that is not there is refused", async () => {
  await load("bare", entity("x"), entity("y"), fact("r", "x", "y"));
  expect(await dumpOf(place.graphkeeper, await copy("bare"))).toBe(await dumpOf(place.graphkeeper, "bare"));
  await expect(exported("nobody")).rejects.toMatchObject({ code: "GROUP_NOT_FOUND" });
});
