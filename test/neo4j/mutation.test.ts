import { afterAll, expect, test } from "vitest";
import { miro } from "../../src/profiles/index.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { OF_ALL_GROUPS, type Probed, probed, statementsOf, withoutGroup } from "./mutation.ts";
import { tellOfMiro } from "./mutation-miro.ts";
import { GROUPS, NOW, tell } from "./mutation-story.ts";
import { SMALL_GRAPHS, useNeo4j } from "./server.ts";

const db = useNeo4j({ settings: SMALL_GRAPHS });
/** The second of two is tried: the first has the ids already. */
const TWO = GROUPS.slice(0, 2);
const TRIED = GROUPS[1];

/** What the stories do not bring into a position to do harm yet; each other statement that is sent must be found out. */
const OPEN: ReadonlySet<string> = new Set(["rememberUnit", "summaryPage"]);

const all = new Set<string>();
const killed = new Set<string>();
const seen = new Set<string>();

function account(found: Probed, statements: Map<string, string>): void {
  for (const [name, text] of statements) {
    if (OF_ALL_GROUPS.has(name) || withoutGroup(text) === null) continue;
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

test("another writer's shapes: the same of what the native story has no use for; no mutant but the open ones survives", {
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
  expect([...seen].filter((name) => !killed.has(name) && !OPEN.has(name))).toEqual([]);
});
