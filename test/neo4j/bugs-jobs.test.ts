import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { compose } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/config.ts";
import { communityHash } from "../../src/core/ports.ts";
import type { Graphkeeper } from "../../src/service.ts";
import { BoltProxy } from "./bolt-proxy.ts";
import { SMALL_GRAPHS, useNeo4j } from "./server.ts";

/** Bugs of the original that are about its jobs and its service; on the graph as it writes it, in Neo4j. */

const db = useNeo4j({ settings: SMALL_GRAPHS });
const G = "tenant-1";
let graphkeeper: Graphkeeper;
let folder: string;

async function open(uri: string): Promise<Graphkeeper> {
  const overrides = {
    data: join(folder, "keys.db"),
    "neo4j.uri": uri,
    "neo4j.profile": "miro",
    "maintenance.afterEvents": false,
    "maintenance.throttle": "off",
    "maintenance.k": 1,
    "maintenance.cutoff": 0.1,
  };
  const opened = await compose(loadConfig({}, { overrides }));
  await opened.jobs.start({ roles: ["worker"] });
  return opened;
}

beforeEach(async () => {
  await db.clear();
  folder = await mkdtemp(join(tmpdir(), "graphkeeper-bugs-"));
  graphkeeper = await open(db.uri());
  return async () => {
    await graphkeeper.close();
    await rm(folder, { recursive: true, force: true });
  };
}, 300_000);

const one = async (statement: string, parameters?: Record<string, unknown>) =>
  Object.values((await db.run(statement, parameters))[0] ?? {})[0];

/** A document with a sentence that mentions entities, each at an angle (degrees), and facts between all of them. */
async function write(id: string, entities: Record<string, number>): Promise<void> {
  const rows = Object.entries(entities).map(([name, angle]) => ({
    name,
    vector: [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)],
  }));
  await db.run(
    `MERGE (d:Document {id: $id, group_id: $g}) MERGE (s:Sentence {id: $id + '_s', group_id: $g}) SET s.text = 'text of ' + $id MERGE (s)-[:IN_DOCUMENT]->(d)
     WITH s UNWIND $rows AS row MERGE (e:Entity {id: row.name, group_id: $g}) ON CREATE SET e.name = row.name, e.entity_embedding = row.vector
     MERGE (s)-[:MENTIONS]->(e) WITH collect(e) AS all UNWIND all AS a UNWIND all AS b WITH a, b WHERE a.id < b.id MERGE (a)-[r:RELATED_TO]->(b) ON CREATE SET r.weight = 1.0`,
    { id, rows, g: G },
  );
}

async function run(kind: "gc_all" | "recompute", params: Record<string, boolean> = {}) {
  const { run: started } = await graphkeeper.run({ kind, groupId: G, params });
  const ended = await graphkeeper.jobs.wait(started.id, 100_000);
  expect(ended.state, ended.error?.message).toBe("succeeded");
  return ended.result as Record<string, unknown>;
}

test("B12: a similarity that only the entity with the greater id finds is there, and edges are written by key", async () => {
  // With one neighbour each: z finds y, y finds x, x finds y. Nobody but z, the greatest, finds the pair y-z.
  await write("a", { x: 15, y: 10, z: 0 });
  await run("recompute");
  const pairs = await db.run(
    "MATCH (a:Entity)-[r:SEMANTICALLY_SIMILAR]->(b:Entity) RETURN a.id AS a, b.id AS b, r.score AS score ORDER BY score",
  );
  expect(pairs.map(({ a, b }) => [a, b].sort().join("-"))).toEqual(["y-z", "x-y"]);
  expect(pairs[0]?.score).toBeCloseTo(Math.cos((10 * Math.PI) / 180), 6);
});

test("B13: communities keep their ids, only what changed is to be summarised again, and they never vanish meanwhile", async () => {
  const names = (prefix: string, angle = 0) => Object.fromEntries([0, 1, 2, 3].map((i) => [`${prefix}${i}`, angle]));
  const of = (id: string) => one("MATCH (e:Entity {id: $id}) RETURN e.community_id", { id });
  await write("a", names("a"));
  await write("b", names("b"));
  await write("more", { ...names("b"), b9: 0 });
  await run("recompute");
  const before = [await of("a0"), await of("b0")];
  expect(new Set(before).size).toBe(2);
  // All vectors are equal: which of them are together is decided by the facts and by the order of ids.
  const loser = await of("b9");
  expect(await one("MATCH (c:Community) WHERE (c)<-[:BELONGS_TO]-() RETURN count(c)")).toBeGreaterThanOrEqual(2);
  const all = (await graphkeeper.communities(G, { limit: 10 })).items;
  await graphkeeper.acknowledge(
    G,
    all.map((c) => ({ id: c.id, hash: communityHash(c) })),
  );
  await graphkeeper.deprecate(G, ["more"]);
  await run("gc_all");
  // Its entities come before all others: communities that are counted from zero would be named after it.
  await write("new", names("0", 90));
  let done = false;
  const seen: number[] = [];
  const watching = (async () => {
    while (!done) seen.push((await one("MATCH (c:Community) WHERE (c)<-[:BELONGS_TO]-() RETURN count(c)")) as number);
  })();
  await run("recompute");
  done = true;
  await watching;
  expect(Math.min(...seen)).toBeGreaterThanOrEqual(2);
  expect([await of("a0"), await of("b0")]).toEqual(before);
  const again = (await graphkeeper.communities(G, { level: 0, unacknowledged: true, limit: 10 })).items;
  expect(new Set(again.map((c) => c.id))).toEqual(new Set([loser, await of("00")]));
});

test("B16: calls do not block the event loop, share a bounded pool, queue as jobs, can be cancelled, and leave no connection", async () => {
  await write("a", { x: 0 });
  const store = graphkeeper.store;
  const counted = () => Promise.all(Array.from({ length: 60 }, () => store.counts(G)));
  const connections = async () =>
    (
      await db.run(
        "CALL dbms.listConnections() YIELD connectionId AS id, userAgent WHERE userAgent STARTS WITH 'graphkeeper' RETURN id",
      )
    ).map((row) => row.id);
  // A database that answers nobody for two seconds keeps the calls waiting, and nothing else. Another process wakes it: a call
  // that blocks would keep us from it.
  let longest = 0;
  let last = performance.now();
  const turn = () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  const turning = setInterval(turn, 10);
  const pid = db.server().pid();
  const begun = performance.now();
  process.kill(pid, "SIGSTOP");
  const waker = spawn("sh", ["-c", `sleep 2; kill -CONT ${pid}`]);
  await Promise.all([counted().catch(() => []), once(waker, "exit")]);
  clearInterval(turning);
  turn();
  expect(performance.now() - begun).toBeGreaterThan(2_000);
  expect(longest).toBeLessThan(1_500);

  await counted();
  const pool = await connections();
  expect(pool.length).toBeGreaterThan(5);
  expect(pool.length).toBeLessThanOrEqual(100);
  await counted();
  const again = await connections();
  expect(again.length).toBeLessThanOrEqual(100);
  expect(again.filter((id) => pool.includes(id)).length).toBeGreaterThan(pool.length / 2);

  await graphkeeper.jobs.pauseLevel("group", G, "to see the queue", "test");
  const first = await graphkeeper.run({ kind: "gc_all", groupId: G, params: {} });
  const second = await graphkeeper.run({ kind: "gc_all", groupId: G, params: {} });
  expect([first.outcome, second.outcome, second.run.id === first.run.id]).toEqual(["created", "joined", true]);
  await graphkeeper.jobs.cancel(first.run.id);
  expect((await graphkeeper.jobs.wait(first.run.id, 10_000)).state).toBe("cancelled");
  await graphkeeper.jobs.resumeLevel("group", G);
  await run("gc_all");

  await graphkeeper.close();
  expect(await connections()).toEqual([]);
  graphkeeper = await open(db.uri());
});

test("B18: a call whose database does not answer fails and says so; the same call again has its one effect; drift is found by a run", async () => {
  await write("a", { x: 0, y: 0 });
  await write("b", { y: 0 });
  await graphkeeper.close();
  const proxy = await BoltProxy.start(db.uri());
  graphkeeper = await open(proxy.uri);
  await graphkeeper.store.counts(G);
  await proxy.stop();
  const call = () => graphkeeper.deprecate(G, ["a"], { operationId: "sync-1" });
  await expect(call()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(await one("MATCH (s:Sentence) RETURN count(s)"), "nothing happened").toBe(2);
  await graphkeeper.close();
  graphkeeper = await open(db.uri());
  expect(await call()).toMatchObject({ replayed: false, effect: { documents: 1 } });
  expect(await call()).toMatchObject({ replayed: true });
  await run("gc_all");
  // The writer, which was never told, adds to the document that is gone for its readers.
  await db.run(
    "MATCH (d {id: 'a'}) CREATE (s:Sentence {id: 'late', group_id: $g, text: 'late'})-[:IN_DOCUMENT]->(d) WITH s MATCH (y {id: 'y'}) CREATE (s)-[:MENTIONS]->(y)",
    { g: G },
  );
  await run("gc_all", { sweep: true });
  expect(await db.run("MATCH (s:Sentence) RETURN s.id AS id")).toEqual([{ id: "b_s" }]);
  expect(await graphkeeper.verify(G)).toEqual([]);
});
