import assert from "node:assert/strict";
import { blockHash, vectorHex } from "../../core/canonical.ts";
import { compareIds } from "../../core/ports.ts";
import type { ImportBlock } from "../../core/words.ts";
import { block, hexOf, library, vectorOf } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { recordsOf } from "./dump.ts";
import { entity, relationship, textUnit } from "./look.ts";

const G = "alpha";

/** Import of what is new, and what an import refuses. */
export const IMPORT_CASES: GraphStoreCase[] = [
  {
    name: "import: creates everything that the block holds, live at once, in one generation",
    async run(w) {
      const record = await w.import(G, library(), { actor: "importer", reason: "first" });
      assert.deepEqual(
        record.outcomes,
        ["d1", "d2", "d3"].map((id) => ({ id, outcome: "imported" })),
      );
      assert.deepEqual(record.effect, { documents: 3, textUnits: 5, entities: 5, relationships: 7, vectors: 10 });
      assert.equal(record.state, "done");
      assert.equal(record.generation, 1);
      assert.equal(record.replayed, false);
      assert.equal(record.actor, "importer");
      assert.equal(record.reason, "first");
      const kinds = new Map<string, number>();
      for (const row of await recordsOf(w.store, G)) {
        kinds.set(row.kind, (kinds.get(row.kind) ?? 0) + 1);
        if ("presence" in row) assert.equal(row.presence, "live", `${row.kind} ${row.id}`);
        if ("vector" in row) assert.equal(row.vector?.place, "searchable", `${row.kind} ${row.id}`);
      }
      assert.deepEqual(Object.fromEntries(kinds), {
        document: 3,
        text_unit: 5,
        entity: 5,
        mention: 7,
        relationship: 7,
      });
      assert.equal(await hexOfUnit(w, "u2"), hexOf("text of u2"), "vectors are kept bit for bit");
    },
  },
  {
    name: "import: an empty list of supporting text units is support unknown",
    async run(w) {
      const written = block({
        documents: ["d", "e"],
        units: { u: "d", v: "e" },
        entities: ["a", "b"],
        mentions: { u: "a b", v: "a b" },
        relationships: { ab: ["a b"] },
      });
      for (const fact of written.relationships) fact.textUnits = [];
      await w.import(G, written);
      await w.deprecate(G, "d");
      await w.collect(G);
      const { textUnits, presence } = await relationship(w, G, "ab");
      assert.deepEqual([textUnits, presence], [null, "live"]);
    },
  },
  {
    name: "import: a document record says what was imported",
    async run(w) {
      const metadata = { source: "https://example.org/α", pages: [1, 2], nested: { deep: null } };
      const input = { id: "d", title: "Title", contentHash: "hash-1", metadata };
      const { at } = await w.import(G, block({ documents: [input], units: { u1: "d", u2: "d" } }));
      assert.deepEqual(await w.store.document(G, "d"), {
        id: "d",
        title: "Title",
        contentHash: "hash-1",
        metadata,
        status: "active",
        version: 1,
        successor: null,
        legalHold: false,
        deprecatedAt: null,
        createdAt: at,
        textUnits: 2,
      });
      const plain = block({ documents: ["e"], units: { u3: "e" } });
      await w.import(G, plain);
      const document = await w.store.document(G, "e");
      assert.equal(document?.contentHash, blockHash(plain), "without a hash of the caller it is that of the block");
      assert.equal(document?.title, null);
      assert.equal(document?.metadata, null);
    },
  },
  {
    name: "import: the same again under another operation id is unchanged and has no effect",
    async run(w) {
      await w.import(G, library());
      const before = await w.everything(G);
      const record = await w.import(G, library());
      assert.deepEqual(
        record.outcomes.map(({ outcome }) => outcome),
        ["unchanged", "unchanged", "unchanged"],
      );
      assert.deepEqual(record.effect, { documents: 0, textUnits: 0, entities: 0, relationships: 0, vectors: 0 });
      assert.equal(record.generation, 1);
      assert.deepEqual(await w.everything(G), before);
      assert.equal((await w.store.operation(G, record.id))?.id, record.id, "its record is kept all the same");
    },
  },
  {
    name: "import: a block whose documents are all unchanged has no effect, whatever else it holds",
    async run(w) {
      await w.import(G, block({ documents: [{ id: "d", contentHash: "h" }], units: { u: "d" }, entities: ["a"] }));
      const before = await w.everything(G);
      const more = block({
        documents: [{ id: "d", contentHash: "h" }],
        units: { v: "d" },
        entities: ["b"],
        mentions: { v: "b" },
      });
      assert.equal((await w.import(G, more)).outcomes[0]?.outcome, "unchanged");
      assert.deepEqual(await w.everything(G), before);
    },
  },
  {
    name: "import: a block with one changed document is applied whole",
    async run(w) {
      await w.import(G, block({ documents: [{ id: "d", contentHash: "h" }], units: { u: "d" } }));
      const mixed = block({ documents: [{ id: "d", contentHash: "h" }, "e"], units: { u: "d e", v: "e" } });
      const record = await w.import(G, mixed);
      assert.deepEqual(record.outcomes, [
        { id: "d", outcome: "unchanged" },
        { id: "e", outcome: "imported" },
      ]);
      assert.deepEqual((await textUnit(w, G, "u")).documents, ["d", "e"]);
      assert.equal((await w.store.document(G, "d"))?.version, 1);
    },
  },
  {
    name: "import: what a row names must be in the block or stored, or nothing is written",
    async run(w) {
      await w.import(G, library());
      const good: ImportBlock = block({
        documents: ["x"],
        units: { ux: "x" },
        entities: ["ex"],
        mentions: { ux: "ex a" },
      });
      const bad: [string, (b: ImportBlock) => unknown][] = [
        ["missing-document", (b) => b.textUnits.push({ id: "uy", documents: ["missing-document"], text: "y" })],
        ["missing-unit", (b) => b.mentions.push({ textUnit: "missing-unit", entity: "ex" })],
        ["missing-entity", (b) => b.mentions.push({ textUnit: "ux", entity: "missing-entity" })],
        ["missing-source", (b) => b.relationships.push({ id: "r", source: "missing-source", target: "ex", type: "t" })],
        ["missing-target", (b) => b.relationships.push({ id: "r", source: "ex", target: "missing-target", type: "t" })],
        [
          "missing-support",
          (b) =>
            b.relationships.push({ id: "r", source: "ex", target: "ex", type: "t", textUnits: ["missing-support"] }),
        ],
      ];
      for (const [id, spoil] of bad) {
        const spoilt = structuredClone(good);
        spoil(spoilt);
        const error = await w.refuses(G, "INVALID_VALUE", () => w.import(G, spoilt, { id: "refused" }));
        assert.ok("field" in error.details && "id" in error.details, "the error names field and id");
        assert.ok(error.message.includes(id), `the message names ${id}: ${error.message}`);
        assert.equal(await w.store.operation(G, "refused"), null, "a refused operation leaves no record");
        await w.refuses("never-was", "INVALID_VALUE", () => w.import("never-was", spoilt));
        assert.equal(await w.store.group("never-was"), null, "a refused import creates no group");
      }
      const record = await w.import(G, good, { id: "refused" });
      assert.equal(record.replayed, false);
      assert.equal(record.outcomes[0]?.outcome, "imported", "the corrected block may use the same id");
    },
  },
  {
    name: "import: what a row names may be stored by an earlier block",
    async run(w) {
      await w.import(G, library());
      const late: ImportBlock = {
        documents: [],
        textUnits: [],
        entities: [],
        mentions: [{ textUnit: "u4", entity: "a" }],
        relationships: [{ id: "late", source: "a", target: "d", type: "t", textUnits: ["u4"] }],
      };
      late.documents.push({ id: "d4" });
      late.textUnits.push({ id: "u6", documents: ["d1", "d4"], text: "of an old and a new document" });
      await w.import(G, late);
      assert.deepEqual((await textUnit(w, G, "u6")).documents, ["d1", "d4"]);
      assert.deepEqual((await relationship(w, G, "late")).textUnits, ["u4"]);
    },
  },
  {
    name: "import: a block without documents adds to what is stored",
    async run(w) {
      await w.import(G, library());
      const facts = block({});
      facts.relationships.push({ id: "late", source: "a", target: "d", type: "t", textUnits: ["u4"] });
      facts.mentions.push({ textUnit: "u4", entity: "a" });
      const record = await w.import(G, facts);
      assert.deepEqual([record.outcomes, record.generation, record.effect.relationships], [[], 2, 1]);
      assert.equal((await relationship(w, G, "late")).presence, "live");
    },
  },
  {
    name: "import: a new relationship that the law does not want visible is parked from the beginning",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d3");
      await w.collect(G);
      const late = block({ documents: ["d4"], units: { u9: "d4" } });
      late.relationships.push({ id: "end", source: "a", target: "d", type: "t" }); // d is parked.
      late.relationships.push({ id: "support", source: "d", target: "d", type: "t", textUnits: ["u4"] });
      await w.import(G, late);
      for (const id of ["end", "support"]) assert.equal((await relationship(w, G, id)).presence, "parked", id);
      await w.restore(G, "d3");
      for (const id of ["end", "support"]) assert.equal((await relationship(w, G, id)).presence, "live", id);
    },
  },
  {
    name: "import: vectors of one kind have one dimension in a group, fixed by the first",
    async run(w) {
      const units = block({ documents: ["d"], units: { u: "d", v: "d" }, vectors: false });
      const [u, v] = units.textUnits as [ImportBlock["textUnits"][0], ImportBlock["textUnits"][0]];
      u.embedding = vectorOf("u", 4);
      v.embedding = vectorOf("v", 5);
      await w.refuses("never-was", "INVALID_EMBEDDING", () => w.import("never-was", units));
      v.embedding = vectorOf("v", 4);
      units.entities.push({ id: "a", name: "a", embedding: vectorOf("a", 3) });
      await w.import(G, units);
      const other = block({ documents: ["e"], entities: ["ex"], units: { x: "e" }, vectors: false });
      (other.textUnits[0] as { embedding?: Float32Array }).embedding = vectorOf("x", 3);
      await w.refuses(G, "INVALID_EMBEDDING", () => w.import(G, other));
      (other.textUnits[0] as { embedding?: Float32Array }).embedding = vectorOf("x", 4);
      (other.entities[0] as { embedding?: Float32Array }).embedding = vectorOf("ex", 4);
      await w.refuses(G, "INVALID_EMBEDDING", () => w.import(G, other));
      (other.entities[0] as { embedding?: Float32Array }).embedding = vectorOf("ex", 3);
      await w.import(G, other);
      await w.import("beta", block({ documents: ["d"], units: { u: "d" } })); // Another group has its own.
    },
  },
  {
    name: "import: the arrays that the caller gave may be used again",
    async run(w) {
      const given = block({ documents: ["d"], units: { u: "d" }, entities: ["a"] });
      await w.import(G, given);
      for (const row of [...given.textUnits, ...given.entities]) row.embedding?.fill(7);
      assert.equal(await hexOfUnit(w, "u"), hexOf("text of u"));
      const [record] = (await recordsOf(w.store, G)).filter((row) => row.kind === "entity");
      assert.ok(record?.kind === "entity" && record.vector);
      assert.equal(vectorHex(record.vector.values), hexOf("a"));
      record.vector.values.fill(9);
      assert.equal(
        vectorHex((await entity(w, G, "a")).vector?.values as Float32Array),
        hexOf("a"),
        "nor do answers alias rows",
      );
    },
  },
  {
    name: "import: an entity that nothing mentions is live and was never mentioned",
    async run(w) {
      await w.import(G, library());
      const f = await entity(w, G, "f");
      assert.deepEqual([f.presence, f.everMentioned], ["live", false]);
      assert.equal((await entity(w, G, "a")).everMentioned, true);
    },
  },
  {
    name: "import: ids are exact, whatever their characters, and stand in the order of their code points",
    async run(w) {
      const ids = [
        "\u{1F600}",
        "\uFFFD",
        "\uE000",
        "Z",
        "a",
        "é",
        "e\u0301",
        "__proto__",
        "constructor",
        "x y",
        "'; DROP TABLE--",
      ];
      ids.push('"', "%_*", "a/b?c#d", "-1", "0", "00", "x".repeat(1_024), "\u{10FFFF}", "مرحبا", "$(x)", "null");
      const sorted = [...ids].sort(compareIds);
      assert.ok(compareIds("\uFFFD", "\u{1F600}") < 0, "code points, not UTF-16 units");
      const all = block({ documents: ids, entities: ids, vectors: false });
      for (const id of ids) {
        all.textUnits.push({ id, documents: [id], text: `text ${id}`, embedding: Float32Array.of(1, 2) });
        all.mentions.push({ textUnit: id, entity: id });
        all.relationships.push({ id, source: id, target: id, type: id, textUnits: [id] });
      }
      await w.import(G, all);
      const records = await recordsOf(w.store, G);
      for (const kind of ["document", "text_unit", "entity", "relationship"]) {
        const found = records.filter((row) => row.kind === kind).map((row) => (row as { id: string }).id);
        assert.deepEqual(found, sorted, kind);
      }
      const paged: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await w.store.documents(G, { cursor, limit: 3 });
        paged.push(...page.items.map(({ id }) => id));
        if (page.nextCursor === null) break;
        cursor = page.nextCursor;
      }
      assert.deepEqual(paged, sorted);
      const hits = await w.store.search(G, { of: "text_unit", vector: Float32Array.of(1, 2), k: 100 });
      assert.deepEqual(
        hits.map(({ id }) => id),
        sorted,
        "equal scores stand in order of the ids",
      );
      const before = await w.dump(G);
      await w.deprecate(G, ids);
      await w.collect(G, { limit: 4 });
      assert.deepEqual((await w.store.counts(G)).entities, { live: 0, parked: ids.length });
      await w.restore(G, ids);
      assert.deepEqual(await w.dump(G), before);
    },
  },
];

async function hexOfUnit(w: Parameters<GraphStoreCase["run"]>[0], id: string): Promise<string> {
  return vectorHex((await textUnit(w, G, id)).vector?.values as Float32Array);
}
