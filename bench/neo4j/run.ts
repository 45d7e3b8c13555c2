import neo4j from "neo4j-driver";
import type { Fence, Policy } from "../../src/core/words.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { startNeo4j } from "../../test/servers/neo4j.ts";

/**
 * Deprecation and collection against the naive way: scans of the whole group, as maintenance jobs over a graph are usually
 * first written. Ratios within one run on one machine. The server refuses any transaction above 100 MB.
 *
 *   node bench/neo4j/run.ts [entities …]     default 10000 100000; 1000000 takes a while to load
 */

const sizes = process.argv.slice(2).map(Number);
const POLICY: Policy = { restoreWindowMs: 30 * 86_400_000, unsupported: "collect", graceAgeMs: 0 };
const UNITS = 10;
const MENTIONS = 5;
const GROUP = "bench";

const server = await startNeo4j({
  settings: { "db.memory.transaction.max": "100m", "server.memory.pagecache.size": "1g" },
});
const driver = neo4j.driver(server.uri, undefined, { disableLosslessIntegers: true });
const run = async (statement: string, parameters: Record<string, unknown> = {}) =>
  (await driver.executeQuery(statement, { g: GROUP, ...parameters })).records;

/** Deterministic, so that two runs load the same graph. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function load(entities: number): Promise<number> {
  const next = random(entities);
  const documents = Math.round(entities / 20);
  const parts = async (count: number, make: (i: number) => unknown, statement: string) => {
    for (let from = 0; from < count; from += 2_000) {
      const rows = Array.from({ length: Math.min(2_000, count - from) }, (_, i) => make(from + i));
      await run(statement, { rows });
    }
  };
  await parts(
    entities,
    (i) => ({ id: `e${i}`, v: [next(), next(), next(), next()] }),
    "UNWIND $rows AS row CREATE (e:Entity {group_id: $g, id: row.id, name: row.id, embedding: row.v, lc_active: true, lc_created_at: 1, lc_ever_mentioned: true})",
  );
  await parts(
    documents,
    (i) => `d${i}`,
    "UNWIND $rows AS id CREATE (:Document {group_id: $g, id: id}) CREATE (:GraphkeeperDocument {lc_group: $g, lc_id: id, status: 'active', version: 1, createdAt: 1})",
  );
  await parts(
    documents * UNITS,
    (i) => ({ id: `u${i}`, d: `d${Math.floor(i / UNITS)}`, v: [next(), next(), next(), next()] }),
    "UNWIND $rows AS row MATCH (d:Document {group_id: $g, id: row.d}) CREATE (:TextUnit {group_id: $g, id: row.id, text: row.id, embedding: row.v, lc_active: true})-[:PART_OF]->(d)",
  );
  // Documents mention what lies near them and, now and then, one of a few hubs.
  const near = (unit: number) => Math.floor(((unit / (documents * UNITS)) * entities + next() * 40) % entities);
  await parts(
    documents * UNITS * MENTIONS,
    (i) => ({
      u: `u${Math.floor(i / MENTIONS)}`,
      e: `e${next() < 0.02 ? Math.floor(next() * 5) : near(Math.floor(i / MENTIONS))}`,
    }),
    "UNWIND $rows AS row MATCH (u:TextUnit {group_id: $g, id: row.u}) MATCH (e:Entity {group_id: $g, id: row.e}) MERGE (u)-[:MENTIONS]->(e)",
  );
  await parts(
    entities,
    (i) => ({ id: `r${i}`, a: `e${i}`, b: `e${(i + 1 + Math.floor(next() * 20)) % entities}` }),
    "UNWIND $rows AS row MATCH (a:Entity {group_id: $g, id: row.a}) MATCH (b:Entity {group_id: $g, id: row.b}) CREATE (a)-[:RELATED_TO {group_id: $g, id: row.id, type: 'x', weight: 1.0}]->(b)",
  );
  return documents;
}

const percentile = (values: number[], p: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] as number;

async function measure(entities: number): Promise<void> {
  await driver.session().run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS");
  const store = await openNeo4jStore({ uri: server.uri });
  let n = 0;
  const call = (verb: "deprecate" | "restore", documentIds: string[]) =>
    store.apply(
      {
        id: `${entities}-${++n}`,
        groupId: GROUP,
        verb,
        documentIds,
        requestHash: `${n}`,
        at: Date.now(),
        actor: "bench",
        reason: null,
      },
      { guard: null },
    );
  const { newGroup } = await import("../../src/stores/neo4j/work.ts");
  await run("MERGE (g:GraphkeeperGroup {lc_group: $g}) SET g = $state", {
    state: Object.fromEntries(
      Object.entries(newGroup(GROUP, 1)).map(([k, v]) => [k, typeof v === "number" ? neo4j.int(v) : v]),
    ),
  });
  const loading = performance.now();
  const documents = await load(entities);
  const loadedS = (performance.now() - loading) / 1_000;
  await run("CALL db.prepareForReplanning(120)");

  const collect = async (): Promise<number> => {
    const fence = (await store.acquireLease(GROUP, `h${++n}`, 3_600_000, Date.now())) as Fence;
    const begun = performance.now();
    for (const kind of ["orphan_entities", "stale_edges", "deprecated_vectors"] as const) {
      let cursor: string | null = null;
      do
        cursor = (
          await store.collect(fence, kind, { cursor, limit: 500, policy: POLICY, now: Date.now(), dryRun: false })
        ).cursor;
      while (cursor !== null);
    }
    const ms = performance.now() - begun;
    await store.releaseLease(fence);
    return ms;
  };
  // Statements are planned on their first use, which is not what is measured: one whole round with other documents.
  const warm = Array.from({ length: Math.max(30, Math.round(documents / 200)) }, (_, i) => `d${documents - 1 - i}`);
  for (let round = 0; round < 2; round++) {
    for (const id of warm.slice(0, 10)) await call("deprecate", [id]);
    await call("deprecate", warm);
    await collect();
    await call("restore", warm);
    await collect();
  }

  const one: number[] = [];
  const share = Math.max(10, Math.round(documents / 100));
  const chosen = Array.from({ length: share }, (_, i) => `d${10 + i * Math.floor((documents * 0.9) / share)}`);
  for (const id of chosen.slice(0, 100)) {
    const begun = performance.now();
    await call("deprecate", [id]);
    one.push(performance.now() - begun);
  }
  for (let i = 100; i < chosen.length; i += 500) await call("deprecate", chosen.slice(i, i + 500));
  const oursMs = await collect();
  for (let i = 0; i < chosen.length; i += 500) await call("restore", chosen.slice(i, i + 500));

  // The naive way on the same graph: labels on the documents' units, then scans of the group.
  const naive =
    "MATCH (d:Document {group_id: $g, id: $id}) OPTIONAL MATCH (c)-[:PART_OF]->(d) SET d:Deprecated, c:Deprecated";
  const naiveOne: number[] = [];
  for (const id of chosen) {
    const begun = performance.now();
    await run(naive, { id });
    naiveOne.push(performance.now() - begun);
  }
  const scans = [
    "MATCH (e:Entity {group_id: $g}) WHERE NOT e:Deprecated OPTIONAL MATCH (u:TextUnit)-[:MENTIONS]->(e) WHERE NOT u:Deprecated WITH e, count(u) AS mentions WHERE mentions = 0 SET e:Deprecated, e.deprecated_reason = 'orphaned' RETURN count(e) AS n",
    "MATCH (a {group_id: $g})-[r:RELATED_TO|SEMANTICALLY_SIMILAR]-(b) WHERE a:Deprecated OR b:Deprecated WITH DISTINCT r DELETE r RETURN count(*) AS n",
    "MATCH (n:Deprecated {group_id: $g}) WHERE n.embedding IS NOT NULL SET n.embedding_archived_at = datetime(), n.embedding = null RETURN count(n) AS n",
  ];
  let naiveMs = 0;
  const failed: string[] = [];
  for (const scan of scans) {
    const begun = performance.now();
    await run(scan).catch((error: Error) => failed.push(error.message.slice(0, 120)));
    naiveMs += performance.now() - begun;
  }
  await store.close();
  console.log(
    JSON.stringify({
      entities,
      documents,
      loadedS: Math.round(loadedS),
      deprecateP50Ms: +percentile(one, 0.5).toFixed(1),
      deprecateP99Ms: +percentile(one, 0.99).toFixed(1),
      naiveDeprecateP50Ms: +percentile(naiveOne, 0.5).toFixed(1),
      deprecatedDocuments: chosen.length,
      collectMs: Math.round(oursMs),
      naiveCollectMs: Math.round(naiveMs),
      ratio: +(naiveMs / oursMs).toFixed(2),
      naiveFailed: failed,
    }),
  );
}

try {
  for (const size of sizes.length > 0 ? sizes : [10_000, 100_000]) await measure(size);
} finally {
  await driver.close();
  await server.stop();
}
