import { expect, test } from "vitest";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { type CorpusDocument, corpus } from "./fixtures/corpus.ts";
import type { Fixture } from "./fixtures/fixture.ts";
import { FIXTURES } from "./fixtures/writers.ts";
import { collect, operation } from "./lifecycle.ts";
import { userDump } from "./user-dump.ts";

/** What was found in graphs that the real libraries wrote, and that the small corpus of the other tests does not have. */

const db = useNeo4j({ settings: SMALL_GRAPHS });
const all = corpus(20);
const chosen = all.documents.slice(1, 6);
const rest = all.documents.slice(6);

async function opened<T>(fixture: Fixture, work: (store: Neo4jStore) => Promise<T>): Promise<T> {
  const store = await openNeo4jStore({ uri: db.uri(), profile: fixture.profile });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const fixtureOf = (name: string) => FIXTURES[name] as Fixture;
const namesOf = (documents: CorpusDocument[]) => new Set(documents.flatMap((d) => d.chunks.flatMap((c) => c.mentions)));

test.each([
  ["langchain", "id", "MENTIONS"],
  ["neo4j-graphrag", "name", "NEXT_CHUNK"],
  ["llm-graph-builder", "id", "PART_OF"],
])("%s: a fact may have the name of a structural type", { timeout: 120_000 }, async (writer, name, type) => {
  const fixture = fixtureOf(writer);
  await db.clear({ schema: true });
  await fixture.build(db.run, all);
  const kept = namesOf(rest);
  const dead = [...namesOf(chosen)].filter((n) => !namesOf([...rest, ...all.documents.slice(0, 1)]).has(n));
  await db.run(
    `MATCH (a:__Entity__ {\`${name}\`: $a}) MATCH (b:__Entity__ {\`${name}\`: $b}) CREATE (a)-[:\`${type}\` {since: 1}]->(b)`,
    { a: [...kept][0], b: dead[0] },
  );
  const before = await userDump(db.run);
  await opened(fixture, async (store) => {
    await store.apply(operation(fixture, "deprecate", chosen), { guard: null });
    await collect(store, fixture.group);
    const reached = `MATCH (a:__Entity__ {\`${name}\`: $a})--(b) WHERE b.\`${name}\` = $b RETURN b`;
    expect(await db.run(reached, { a: [...kept][0], b: dead[0] })).toEqual([]);
    await store.apply(operation(fixture, "restore", chosen));
    await collect(store, fixture.group);
    expect(await userDump(db.run)).toEqual(before);
  });
});
