import { describe, expect, test } from "vitest";
import { graphStoreSuite } from "../../src/conformance/index.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { whyNoNeo4j } from "../servers/jars.ts";
import { NEO4J_NEXT, NEO4J_VERSION } from "../servers/neo4j.ts";
import { SMALL_GRAPHS, useNeo4j } from "./server.ts";

/** The core of the conformance suite on the newer line; all of it with NEO4J_TEST_VERSION. */
const CORE = [
  /^import: (creates everything|a live mention)/,
  /^(replace: an equal text|deprecate: parks|restore: (brings|deprecate, collect)|purge: leaves no trace)/,
  /^operation: the same id again/,
  /^(collect: (parks exactly|a second run)|retention: a window of 0|fence: a holder whose lease went)/,
  /^(analytics: nothing that is staged|search: exact|records: are one|impact: tells|neighbourhood: is what)/,
  /^groups: whatever/,
];

const missing = NEO4J_VERSION === NEO4J_NEXT ? "the whole suite runs on it" : await whyNoNeo4j(NEO4J_NEXT);
if (missing !== null) console.warn(`Neo4j ${NEO4J_NEXT} is not tried: ${missing}`);

describe.skipIf(missing !== null)(`Neo4j ${NEO4J_NEXT}`, () => {
  const db = useNeo4j({ version: NEO4J_NEXT, settings: SMALL_GRAPHS });
  let installed = false;
  let cases = 0;

  graphStoreSuite({
    test: (name, run) => {
      if (!CORE.some((pattern) => pattern.test(name))) return;
      cases++;
      test(name, run, 120_000);
    },
    open: async () => {
      await db.clear();
      const store = await openNeo4jStore({ uri: db.uri(), install: !installed });
      installed = true;
      return store;
    },
  });

  test("it is that version, and each pattern of the core names a case", async () => {
    const [row] = await db.run(
      "CALL dbms.components() YIELD name, versions WHERE name = 'Neo4j Kernel' RETURN versions",
    );
    expect(row?.versions).toEqual([NEO4J_NEXT]);
    const [database] = await db.run("SHOW DATABASE neo4j YIELD defaultLanguage");
    expect(database?.defaultLanguage).toBe("CYPHER 25");
    expect(cases).toBe(18);
  });
});
