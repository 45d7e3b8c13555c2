import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LocatedBlock } from "../../src/documents/import.ts";
import type { Reject } from "../../src/documents/rejects.ts";
import { MAX_LINE_BYTES, rejectLines } from "../../src/formats/lines.ts";
import { parseNative } from "../../src/formats/native.ts";
import { parseOpenie } from "../../src/formats/openie.ts";
import { dumpOf, temporaryGraphkeeper } from "../data/graphs.ts";
import { inputPath } from "../field-cases/case.ts";

let place: Awaited<ReturnType<typeof temporaryGraphkeeper>>;
beforeAll(async () => {
  place = await temporaryGraphkeeper();
});
afterAll(() => place.close());

const document = (id: string) => ({ kind: "document", id, content_hash: id });
const unit = (id: string, documents: string[], more: object = {}) => ({
  kind: "text_unit",
  id,
  documents,
  text: id,
  ...more,
});
const entity = (id: string, more: object = {}) => ({ kind: "entity", id, name: id, ...more });
const mention = (text_unit: string, entity: string) => ({ kind: "mention", text_unit, entity });
const fact = (id: string, source: string, target: string, text_units: string[], more: object = {}) => ({
  kind: "relationship",
  id,
  source,
  target,
  type: "near",
  text_units,
  ...more,
});

/** Imports with skipping. @returns the rejects, and the lines of the file of them */
async function skip(group: string, ...source: (string | Uint8Array)[]): Promise<{ rejects: Reject[]; file: string }> {
  const rejects: Reject[] = [];
  const onReject = (reject: Reject) => rejects.push(reject);
  await place.graphkeeper.importBlocks(group, parseNative(source, { onReject }), { onReject });
  expect(await place.graphkeeper.verify(group)).toEqual([]);
  return { rejects, file: rejects.flatMap(rejectLines).join("\n") };
}

const ndjson = (lines: (object | string)[]) =>
  lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");

/** Two documents that share a text, entity and fact with vectors, and a third after them. */
const GOOD: object[] = [
  document("a"),
  unit("a:1", ["a"], { embedding: [1, 0] }),
  unit("a:2", ["a"], { embedding: [0, 1] }),
  entity("x", { embedding: [1, 2, 3] }),
  entity("y"),
  mention("a:1", "x"),
  fact("r", "x", "y", ["a:1", "a:2"]),
  document("b"),
  unit("b:1", ["b"]),
  entity("x", { embedding: [1, 2, 3] }),
  entity("z"),
  fact("s", "x", "z", ["b:1"], { weight: 2 }),
  document("c"),
  unit("c:1", ["c"]),
  entity("w"),
  mention("c:1", "w"),
];

describe("one line that is wrong, anywhere: the rest goes in, and the mended rejects make it whole", () => {
  /** How a line becomes wrong, and how its reject is mended: by the reader of it, text for text. */
  const faults: [what: string, kinds: string[], wrong: (line: string) => string, mend: (text: string) => string][] = [
    [
      "a misspelt kind",
      ["text_unit", "entity", "mention", "relationship"],
      (l) => l.replace('"kind"', '"kin"'),
      (t) => t.replaceAll('"kin"', '"kind"'),
    ],
    [
      "a member too many",
      ["document", "text_unit", "entity", "mention", "relationship"],
      (l) => l.replace("{", '{"more":1,'),
      (t) => t.replaceAll('"more":1,', ""),
    ],
    [
      "no JSON",
      ["document", "text_unit", "entity", "mention", "relationship"],
      (l) => `${l}}`,
      (t) => t.replaceAll("}}", "}"),
    ],
    [
      "an empty text",
      ["text_unit"],
      (l) => l.replace(/"text":"(.)/, '"text":"","was":"$1').replace(/,"was":"([^"]*)"/, ""),
      (t) => t.replaceAll(/"id":"([^"]+)"(.*?)"text":""/g, '"id":"$1"$2"text":"$1"'),
    ],
    [
      "a name with NUL",
      ["entity"],
      (l) => l.replace('"name":"', '"name":"\\u0000'),
      (t) => t.replaceAll("\\u0000", ""),
    ],
    [
      "a weight of 0",
      ["relationship"],
      (l) => l.replace("}", ',"weight":0}').replace('"weight":2,', ""),
      (t) =>
        t
          .replaceAll(',"weight":0', ',"weight":1')
          .replace('"id":"s"', '"id":"s"')
          .replace(/("id":"s".*)"weight":1/, '$1"weight":2'),
    ],
    [
      "an end that is nowhere",
      ["relationship"],
      (l) => l.replace('"source":"x"', '"source":"nowhere"'),
      (t) => t.replaceAll('"source":"nowhere"', '"source":"x"'),
    ],
    [
      "an owner that is nowhere",
      ["text_unit"],
      (l) => l.replace('"documents":["', '"documents":["nowhere-'),
      (t) => t.replaceAll("nowhere-", ""),
    ],
    [
      "a vector of zeros",
      ["text_unit", "entity"],
      (l) => l.replace(/"embedding":\[([^\]]*)\]/, '"embedding":[0,0]'),
      (t) => t,
    ],
  ];
  let groups = 0;
  test.each(faults)("%s", async (what, kinds, wrong, mend) => {
    await place.graphkeeper.importBlocks("clean", parseNative([ndjson(GOOD)]));
    const clean = await dumpOf(place.graphkeeper, "clean");
    for (const [i, line] of GOOD.entries()) {
      const text = JSON.stringify(line);
      const bad = wrong(text);
      if (!kinds.includes((line as { kind: string }).kind) || bad === text) continue;
      const group = `dirty-${++groups}`;
      const { rejects, file } = await skip(group, ndjson(GOOD.with(i, bad as never)));
      expect(rejects[0]!.line, `${what}: ${text}`).toBe(i + 1);
      // What needs a line that could not be read is refused by itself; else it is part of the reject.
      const unreadable = ["a misspelt kind", "a member too many", "no JSON"].includes(what);
      if (!unreadable) expect(rejects, `${what}: ${text}`).toHaveLength(1);
      const { documents } = await place.graphkeeper.store.counts(group);
      expect(documents.active, `${what}: ${text}`).toBe(
        kinds.includes("document") && bad.includes('"document"') ? 2 : 3,
      );
      if (what === "a vector of zeros") continue;
      const again = await skip(group, mend(file));
      expect(again.rejects, `${what}: ${text}`).toEqual([]);
      expect(await dumpOf(place.graphkeeper, group), `${what}: ${text}`).toBe(clean);
    }
  });
});

test("a vector is refused without what it belongs to; one of another dimension too, all of a block at once", async () => {
  const { rejects } = await skip(
    "vectors",
    ndjson([
      document("a"),
      unit("a:1", ["a"], { embedding: [1, null] }),
      entity("x", { embedding: [0, 0, 0] }),
      document("b"),
      unit("b:1", ["b"], { embedding: [1, 2] }),
      document("c"),
      unit("c:1", ["c"], { embedding: [1, 2, 3] }),
      unit("c:2", ["c"], { embedding: [3, 2, 3] }),
      unit("c:3", ["c"], { embedding: [3, 2] }),
    ]),
  );
  expect(rejects.map(({ line, code }) => [line, code])).toEqual(
    [2, 3, 7, 8].map((line) => [line, "INVALID_EMBEDDING"]),
  );
  const counts = await place.graphkeeper.store.counts("vectors");
  expect([counts.textUnits.live, counts.vectors.searchable, counts.entities.live]).toEqual([5, 2, 1]);
});

test("a fact keeps the support that stays, and never becomes one of unknown support", async () => {
  const lines = [document("a"), unit("a:1", ["a"]), unit("a:2", ["a"], { text: "" }), entity("x"), entity("y")];
  const { rejects } = await skip(
    "support",
    ndjson([...lines, fact("r", "x", "y", ["a:1", "a:2"]), fact("only", "x", "y", ["a:2"])]),
  );
  expect(rejects).toHaveLength(1);
  const facts: [string, string[] | null][] = [];
  for await (const records of place.graphkeeper.store.records("support", { facts: true }))
    for (const record of records) if (record.kind === "relationship") facts.push([record.id, record.textUnits]);
  expect(facts).toEqual([["r", ["a:1"]]]);
});

test("what the group contradicts is refused by itself; a document under legal hold with its whole block", async () => {
  await place.graphkeeper.importBlocks("held", parseNative([ndjson(GOOD)]));
  await place.graphkeeper.hold("held", ["b"]);
  const { rejects } = await skip(
    "held",
    ndjson([
      { ...document("b"), content_hash: "other" },
      unit("b:9", ["b"]),
      document("d"),
      unit("d:1", ["d"]),
      entity("x"),
      entity("v"),
      fact("s", "x", "v", ["d:1"]),
      mention("d:1", "v"),
    ]),
  );
  expect(rejects.map(({ place, code }) => [place, code])).toEqual([
    ["the block that begins on line 1", "LEGAL_HOLD"],
    ["line 7", "CONFLICT"],
  ]);
  expect(await place.graphkeeper.document("held", "d")).toMatchObject({ status: "active" });
});

test("the same import under one operation id is one operation, whatever was refused of it", async () => {
  const source = [
    ndjson([document("a"), unit("a:1", ["a"]), mention("a:1", "nowhere"), document("b"), unit("b:1", ["b"])]),
  ];
  const run = async () => {
    const rejects: Reject[] = [];
    const onReject = (reject: Reject) => rejects.push(reject);
    const options = { onReject, operationId: "once" };
    return { ...(await place.graphkeeper.importBlocks("once", parseNative(source, { onReject }), options)), rejects };
  };
  expect(await run()).toMatchObject({ generation: 2, outcomes: { imported: 2 }, rejects: [{ line: 3 }] });
  expect(await run()).toMatchObject({ generation: 2, outcomes: { imported: 2 } });
});

describe("bytes", () => {
  const blocks = async (...source: (string | Uint8Array)[]): Promise<LocatedBlock[]> => {
    const found: LocatedBlock[] = [];
    for await (const block of parseNative(source)) found.push(block);
    return found;
  };
  const text = `${ndjson(GOOD)}\n${JSON.stringify(document("ü€𝄞"))}\n`;
  const utf16 = Buffer.from(`\ufeff${text}`, "utf16le");

  test.each([
    ["gzip", gzipSync(text)],
    ["UTF-16 little-endian", utf16],
    ["UTF-16 big-endian", Buffer.from(utf16).swap16()],
    ["UTF-16 without a byte order mark", utf16.subarray(2)],
    ["gzip over UTF-16", gzipSync(utf16)],
  ])("%s is read, however it is cut", async (_what, bytes) => {
    const plain = await blocks(text);
    for (const size of [1, 7, bytes.length]) {
      const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(await blocks(...parts)).toEqual(plain);
    }
  });

  test("other kinds of files are named, damaged gzip too; OpenIE files are read in the same ways", async () => {
    await expect(blocks(Buffer.from("PK\u0003\u0004more"))).rejects.toThrow(/is a ZIP archive/);
    await expect(blocks(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0))).rejects.toThrow(/compressed by Zstandard/);
    await expect(blocks(gzipSync(text).subarray(0, 60))).rejects.toMatchObject({ code: "INVALID_LINE" });
    const zipped = `${place.path}.openie.json.gz`;
    writeFileSync(zipped, gzipSync(readFileSync(inputPath("i-openie-int-idx.json"))));
    const found: string[] = [];
    for await (const { block } of parseOpenie(zipped)) found.push(...block.documents.map(({ id }) => id));
    expect(found).toEqual(["0", "1"]);
  });

  test("a line that is not UTF-8, and one that is too long, are refused by themselves", async () => {
    const lines = [document("a"), unit("a:1", ["a"])].map((line) => `${JSON.stringify(line)}\n`);
    const { rejects } = await skip(
      "bytes",
      lines[0]!,
      Uint8Array.of(0x7b, 0xff, 0x0a),
      "x".repeat(MAX_LINE_BYTES),
      `x\n${lines[1]}`,
    );
    expect(rejects.map(({ line, code, content }) => [line, code, content])).toEqual([
      [2, "INVALID_LINE", null],
      [3, "PAYLOAD_TOO_LARGE", null],
    ]);
    expect((await place.graphkeeper.store.counts("bytes")).textUnits.live).toBe(1);
  });
});
