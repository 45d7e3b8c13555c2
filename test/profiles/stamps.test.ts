import { afterAll, beforeEach, expect, test } from "vitest";
import { GraphkeeperError } from "../../src/core/errors.ts";
import { purgeDocuments } from "../../src/documents/purge.ts";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import type { ProfileInput } from "../../src/profiles/format.ts";
import { cognee } from "../../src/profiles/index.ts";
import { diagnose } from "../../src/stores/neo4j/doctor.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { SMALL_WRITERS, type SmallWriter, type Written } from "./fixtures/small-writers.ts";
import { collect } from "./lifecycle.ts";
import { userDump } from "./user-dump.ts";

/** cognee stamps the documents on everything that it writes: what states a fact is told by these, and erased with them. */

const db = useNeo4j({ settings: SMALL_GRAPHS });
const writer = SMALL_WRITERS.cognee as SmallWriter;
const group = "default";
let store: Neo4jStore;
let count = 0;
let made = false;

async function opened(profile: ProfileInput = cognee): Promise<Neo4jStore> {
  await store?.close();
  store = await openNeo4jStore({ uri: db.uri(), profile });
  return store;
}
beforeEach(async () => {
  await db.clear({ schema: !made });
  if (!made) for (const statement of writer.schema) await db.run(statement);
  made = true;
  await opened();
});
afterAll(() => store?.close());

const of = (document: string, mentions: string, facts: string[] = [], more: Partial<Written> = {}): Written => ({
  document,
  text: `text of ${document} ${more.chunk ?? ""}`,
  mentions: mentions.split(" "),
  facts: facts.map((f) => f.split(" ") as [string, string]),
  properties: {},
  ...more,
});
const written = async (...all: Written[]) => {
  for (const w of all) await writer.write(db.run, w);
};

function operation(verb: "deprecate" | "restore" | "purge", ...documentIds: string[]) {
  const id = `stamps ${++count}`;
  return { id, groupId: group, verb, documentIds, requestHash: id, at: Date.now(), actor: "t", reason: null };
}
const call = (verb: "deprecate" | "restore" | "purge", ...documentIds: string[]) =>
  store.apply(operation(verb, ...documentIds), { guard: null });
/** Until nothing changes. */
async function collected(): Promise<void> {
  while ((await collect(store, group)).changed);
}

const facts = async () =>
  (await db.run("MATCH (a:Entity)-[:knows]->(b:Entity) RETURN a.name + ' ' + b.name AS f ORDER BY f")).map((r) => r.f);

/** All that is the writer's, without what only tells how it was written. */
async function graph(): Promise<string[]> {
  const nodes = await db.run(
    "MATCH (n) WHERE n.id IS NOT NULL AND NOT n:GraphkeeperParked RETURN n.id AS id, labels(n) AS l, properties(n) AS p",
  );
  const edges = await db.run(
    "MATCH (a)-[r]->(b) WHERE a.id IS NOT NULL RETURN a.id AS a, type(r) AS t, b.id AS b, properties(r) AS p",
  );
  const plain = (p: unknown) => JSON.stringify(Object.entries(p as object).sort(([x], [y]) => (x < y ? -1 : 1)));
  return [
    ...nodes.map((n) => `${n.id} ${[...(n.l as string[])].sort()} ${plain(n.p)}`),
    ...edges.map((e) => `${e.a} ${e.t} ${e.b} ${plain(e.p)}`),
  ].sort();
}

test("a fact that only deprecated documents state is hidden, though others mention both its ends, and comes back as it was", {
  timeout: 150_000,
}, async () => {
  await written(of("a", "x y z", ["x y", "y z"]), of("b", "x y", ["x y"]), of("c", "x y z"));
  const before = await userDump(db.run);
  const impact = await store.impact(group, "deprecate", ["a"]);
  expect(impact.relationships.count).toBe(1);
  await call("deprecate", "a");
  expect(await verifyGroup(store, group)).toEqual([]);
  await collected();
  expect(await facts()).toEqual(["x y"]);
  expect((await store.counts(group)).entities).toEqual({ live: 3, parked: 0 });
  expect(await verifyGroup(store, group)).toEqual([]);
  await call("deprecate", "b");
  await collected();
  expect(await facts()).toEqual([]);
  expect((await store.impact(group, "restore", ["b"])).relationships.count).toBe(1);
  await call("restore", "b");
  expect(await facts(), "at once").toEqual(["x y"]);
  await call("restore", "a");
  await collected();
  expect(await userDump(db.run)).toEqual(before);
  expect(await verifyGroup(store, group)).toEqual([]);
});

const MANY = [
  of("a", "x y", ["x y"]),
  of("a", "y z only", ["y z", "only z"], { chunk: "a-2", type: "rare" }),
  of("a", "z x", ["z x"], { chunk: "a-3", type: "shared" }),
  // Speaks of nothing: only its set knows it.
  of("d", "", [], { mentions: [] }),
];
const OTHERS = [of("b", "x y z", ["x y"]), of("c", "z q", ["z q"], { type: "shared" })];

test("a purge leaves what the writer would have written without the document: stamps, runs, types and their edges", {
  timeout: 150_000,
}, async () => {
  await written(...OTHERS);
  const without = await graph();
  for (const limit of [1_000, 1]) {
    await db.clear();
    await written(...MANY, ...OTHERS);
    await opened();
    const purge = operation("purge", "a", "d");
    await store.apply(purge, { guard: null, unitsPerTransaction: limit });
    let batches = 1;
    for (; (await store.operation(group, purge.id))?.state === "rolling"; batches++)
      await store.advance(group, purge.id, { unitsPerTransaction: limit });
    expect(batches).toBe(limit === 1 ? 4 : 1);
    expect(await graph(), `${limit} at once`).toEqual(without);
    const traces = (await userDump(db.run, { ours: true })).filter((line) => /:[ad][:"]|run of [ad]"|rare/.test(line));
    expect(traces.filter((line) => !/Graphkeeper(Operation|Audit|Group)/.test(line))).toEqual([]);
    expect(await verifyGroup(store, group)).toEqual([]);
    expect((await diagnose({ uri: db.uri() })).findings.map((f) => f.code)).not.toContain("DEAD_STAMPS");
    await collected();
    expect(await graph(), "nothing is left to do").toEqual(without);
  }
});

test("a parked fact is purged of a document too, and returns with the others alone", { timeout: 150_000 }, async () => {
  await written(of("b", "x y", ["x y"]), of("c", "x y"));
  const alone = await graph();
  await written(of("a", "x y", ["x y"]));
  await call("deprecate", "a", "b");
  await collected();
  expect((await store.counts(group)).relationships).toEqual({ live: 0, parked: 1 });
  await call("purge", "a");
  expect(
    await db.run("MATCH (p:GraphkeeperParked) RETURN p.source_ref_keys AS keys, p.source_run_ids AS runs"),
  ).toEqual([{ keys: ["source_ref:v2:set:b:b-c"], runs: ["run of b"] }]);
  await call("restore", "b");
  await collected();
  // A second writing of x, y and their type began after those of b and c, so no list is in another order.
  expect(await graph()).toEqual(alone);
  await call("deprecate", "b");
  await collected();
  await call("purge", "b");
  expect((await store.counts(group)).relationships).toEqual({ live: 0, parked: 0 });
});

test("what a purge does not know stays: documents without units, elements that cannot be read, facts without stamps", {
  timeout: 150_000,
}, async () => {
  await written(of("a", "x y z q", ["x y", "y z", "z q", "q x"]), of("b", "x y z q"));
  const give = (fact: string, keys: string[] | null) =>
    db.run(
      "MATCH (a:Entity)-[r:knows]->(b:Entity) WHERE a.name + ' ' + b.name = $fact SET r.source_ref_keys = $keys REMOVE r.source_run_refs",
      { fact, keys },
    );
  await give("x y", ["source_ref:v1:set:a", "source_ref:v1:set:nobody"]);
  await give("y z", ["source_ref:v1:set:a", "another"]);
  await give("z q", null);
  await give("q x", ["source_ref:v1:set:a"]);
  await call("deprecate", "a");
  await collected();
  expect(await facts()).toEqual(["x y", "y z", "z q"]);
  const dead = async () => (await diagnose({ uri: db.uri() })).findings.find((f) => f.code === "DEAD_STAMPS")?.count;
  expect(await dead()).toBe(1);
  expect((await verifyGroup(store, group)).map((f) => f.code)).toEqual(["RELATIONSHIP_SUPPORT"]);
  await call("purge", "a");
  await collected();
  expect(await facts()).toEqual(["x y", "y z", "z q"]);
  const keys = await db.run("MATCH ()-[r:knows]->() WHERE r.source_ref_keys IS NOT NULL RETURN r.source_ref_keys AS k");
  expect(keys.map((row) => row.k).sort()).toEqual([["another"], ["source_ref:v1:set:nobody"]]);
  expect(await dead()).toBe(1);
});

test("the certificate of an erasure reads the stamps of facts; a stamp left behind is found by doctor and verify", {
  timeout: 150_000,
}, async () => {
  await written(of("a", "x y", ["x y"]), of("b", "x y", ["x y"]));
  await written(of("c", "p q", ["p q"]));
  // Nothing leads there from the document: another hand stamped it.
  await db.run(
    "MATCH (:Entity {name: 'p'})-[r:knows]->() SET r.source_ref_keys = r.source_ref_keys + 'source_ref:v1:set:a'",
  );
  const context = { store, clock: Date.now, newId: () => `certified ${++count}` };
  const { certificate } = await purgeDocuments(context, group, ["a"], { confirm: "a", force: true });
  expect(certificate?.checks.filter((c) => c.found > 0).map((c) => c.check)).toEqual([
    "relationships supported by a purged text unit or document",
  ]);
  expect(certificate?.complete).toBe(false);
  expect((await verifyGroup(store, group)).map((f) => [f.code, f.count])).toEqual([["RELATIONSHIP_SUPPORT", 1]]);
  expect((await diagnose({ uri: db.uri() })).findings.find((f) => f.code === "DEAD_STAMPS")?.count).toBe(1);
});

test("a hidden fact that its deprecated document states once more is hidden again, and shown when an active one states it", {
  timeout: 150_000,
}, async () => {
  await written(of("a", "x y", ["x y"]), of("b", "x y"));
  await call("deprecate", "a");
  await collected();
  await written(of("a", "x y", ["x y"]));
  expect(await facts()).toEqual(["x y"]);
  await collected();
  expect(await facts()).toEqual([]);
  expect((await store.counts(group)).relationships).toEqual({ live: 0, parked: 1 });
  await written(of("c", "x y", ["x y"]));
  await collected();
  expect(await facts()).toEqual(["x y"]);
  const [fact] = await db.run("MATCH ()-[r:knows]->() RETURN r.source_ref_keys AS keys, r.source_run_ids AS runs");
  expect(fact).toEqual({
    keys: ["source_ref:v2:set:a:a-c", "source_ref:v2:set:c:c-c"],
    runs: ["run of a", "run of c"],
  });
  // A list that its writer shortened changes no count: the sweep finds it.
  await db.run("MATCH ()-[r:knows]->() SET r.source_ref_keys = r.source_ref_keys[..1]");
  expect((await collect(store, group, { sweep: true })).found).toBe(1);
  expect(await facts()).toEqual([]);
});

test("on a lower bound no fact is hidden, and the stamps go all the same", { timeout: 150_000 }, async () => {
  const relationships = { ...cognee.relationships, support: { by: "documents", trust: "lower_bound" } } as const;
  await opened({ ...cognee, relationships });
  await written(of("a", "x y", ["x y"]), of("b", "x y"));
  await call("deprecate", "a");
  await collected();
  expect(await facts()).toEqual(["x y"]);
  await call("purge", "a");
  await collected();
  expect(await facts()).toEqual(["x y"]);
  expect(await db.run("MATCH ()-[r:knows]->() RETURN r.source_ref_keys AS keys")).toEqual([{ keys: [] }]);
});

test("a misfit of stamps, support and units is refused", async () => {
  const { stamps, ...without } = cognee;
  await expect(openNeo4jStore({ uri: db.uri(), profile: without })).rejects.toThrow(/needs stamps/);
  const follow = [{ property: "runs", list: "nothing", part: 1 }];
  await expect(
    openNeo4jStore({ uri: db.uri(), profile: { ...cognee, stamps: { ...stamps, follow } as never } }),
  ).rejects.toThrow(GraphkeeperError);
});
