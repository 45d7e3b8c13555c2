import { expect } from "vitest";
import type { StoredRecord } from "../../../src/core/ports.ts";
import type { ImportBlock } from "../../../src/core/words.ts";
import { parseMsGraphrag } from "../../../src/formats/msgraphrag.ts";
import { type FieldCase, type FieldWorld, inputPath } from "../case.ts";

type Unit = Extract<StoredRecord, { kind: "text_unit" }>;

const load = ({ graphkeeper, group }: FieldWorld, folder: string) =>
  graphkeeper.importBlocks(group, parseMsGraphrag(inputPath(folder)));

async function documents({ graphkeeper, group }: FieldWorld) {
  return (await graphkeeper.documents(group, { limit: 100 })).items;
}

async function units({ graphkeeper, group }: FieldWorld): Promise<Unit[]> {
  const found: Unit[] = [];
  for await (const records of graphkeeper.store.records(group, { facts: true }))
    found.push(...records.filter((record): record is Unit => record.kind === "text_unit"));
  return found;
}

const liveTexts = async (world: FieldWorld) =>
  (await units(world)).filter(({ presence }) => presence === "live").map(({ text }) => text);

/** The first folder as version 0.1 read it: a document's id was its title, since no other had it. */
async function loadAsVersion01({ graphkeeper, group }: FieldWorld): Promise<void> {
  for await (const { block } of parseMsGraphrag(inputPath("g-msgraphrag-run1"))) {
    const titles = new Map(block.documents.map(({ id, title }) => [id, title!]));
    const old: ImportBlock = {
      ...block,
      documents: block.documents.map(({ title }) => ({ id: title!, title })),
      textUnits: block.textUnits.map((unit) => ({ ...unit, documents: unit.documents.map((id) => titles.get(id)!) })),
    };
    await graphkeeper.importBlock(group, old);
  }
}

/** Outputs of Microsoft GraphRAG. */
export const MS_GRAPHRAG: FieldCase[] = [
  {
    input: "g-msgraphrag-run2",
    expected:
      "a document has one id whatever else is in the folder; both of one title deprecated: no text of them lives",
    run: async (world) => {
      const ids = ["README.md#3ab17f107666", "README.md#f209e3bbd381", "guide.md#481313b05cb2"];
      await load(world, "g-msgraphrag-run1");
      expect((await documents(world)).map(({ id }) => id)).toEqual(ids.slice(1));
      await load(world, "g-msgraphrag-run2");
      expect((await documents(world)).map(({ id }) => id)).toEqual(ids);
      expect((await load(world, "g-msgraphrag-run4")).outcomes).toEqual({ unchanged: 1 });
      expect((await documents(world)).map(({ id }) => id)).toEqual(ids);
      await world.graphkeeper.deprecate(world.group, ids.slice(0, 2));
      await world.maintain("gc_all");
      expect(await liveTexts(world)).toEqual(["Beta guide."]);
      expect(await world.graphkeeper.verify(world.group)).toEqual([]);
    },
  },
  {
    input: "g-msgraphrag-run1",
    expected: "a group of version 0.1 goes on with the ids that it has, also beside a second file of the title",
    run: async (world) => {
      await loadAsVersion01(world);
      expect((await load(world, "g-msgraphrag-run1")).outcomes).toEqual({ unchanged: 2 });
      expect((await load(world, "g-msgraphrag-run2")).outcomes).toEqual({ unchanged: 2, imported: 1 });
      const found = await documents(world);
      expect(found.map(({ id, title }) => [id, title])).toEqual([
        ["README.md", "README.md"],
        ["README.md#3ab17f107666", "README.md"],
        ["guide.md", "guide.md"],
      ]);
      await world.graphkeeper.deprecate(world.group, ["README.md"]);
      expect((await liveTexts(world)).sort()).toEqual(["Beta guide.", "Gamma is led by Carl."]);
    },
  },
  {
    input: "h-ms3-two-files-same-content",
    expected: "files of equal content are two documents with one text unit, which lives while one of them does",
    run: async (world) => {
      await load(world, "h-ms3-two-files-same-content");
      const ids = ["a.txt#b6ee99da2f47", "copy of a.txt#b6ee99da2f47"];
      expect((await units(world)).map((unit) => unit.documents)).toEqual([ids]);
      await world.graphkeeper.deprecate(world.group, [ids[0]!]);
      await world.maintain("gc_all");
      expect(await liveTexts(world)).toEqual(["Pump P1 feeds tank T1."]);
      await world.graphkeeper.deprecate(world.group, [ids[1]!]);
      expect(await liveTexts(world)).toEqual([]);
    },
  },
  {
    input: "h-ms3-chunk-in-two-documents",
    expected: "a chunk of two documents is one text unit with two owners",
    run: async (world) => {
      await load(world, "h-ms3-chunk-in-two-documents");
      const owners = new Map((await units(world)).map((unit) => [unit.text, unit.documents]));
      expect(owners.get("Terms of use apply.")).toEqual(["a.txt#5b61872d0824", "b.txt#543921b2e1c0"]);
      expect(owners.size).toBe(3);
    },
  },
  {
    input: "h-ms3-chunk-twice-in-document",
    expected: "a chunk that stands twice in a document is one text unit",
    run: async (world) => {
      await load(world, "h-ms3-chunk-twice-in-document");
      expect((await units(world)).map(({ text }) => text).sort()).toEqual([
        "Pump P1 feeds tank T1.",
        "This page is blank.",
      ]);
    },
  },
  {
    input: "h-ms3-metadata",
    expected: "metadata of a document is stored",
    run: async (world) => {
      await load(world, "h-ms3-metadata");
      const [document] = await documents(world);
      expect(document!.metadata).toEqual({ department: "HR", valid_until: "2027-01-01" });
    },
  },
  {
    input: "h-ms3-weight-zero",
    expected: "a weight of 0 is refused by name, and never stored as 1",
    run: async (world) => {
      await expect(load(world, "h-ms3-weight-zero")).rejects.toMatchObject({
        code: "INVALID_VALUE",
        details: { field: "weight", relationship: "P1 → T1" },
      });
    },
  },
];
