import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type ErasureCertificate, purgeDocuments } from "../../src/documents/purge.ts";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import type { ProfileInput } from "../../src/profiles/format.ts";
import { graphiti, lightrag } from "../../src/profiles/index.ts";
import { diagnose } from "../../src/stores/neo4j/doctor.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { collect, POLICY } from "../profiles/lifecycle.ts";
import { userDump } from "../profiles/user-dump.ts";
import { inputPath } from "./case.ts";

/** Field cases on graphs that other libraries wrote; right values in `inputs/README.md`. */

const db = useNeo4j({ settings: SMALL_GRAPHS });
const WORKSPACE = "ws";
const LOWER_BOUND =
  "entities whose text units are known as a lower bound: a purged document may have mentioned them too";

interface LightragGraph {
  nodes: Record<string, unknown>[];
  edges: [string, string, Record<string, unknown>][];
}

/** As LightRAG's Neo4j storage writes. */
async function writeLightrag({ nodes, edges }: LightragGraph): Promise<void> {
  // Indexes stay, and with them the plans of statements.
  await db.clear();
  await db.run(`UNWIND $nodes AS p MERGE (n:${WORKSPACE} {entity_id: p.entity_id}) SET n += p SET n:$(p.entity_type)`, {
    nodes,
  });
  await db.run(
    `UNWIND $edges AS e MATCH (s:${WORKSPACE} {entity_id: e[0]}) MATCH (t:${WORKSPACE} {entity_id: e[1]}) MERGE (s)-[r:DIRECTED]-(t) SET r += e[2]`,
    { edges },
  );
}

/** As configured there with `MAX_SOURCE_IDS_PER_ENTITY=4`. */
const ready = lightrag(WORKSPACE);
const lightragProfile = {
  ...ready,
  mentions: { ...ready.mentions, cut: { said: "truncate", limit: 4 } },
} as ProfileInput;

const graphOf = (file: string) => JSON.parse(readFileSync(inputPath(file), "utf8")) as LightragGraph;
const column = async (query: string) => (await db.run(query)).map((row) => row.value as string).sort();
const entities = () => column(`MATCH (n:${WORKSPACE}) RETURN n.entity_id AS value`);
const facts = () => column(`MATCH (:${WORKSPACE})-[r:DIRECTED]->(:${WORKSPACE}) RETURN r.description AS value`);

async function opened<T>(profile: ProfileInput, work: (store: Neo4jStore) => Promise<T>): Promise<T> {
  const store = await openNeo4jStore({ uri: db.uri(), profile });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

let operations = 0;
const operation = (groupId: string, verb: "deprecate" | "restore" | "purge", documentIds: string[]) => ({
  id: `op-${++operations}`,
  groupId,
  verb,
  documentIds,
  requestHash: "",
  at: Date.now(),
  actor: "test",
  reason: null,
});
const documentsOf = async (store: Neo4jStore, group: string) =>
  (await store.documents(group, { limit: 1_000 })).items.map(({ id, status }) => `${id} ${status}`);
const certified = async (store: Neo4jStore, ids: string[]) => {
  const context = { store, clock: Date.now, newId: () => `op-${++operations}` };
  const { certificate } = await purgeDocuments(context, WORKSPACE, ids, { confirm: ids.join(","), force: true });
  return certificate as ErasureCertificate;
};

/** What the first collection after an install must not change. */
async function untouched(store: Neo4jStore, group: string): Promise<void> {
  const before = await userDump(db.run);
  expect((await collect(store, group, { sweep: true })).changed).toBe(false);
  expect(await userDump(db.run)).toEqual(before);
}

test("j-lightrag-truncated.json: what rests on lists that the writer cut is never hidden, and told", {
  timeout: 240_000,
}, async () => {
  await writeLightrag(graphOf("j-lightrag-truncated.json"));
  const cut = (await diagnose({ uri: db.uri() })).findings.find((f) => f.code === "CUT_LISTS");
  expect([cut?.count, cut?.samples]).toEqual([1, ["HUB"]]);
  await opened(lightragProfile, async (store) => {
    await untouched(store, WORKSPACE);
    const before = await userDump(db.run);
    const gone = ["doc-3", "doc-4"];
    const impact = await store.impact(WORKSPACE, "deprecate", gone);
    expect(impact.entities.ids).toEqual(["LEAF3", "LEAF4"]);
    await store.apply(operation(WORKSPACE, "deprecate", gone));
    await collect(store, WORKSPACE);
    expect(await entities()).toEqual(["HUB", "LEAF1", "LEAF2"]);
    expect(await facts()).toEqual(["hub-1", "hub-2"]);
    expect(await verifyGroup(store, WORKSPACE)).toEqual([]);
    await store.apply(operation(WORKSPACE, "restore", gone));
    await collect(store, WORKSPACE);
    expect(await userDump(db.run)).toEqual(before);

    await store.apply(operation(WORKSPACE, "deprecate", gone));
    const { complete, checks } = await certified(store, gone);
    expect(complete, "a certificate over a lower bound").toBe(false);
    expect(checks.filter((c) => c.found > 0)).toEqual([{ check: LOWER_BOUND, scanned: 3, found: 1 }]);
    await collect(store, WORKSPACE, { sweep: true, policy: { ...POLICY, restoreWindowMs: 0 } });
    expect(await entities()).toEqual(["HUB", "LEAF1", "LEAF2"]);
    expect(await facts()).toEqual(["hub-1", "hub-2"]);
    expect(await verifyGroup(store, WORKSPACE)).toEqual([]);
  });
});

test("lightrag: what rests on a cut list alone is kept and counted, on entities and facts, said or by the limit", {
  timeout: 240_000,
}, async () => {
  const list = (documents: number[]) => documents.map((n) => `doc-${n}-chunk-000`).join("<SEP>");
  const entity = (entity_id: string, documents: number[], truncate = "") => ({
    entity_id,
    entity_type: "t",
    source_id: list(documents),
    file_path: documents.map((n) => `${n}.md`).join("<SEP>"),
    truncate,
  });
  const fact = (a: string, b: string, documents: number[], truncate = ""): LightragGraph["edges"][0] => [
    a,
    b,
    { description: `${a}-${b}`, source_id: list(documents), truncate },
  ];
  await writeLightrag({
    nodes: [
      entity("SAID", [1], "KEEP Old"),
      entity("FULL", [1, 2, 3, 4]),
      entity("WHOLE", [1, 2]),
      entity("LIVE", [5]),
      entity("ALSO", [5]),
    ],
    edges: [fact("LIVE", "ALSO", [1], "FIFO 1/3"), fact("LIVE", "SAID", [1])],
  });
  const gone = ["doc-1", "doc-2", "doc-3", "doc-4"];
  await opened(lightragProfile, async (store) => {
    await untouched(store, WORKSPACE);
    const before = await userDump(db.run);
    const impact = await store.impact(WORKSPACE, "deprecate", gone);
    expect([impact.entities.ids, impact.relationships.count, impact.kept]).toEqual([
      ["WHOLE"],
      1,
      { entities: 2, relationships: 1 },
    ]);
    await store.apply(operation(WORKSPACE, "deprecate", gone));
    const { kept } = await collect(store, WORKSPACE);
    expect(kept).toEqual({ orphan_entities: 2, stale_edges: 1, deprecated_vectors: 0 });
    expect(await entities()).toEqual(["ALSO", "FULL", "LIVE", "SAID"]);
    expect(await facts()).toEqual(["LIVE-ALSO"]);
    await store.apply(operation(WORKSPACE, "restore", gone));
    await collect(store, WORKSPACE);
    expect(await userDump(db.run)).toEqual(before);
    // A list that a purge shortens below the limit goes on being cut.
    await store.apply(operation(WORKSPACE, "purge", ["doc-2"]));
    await store.apply(operation(WORKSPACE, "deprecate", ["doc-1", "doc-3", "doc-4"]));
    await collect(store, WORKSPACE, { sweep: true });
    expect(await entities()).toEqual(["ALSO", "FULL", "LIVE", "SAID"]);
    await store.apply(operation(WORKSPACE, "purge", ["doc-1", "doc-3", "doc-4"]));
    await collect(store, WORKSPACE, { sweep: true, policy: { ...POLICY, restoreWindowMs: 0 } });
    expect(await entities()).toEqual(["ALSO", "FULL", "LIVE", "SAID"]);
    expect(await facts()).toEqual(["LIVE-ALSO"]);
    expect(await verifyGroup(store, WORKSPACE)).toEqual([]);
    expect(await documentsOf(store, WORKSPACE)).toEqual(["doc-5 active"]);
  });
});

test("r-lightrag-manual.json: what was made by hand stays while its ends do", { timeout: 240_000 }, async () => {
  await writeLightrag(graphOf("r-lightrag-manual.json"));
  await opened(lightragProfile, async (store) => {
    await untouched(store, WORKSPACE);
    expect(await facts()).toEqual(["by hand", "by hand 2"]);
    expect(await verifyGroup(store, WORKSPACE)).toEqual([]);
    // What the writer names in the place of a text can be named like a document; what it states keeps its ends.
    expect(await documentsOf(store, WORKSPACE)).toEqual(["doc-1 active", "manual_creation active"]);
    await store.apply(operation(WORKSPACE, "deprecate", ["doc-1"]));
    await collect(store, WORKSPACE);
    expect([await entities(), await facts()]).toEqual([
      ["ANNA", "NOTE", "RULE"],
      ["by hand", "by hand 2"],
    ]);
    await store.apply(operation(WORKSPACE, "deprecate", ["manual_creation"]));
    await collect(store, WORKSPACE);
    expect([await entities(), await facts()]).toEqual([["RULE"], []]);
    expect(await verifyGroup(store, WORKSPACE)).toEqual([]);
  });
});

test("s-lightrag-chunk-only-on-fact.json: every document that something names can be named", {
  timeout: 240_000,
}, async () => {
  await writeLightrag(graphOf("s-lightrag-chunk-only-on-fact.json"));
  await opened(lightragProfile, async (store) => {
    await untouched(store, WORKSPACE);
    expect(await documentsOf(store, WORKSPACE)).toEqual(["doc-1 active", "doc-2 active"]);
    expect(await facts()).toHaveLength(1);
    const before = await userDump(db.run);
    await store.apply(operation(WORKSPACE, "deprecate", ["doc-2"]));
    await collect(store, WORKSPACE);
    expect([await entities(), await facts()]).toEqual([["ACME", "ANNA"], []]);
    await store.apply(operation(WORKSPACE, "restore", ["doc-2"]));
    expect(await userDump(db.run)).toEqual(before);
    // What states a fact mentions its ends.
    await store.apply(operation(WORKSPACE, "deprecate", ["doc-1"]));
    await collect(store, WORKSPACE);
    expect(await entities()).toEqual(["ACME", "ANNA"]);
    expect(await facts()).toHaveLength(1);
    expect(await verifyGroup(store, WORKSPACE)).toEqual([]);
    await certified(store, ["doc-2"]);
    await collect(store, WORKSPACE);
    expect([await entities(), await facts()]).toEqual([[], []]);
  });
});

test("lightrag: chunks whose ids name no document belong to that of their file", { timeout: 240_000 }, async () => {
  const entity = (entity_id: string, chunks: string[], file_path: string) => ({
    entity_id,
    entity_type: "t",
    source_id: chunks.join("<SEP>"),
    file_path,
  });
  await writeLightrag({
    nodes: [
      entity("A", ["chunk-1", "chunk-2"], "a.md"),
      entity("B", ["chunk-3"], "b.md"),
      entity("C", ["chunk-1", "chunk-3", "chunk-4"], "a.md<SEP>b.md<SEP>c.md"),
      entity("D", ["chunk-4", "doc-5-chunk-000"], "c.md<SEP>d.md"),
      entity("E", ["chunk-5"], "unknown_source"),
    ],
    // Of chunk-4 alone both lists tell: what they have in common is its file.
    edges: [["C", "D", { description: "c-d", source_id: "chunk-6", file_path: "b.md" }]],
  });
  await opened(lightragProfile, async (store) => {
    await untouched(store, WORKSPACE);
    const { items } = await store.documents(WORKSPACE, { limit: 100 });
    expect(Object.fromEntries(items.map((d) => [d.id, d.textUnits]))).toEqual({
      "a.md": 2,
      "b.md": 2,
      "c.md": 1,
      "chunk-5": 1,
      "doc-5": 1,
    });
    await store.apply(operation(WORKSPACE, "deprecate", ["b.md"]));
    await collect(store, WORKSPACE);
    expect([await entities(), await facts()]).toEqual([["A", "C", "D", "E"], []]);
    await store.apply(operation(WORKSPACE, "purge", ["b.md"]), { guard: null });
    const left = (await userDump(db.run)).filter((line) => /b\.md|chunk-3|chunk-6/.test(line));
    expect(left).toEqual([]);
    expect(await column(`MATCH (n:${WORKSPACE}) RETURN n.file_path AS value`)).toEqual([
      "a.md",
      "a.md<SEP>c.md",
      "c.md<SEP>d.md",
      "unknown_source",
    ]);
  });
});

test("q-graphiti-add-triplet.cypher: facts without episodes, and of unknown ones, stay while their ends do", {
  timeout: 240_000,
}, async () => {
  await db.clear({ schema: true });
  await db.run(readFileSync(inputPath("q-graphiti-add-triplet.cypher"), "utf8"));
  const names = () => column("MATCH (:Entity)-[r:RELATES_TO]->(:Entity) RETURN r.name AS value");
  await opened(graphiti, async (store) => {
    await untouched(store, "g1");
    expect(await names()).toEqual(["DANGLING", "EMPTY", "NULL", "RUNS"]);
    const before = await userDump(db.run);
    await store.apply(operation("g1", "deprecate", ["ep1"]), { guard: null });
    await collect(store, "g1");
    expect(await names(), "both ends are hidden").toEqual([]);
    await collect(store, "g1", { sweep: true });
    await store.apply(operation("g1", "restore", ["ep1"]));
    await collect(store, "g1", { sweep: true });
    expect(await userDump(db.run)).toEqual(before);
    // Known support that is gone does not become unknown because an unknown episode stands beside it.
    await db.run(
      `MATCH (a:Entity {uuid: 'n1'}), (b:Entity {uuid: 'n2'}) SET a.kept = true
       CREATE (e:Episodic {uuid: 'ep2', name: 'ep2', group_id: 'g1', content: 'Anna and Alpha.', entity_edges: []})
       CREATE (e)-[:MENTIONS {group_id: 'g1'}]->(a) CREATE (e)-[:MENTIONS {group_id: 'g1'}]->(b)
       CREATE (a)-[:RELATES_TO {uuid: 'f5', group_id: 'g1', name: 'MIXED', fact: 'x', episodes: ['ep1', 'ep-gone']}]->(b)
       WITH * MATCH (e1:Episodic {uuid: 'ep1'}) SET e1.entity_edges = e1.entity_edges + 'f5'`,
    );
    await store.apply(operation("g1", "deprecate", ["ep1"]));
    await collect(store, "g1");
    expect(await names()).toEqual(["DANGLING", "EMPTY", "NULL"]);
    await store.apply(operation("g1", "purge", ["ep1"]));
    await collect(store, "g1", { sweep: true });
    expect(await names()).toEqual(["DANGLING", "EMPTY", "NULL"]);
  });
});

test("lightrag: purged ids that its cache writes back do not count until their document is taken in again, or readmitted", {
  timeout: 240_000,
}, async () => {
  const written = (...documents: number[]) => ({
    entity_type: "t",
    source_id: documents.map((n) => `doc-${n}-chunk-000`).join("<SEP>"),
    file_path: documents.map((n) => `${n}.md`).join("<SEP>"),
    truncate: "",
  });
  const entity = (entity_id: string, ...documents: number[]) => ({ entity_id, ...written(...documents) });
  const fact = (a: string, b: string, ...documents: number[]): LightragGraph["edges"][0] => [
    a,
    b,
    { description: `${a}-${b}`, ...written(...documents) },
  ];
  await writeLightrag({
    nodes: [entity("ANNA", 1), entity("HUB", 1, 2), entity("BOB", 2)],
    edges: [fact("ANNA", "HUB", 1), fact("BOB", "HUB", 2)],
  });
  const write = (nodes: Record<string, unknown>[]) =>
    db.run(`UNWIND $nodes AS p MERGE (n:${WORKSPACE} {entity_id: p.entity_id}) SET n += p SET n:$(p.entity_type)`, {
      nodes,
    });
  await opened(lightragProfile, async (store) => {
    const apply = (verb: "deprecate" | "restore" | "purge", ...ids: string[]) =>
      store.apply(operation(WORKSPACE, verb, ids), { guard: null });
    const sweep = () => collect(store, WORKSPACE, { sweep: true });
    await apply("purge", "doc-1");
    await sweep();
    expect([await entities(), await facts()]).toEqual([["BOB", "HUB"], ["BOB-HUB"]]);

    // Document 3 is taken in: what the cache knows of its entities is written with it.
    await write([entity("HUB", 1, 2, 3), entity("CARL", 1, 3)]);
    expect((await sweep()).gone).toBe(0);
    expect(await documentsOf(store, WORKSPACE)).toEqual(["doc-2 active", "doc-3 active"]);
    await expect(store.impact(WORKSPACE, "deprecate", ["doc-1"])).rejects.toMatchObject({ code: "DOCUMENT_NOT_FOUND" });
    await apply("deprecate", "doc-3");
    await sweep();
    expect(await entities(), "what only a purged id names beside").toEqual(["BOB", "HUB"]);
    await apply("deprecate", "doc-2");
    await sweep();
    expect([await entities(), await facts()]).toEqual([[], []]);
    await apply("restore", "doc-2", "doc-3");
    await sweep();
    expect(await verifyGroup(store, WORKSPACE)).toEqual([]);

    // Document 1 is taken in again, under the same ids: an entity of its own says so.
    await write([entity("ANNA", 1), entity("HUB", 1, 2, 3)]);
    await sweep();
    expect(await documentsOf(store, WORKSPACE)).toEqual(["doc-1 active", "doc-2 active", "doc-3 active"]);
    expect(await store.purgedBefore(WORKSPACE, ["doc-1"])).toEqual([]);
    await apply("deprecate", "doc-1");
    await sweep();
    expect(await entities()).toEqual(["BOB", "CARL", "HUB"]);

    await apply("purge", "doc-1");
    await write([entity("HUB", 1, 2, 3)]);
    await sweep();
    expect(await documentsOf(store, WORKSPACE)).toEqual(["doc-2 active", "doc-3 active"]);
    await store.apply({ ...operation(WORKSPACE, "purge", ["doc-1"]), verb: "readmit" });
    expect(await documentsOf(store, WORKSPACE)).toEqual(["doc-1 active", "doc-2 active", "doc-3 active"]);
    const actions = (await store.audit(WORKSPACE, { afterSeq: 0, limit: 100 })).filter((e) => e.action === "readmit");
    expect(actions.map((entry) => entry.actor)).toEqual(["writer", "test"]);
  });
});
