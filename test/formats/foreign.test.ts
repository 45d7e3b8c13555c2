import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { GraphkeeperError } from "../../src/core/errors.ts";
import type { ImportBlock } from "../../src/core/words.ts";
import type { LocatedBlock } from "../../src/documents/import.ts";
import { parseMsGraphrag } from "../../src/formats/msgraphrag.ts";
import { parseOpenie, readOpenieEmbeddings } from "../../src/formats/openie.ts";
import { hasMsGraphrag, hasMusique, MSGRAPHRAG, MUSIQUE } from "../data/graphs.ts";
import { inputPath } from "../field-cases/case.ts";

const folder = mkdtempSync(join(tmpdir(), "graphkeeper-formats-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function all(blocks: AsyncIterable<LocatedBlock>): Promise<ImportBlock[]> {
  const found: ImportBlock[] = [];
  for await (const { block, line } of blocks) {
    // These formats have no lines that a message could name.
    expect(line).toBe(0);
    found.push(block);
  }
  return found;
}

async function refused(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(GraphkeeperError.is(error, "INVALID_LINE"), String(error)).toBe(true);
  return (error as GraphkeeperError).message;
}

describe("OpenIE", () => {
  let files = 0;
  function openie(docs: unknown, name = `${++files}-openie.json`): string {
    const path = join(folder, name);
    writeFileSync(path, typeof docs === "string" ? docs : JSON.stringify({ docs }));
    return path;
  }

  test("names are one entity whatever their case and outer spaces, shown as first written", async () => {
    const [one, two] = (await all(
      parseOpenie(
        openie([
          {
            idx: "doc-1",
            title: "T",
            passage: "Text",
            extracted_entities: [" Marie Curie ", "marie curie", "", "Radium"],
            extracted_triples: [
              ["Marie Curie", " discovered ", "RADIUM"],
              ["marie curie", "discovered", "radium"],
              ["two", "parts"],
              ["a", "b", "c", "d"],
              ["", "is", "radium"],
              ["Paris", "", "radium"],
              ["Poland", "lies in", "Europe"],
            ],
          },
          {
            passage: "More",
            extracted_entities: ["MARIE CURIE"],
            extracted_triples: [["Marie Curie", "discovered", "Radium"]],
          },
        ]),
      ),
    )) as [ImportBlock, ImportBlock];
    expect(one.documents).toEqual([{ id: "doc-1", title: "T" }]);
    expect(one.textUnits).toEqual([{ id: "doc-1:0", documents: ["doc-1"], text: "Text", embedding: undefined }]);
    expect(one.entities.map((e) => [e.id, e.name])).toEqual([
      ["marie curie", "Marie Curie"],
      ["radium", "Radium"],
      ["paris", "Paris"],
      ["poland", "Poland"],
      ["europe", "Europe"],
    ]);
    expect(one.relationships.map(({ source, type, target, textUnits }) => [source, type, target, textUnits])).toEqual([
      ["marie curie", "discovered", "radium", ["doc-1:0"]],
      ["poland", "lies in", "europe", ["doc-1:0"]],
    ]);
    expect(two.documents[0]!.id).toBe("passage-1");
    expect(two.entities.map((e) => e.name)).toEqual(["Marie Curie", "Radium"]);
    // The same fact in two passages is one relationship, supported by both.
    expect(two.relationships[0]!.id).toBe(one.relationships[0]!.id);
  });

  test("what is something else is told as that, with the place", async () => {
    expect(await refused(all(parseOpenie(openie("{oops"))))).toMatch(/openie\.json is not JSON: /);
    expect(await refused(all(parseOpenie(openie("[]"))))).toMatch(/is not an OpenIE result: /);
    expect(
      await refused(all(parseOpenie(openie([{ passage: "x", extracted_entities: [1], extracted_triples: [] }])))),
    ).toMatch(/docs\.0\.extracted_entities\.0: .*expected string/);
    expect(await refused(all(parseOpenie(openie([{ passage: "x", extracted_entities: [] }]))))).toMatch(
      /docs\.0\.extracted_triples/,
    );
    expect(await all(parseOpenie(openie('\ufeff{"docs":[]}')))).toEqual([]);
  });

  test("embeddings beside the file: bytes times the scale of the row", async () => {
    const path = openie([{ passage: "x", extracted_entities: ["A", "B"], extracted_triples: [] }], "small-openie.json");
    expect(await readOpenieEmbeddings(path)).toBeNull();
    const rows = (base: string, names: string[], bytes: number[], scales: number[]) => {
      const scale = Buffer.from(Float32Array.from(scales).buffer).toString("base64");
      writeFileSync(join(folder, `${base}.json`), JSON.stringify({ dim: 2, count: names.length, names, scale }));
      writeFileSync(join(folder, `${base}.i8.bin`), Int8Array.from(bytes));
    };
    rows("small-entity-embeddings", ["a", "b"], [127, -128, 2, 0], [0.5, 0.25]);
    expect(await readOpenieEmbeddings(path)).toBeNull();
    rows("small-passage-embeddings", ["x"], [1, 2], [2]);
    const [block] = await all(parseOpenie(path));
    expect(block!.entities.map((e) => [...e.embedding!])).toEqual([
      [63.5, -64],
      [0.5, 0],
    ]);
    expect([...block!.textUnits[0]!.embedding!]).toEqual([2, 4]);
    rows("small-passage-embeddings", ["x"], [1, 2, 3], [2]);
    expect(await refused(all(parseOpenie(path)))).toMatch(/does not have 1 rows of 2 bytes/);
  });

  test.skipIf(!hasMusique)("the whole of MuSiQue: counted here in another way", async () => {
    const blocks = await all(parseOpenie(MUSIQUE));
    const { docs } = JSON.parse(readFileSync(MUSIQUE, "utf8")) as {
      docs: { passage: string; extracted_entities: string[]; extracted_triples: string[][] }[];
    };
    const key = (name: string) => name.trim().toLowerCase();
    const entities = new Set<string>();
    const facts = new Set<string>();
    let mentions = 0;
    for (const doc of docs) {
      const triples = doc.extracted_triples.filter((triple) => triple.length === 3);
      const here = new Set([...doc.extracted_entities, ...triples.flatMap(([s, , o]) => [s!, o!])].map(key));
      here.delete("");
      mentions += here.size;
      for (const name of here) entities.add(name);
      for (const [s, p, o] of triples)
        if (key(s!) && p!.trim() && key(o!)) facts.add(JSON.stringify([key(s!), p!.trim(), key(o!)]));
    }
    expect(blocks).toHaveLength(1_890);
    expect(blocks.map((b) => b.textUnits[0]!.text)).toEqual(docs.map((d) => d.passage));
    expect(new Set(blocks.map((b) => b.documents[0]!.id)).size).toBe(1_890);
    const ids = new Set(blocks.flatMap((b) => b.entities.map((e) => e.id)));
    expect([ids.size, entities.size]).toEqual([19_140, 19_140]);
    expect(blocks.reduce((sum, b) => sum + b.mentions.length, 0)).toBe(mentions);
    expect(new Set(blocks.flatMap((b) => b.relationships.map((r) => r.id))).size).toBe(facts.size);
    // Every entity and passage has its embedding, of 384 components and about unit length; the same one everywhere.
    const vectors = new Map<string, Float32Array>();
    for (const { entities, textUnits } of blocks) {
      for (const { id, embedding } of [...entities, ...textUnits]) {
        expect(embedding).toHaveLength(384);
        if (vectors.has(id)) expect(vectors.get(id)).toBe(embedding);
        vectors.set(id, embedding!);
        expect(Math.abs(Math.hypot(...embedding!) - 1)).toBeLessThan(0.003);
      }
    }
    // Names by which one entity is known in several documents are alike in all of them.
    const shown = new Map<string, string>();
    for (const { id, name } of blocks.flatMap((b) => b.entities)) {
      if (shown.has(id)) expect(shown.get(id)).toBe(name);
      shown.set(id, name);
    }
  });
});

describe("Microsoft GraphRAG", () => {
  test.skipIf(!hasMsGraphrag)(
    "the sample: entities by title, units with their document, facts with their support",
    async () => {
      const blocks = await all(parseMsGraphrag(MSGRAPHRAG));
      expect(blocks).toHaveLength(1);
      const [block] = blocks as [ImportBlock];
      const { id, title, earlierIds } = block.documents[0]!;
      expect([id, title]).toEqual(["dulce.txt#6e81f882f89d", "dulce.txt"]);
      expect(earlierIds!.map((earlier) => [earlier.id.slice(0, 12), earlier.sameText ?? false])).toEqual([
        ["6e81f882f89d", false],
        ["dulce.txt", false],
      ]);
      expect(block.textUnits).toHaveLength(5);
      for (const unit of block.textUnits) expect(unit.documents).toEqual([id]);
      // 39 in its table, and 2 that only relationships name.
      expect(block.entities).toHaveLength(41);
      const mercer = block.entities.find((e) => e.id === "ALEX MERCER");
      expect(mercer).toMatchObject({
        name: "ALEX MERCER",
        type: "PERSON",
        description: expect.stringMatching(/^Agent Alex/),
      });
      expect(block.relationships).toHaveLength(107);
      const units = new Set(block.textUnits.map((u) => u.id));
      const known = new Set(block.entities.map((e) => e.id));
      for (const r of block.relationships) {
        expect(r.textUnits!.every((u) => units.has(u)) && known.has(r.source) && known.has(r.target)).toBe(true);
        expect(r.weight).toBeGreaterThan(0);
      }
      for (const m of block.mentions) expect(units.has(m.textUnit) && known.has(m.entity)).toBe(true);
    },
  );

  test("tables of versions 0 and 1 are read", async () => {
    const [zero] = (await all(parseMsGraphrag(inputPath("h-ms0")))) as [ImportBlock];
    expect(zero.documents).toMatchObject([{ id: "a.txt#0f343b093112", title: "a.txt" }]);
    expect(zero.textUnits.map(({ text, embedding }) => [text, [...embedding!]])).toEqual([
      ["Pump P1 feeds tank T1.", [1, 0]],
      ["Valve V9.", [0, 1]],
    ]);
    expect(zero.entities.map(({ id, description, embedding }) => [id, description, [...embedding!]])).toEqual([
      ['"P1"', "a pump", [0.5, 0.5, 0]],
      ['"T1"', "a tank", [0, 0.5, 0.5]],
    ]);
    expect(zero.relationships).toMatchObject([{ source: '"P1"', target: '"T1"', weight: 2 }]);
    const [one] = (await all(parseMsGraphrag(inputPath("h-ms1")))) as [ImportBlock];
    expect(one.documents).toMatchObject([{ id: `a.txt#${"a".repeat(12)}` }]);
    expect(one.entities.map(({ id, type }) => [id, type])).toEqual([
      ["P1", "PUMP"],
      ["T1", "TANK"],
    ]);
    expect(one.relationships).toHaveLength(1);
  });

  test("vectors in LanceDB, tables as CSV, and another folder of the index are named", async () => {
    const index = join(folder, "index");
    cpSync(inputPath("h-ms3-metadata"), join(index, "output"), { recursive: true });
    mkdirSync(join(index, "output", "lancedb", "default-entity-description.lance"), { recursive: true });
    const notices: string[] = [];
    const read = parseMsGraphrag(join(index, "output"), { onNotice: (notice) => notices.push(notice) });
    expect(await all(read)).toHaveLength(1);
    expect(notices).toEqual([
      expect.stringMatching(/^The vectors in LanceDB \(default-entity-description\) are not read/),
    ]);
    expect(await refused(all(parseMsGraphrag(index)))).toContain(`such as ${join(index, "output")}.`);
    writeFileSync(join(index, "documents.csv"), "id,title\n");
    expect(await refused(all(parseMsGraphrag(index)))).toMatch(/has documents\.csv .*only tables in Parquet/);
  });

  test("a folder of something else, and a file that is no Parquet, are told as that", async () => {
    expect(await refused(all(parseMsGraphrag(folder)))).toMatch(
      /has no documents\.parquet; expected the output folder/,
    );
    const empty = join(folder, "graphrag");
    cpSync(hasMsGraphrag ? MSGRAPHRAG : folder, empty, {
      recursive: true,
      filter: (path) => !path.endsWith("graphrag"),
    });
    writeFileSync(join(empty, "documents.parquet"), "PAR1 but not really PAR1");
    expect(await refused(all(parseMsGraphrag(empty)))).toMatch(/documents\.parquet cannot be read as Parquet: /);
  });
});
