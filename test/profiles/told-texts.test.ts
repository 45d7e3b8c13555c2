import { afterEach, expect, test } from "vitest";
import { graphiti } from "../../src/profiles/index.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { collect } from "./lifecycle.ts";
import { userDump } from "./user-dump.ts";

/** graphiti joins what its facts say in the summaries of short entities: what a deprecated episode says must not stay there. */

const db = useNeo4j({ settings: SMALL_GRAPHS });
let store: Neo4jStore | null = null;
afterEach(() => store?.close());
let count = 0;

/** As add_episode saves it: every property of an entity is set anew. */
async function episode(uuid: string, facts: [fact: string, source: string, target: string][]): Promise<void> {
  await db.run(
    "MERGE (e:Episodic {uuid: $uuid}) SET e += {group_id: 'g', name: $uuid, content: $uuid, entity_edges: $facts}",
    {
      uuid,
      facts: facts.map(([fact]) => fact),
    },
  );
  for (const [fact, source, target] of facts) {
    for (const name of [source, target]) {
      const [row] = await db.run("MATCH (n:Entity {uuid: $name}) RETURN n.summary AS summary", { name });
      const lines = row === undefined || row.summary === "" ? [] : (row.summary as string).split("\n");
      const summary = [...new Set([...lines, fact])].join("\n");
      await db.run(
        "MERGE (n:Entity {uuid: $name}) SET n:Person SET n = {uuid: $name, group_id: 'g', name: $name, summary: $summary} WITH n MATCH (e:Episodic {uuid: $uuid}) MERGE (e)-[:MENTIONS {group_id: 'g'}]->(n)",
        { name, summary, uuid },
      );
    }
    await db.run(
      `MATCH (a:Entity {uuid: $source}) MATCH (b:Entity {uuid: $target}) MERGE (a)-[r:RELATES_TO {uuid: $fact}]->(b)
       SET r += {group_id: 'g', name: 'KNOWS', fact: $fact}, r.episodes = coalesce(r.episodes, []) + [$uuid]`,
      { fact, source, target, uuid },
    );
  }
}

const call = (verb: "deprecate" | "restore" | "purge", id: string) =>
  (store as Neo4jStore).apply(
    {
      id: `op${++count}`,
      groupId: "g",
      verb,
      documentIds: [id],
      requestHash: `${count}`,
      at: Date.now(),
      actor: "t",
      reason: null,
    },
    { guard: null },
  );
const settled = async () => {
  for (let i = 0; i < 2; i++) await collect(store as Neo4jStore, "g");
};
const summary = async (name: string) =>
  (await db.run("MATCH (n {uuid: $name}) RETURN n.summary AS summary", { name }))[0]?.summary;

async function written(): Promise<void> {
  await db.clear();
  await episode("first", [["Ann knows Ben", "Ann", "Ben"]]);
  await episode("second", [
    ["Ann founded Acme", "Ann", "Acme"],
    ["Ann likes Ben", "Ann", "Ben"],
  ]);
  await episode("third", [["Ann left Rome", "Ann", "Rome"]]);
  store = await openNeo4jStore({ uri: db.uri(), profile: graphiti });
}

test("a summary leaves out what parked facts say, and says it again in its place after a restore", {
  timeout: 240_000,
}, async () => {
  await written();
  const before = await userDump(db.run);
  await call("deprecate", "second");
  await settled();
  expect(await summary("Ann")).toBe("Ann knows Ben\nAnn left Rome");
  expect(await summary("Ben")).toBe("Ann knows Ben");
  await call("deprecate", "third");
  await settled();
  expect(await summary("Ann")).toBe("Ann knows Ben");
  await call("restore", "second");
  await settled();
  expect(await summary("Ann")).toBe("Ann knows Ben\nAnn founded Acme\nAnn likes Ben");
  await call("restore", "third");
  await settled();
  expect(await userDump(db.run)).toEqual(before);
  await call("deprecate", "second");
  await settled();
  await store?.uninstall();
  expect(await userDump(db.run, { ours: true })).toEqual(before);
});

test("what the writer adds while a fact is parked stays beside what returns", { timeout: 240_000 }, async () => {
  await written();
  await call("deprecate", "second");
  await settled();
  await episode("fourth", [["Ann met Zoe", "Ann", "Zoe"]]);
  await settled();
  expect(await summary("Ann")).toBe("Ann knows Ben\nAnn left Rome\nAnn met Zoe");
  await call("restore", "second");
  await settled();
  expect(await summary("Ann")).toBe("Ann knows Ben\nAnn founded Acme\nAnn likes Ben\nAnn left Rome\nAnn met Zoe");
});

test("a summary that the writer's model wrote anew is its own", { timeout: 240_000 }, async () => {
  await written();
  await call("deprecate", "second");
  await settled();
  await db.run("MATCH (n:Entity {uuid: 'Ann'}) SET n.summary = 'A founder.'");
  await call("restore", "second");
  await settled();
  expect(await summary("Ann")).toBe("A founder.");
});

test("after a purge nothing says it, of an active episode and of a deprecated one", { timeout: 240_000 }, async () => {
  for (const first of [null, "deprecate"] as const) {
    await store?.close();
    await written();
    if (first) {
      await call(first, "second");
      await settled();
    }
    await call("purge", "second");
    await settled();
    expect(await summary("Ann")).toBe("Ann knows Ben\nAnn left Rome");
    const left = (await userDump(db.run, { ours: true })).filter(
      (line) => /founded|likes/.test(line) && !/Graphkeeper(Audit|Operation)/.test(line),
    );
    expect(left).toEqual([]);
  }
});
