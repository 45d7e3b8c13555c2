import { beforeAll, describe, expect, test } from "vitest";
import type { Fence, Policy } from "../../src/core/words.ts";
import { miro } from "../../src/profiles/index.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { userDump } from "../profiles/user-dump.ts";
import { SMALL_GRAPHS, useNeo4j } from "./server.ts";

/** Bugs of the system that the miro profile is about, and of its peers, by their numbers in the list of lessons. */

const db = useNeo4j({ settings: SMALL_GRAPHS });
const G = "tenant-1";
const POLICY: Policy = { restoreWindowMs: 30 * 86_400_000, unsupported: "collect", graceAgeMs: 0 };
let store: Neo4jStore;
let count = 0;

const call = (verb: "deprecate" | "restore" | "purge", documentIds: string[], group = G) =>
  store.apply(
    {
      id: `op${++count}`,
      groupId: group,
      verb,
      documentIds,
      requestHash: `${count}`,
      at: Date.now(),
      actor: "t",
      reason: null,
    },
    { guard: null },
  );

async function collect(policy = POLICY): Promise<{ deleted: number; purged: number }> {
  const fence = (await store.acquireLease(G, `h${++count}`, 600_000, Date.now())) as Fence;
  const sum = { deleted: 0, purged: 0 };
  const run = async () => {
    for (const kind of ["orphan_entities", "stale_edges", "deprecated_vectors"] as const) {
      let cursor: string | null = null;
      do {
        const batch = await store.collect(fence, kind, { cursor, limit: 100, policy, now: Date.now(), dryRun: false });
        sum.deleted += batch.deleted;
        sum.purged += batch.purged;
        cursor = batch.cursor;
      } while (cursor !== null);
    }
  };
  await run();
  let cursor: string | null = null;
  do cursor = (await store.sweep(fence, { cursor, limit: 200, policy, now: Date.now() })).cursor;
  while (cursor !== null);
  await run();
  await store.releaseLease(fence);
  return sum;
}

const one = async (statement: string, parameters?: Record<string, unknown>) =>
  Object.values((await db.run(statement, parameters))[0] ?? {})[0];

/** A document with one sentence that mentions the given entities. */
async function write(id: string, entities: string[], group = G): Promise<void> {
  await db.run(
    `MERGE (d:Document {id: $id, group_id: $group}) SET d.title = $id
     MERGE (s:Sentence {id: $id + '_s', group_id: $group}) SET s.text = 'text of ' + $id, s.sentence_embedding = [0.5, 0.25, 0.125, 1.0] MERGE (s)-[:IN_DOCUMENT]->(d)
     WITH s UNWIND $entities AS name MERGE (e:Entity {id: name, group_id: $group}) ON CREATE SET e.name = name, e.entity_embedding = [0.1, 0.2, 0.3, 0.7]
     MERGE (s)-[:MENTIONS]->(e)`,
    { id, entities, group },
  );
}

beforeAll(async () => {
  await db.clear({ schema: true });
  store = await openNeo4jStore({ uri: db.uri(), profile: miro });
  return () => store.close();
}, 120_000);

async function fresh(): Promise<void> {
  await db.clear();
}

describe("the original's bugs", () => {
  test("B1: a deprecated document is not found by label, vector or text, whatever the reader filters", async () => {
    await fresh();
    await write("a", ["x"]);
    await call("deprecate", ["a"]);
    expect(await one("MATCH (s:Sentence {group_id: $g}) RETURN count(s)", { g: G })).toBe(0);
    expect(await one("MATCH (s) WHERE s.sentence_embedding IS NOT NULL RETURN count(s)")).toBe(0);
  });

  test("B2: purging a document whose entities are all shared, or that has none, deletes it", async () => {
    await fresh();
    await write("shared-1", ["x", "y"]);
    await write("shared-2", ["x", "y"]);
    await db.run("CREATE (d:Document {id: 'bare', group_id: $g})", { g: G });
    for (const id of ["shared-1", "bare"]) {
      const record = await call("purge", [id]);
      expect(record.outcomes).toEqual([{ id, outcome: "purged" }]);
      expect(await one("MATCH (d:Document {id: $id}) RETURN count(d)", { id })).toBe(0);
    }
    expect(await one("MATCH (s:Sentence) RETURN count(s)")).toBe(1);
    expect(await one("MATCH (e:Entity) RETURN count(e)")).toBe(2);
  });

  test("B3: the preview of a document without entities answers, and deprecated mentions keep nothing alive", async () => {
    await fresh();
    await db.run("CREATE (d:Document {id: 'bare', group_id: $g})", { g: G });
    await write("a", ["x"]);
    await write("b", ["x"]);
    expect((await store.impact(G, "purge", ["bare"])).entities.count).toBe(0);
    await call("deprecate", ["a"]);
    expect((await store.impact(G, "deprecate", ["b"])).entities.ids).toEqual(["x"]);
  });

  test("B4: vectors are moved, not lost; restore gives back every bit, of sections and relationships too", async () => {
    await fresh();
    await write("a", ["x", "y"]);
    await db.run(
      "MATCH (d:Document {id: 'a'}) CREATE (d)-[:HAS_SECTION]->(:Section {id: 'sec', group_id: $g, section_embedding: [0.1, 0.3], structural_embedding: [0.7]})",
      { g: G },
    );
    await db.run(
      "MATCH (x:Entity {id: 'x'}), (y:Entity {id: 'y'}) CREATE (x)-[:RELATED_TO {weight: 2.5, triple_embedding: [0.1, 0.9]}]->(y)",
    );
    const before = await userDump(db.run);
    await call("deprecate", ["a"]);
    await collect();
    expect(
      await one(
        "MATCH (n) WHERE n.id IN ['a_s', 'x', 'y', 'sec'] AND (n.section_embedding IS NOT NULL OR n.sentence_embedding IS NOT NULL OR n.entity_embedding IS NOT NULL OR n.structural_embedding IS NOT NULL) RETURN count(n)",
      ),
    ).toBe(0);
    await call("restore", ["a"]);
    expect(await userDump(db.run)).toEqual(before);
  });

  test("B5: restore is symmetric: entities that collection parked return, and the history stays", async () => {
    await fresh();
    await write("a", ["x"]);
    await write("b", ["x", "z"]);
    await call("deprecate", ["a"]);
    await call("deprecate", ["b"]);
    await collect();
    expect(await one("MATCH (e:Entity) RETURN count(e)")).toBe(0);
    await call("restore", ["a"]);
    expect((await db.run("MATCH (e:Entity) RETURN e.id AS id")).map((r) => r.id)).toEqual(["x"]);
    expect(
      (await store.audit(G, { afterSeq: 0, limit: 100 })).map((a) => a.action).filter((a) => a !== "collect"),
    ).toEqual(["deprecate", "deprecate", "restore"]);
  });

  test("B6, B9: stale is a comparison of generations; what changes while a recompute runs stays stale", async () => {
    await fresh();
    await write("a", ["x"]);
    await write("b", ["y"]);
    await call("deprecate", ["a"]);
    const fence = (await store.acquireLease(G, "r", 600_000, Date.now())) as Fence;
    const graph = await store.readGraph(G);
    await call("deprecate", ["b"]);
    const state = await store.publishAnalytics(fence, {
      generation: graph.generation,
      state: null,
      detail: {},
      now: Date.now(),
    });
    expect(state.generation).toBeGreaterThan(state.analyticsGeneration ?? 0);
    expect(await one("MATCH (m:GroupMeta {group_id: $g}) RETURN m.gds_stale", { g: G })).toBe(true);
    const again = await store.readGraph(G);
    await store.publishAnalytics(fence, { generation: again.generation, state: null, detail: {}, now: Date.now() });
    expect(await one("MATCH (m:GroupMeta {group_id: $g}) RETURN m.gds_stale", { g: G })).toBe(false);
    expect(await one("MATCH (m:GroupMeta) RETURN count(m)")).toBe(1);
    await store.releaseLease(fence);
  });

  test("B7: everything that hangs on a document goes with it: sections, tables, key-value pairs, barcodes", async () => {
    await fresh();
    await write("a", ["x"]);
    for (const label of ["Table", "Figure", "KeyValue", "KeyValuePair", "SignatureBlock", "Barcode"]) {
      await db.run(
        `MATCH (d:Document {id: 'a'}) CREATE (:${label} {id: '${label}', group_id: $g})-[:IN_DOCUMENT]->(d)`,
        { g: G },
      );
    }
    await db.run("MATCH (d:Document {id: 'a'}) CREATE (d)-[:HAS_SECTION]->(:Section {id: 'sec', group_id: $g})", {
      g: G,
    });
    await call("purge", ["a"]);
    expect(
      await one(
        "MATCH (n) WHERE NOT any(l IN labels(n) WHERE l STARTS WITH 'Graphkeeper') AND NOT n:GroupMeta RETURN count(n)",
      ),
    ).toBe(0);
  });

  test("B8, B10: facts go with their ends; orphans are parked, then purged after the window, with everything on them", async () => {
    await fresh();
    await write("a", ["x", "y"]);
    await write("b", ["y"]);
    await db.run("MATCH (x:Entity {id: 'x'}), (y:Entity {id: 'y'}) CREATE (x)-[:RELATED_TO {weight: 1.0}]->(y)");
    await call("deprecate", ["a"]);
    await collect();
    expect(await one("MATCH (:Entity)-[r:RELATED_TO]-() RETURN count(r)")).toBe(0);
    await collect({ ...POLICY, restoreWindowMs: 0 });
    expect(await one("MATCH (n) WHERE n.id IN ['a', 'a_s', 'x'] RETURN count(n)")).toBe(0);
    expect(await one("MATCH (e:Entity {id: 'y'}) RETURN count(e)")).toBe(1);
    expect(await one("MATCH (p:GraphkeeperParked) RETURN count(p)")).toBe(0);
  });

  test("B11: similarity edges of every method that touch something parked go, and come back with it", async () => {
    await fresh();
    await write("a", ["x"]);
    await write("b", ["y"]);
    await db.run(
      "MATCH (x:Entity {id: 'x'}), (y:Entity {id: 'y'}) CREATE (x)-[:SEMANTICALLY_SIMILAR {method: 'gds_knn', score: 0.5}]->(y)",
    );
    await db.run(
      "MATCH (s:Sentence {id: 'a_s'}), (t:Sentence {id: 'b_s'}) CREATE (s)-[:SEMANTICALLY_SIMILAR {method: 'knn_sentence', score: 0.5}]->(t)",
    );
    await call("deprecate", ["a"]);
    await collect();
    expect(await one("MATCH ()-[r:SEMANTICALLY_SIMILAR]->() RETURN count(r)")).toBe(0);
    await call("restore", ["a"]);
    expect(await one("MATCH ()-[r:SEMANTICALLY_SIMILAR]->() RETURN count(r)")).toBe(2);
  });

  test("B14: the same ids in another group are not touched, and a foreign document is not found", async () => {
    await db.clear();
    await write("a", ["x"]);
    await write("a", ["x"], "tenant-2");
    const foreign = async () => (await userDump(db.run)).filter((line) => line.includes("tenant-2"));
    const before = await foreign();
    expect(before.length).toBe(3);
    await call("deprecate", ["a"]);
    await collect({ ...POLICY, restoreWindowMs: 0 });
    expect(await foreign()).toEqual(before);
    await expect(call("deprecate", ["nowhere"], "tenant-2")).rejects.toMatchObject({ code: "DOCUMENT_NOT_FOUND" });
    await expect(call("deprecate", ["a"], "tenant-3")).rejects.toMatchObject({ code: "GROUP_NOT_FOUND" });
  });

  test("B19: counts are what a query finds afterwards", async () => {
    await fresh();
    await write("a", ["x", "y"]);
    await write("b", ["y"]);
    await db.run("MATCH (x:Entity {id: 'x'}), (y:Entity {id: 'y'}) CREATE (x)-[:RELATED_TO]->(y)");
    const { effect } = await call("purge", ["a"]);
    expect(effect).toEqual({ documents: 1, textUnits: 1, entities: 1, relationships: 1, vectors: 2 });
  });

  test("B20: a group id is a parameter, never part of a statement", async () => {
    await fresh();
    const hostile = "x'}) DETACH DELETE n //";
    await write("a", ["x"]);
    await expect(call("deprecate", ["a"], hostile)).rejects.toMatchObject({ code: "GROUP_NOT_FOUND" });
    await expect(call("deprecate", ["'}) MATCH (n) DETACH DELETE n //"])).rejects.toMatchObject({
      code: "DOCUMENT_NOT_FOUND",
    });
    expect(await one("MATCH (d:Document) RETURN count(d)")).toBe(1);
  });
});

test("uninstall while things are parked: the writer's graph is what it was, and nothing of ours is left", async () => {
  await fresh();
  await write("a", ["x"]);
  await write("b", ["y"]);
  await db.run(
    "MATCH (d:Document {id: 'a'}), (x:Entity {id: 'x'}), (y:Entity {id: 'y'}) CREATE (d)-[:HAS_SECTION]->(:Section {id: 'sec', group_id: $g, section_embedding: [0.5]}) CREATE (x)-[:RELATED_TO {weight: 2.0}]->(y) CREATE (x)-[:SEMANTICALLY_SIMILAR {score: 0.5}]->(y)",
    { g: G },
  );
  const before = await userDump(db.run);
  await call("deprecate", ["a"]);
  await collect();
  expect(await userDump(db.run)).not.toEqual(before);
  await store.uninstall();
  expect(await userDump(db.run)).toEqual(before);
  expect(
    await one(
      "MATCH (n) WHERE any(l IN labels(n) WHERE l STARTS WITH 'Graphkeeper') OR any(k IN keys(n) WHERE k STARTS WITH 'lc_') RETURN count(n)",
    ),
  ).toBe(0);
  expect(await db.run("SHOW INDEXES YIELD name WHERE name STARTS WITH 'graphkeeper_' RETURN name")).toEqual([]);
  await store.install();
});

describe("publication in the writer's own shapes", () => {
  test("similarity, communities and ranks stand where its readers look, and follow the next publication", async () => {
    await fresh();
    for (const id of ["a", "b", "c"]) await write(id, [`${id}1`, `${id}2`]);
    await db.run(
      "MATCH (e:Entity {id: 'a1'}) MERGE (c:Community {id: 'louvain_tenant-1_7', group_id: $g}) SET c.level = 0 MERGE (e)-[:BELONGS_TO]->(c)",
      { g: G },
    );
    const fence = (await store.acquireLease(G, "r", 600_000, Date.now())) as Fence;
    const publish = async (upsert: object, remove: object) => {
      await store.stageAnalytics(fence, { upsert, remove }, Date.now());
      await store.publishAnalytics(fence, { generation: 0, state: null, detail: {}, now: Date.now() });
      // A row a batch: whatever their order, some child is carried over before its parent.
      while ((await store.pruneAnalytics(fence, 1, Date.now())) > 0);
    };
    const hashes = { memberHash: "m", edgeHash: "e", textHash: "t", changedGeneration: 0 };
    await publish(
      {
        similarity: [{ a: "a1", b: "b1", score: 0.75 }],
        communities: [
          { id: "k0", level: 0, parent: "k1", size: 2, ...hashes },
          { id: "k1", level: 1, parent: null, size: 2, ...hashes },
          { id: "b1", level: 1, parent: null, size: 2, ...hashes },
          { id: "z0", level: 0, parent: "b1", size: 2, ...hashes },
        ],
        memberships: [
          { level: 0, entity: "a1", community: "k0" },
          { level: 0, entity: "b1", community: "k0" },
          { level: 1, entity: "a1", community: "k1" },
        ],
        ranks: [{ entity: "a1", score: 0.5, component: "a1" }],
      },
      {},
    );
    const a1 = () =>
      one(
        "MATCH (e:Entity {id: 'a1'}) RETURN {community: e.community_id, rank: e.pagerank, in: COLLECT { MATCH (e)-[:BELONGS_TO]->(c) RETURN c.id ORDER BY c.id }, near: COLLECT { MATCH (e)-[r:SEMANTICALLY_SIMILAR]->(o) RETURN o.id + ' ' + r.score }} AS x",
      );
    expect(await a1()).toEqual({ community: "k0", rank: 0.5, in: ["k0", "k1"], near: ["b1 0.75"] });
    const parents =
      "MATCH (c:Community)-[:PARENT_COMMUNITY]->(p) RETURN c.id + ' ' + p.id + ' ' + p.level AS x ORDER BY x";
    expect((await db.run(parents)).map((row) => row.x)).toEqual(["k0 k1 1", "z0 b1 1"]);
    await publish(
      {
        memberships: [{ level: 0, entity: "a1", community: "k2" }],
        communities: [{ id: "k2", level: 0, parent: null, size: 1, ...hashes }],
      },
      {
        similarity: [{ a: "a1", b: "b1" }],
        ranks: ["a1"],
        communities: ["k1"],
        memberships: [{ level: 1, entity: "a1" }],
      },
    );
    expect(await a1()).toEqual({ community: "k2", rank: null, in: ["k2"], near: [] });
    expect(await one("MATCH (c:Community {id: 'k1'}) RETURN count(c)")).toBe(0);
    expect(await one("MATCH (e:Entity {id: 'b1'}) RETURN e.community_id")).toBe("k0");
    await store.releaseLease(fence);
  });
});

describe("the writer goes on", () => {
  test("a parked entity that gained a live mention returns with the next collection", async () => {
    await fresh();
    await write("a", ["x"]);
    await write("b", ["y"]);
    await call("deprecate", ["a"]);
    await collect();
    await db.run("MATCH (s:Sentence {id: 'b_s'}) MATCH (e {id: 'x'}) CREATE (s)-[:MENTIONS]->(e)");
    await collect();
    expect(
      (await db.run("MATCH (e:Entity) RETURN e.id AS id, e.entity_embedding AS v ORDER BY id")).map((r) => r.id),
    ).toEqual(["x", "y"]);
    expect(await collect()).toEqual({ deleted: 0, purged: 0 });
  });

  test("an entity whose last mention the writer took away is found by the sweep only if we parked something of it", async () => {
    await fresh();
    await write("a", ["x"]);
    await db.run("CREATE (:Entity {id: 'never', group_id: $g, name: 'never mentioned'})", { g: G });
    await call("deprecate", ["a"]);
    await collect({ ...POLICY, restoreWindowMs: 0 });
    // Nothing is deleted on a guess: what nothing ever mentioned has no age here.
    expect(await one("MATCH (e:Entity {id: 'never'}) RETURN count(e)")).toBe(1);
  });

  test("a fact that the writer made again while ours was parked is not doubled", async () => {
    await fresh();
    await write("a", ["x"]);
    await write("b", ["y"]);
    const fact = "MATCH (x {id: 'x'}), (y {id: 'y'}) MERGE (x)-[r:RELATED_TO]->(y) ON CREATE SET r.weight = 1.0";
    await db.run(fact);
    await call("deprecate", ["a"]);
    await collect();
    expect(await one("MATCH ()-[r:RELATED_TO]->() RETURN count(r)")).toBe(0);
    await db.run(fact);
    await call("restore", ["a"]);
    await collect();
    expect(await one("MATCH ()-[r:RELATED_TO]->() RETURN count(r)")).toBe(1);
    expect(await one("MATCH (p:GraphkeeperParked) RETURN count(p)")).toBe(0);
  });

  test("a new sentence of a deprecated document is parked by the sweep; one of an active document stays", async () => {
    await fresh();
    await write("a", ["x"]);
    await write("b", ["y"]);
    await call("deprecate", ["a"]);
    await db.run(
      "MATCH (d:Document {id: 'a'}) CREATE (:Sentence {id: 'late', group_id: $g, text: 'late', sentence_embedding: [1.0, 0.0, 0.0, 0.0]})-[:IN_DOCUMENT]->(d)",
      { g: G },
    );
    await collect();
    expect((await db.run("MATCH (s:Sentence) RETURN s.id AS id")).map((r) => r.id)).toEqual(["b_s"]);
  });
});
