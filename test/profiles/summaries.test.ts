import { afterAll, describe, expect, test } from "vitest";
import type { Fence } from "../../src/core/words.ts";
import { recompute } from "../../src/maintenance/recompute.ts";
import { changedCommunities } from "../../src/maintenance/summaries.ts";
import type { ProfileInput } from "../../src/profiles/format.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { SMALL_WRITERS, type SmallWriter, type Written } from "./fixtures/small-writers.ts";
import { collect } from "./lifecycle.ts";
import { userDump } from "./user-dump.ts";

/** Summaries that a writer's model wrote into its communities, and communities of ours in the writer's shapes. */

const db = useNeo4j({ settings: SMALL_GRAPHS });
let count = 0;
let opened: Neo4jStore | null = null;
afterAll(() => opened?.close());

const text = (document: string, mentions: string[], facts: [string, string][]): Written => ({
  document,
  text: `text of ${document}`,
  mentions,
  facts,
  properties: {},
});
const A = text("a", ["x", "y"], [["x", "y"]]);
const A2 = text("a2", ["y", "v"], [["y", "v"]]);
const B = text("b", ["z", "w"], [["z", "w"]]);

async function call(store: Neo4jStore, writer: SmallWriter, verb: "deprecate" | "restore" | "purge", written: Written) {
  count++;
  const operation = { id: `op${count}`, groupId: writer.group, verb, documentIds: writer.documentIds(written) };
  await store.apply(
    { ...operation, requestHash: `${count}`, at: Date.now(), actor: "t", reason: null },
    { guard: null },
  );
}

async function run(store: Neo4jStore, group: string): Promise<void> {
  const fence = (await store.acquireLease(group, `h${++count}`, 600_000, Date.now())) as Fence;
  await recompute(store, fence, { clock: Date.now });
  await store.releaseLease(fence);
}

async function open(writer: SmallWriter, profile: ProfileInput): Promise<Neo4jStore> {
  await opened?.close();
  await db.clear({ schema: true });
  for (const statement of writer.schema) await db.run(statement);
  for (const written of [A, A2, B]) await writer.write(db.run, written);
  opened = await openNeo4jStore({ uri: db.uri(), profile });
  return opened;
}

/** Communities as the writer itself makes them: by id, with members and a summary. */
const OWN: Record<string, { make: string; match: string }> = {
  "llm-graph-builder": {
    make: "MERGE (c:__Community__ {id: $id}) SET c.level = 0, c.title = $id, c.summary = $summary WITH c UNWIND $members AS name MATCH (e:__Entity__ {id: name}) MERGE (e)-[:IN_COMMUNITY]->(c)",
    match: "MATCH (c:__Community__ {id: $id})",
  },
  "ms-graphrag-neo4j": {
    make: "MERGE (c:__Community__ {id: $id}) SET c.level = 0, c.title = $id, c.summary = $summary, c.rating = 5 WITH c UNWIND $members AS name MATCH (e:__Entity__ {name: name}) MERGE (e)-[:IN_COMMUNITY]->(c)",
    match: "MATCH (c:__Community__ {id: $id})",
  },
  graphiti: {
    make: "MERGE (c:Community {uuid: $id}) SET c.group_id = 'g1', c.name = $id, c.summary = $summary WITH c UNWIND $members AS name MATCH (e:Entity {uuid: 'e-' + name}) MERGE (c)-[:HAS_MEMBER {uuid: $id + name, group_id: 'g1'}]->(e)",
    match: "MATCH (c:Community {uuid: $id})",
  },
};

describe.each(Object.keys(OWN))("%s", (name) => {
  const writer = SMALL_WRITERS[name] as SmallWriter;
  const own = OWN[name] as (typeof OWN)[string];
  const make = (id: string, members: string[], summary: string) => db.run(own.make, { id, members, summary });
  const community = async (id: string) =>
    (await db.run(`${own.match} RETURN c.summary AS summary, c.lc_summary_valid AS valid`, { id }))[0];
  const changes = async (store: Neo4jStore) =>
    (await changedCommunities(store, writer.group, { limit: 100 })).communities.filter((c) =>
      c.id.startsWith("writer:"),
    );

  test("a summary holds as long as its community is what it was; written anew it holds again", {
    timeout: 200_000,
  }, async () => {
    const store = await open(writer, writer.profile);
    const { group } = writer;
    await make("c1", ["x", "y", "v"], "about x, y and v");
    await make("c2", ["z", "w"], "about z and w");
    await collect(store, group);
    const before = await userDump(db.run);
    await run(store, group);
    expect(await community("c1")).toEqual({ summary: "about x, y and v", valid: true });
    expect(await changes(store)).toEqual([]);
    expect(await userDump(db.run), "nothing of the writer's is touched").toEqual(before);

    await call(store, writer, "deprecate", A);
    await collect(store, group);
    await run(store, group);
    expect(await community("c1")).toEqual({ summary: "about x, y and v", valid: false });
    expect(await community("c2")).toEqual({ summary: "about z and w", valid: true });
    const [changed, ...others] = await changes(store);
    expect(others).toEqual([]);
    expect(changed).toMatchObject({ id: "writer:c1", level: 0, size: 2, grades: ["members", "edges", "texts"] });
    expect((await store.members(group, "writer:c1", { limit: 10 })).items.length).toBe(2);

    await db.run(`${own.match} SET c.summary = 'about y and v'`, { id: "c1" });
    expect(await changes(store)).toEqual([]);
    expect(await community("c1")).toEqual({ summary: "about y and v", valid: true });
    await run(store, group);
    expect(await community("c1")).toEqual({ summary: "about y and v", valid: true });

    // Back to three members: the summary of two of them no longer holds. The user may say that it does.
    await call(store, writer, "restore", A);
    await collect(store, group);
    await run(store, group);
    const [again] = await changes(store);
    expect(again?.id).toBe("writer:c1");
    expect(await store.acknowledgeCommunities(group, [{ id: "writer:c1", hash: again?.hash ?? "" }], 0)).toBe(1);
    expect(await changes(store)).toEqual([]);
    expect(await community("c1")).toEqual({ summary: "about y and v", valid: true });

    // Written before the purge, seen after it: it may hold what was purged.
    await db.run(`${own.match} SET c.summary = 'z, as b tells'`, { id: "c2" });
    await call(store, writer, "purge", B);
    await collect(store, group);
    await run(store, group);
    expect((await community("c2"))?.valid).toBe(false);
    expect((await changes(store)).map((c) => c.id)).toEqual(["writer:c2"]);

    await store.uninstall();
    expect(await db.run("MATCH (c) WHERE any(k IN keys(c) WHERE k STARTS WITH 'lc_') RETURN c")).toEqual([]);
    expect((await community("c1"))?.summary).toBe("about y and v");
  });

  test("communities of a recompute stand in the writer's shapes when the profile says so", {
    timeout: 200_000,
  }, async () => {
    const store = await open(writer, { ...writer.profile, publish: true });
    const { group } = writer;
    await make("c1", ["x", "y", "v"], "the writer's own");
    await db.run("CREATE (:Stranger {id: 'not ours'})");
    const before = await userDump(db.run);
    await run(store, group);
    const after = await userDump(db.run);
    expect(
      before.filter((line) => !after.includes(line)),
      "all that was there is there",
    ).toEqual([]);
    const member = name === "graphiti" ? "(c)-[:HAS_MEMBER]->(e)" : "(e)-[:IN_COMMUNITY]->(c)";
    const published = async () =>
      (
        await db.run(
          `MATCH ${member} WHERE c.lc_ours AND (e:__Entity__ OR e:Entity) RETURN coalesce(c.uuid, c.id) AS id, e.\`${writer.name}\` AS name`,
        )
      )
        .map((r) => `${r.id} ${r.name}`)
        .sort();
    const shown: string[] = [];
    for (const { id } of (await store.communities(group, { level: 0, limit: 100 })).items)
      for (const entity of (await store.members(group, id, { limit: 100 })).items)
        shown.push(`graphkeeper-${id} ${name === "graphiti" ? entity.slice(2) : entity}`);
    expect(shown.length).toBe(5);
    expect(await published()).toEqual(shown.sort());
    // Its model summarises one of ours: acknowledged by that, until the community is another one.
    const [id = ""] = (shown.find((line) => line.endsWith(" x")) ?? "").split(" ");
    const match = name === "graphiti" ? "MATCH (c:Community {uuid: $id})" : "MATCH (c:__Community__ {id: $id})";
    await db.run(`${match} SET c.summary = 'summary of ours'`, { id });
    const ours = async () =>
      (await changedCommunities(store, group, { limit: 100, level: 0 })).communities.map((c) => `graphkeeper-${c.id}`);
    expect(await ours()).not.toContain(id);
    await call(store, writer, "deprecate", A2);
    await collect(store, group);
    await run(store, group);
    expect(await ours()).toContain(id);
    expect(await db.run(`${match} RETURN c.summary AS summary, c.lc_summary_valid AS valid`, { id })).toEqual([
      { summary: "summary of ours", valid: false },
    ]);
    await call(store, writer, "restore", A2);
    await collect(store, group);
    await store.uninstall();
    const left = await userDump(db.run);
    expect(left).toEqual(before);
  });
});

test("miro: a summary written into a published community acknowledges it, until the community is another one", {
  timeout: 200_000,
}, async () => {
  const writer = SMALL_WRITERS.miro as SmallWriter;
  const store = await open(writer, writer.profile);
  const { group } = writer;
  await run(store, group);
  const changes = async () => (await changedCommunities(store, group, { limit: 100, level: 0 })).communities;
  const first = await changes();
  expect(first.map((c) => c.grades)).toEqual(first.map(() => ["new"]));
  await db.run("MATCH (c:Community {group_id: $group}) SET c.summary = 'about ' + c.id", { group });
  expect(await changes()).toEqual([]);
  await call(store, writer, "deprecate", A2);
  await collect(store, group);
  await run(store, group);
  const [changed, ...others] = await changes();
  expect(others).toEqual([]);
  expect(changed?.memberDiff?.removed.ids).toEqual(["v"]);
  const marked = await db.run(
    "MATCH (c:Community {group_id: $group}) WHERE c.summary IS NOT NULL AND c.level = 0 RETURN c.id AS id, c.summary AS summary, c.lc_summary_valid AS valid",
    { group },
  );
  for (const { id, summary, valid } of marked) {
    expect(summary).toBe(`about ${id}`);
    expect(valid, id as string).toBe(id !== changed?.id);
  }
});
