import { test } from "vitest";
import { MemoryStore } from "../../src/stores/memory/index.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { explore, TIMEOUT_MS } from "../model/bounds.ts";
import { SMALL_GRAPHS, useNeo4j } from "./server.ts";

const db = useNeo4j({ settings: SMALL_GRAPHS });
let installed = false;

test(
  "whatever is called in whatever order, the Neo4j store is what the memory store is",
  { timeout: TIMEOUT_MS * 4 },
  () =>
    explore(
      "neo4j",
      async () => {
        await db.clear();
        const subject = await openNeo4jStore({ uri: db.uri(), install: !installed });
        installed = true;
        return { subject, oracle: new MemoryStore() };
      },
      { runs: 30, seconds: 100 },
    ),
);
