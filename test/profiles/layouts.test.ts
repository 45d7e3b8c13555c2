import { describe, expect, test } from "vitest";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import { graphragToolkit, lightrag, type ProfileInput } from "../../src/profiles/index.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { collect, operation, POLICY } from "./lifecycle.ts";
import { userDump } from "./user-dump.ts";

const db = useNeo4j({ settings: SMALL_GRAPHS });
const DAY = 86_400_000;

/** Two documents, an entity of each, and one of both; with the same ids in each tenant. */
const WRITERS: Record<string, { profile: (tenant: string) => ProfileInput; write: (tenant: string) => string }> = {
  // Its workspaces lie side by side in the default database.
  lightrag: {
    profile: lightrag,
    write: (w) => `CREATE (a:${w} {entity_id: 'only a', source_id: 'a-chunk-0', file_path: 'a'})
      CREATE (b:${w} {entity_id: 'only b', source_id: 'b-chunk-0', file_path: 'b'})
      CREATE (hub:${w} {entity_id: 'hub', source_id: 'a-chunk-0<SEP>b-chunk-0', file_path: 'a'})
      CREATE (a)-[:DIRECTED {weight: 1.0, source_id: 'a-chunk-0', file_path: 'a'}]->(hub)
      CREATE (b)-[:DIRECTED {weight: 1.0, source_id: 'b-chunk-0', file_path: 'b'}]->(hub)`,
  },
  "graphrag-toolkit": {
    profile: graphragToolkit,
    write: (t) => `UNWIND ['a', 'b'] AS d
      CREATE (s:__Source__${t}__ {sourceId: d})<-[:__EXTRACTED_FROM__]-(c:__Chunk__${t}__ {chunkId: d + '-0', value: 'text of ' + d})
      CREATE (c)<-[:__MENTIONED_IN__]-(:__Statement__${t}__ {statementId: d})<-[:__SUPPORTS__]-(f:__Fact__${t}__ {factId: d})
      MERGE (hub:__Entity__${t}__ {entityId: 'hub', value: 'hub'})
      CREATE (e:__Entity__${t}__ {entityId: 'only ' + d, value: 'only ' + d})
      CREATE (e)-[:__SUBJECT__]->(f) CREATE (hub)-[:__OBJECT__]->(f) CREATE (e)-[:__RELATION__ {value: 'near'}]->(hub)`,
  },
};

const call = (group: string, verb: "deprecate" | "restore", id: string) =>
  operation({ group, documentIds: () => [id] }, verb, [{ id } as never]);
const dead = async (store: Neo4jStore, group: string) => {
  const { entities, textUnits } = await store.counts(group);
  return [textUnits.parked, entities.parked, entities.live];
};

describe.each(Object.entries(WRITERS))("two tenants of %s in one database", (_, { profile, write }) => {
  test("what one parks is nothing to the other, nor is its uninstall", { timeout: 240_000 }, async () => {
    await db.clear({ schema: true });
    for (const tenant of ["acme", "beta"]) await db.run(write(tenant));
    const before = await userDump(db.run);
    const open = (tenant: string) => openNeo4jStore({ uri: db.uri(), profile: profile(tenant), parking: "swap" });
    const [acme, beta] = [await open("acme"), await open("beta")];
    try {
      await acme.apply(call("acme", "deprecate", "a"), { guard: null });
      await collect(acme, "acme", { sweep: true });
      expect(await dead(acme, "acme")).toEqual([1, 1, 2]);

      const untouched = (await userDump(db.run)).filter((line) => line.includes("GraphkeeperParked_"));
      expect(untouched.length).toBeGreaterThan(0);
      expect(await dead(beta, "beta")).toEqual([0, 0, 3]);
      expect((await collect(beta, "beta", { sweep: true, policy: { ...POLICY, restoreWindowMs: -DAY } })).gone).toBe(0);
      await beta.apply(call("beta", "deprecate", "a"), { guard: null });
      await collect(beta, "beta", { sweep: true });
      await beta.apply(call("beta", "restore", "a"));
      await collect(beta, "beta", { sweep: true });
      expect(await dead(beta, "beta")).toEqual([0, 0, 3]);
      expect((await userDump(db.run)).filter((line) => line.includes("GraphkeeperParked_"))).toEqual(untouched);
      expect(await verifyGroup(beta, "beta")).toEqual([]);
      expect(await verifyGroup(acme, "acme")).toEqual([]);

      const groups = async (store: Neo4jStore) => (await store.groups({ limit: 10 })).items.map((g) => g.groupId);
      expect([await groups(acme), await groups(beta)]).toEqual([["acme"], ["beta"]]);
      await expect(acme.counts("beta")).rejects.toMatchObject({ code: "CONFLICT" });
      await expect(acme.apply(call("beta", "deprecate", "b"))).rejects.toMatchObject({ code: "CONFLICT" });

      await beta.uninstall();
      expect(await dead(acme, "acme")).toEqual([1, 1, 2]);
      await acme.apply(call("acme", "restore", "a"));
      await collect(acme, "acme");
      expect(await userDump(db.run)).toEqual(before);
      await acme.apply(call("acme", "deprecate", "b"), { guard: null });
      await acme.uninstall();
      expect(await userDump(db.run, { ours: true })).toEqual(before);
      expect(await db.run("SHOW INDEXES YIELD name WHERE name STARTS WITH 'graphkeeper_' RETURN name")).toEqual([]);
    } finally {
      await Promise.all([acme.close(), beta.close()]);
    }
  });
});
