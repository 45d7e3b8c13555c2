import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GraphkeeperError } from "../../src/core/errors.ts";
import type { LocatedBlock } from "../../src/documents/import.ts";
import { blockLines, MAX_LINE_BYTES, readLines } from "../../src/formats/lines.ts";
import { parseNative } from "../../src/formats/native.ts";
import { dumpOf, temporaryGraphkeeper } from "../data/graphs.ts";

let place: Awaited<ReturnType<typeof temporaryGraphkeeper>>;
beforeAll(async () => {
  place = await temporaryGraphkeeper();
});
afterAll(() => place.close());

const document = (id: string, more: object = {}) => ({ kind: "document", id, ...more });
const unit = (id: string, documents: string[], more: object = {}) => ({
  kind: "text_unit",
  id,
  documents,
  text: id,
  ...more,
});
const entity = (id: string, more: object = {}) => ({ kind: "entity", id, name: id, ...more });
const mention = (text_unit: string, entity: string) => ({ kind: "mention", text_unit, entity });
const relationship = (id: string, source: string, target: string, more: object = {}) => ({
  kind: "relationship",
  id,
  source,
  target,
  type: "near",
  ...more,
});
const ndjson = (...lines: (object | string)[]) =>
  lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");

async function blocks(...sources: (string | Uint8Array)[]): Promise<LocatedBlock[]> {
  const found: LocatedBlock[] = [];
  for await (const block of parseNative(sources)) found.push(block);
  return found;
}

async function refused(work: Promise<unknown>): Promise<GraphkeeperError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(GraphkeeperError.is(error), String(error)).toBe(true);
  return error as GraphkeeperError;
}

let groups = 0;
/** Imports into a group of its own. */
async function imported(text: string): Promise<string> {
  const group = `g${++groups}`;
  await place.graphkeeper.importBlocks(group, parseNative([text]));
  expect(await place.graphkeeper.verify(group)).toEqual([]);
  return group;
}

const SAMPLE = [
  document("a", { title: "A", content_hash: "h", metadata: { year: 1_900, tags: ["x", null], deep: { er: true } } }),
  unit("a:1", ["a"], { embedding: [1, 0.5] }),
  entity("x", { type: "thing", description: "an x", embedding: [0.25, 0, 3] }),
  entity("y"),
  mention("a:1", "x"),
  mention("a:1", "y"),
  relationship("r", "x", "y", { weight: 2.5, description: "side by side", text_units: ["a:1"] }),
  relationship("s", "y", "y"),
];

describe("blocks", () => {
  test("a document line begins one; several in a row share it; each knows its first line", async () => {
    const text = ndjson(document("a"), document("b"), unit("u", ["a", "b"]), "", document("c"), document("d"));
    const found = await blocks(text);
    expect(found.map(({ line, block }) => [line, block.documents.map((d) => d.id)])).toEqual([
      [1, ["a", "b"]],
      [5, ["c", "d"]],
    ]);
    expect(found[0]!.block.textUnits[0]!.documents).toEqual(["a", "b"]);
    expect(await blocks("")).toEqual([]);
    expect(await blocks("\n \r\n\n")).toEqual([]);
  });

  test("lines before the first document are a block that adds to what is there", async () => {
    const group = await imported(ndjson(...SAMPLE));
    await place.graphkeeper.importBlocks(group, parseNative([ndjson(entity("z"), mention("a:1", "z"))]));
    expect((await place.graphkeeper.store.counts(group)).entities.live).toBe(3);
  });

  test("inside a block any order is the same graph", async () => {
    const [first, ...rest] = SAMPLE;
    const before = await imported(ndjson(first!, ...rest));
    const after = await imported(ndjson(first!, ...rest.toReversed()));
    expect(await dumpOf(place.graphkeeper, after)).toBe(await dumpOf(place.graphkeeper, before));
  });

  test("what is parsed is written the same again", async () => {
    const [{ block }] = (await blocks(ndjson(...SAMPLE))) as [LocatedBlock];
    const written = [...blockLines(block)].join("\n");
    expect((await blocks(written))[0]!.block).toEqual(block);
    expect(block.textUnits[0]!.embedding).toEqual(Float32Array.of(1, 0.5));
    expect(block.relationships[1]).not.toHaveProperty("textUnits", expect.anything());
  });
});

describe("bytes", () => {
  test("byte order mark, CRLF, no last newline, blank lines; however the bytes are cut", async () => {
    const plain = await blocks(ndjson(...SAMPLE, document("ü€𝄞"), unit("ü:1", ["ü€𝄞"])));
    const text = ndjson(...SAMPLE, document("ü€𝄞"), unit("ü:1", ["ü€𝄞"])).replaceAll("\n", "\r\n");
    const bytes = new TextEncoder().encode(`\ufeff${text}\r\n`);
    for (const size of [1, 2, 3, 7, 64, bytes.length]) {
      const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(await blocks(...parts), `parts of ${size}`).toEqual(plain);
    }
    expect(await blocks(`\ufeff${text}`)).toEqual(plain);
  });

  test("what is not UTF-8 is refused, at the end too; a line over the limit before it is whole", async () => {
    const good = new TextEncoder().encode(`${JSON.stringify(document("a"))}\n`);
    const wrong = await refused(blocks(good, Uint8Array.of(0x7b, 0xff, 0x0a)));
    expect(wrong).toMatchObject({ code: "INVALID_LINE", details: { line: 2 } });
    expect((await refused(blocks(good, Uint8Array.of(0xe2, 0x82)))).code).toBe("INVALID_LINE");
    let parts = 0;
    async function* endless() {
      for (;;) {
        parts++;
        yield "x".repeat(1_048_576);
      }
    }
    const long = await refused(
      (async () => {
        for await (const _ of readLines(endless()));
      })(),
    );
    expect(long).toMatchObject({ code: "PAYLOAD_TOO_LARGE", details: { line: 1 } });
    expect(parts).toBe(MAX_LINE_BYTES / 1_048_576 + 1);
  });
});

describe("a wrong line is refused with its number, the member and what was expected", () => {
  const cases: [what: string, line: unknown, code: string, message: RegExp][] = [
    ["no JSON", "{'kind'}", "INVALID_LINE", /^Line 3 is not JSON: /],
    ["two objects", '{"kind":"document","id":"x"}{"kind":"document","id":"y"}', "INVALID_LINE", /^Line 3 is not JSON/],
    [
      "NaN",
      '{"kind":"relationship","id":"r","source":"a","target":"b","type":"t","weight":NaN}',
      "INVALID_LINE",
      /JSON/,
    ],
    [
      "null",
      null,
      "INVALID_LINE",
      /expected an object whose "kind" is one of document, text_unit, entity, mention, relationship\.$/,
    ],
    ["a number", 7, "INVALID_LINE", /expected an object/],
    ["an array", [document("x")], "INVALID_LINE", /expected an object/],
    ["no kind", { id: "x" }, "INVALID_LINE", /expected an object/],
    ["a kind of no text", { kind: ["document"], id: "x" }, "INVALID_LINE", /expected an object/],
    ["a kind of the prototype", { kind: "constructor", id: "x" }, "INVALID_LINE", /found "constructor"/],
    ["an unknown kind", { kind: "chunk".repeat(100) }, "INVALID_LINE", /found "(chunk){8}"\.$/],
    [
      "a misspelt member",
      { ...entity("x"), descripton: "d" },
      "INVALID_LINE",
      /an entity has no member "descripton"; did you mean "description"/,
    ],
    [
      "a misspelt required member",
      { kind: "mention", text_units: "a:1", entity: "x" },
      "INVALID_LINE",
      /no member "text_units"; did you mean "text_unit"/,
    ],
    [
      "an unknown member",
      { ...document("x"), zzzzzzzzzz: 1 },
      "INVALID_LINE",
      /it has kind, id, title, content_hash, metadata/,
    ],
    ["a missing member", { kind: "entity", id: "x" }, "INVALID_LINE", /"name" of an entity: .*expected string/],
    [
      "an id that is a number",
      document(7 as never),
      "INVALID_LINE",
      /"id" of a document: .*expected string, received number/,
    ],
    ["a title that is null", document("x", { title: null }), "INVALID_LINE", /"title".*null/],
    ["metadata that is a list", document("x", { metadata: [1] }), "INVALID_LINE", /"metadata"/],
    ["a unit of no document", unit("x", []), "INVALID_LINE", /"documents"/],
    ["owners in one text", { ...unit("x", []), documents: "a" }, "INVALID_LINE", /"documents".*array/],
    ["owners that are numbers", unit("x", [1 as never]), "INVALID_LINE", /"documents\.0"/],
    ["a weight that is a text", relationship("r", "x", "y", { weight: "2" }), "INVALID_LINE", /"weight".*number/],
    [
      "a weight beyond numbers",
      '{"kind":"relationship","id":"r","source":"x","target":"y","type":"t","weight":1e999}',
      "INVALID_LINE",
      /"weight"/,
    ],
    [
      "an embedding that is null",
      entity("x", { embedding: null }),
      "INVALID_EMBEDDING",
      /entity x is not an array of numbers/,
    ],
    [
      "an embedding that is an object",
      entity("x", { embedding: { 0: 1, length: 1 } }),
      "INVALID_EMBEDDING",
      /is not an array/,
    ],
    [
      "null in an embedding",
      unit("x", ["a"], { embedding: [1, null] }),
      "INVALID_EMBEDDING",
      /text unit x is not a finite number at index 1/,
    ],
    ["a text in an embedding", entity("x", { embedding: ["1"] }), "INVALID_EMBEDDING", /index 0/],
    [
      "1e999 in an embedding",
      '{"kind":"entity","id":"x","name":"x","embedding":[0,0,1e999]}',
      "INVALID_EMBEDDING",
      /index 2/,
    ],
    ["beyond float32 in an embedding", entity("x", { embedding: [1e39] }), "INVALID_EMBEDDING", /index 0/],
    ["lists in an embedding", entity("x", { embedding: [[1]] }), "INVALID_EMBEDDING", /index 0/],
  ];
  test.each(cases)("%s", async (_what, line, code, message) => {
    const text = ndjson(document("a"), unit("a:1", ["a"]), typeof line === "string" ? line : JSON.stringify(line));
    const error = await refused(blocks(text));
    expect(error).toMatchObject({ code, details: { line: 3 } });
    expect(error.message).toMatch(/^Line 3\b/);
    expect(error.message).toMatch(message);
    expect(error.message.length).toBeLessThan(400);
  });

  test("garbage that is nested 100,000 deep, anywhere, is refused or kept, and harms nothing", async () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const objects = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;
    for (const member of [deep, objects]) {
      for (const line of [
        member,
        `{"kind":${member}}`,
        `{"kind":"document","id":${member}}`,
        `{"kind":"document","id":"x","metadata":{"m":${member}}}`,
        `{"kind":"text_unit","id":"x","documents":${member},"text":"x"}`,
        `{"kind":"entity","id":"x","name":"x","embedding":[${member}]}`,
        `{"kind":"entity","id":"x","name":"x","other":${member}}`,
      ]) {
        const error = await refused(blocks(line));
        expect(["INVALID_LINE", "INVALID_EMBEDDING"]).toContain(error.code);
      }
    }
    // 64 levels are kept; one more is not.
    const nested = (levels: number) =>
      `{"kind":"document","id":"x","metadata":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`;
    expect(await blocks(nested(60))).toHaveLength(1);
    expect((await refused(blocks(nested(64)))).message).toMatch(/deeper than 64 levels/);
  });

  test("names of the prototype are names like others", async () => {
    const text = ndjson(
      '{"kind":"document","id":"__proto__","metadata":{"constructor":{"prototype":{"polluted":1}},"toString":"x"}}',
      unit("constructor", ["__proto__"]),
      entity("__proto__"),
      entity("toString"),
      relationship("valueOf", "__proto__", "toString", { text_units: ["constructor"] }),
    );
    const group = await imported(text);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    const stored = await place.graphkeeper.document(group, "__proto__");
    expect(stored.metadata).toEqual({ constructor: { prototype: { polluted: 1 } }, toString: "x" });
    expect(await place.graphkeeper.store.counts(group)).toMatchObject({
      entities: { live: 2 },
      relationships: { live: 1 },
    });
  });
});

describe("what only the store can judge names the block, and nothing of the block is there", () => {
  const before = [
    document("first"),
    unit("first:1", ["first"], { embedding: [1, 2] }),
    entity("e", { embedding: [1, 2, 3] }),
  ];
  const cases: [what: string, lines: object[], code: string, message: RegExp][] = [
    [
      "another dimension of the group",
      [unit("x:1", ["x"], { embedding: [1, 2, 3] })],
      "INVALID_EMBEDDING",
      /text unit x:1 has 3 components; this group's have 2/,
    ],
    [
      "an entity's other dimension",
      [entity("f", { embedding: [1, 2] })],
      "INVALID_EMBEDDING",
      /entity f has 2 components; this group's have 3/,
    ],
    [
      "a zero vector",
      [entity("f", { embedding: [0, 0, -0] })],
      "INVALID_EMBEDDING",
      /entity f is all zero \(index 0\)/,
    ],
    ["zero as float32", [entity("f", { embedding: [1e-60, 0, 0] })], "INVALID_EMBEDDING", /all zero/],
    ["an empty vector", [entity("f", { embedding: [] })], "INVALID_EMBEDDING", /0 components/],
    [
      "a vector too long",
      [entity("f", { embedding: Array(16_385).fill(1) })],
      "INVALID_EMBEDDING",
      /16,?385 components/,
    ],
    ["a mention of nothing", [unit("x:1", ["x"]), mention("x:1", "nothing")], "INVALID_VALUE", /nothing/],
    ["a mention by nothing", [mention("nothing", "e")], "INVALID_VALUE", /nothing/],
    ["an unknown owner", [unit("x:1", ["x", "nowhere"])], "INVALID_VALUE", /nowhere/],
    ["a relationship to nothing", [relationship("r", "e", "nothing")], "INVALID_VALUE", /nothing/],
    ["support by nothing", [relationship("r", "e", "e", { text_units: ["nothing"] })], "INVALID_VALUE", /nothing/],
    [
      "a weight of zero",
      [relationship("r", "e", "e", { weight: 0 })],
      "INVALID_VALUE",
      /weight of relationship r must be a positive/,
    ],
    ["the same unit twice", [unit("x:1", ["x"]), unit("x:1", ["x"])], "INVALID_VALUE", /x:1 stands twice/],
    ["an empty text", [{ ...unit("x:1", ["x"]), text: "" }], "INVALID_VALUE", /text_unit\.text of x:1/],
    ["half of a surrogate pair", [entity("f", { description: "x", name: "\ud800" })], "INVALID_VALUE", /entity\.name/],
    ["a control character in an id", [entity("f\u0000")], "INVALID_VALUE", /entity\.id/],
    ["an id too long", [entity("f".repeat(1_025))], "INVALID_VALUE", /1 to 1,024/],
    [
      "a relationship with other ends",
      [relationship("r", "e", "e"), relationship("r", "e", "e", { type: "far" })],
      "CONFLICT",
      /r stands twice/,
    ],
  ];
  test.each(cases)("%s", async (_what, lines, code, message) => {
    const group = `s${++groups}`;
    const text = ndjson(...before, document("x"), ...lines, document("after"));
    const error = await refused(place.graphkeeper.importBlocks(group, parseNative([text])));
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ code, details: { line: 4, imported: { documents: 1, blocks: 1 } } });
    expect(error.message).toMatch(/\(in the block that begins on line 4\)$/);
    const { items } = await place.graphkeeper.documents(group, { limit: 10 });
    expect(items.map((d) => d.id)).toEqual(["first"]);
    expect(await place.graphkeeper.store.counts(group)).toMatchObject({
      entities: { live: 1 },
      relationships: { live: 0 },
    });
    expect(await place.graphkeeper.verify(group)).toEqual([]);
  });

  test("the same entity and relationship may stand in a block several times: later members win, support is united", async () => {
    const group = await imported(
      ndjson(
        document("a"),
        unit("a:1", ["a"]),
        unit("a:2", ["a"]),
        entity("e", { type: "thing" }),
        entity("e", { description: "later" }),
        relationship("r", "e", "e", { text_units: ["a:2"] }),
        relationship("r", "e", "e", { text_units: ["a:1"], weight: 3 }),
      ),
    );
    const lines: string[] = [];
    for await (const line of place.graphkeeper.export(group)) lines.push(line);
    const exported = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(exported.find((l) => l.kind === "entity")).toMatchObject({ type: "thing", description: "later" });
    expect(exported.find((l) => l.kind === "relationship")).toMatchObject({ weight: 3, text_units: ["a:1", "a:2"] });
  });
});

test("ids and names that look alike in two Unicode forms are kept apart, and the import says so", async () => {
  const [composed, combining] = ["M\u00fcller.pdf", "Mu\u0308ller.pdf"];
  const lines = [
    document(composed),
    document(combining),
    entity("e1", { name: "Zoe\u0308" }),
    entity("e2", { name: "Zo\u00eb" }),
  ];
  const source = () => parseNative([ndjson(...lines, document("again"), entity("e3", { name: "Zo\u00eb" }))]);
  const { hints, documents } = await place.graphkeeper.importBlocks("alike", source());
  expect(documents).toBe(3);
  expect(hints).toHaveLength(2);
  expect(hints![0]).toMatch(/^Two spellings of the document M\u00fcller\.pdf look alike .*NFC and NFD/);
  expect(hints![1]).toMatch(/^Two spellings of the entity name Zo\u00eb /);
  expect(await place.graphkeeper.importBlocks("alike", parseNative([ndjson(document("plain"))]))).not.toHaveProperty(
    "hints",
  );
});
