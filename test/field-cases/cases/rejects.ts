import { createReadStream } from "node:fs";
import { expect } from "vitest";
import { GraphkeeperError } from "../../../src/core/errors.ts";
import type { LocatedBlock } from "../../../src/documents/import.ts";
import type { ReadOptions, Reject } from "../../../src/documents/rejects.ts";
import { rejectLines } from "../../../src/formats/lines.ts";
import { parseMsGraphrag } from "../../../src/formats/msgraphrag.ts";
import { parseNative } from "../../../src/formats/native.ts";
import { parseOpenie } from "../../../src/formats/openie.ts";
import { type FieldCase, type FieldWorld, inputPath } from "../case.ts";

const READERS: Record<string, (path: string, options: ReadOptions) => AsyncIterable<LocatedBlock>> = {
  f: (path, options) => parseNative(createReadStream(path), options),
  i: parseOpenie,
  h: parseMsGraphrag,
};

interface Expected {
  /** Places of what is refused by itself. */
  refused: string[];
  /** What is imported all the same, and what there is once the rejects are mended and imported. */
  live: Live;
  mended: Live;
  mend?: (lines: string) => string;
}
interface Live {
  textUnits: number;
  entities: number;
  relationships: number;
}

const live = (textUnits: number, entities: number, relationships: number): Live => ({
  textUnits,
  entities,
  relationships,
});

async function counts({ graphkeeper, group }: FieldWorld): Promise<Live> {
  const { textUnits, entities, relationships } = await graphkeeper.store.counts(group);
  return live(textUnits.live, entities.live, relationships.live);
}

/** Skips what is wrong, then imports what was skipped, mended; without skipping the import stops. */
function rejectCase(input: string, expected: string, right: Expected): FieldCase {
  return {
    input,
    expected,
    run: async (world) => {
      const { graphkeeper, group } = world;
      const read = (options: ReadOptions) => READERS[input[0]!]!(inputPath(input), options);
      if (right.refused.length > 0) {
        await expect(graphkeeper.importBlocks(`${group}-stop`, read({}))).rejects.toThrow(GraphkeeperError);
      }
      const rejects: Reject[] = [];
      const onReject = (reject: Reject) => rejects.push(reject);
      await graphkeeper.importBlocks(group, read({ onReject }), { onReject });
      expect(rejects.map(({ place }) => place)).toEqual(right.refused);
      expect(await counts(world)).toEqual(right.live);
      expect(await graphkeeper.verify(group)).toEqual([]);
      const lines = rejects.flatMap(rejectLines).join("\n");
      await graphkeeper.importBlocks(group, parseNative([(right.mend ?? ((text) => text))(lines)]));
      expect(await counts(world)).toEqual(right.mended);
      expect(await graphkeeper.verify(group)).toEqual([]);
    },
  };
}

/** One thing that is wrong, in the middle: it alone is refused, with what needs it. */
export const REJECTS: FieldCase[] = [
  rejectCase("f-empty.ndjson", "an empty text is refused with the mention and the entity that it alone holds", {
    refused: ["line 2"],
    live: live(1, 0, 0),
    mended: live(2, 1, 0),
    mend: (lines) => lines.replace('"text":""', '"text":"there"'),
  }),
  rejectCase("f-nul.ndjson", "a text with NUL is refused", {
    refused: ["line 2"],
    live: live(1, 0, 0),
    mended: live(2, 1, 0),
    mend: (lines) => lines.replace("\\u0000", " "),
  }),
  rejectCase("f-tab.ndjson", "an id with a tab is refused with its mention; the text goes in", {
    refused: ["line 3"],
    live: live(2, 0, 0),
    mended: live(2, 1, 0),
    mend: (lines) => lines.replaceAll("\\t", " "),
  }),
  rejectCase("i-openie-empty-passage.json", "an empty passage is refused with its names and triples", {
    refused: ["docs.0"],
    live: live(1, 2, 1),
    mended: live(2, 4, 2),
    mend: (lines) => lines.replace('"text":""', '"text":"Anna leads Alpha."'),
  }),
  rejectCase("i-openie-int-idx.json", "a number as idx is an id like another", {
    refused: [],
    live: live(2, 4, 2),
    mended: live(2, 4, 2),
  }),
  rejectCase("i-openie-newline-name.json", "a name with a line break is refused", {
    refused: ["docs.1"],
    live: live(2, 4, 2),
    mended: live(2, 5, 2),
    mend: (lines) => lines.replaceAll("\\n", " "),
  }),
  rejectCase("i-openie-number-in-triple.json", "a triple with a number is refused by itself", {
    refused: ["docs.1.extracted_triples.0"],
    live: live(2, 4, 2),
    mended: live(2, 5, 3),
  }),
  rejectCase("h-ms3-dirty", "rows that are wrong are refused one by one, a weight of 0 or NaN among them", {
    refused: [
      "documents.parquet, row 2",
      "text_units.parquet, row 2",
      "entities.parquet, row 1",
      "text_units.parquet, row 1",
      "relationships.parquet, row 1",
      "relationships.parquet, row 2",
    ],
    live: live(2, 3, 2),
    mended: live(3, 4, 4),
    mend: (lines) =>
      lines
        .replace('"text":""', '"text":"there"')
        .replace('"weight":0', '"weight":1')
        .replace('"weight":null', '"weight":2'),
  }),
];
