import assert from "node:assert/strict";
import { dumpLine } from "../../core/canonical.ts";
import type { StoredRecord } from "../../core/ports.ts";
import { readPublished } from "../../core/published.ts";
import { block, library, vectorOf } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { recordsOf } from "./dump.ts";
import { publishLibrary } from "./published.ts";
import { failure, POLICY } from "./world.ts";

const G = "alpha";

/** What readers are told. */
export const READING_CASES: GraphStoreCase[] = [
  {
    name: "read: an unknown group is an error everywhere but in group(), with nothing of other groups in it",
    async run(w) {
      await w.import(G, library());
      const { store } = w;
      const g = "nowhere";
      assert.equal(await store.group(g), null);
      const calls: (() => Promise<unknown>)[] = [
        () => store.counts(g),
        () => store.document(g, "d1"),
        () => store.documents(g, { limit: 1 }),
        () => store.search(g, { of: "text_unit", vector: vectorOf("x"), k: 1 }),
        () => recordsOf(store, g),
        () => store.operation(g, "operation-1"),
        () => store.impact(g, "deprecate", ["d1"]),
        () => store.audit(g, { afterSeq: 0, limit: 1 }),
        () => store.remaining(g, "orphan_entities", POLICY, w.now),
        () => store.readGraph(g),
        () => readPublished(store, g),
        () => store.analyticsState(g),
        () => store.communities(g, { limit: 1 }),
        () => store.members(g, "c1", { limit: 1 }),
        () => store.acknowledgeCommunities(g, [], w.now),
        () => store.acknowledgedMembers(g, "c1"),
        () => store.vanishedCommunities(g),
        () => store.recordAudit(g, { at: w.now, actor: "a", action: "b", ref: "c", detail: {} }),
      ];
      for (const call of calls) await failure(call, "GROUP_NOT_FOUND");
      assert.equal(await store.group(g), null, "asking does not create it");
    },
  },
  {
    name: "read: a document or operation of another group is as missing as one that never was",
    async run(w) {
      await w.import(G, library());
      await w.import("beta", block({ documents: ["x"], units: { ux: "x" } }), { id: "of-beta" });
      for (const id of ["d1", "never"]) assert.equal(await w.store.document("beta", id), null);
      for (const id of ["of-beta", "never"]) assert.equal(await w.store.operation(G, id), null);
    },
  },
  {
    name: "read: documents are listed by id, by status, in pages",
    async run(w) {
      await w.import(G, library());
      await w.deprecate(G, "d2");
      const list = async (status?: "active" | "deprecated") => {
        const page = await w.store.documents(G, { status, limit: 2 });
        const rest =
          page.nextCursor === null
            ? []
            : (await w.store.documents(G, { status, limit: 2, cursor: page.nextCursor })).items;
        for (const document of page.items) assert.deepEqual(await w.store.document(G, document.id), document);
        return [...page.items, ...rest].map(({ id, textUnits }) => `${id}:${textUnits}`);
      };
      assert.deepEqual(await list(), ["d1:3", "d2:2", "d3:1"]);
      assert.deepEqual(await list("active"), ["d1:3", "d3:1"]);
      assert.deepEqual(await list("deprecated"), ["d2:2"]);
      assert.equal((await w.store.documents(G, { limit: 3 })).nextCursor, null, "the last page says so");
    },
  },
  {
    name: "read: a page of documents ends by what it holds as well as by their number",
    async run(w) {
      const ids = ["d1", "d2", "d3", "d4", "d5", "d6"];
      const made = block({ documents: ids, units: {} });
      for (const document of made.documents) document.metadata = { text: document.id.repeat(700_000) };
      await w.import(G, made);
      const pages: string[][] = [];
      let cursor: string | undefined;
      do {
        const page = await w.store.documents(G, { status: "active", limit: 5, cursor });
        pages.push(page.items.map(({ id }) => id));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      assert.deepEqual(pages, [ids.slice(0, 3), ids.slice(3)]);
    },
  },
  {
    name: "search: more text than an answer can hold is refused; fewer hits are the way out",
    async run(w) {
      const units = Object.fromEntries(
        ["u1", "u2", "u3"].map((id) => [id, { documents: "d", text: id.repeat(3_500_000) }]),
      );
      await w.import(G, block({ documents: ["d"], units }));
      const search = (k: number) => w.store.search(G, { of: "text_unit", vector: vectorOf("x"), k });
      assert.equal((await search(2)).length, 2);
      await failure(() => search(3), "PAYLOAD_TOO_LARGE");
    },
  },
  {
    name: "search: exact cosines of live owners, the best k, best first",
    async run(w) {
      const texts = Array.from({ length: 40 }, (_, i) => `text ${i}`);
      const units = Object.fromEntries(
        texts.map((text, i) => [`u${i}`, { documents: i % 5 === 0 ? "gone" : "stays", text }]),
      );
      const entities = texts.map((_, i) => `e${i}`);
      await w.import(G, block({ documents: ["gone", "stays"], units, entities, mentions: { u0: "e7" } }));
      await w.deprecate(G, "gone");
      const query = vectorOf("the query");
      const cosine = (text: string) => {
        const vector = vectorOf(text);
        const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
        return dot(query, vector) / Math.sqrt(dot(query, query) * dot(vector, vector));
      };
      const live = texts.filter((_, i) => i % 5 !== 0).sort((a, b) => cosine(b) - cosine(a));
      for (const k of [1, 7, 1_000]) {
        const hits = await w.store.search(G, { of: "text_unit", vector: query, k });
        assert.deepEqual(
          hits.map(({ text }) => text),
          live.slice(0, k),
        );
        for (const hit of hits) {
          assert.ok(Math.abs(hit.score - cosine(hit.text)) < 1e-6, "the score is the cosine");
          assert.deepEqual(hit.documents, ["stays"]);
        }
      }
      const [best] = await w.store.search(G, { of: "entity", vector: vectorOf("e3"), k: 1 });
      assert.deepEqual([best?.id, best?.text, best?.documents], ["e3", "Name of e3", []]);
      assert.ok(Math.abs((best?.score ?? 0) - 1) < 1e-6);
    },
  },
  {
    name: "search: a query of another dimension is refused; a group without vectors has no hits",
    async run(w) {
      await w.import(G, library());
      for (const kind of ["text_unit", "entity"] as const) {
        await failure(() => w.store.search(G, { of: kind, vector: vectorOf("x", 5), k: 1 }), "INVALID_EMBEDDING");
        await failure(() => w.store.search(G, { of: kind, vector: new Float32Array(6), k: 1 }), "INVALID_EMBEDDING");
      }
      await w.import("bare", block({ documents: ["d"], units: { u: "d" }, vectors: false }));
      assert.deepEqual(await w.store.search("bare", { of: "text_unit", vector: vectorOf("x"), k: 1 }), []);
    },
  },
  {
    name: "records: come in the order of the port, each kind sorted, with or without analytics",
    async run(w) {
      await w.import(G, library());
      await publishLibrary(w, G);
      const all = await recordsOf(w.store, G);
      const order = [
        "document",
        "text_unit",
        "entity",
        "mention",
        "relationship",
        "similarity",
        "community",
        "membership",
        "rank",
      ];
      const places = all.map(({ kind }) => order.indexOf(kind));
      assert.deepEqual(
        places,
        [...places].sort((a, b) => a - b),
      );
      const of = <K extends StoredRecord["kind"]>(kind: K) =>
        all.filter((row): row is Extract<StoredRecord, { kind: K }> => row.kind === kind);
      assert.deepEqual(
        of("mention").map((m) => m.textUnit + m.entity),
        ["u1a", "u1b", "u2a", "u2c", "u3c", "u4d", "u5b"],
      );
      assert.deepEqual(
        of("similarity").map(({ a, b }) => a + b),
        ["ab", "ac", "cd"],
      );
      assert.deepEqual(
        of("community").map(({ community }) => community.id),
        ["c1", "c2", "top"],
      );
      assert.deepEqual(
        of("membership").map((m) => m.level + m.entity),
        ["0a", "0b", "0c", "0d", "1a", "1b", "1c", "1d"],
      );
      assert.deepEqual(
        of("rank").map(({ entity }) => entity),
        ["a", "b", "c", "d"],
      );
      const facts = await recordsOf(w.store, G, { facts: true });
      assert.deepEqual(facts, all.slice(0, facts.length));
      assert.equal(facts.length, all.length - 3 - 3 - 8 - 4);
    },
  },
  {
    name: "records: are one snapshot, whatever is written while they are read",
    async run(w) {
      const names = Array.from({ length: 3_000 }, (_, i) => `e${i}`);
      await w.import(
        G,
        block({
          documents: ["d1", "d2"],
          units: { u1: "d1", u2: "d2" },
          entities: names,
          mentions: { u1: "e1", u2: names.join(" ") },
          vectors: false,
        }),
      );
      const before = await w.dump(G);
      const reading: string[] = [];
      let chunks = 0;
      for await (const chunk of w.store.records(G)) {
        reading.push(...chunk.map(dumpLine));
        if (chunks++ === 0) await w.call(G, "purge", "d2", { guard: null });
      }
      assert.ok(chunks > 1, "large groups come in chunks");
      assert.deepEqual(reading, before);
      assert.ok((await w.dump(G)).length < before.length);
    },
  },
];
