import { beforeAll, expect, test } from "vitest";
import type { Fence, Policy } from "../../src/core/words.ts";
import { graphiti, llmGraphBuilder } from "../../src/profiles/index.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "./server.ts";

/** What the peers' own deletes do wrong in Neo4j, on graphs in their shapes; the entries are listed in test/bugs/table.ts. */

const db = useNeo4j({ settings: SMALL_GRAPHS });
const POLICY: Policy = { restoreWindowMs: 0, unsupported: "collect", graceAgeMs: 0 };
const G = "default";
let store: Neo4jStore;
let calls = 0;

beforeAll(async () => {
  store = await openNeo4jStore({ uri: db.uri(), profile: llmGraphBuilder });
  return () => store.close();
}, 120_000);

/** A file of llm-graph-builder: chunks are shared by text, entities by id. */
async function file(name: string, chunks: Record<string, string[]>): Promise<void> {
  for (const [id, entities] of Object.entries(chunks))
    await db.run(
      `MERGE (d:Document {fileName: $name}) MERGE (c:Chunk {id: $id}) SET c.text = 'text of ' + $id, c.embedding = [1.0, 0.5] MERGE (c)-[:PART_OF]->(d)
       WITH c UNWIND $entities AS e MERGE (x:__Entity__ {id: e}) MERGE (c)-[:HAS_ENTITY]->(x)`,
      { name, id, entities },
    );
}

const purge = (documentIds: string[], of: Neo4jStore = store, group = G) =>
  of.apply(
    {
      id: `op${++calls}`,
      groupId: group,
      verb: "purge",
      documentIds,
      requestHash: "",
      at: Date.now(),
      actor: "test",
      reason: null,
    },
    { guard: null },
  );
const ids = async (label: string, key = "id") =>
  (await db.run(`MATCH (n:${label}) RETURN n.${key} AS id ORDER BY id`)).map((row) => row.id);

test("llm-graph-builder: a file whose entities are all shared is deleted, with its chunks; no success that did nothing", async () => {
  await db.clear();
  await file("a.pdf", { a1: ["x"], a2: ["y"] });
  await file("b.pdf", { b1: ["x", "y"] });
  await file("c.pdf", { c1: ["y", "z"], c2: ["z"] });
  const all = await purge(["a.pdf"]);
  expect(all.effect).toMatchObject({ documents: 1, textUnits: 2, entities: 0 });
  expect([await ids("Document", "fileName"), await ids("Chunk"), await ids("__Entity__")]).toEqual([
    ["b.pdf", "c.pdf"],
    ["b1", "c1", "c2"],
    ["x", "y", "z"],
  ]);
  await purge(["c.pdf"]);
  expect([await ids("Chunk"), await ids("__Entity__")]).toEqual([["b1"], ["x", "y"]]);
});

test("llm-graph-builder: a passage that two files share is one chunk; deleting one file leaves it to the other", async () => {
  await db.clear();
  await file("a.pdf", { same: ["x"], a1: ["y"] });
  await file("b.pdf", { same: ["x"] });
  await purge(["a.pdf"]);
  expect([await ids("Chunk"), await ids("__Entity__")]).toEqual([["same"], ["x"]]);
  expect(await db.run("MATCH (:Chunk {id: 'same'})-[:PART_OF]->(d) RETURN d.fileName AS name")).toEqual([
    { name: "b.pdf" },
  ]);
  await purge(["b.pdf"]);
  expect([await ids("Chunk"), await ids("__Entity__")]).toEqual([[], []]);
});

test("llm-graph-builder 'reprocess' counts shared entities as unshared: here one that another file mentions is shared, in preview and deed", async () => {
  await db.clear();
  await file("a.pdf", { a1: ["x", "y"] });
  await file("b.pdf", { b1: ["x"] });
  const impact = await store.impact(G, "purge", ["a.pdf"]);
  expect(impact.entities).toMatchObject({ count: 1, ids: ["y"], shared: 1 });
  await purge(["a.pdf"]);
  expect(await ids("__Entity__")).toEqual(["x"]);
});

test("llm-graph-builder 'IN TRANSACTIONS' over one collected row is one huge transaction: here each batch is a transaction of its own", async () => {
  await db.clear();
  await file(
    "a.pdf",
    Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`c${String(i).padStart(2, "0")}`, ["x", `e${i}`]])),
  );
  const operation = {
    id: "long",
    groupId: G,
    verb: "purge" as const,
    documentIds: ["a.pdf"],
    requestHash: "",
    at: Date.now(),
    actor: "t",
    reason: null,
  };
  let record = await store.apply(operation, { guard: null, unitsPerTransaction: 7 });
  const left = [(await ids("GraphkeeperParked_Chunk|Chunk")).length];
  for (; record.state === "rolling"; left.push((await ids("GraphkeeperParked_Chunk|Chunk")).length))
    record = await store.advance(G, "long", { unitsPerTransaction: 7 });
  const steps = left.map((n, i) => (left[i - 1] ?? 30) - n);
  expect(Math.max(...steps)).toBeLessThanOrEqual(7);
  expect([left.at(-1), await ids("__Entity__")]).toEqual([0, []]);
});

test("graphiti: a fact that other episodes confirm survives, whichever stands first in its list; dead ids leave the list", async () => {
  await db.clear();
  const own = await openNeo4jStore({ uri: db.uri(), profile: graphiti });
  try {
    for (const [group, gone] of [
      ["g1", "first"],
      ["g2", "second"],
    ] as const) {
      await db.run(
        `UNWIND ['first', 'second'] AS id CREATE (:Episodic {uuid: $g + id, group_id: $g, content: id, entity_edges: [$g + 'f']})
         WITH collect(id) AS ids CREATE (a:Entity {uuid: $g + 'a', group_id: $g, name: 'A'}), (b:Entity {uuid: $g + 'b', group_id: $g, name: 'B'})
         CREATE (a)-[:RELATES_TO {uuid: $g + 'f', group_id: $g, name: 'KNOWS', fact: 'A knows B', episodes: [$g + 'first', $g + 'second']}]->(b)
         WITH a, b MATCH (e:Episodic {group_id: $g}) CREATE (e)-[:MENTIONS]->(a) CREATE (e)-[:MENTIONS]->(b)`,
        { g: group },
      );
      await purge([`${group}${gone}`], own, group);
      const left = gone === "first" ? "second" : "first";
      expect(
        await db.run("MATCH (:Entity)-[r:RELATES_TO {group_id: $g}]->() RETURN r.episodes AS episodes", { g: group }),
      ).toEqual([{ episodes: [`${group}${left}`] }]);
    }
  } finally {
    await own.close();
  }
});

test("graphiti delete_by_group_id sends CALL … IN TRANSACTIONS through a managed transaction: no statement of ours has one", async () => {
  for (const text of Object.values(store.statements)) expect(text).not.toMatch(/IN\s+TRANSACTIONS/i);
  await db.clear();
  await file("a.pdf", { a1: ["x"] });
  await purge(["a.pdf"]);
  const fence = (await store.acquireLease(G, "h", 60_000, Date.now())) as Fence;
  for (const kind of ["orphan_entities", "stale_edges", "deprecated_vectors"] as const)
    await store.collect(fence, kind, { cursor: null, limit: 10, policy: POLICY, now: Date.now(), dryRun: false });
  await store.releaseLease(fence);
  expect(await ids("__Entity__")).toEqual([]);
});

test("cognee loads the whole graph for each delete: what a purge touches does not grow with what it does not touch", async () => {
  const hits = async (others: number) => {
    await db.clear();
    await file("a.pdf", { a1: ["x", "y"] });
    await db.run(
      `UNWIND range(1, $n) AS i CREATE (d:Document {fileName: 'o' + i}) CREATE (c:Chunk {id: 'o' + i, text: 't'})-[:PART_OF]->(d)
       CREATE (e:__Entity__ {id: 'o' + i}) CREATE (c)-[:HAS_ENTITY]->(e)`,
      { n: others },
    );
    const { driver } = store.connection;
    const session = driver.session.bind(driver);
    let sum = 0;
    driver.session = (config) => {
      const opened = session(config);
      const write = opened.executeWrite.bind(opened);
      opened.executeWrite = (work, options) =>
        write(
          (tx) =>
            work({
              run: (text: string, parameters: object) => {
                const result = tx.run(`PROFILE ${text}`, parameters);
                result.summary().then(
                  (summary) => {
                    sum += dbHits(summary.profile);
                  },
                  () => {},
                );
                return result;
              },
            } as never),
          options,
        );
      return opened;
    };
    try {
      await purge(["a.pdf"]);
    } finally {
      driver.session = session;
    }
    return sum;
  };
  await hits(10);
  const few = await hits(10);
  expect(few).toBeGreaterThan(0);
  expect(await hits(2_000)).toBeLessThan(few * 2);
});

interface Profiled {
  dbHits: number;
  children: Profiled[];
}
function dbHits(plan: unknown): number {
  if (!plan) return 0;
  const { dbHits: own, children } = plan as Profiled;
  return Number(own) + children.reduce((sum, child) => sum + dbHits(child), 0);
}
