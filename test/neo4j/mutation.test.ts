import { afterAll, expect, test } from "vitest";
import { miro, neo4jGraphrag } from "../../src/profiles/index.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { OF_ALL_GROUPS, type Probed, probed, statementsOf, withoutGroup } from "./mutation.ts";
import { tellOfElements } from "./mutation-elements.ts";
import { tellOfMiro } from "./mutation-miro.ts";
import { GROUPS, NOW, tell } from "./mutation-story.ts";
import { SMALL_GRAPHS, useNeo4j } from "./server.ts";

const db = useNeo4j({ settings: SMALL_GRAPHS });
/** The second of two is tried: the first has the ids already. */
const TWO = GROUPS.slice(0, 2);
const TRIED = GROUPS[1];

/** Only writers who list text units on relationships, or nothing but lists, send these; no story has such a graph yet. */
const WITHOUT_STORY = new Set([
  "endsOfFacts",
  "endsOfParked",
  "forgetPurgedUnits",
  "forgetSupports",
  "rememberPurgedUnits",
  "supportAround",
  "supportOfParked",
]);

const all = new Set<string>();
const killed = new Set<string>();
const seen = new Set<string>();

function account(found: Probed, statements: Map<string, string>): void {
  for (const [name, text] of statements) {
    if (OF_ALL_GROUPS.has(name) || WITHOUT_STORY.has(name) || withoutGroup(text) === null) continue;
    all.add(name);
    if (found.seen.has(name)) seen.add(name);
    if (found.killed.has(name)) killed.add(name);
  }
}

afterAll(() => {
  const left = [...all].filter((name) => !killed.has(name));
  console.info(
    `${all.size} statements, ${killed.size} mutants killed${left.length > 0 ? `; not: ${left.join(", ")}` : ""}`,
  );
});

test("native: sent for another group, no statement finds or changes anything; without its group predicate each does", {
  timeout: 900_000,
}, async () => {
  await db.clear({ schema: true });
  const plain = await openNeo4jStore({ uri: db.uri(), clock: () => NOW });
  const { store, found } = probed(plain, TRIED);
  try {
    for await (const _ of tell(store, TWO));
  } finally {
    await store.close();
  }
  expect(found.leaks).toEqual([]);
  account(found, statementsOf(plain));
  expect(found.killed.size).toBeGreaterThan(110);
});

test("another writer's shapes: the same of what the native story has no use for", {
  timeout: 900_000,
}, async () => {
  await db.clear({ schema: true });
  const plain = await openNeo4jStore({ uri: db.uri(), profile: miro, clock: () => NOW });
  const { store, found } = probed(plain, TRIED);
  try {
    for await (const _ of tellOfMiro(store, db.run, TWO));
  } finally {
    await store.close();
  }
  expect(found.leaks).toEqual([]);
  account(found, statementsOf(plain));
});

test("a writer without ids: the same of what only element ids need", { timeout: 300_000 }, async () => {
  await db.clear({ schema: true });
  const plain = await openNeo4jStore({ uri: db.uri(), profile: neo4jGraphrag, clock: () => NOW });
  // Its graph has no tenants: what it knows nothing of can only be found out in what is ours.
  const { store, found } = probed(plain, "default", new Set(["renameEnds"]));
  try {
    await tellOfElements(store, db.run, "default");
  } finally {
    await store.close();
  }
  expect(found.leaks).toEqual([]);
  account(found, new Map([["renameEnds", plain.statements.renameEnds]]));
});

test("every statement was sent, and without its group predicate found out", () => {
  expect([...all].filter((name) => !seen.has(name))).toEqual([]);
  expect([...all].filter((name) => !killed.has(name))).toEqual([]);
});
