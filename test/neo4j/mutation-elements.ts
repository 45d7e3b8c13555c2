import { World } from "../../src/conformance/index.ts";
import type { Fence, Policy } from "../../src/core/words.ts";
import type { Neo4jStore } from "../../src/stores/neo4j/index.ts";
import type { Run } from "./mutation-miro.ts";
import { NOW } from "./mutation-story.ts";

/** A writer that keeps no ids, so that parked facts know their ends by Neo4j's element ids. */

const POLICY: Policy = { restoreWindowMs: 1e12, unsupported: "collect", graceAgeMs: 0 };

/** A fact of a twin is parked before the twin is found: as many nodes and relationships go as the twin brings. */
export async function tellOfElements(store: Neo4jStore, run: Run, group: string): Promise<void> {
  const w = new World(store, NOW);
  const leased = async <T>(work: (fence: Fence) => Promise<T>): Promise<T> => {
    const fence = (await store.acquireLease(group, "story", 1e12, w.later(1_000))) as Fence;
    const result = await work(fence);
    await store.releaseLease(fence);
    return result;
  };
  const collected = () =>
    leased(async (fence) => {
      for (const kind of ["orphan_entities", "stale_edges", "deprecated_vectors"] as const) {
        let cursor: string | null = null;
        do
          cursor = (await store.collect(fence, kind, { cursor, limit: 50, policy: POLICY, now: w.now, dryRun: false }))
            .cursor;
        while (cursor !== null);
      }
    });
  await run(
    `UNWIND [['a', 'x'], ['b', 'spare'], ['c', 'y'], ['d', 'z']] AS row
     CREATE (:Document {path: row[0]})<-[:FROM_DOCUMENT]-(c:Chunk {text: 'text of ' + row[0]})<-[:FROM_CHUNK]-(:__Entity__:Thing {name: row[1]})`,
  );
  await run(
    "MATCH (z:__Entity__ {name: 'z'}) MATCH (e:__Entity__) WHERE e.name IN ['x', 'y', 'spare'] CREATE (e)-[:KNOWS]->(z)",
  );
  await w.call(group, "deprecate", "a", { guard: null });
  await collected();
  await collected();
  await run(
    `MATCH (s:__Entity__ {name: 'spare'})-[:FROM_CHUNK]->(c:Chunk) MATCH (y:__Entity__ {name: 'y'}) DETACH DELETE s
     CREATE (c)<-[:FROM_CHUNK]-(t:__Entity__:Thing {name: 'x'})-[:KNOWS]->(y)`,
  );
  await w.call(group, "deprecate", "c", { guard: null });
  await collected();
  const ends = await run(
    "MATCH (p:GraphkeeperParked) MATCH (t:__Entity__ {name: 'x'}) WHERE p.lc_source = elementId(t) RETURN p.lc_id AS id",
  );
  if (ends.length === 0) throw new Error("the twin's fact is not parked");
  await leased(async (fence) => {
    let cursor: string | null = null;
    do ({ cursor } = await store.sweep(fence, { cursor, limit: 50, policy: POLICY, now: w.now }));
    while (cursor !== null);
  });
  await collected();
}
