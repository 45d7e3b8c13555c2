import { test } from "vitest";
import { graphStoreSuite } from "../../src/conformance/index.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "./server.ts";

const db = useNeo4j({ settings: SMALL_GRAPHS });
let installed = false;

graphStoreSuite({
  test: (name, run) => test(name, run, 120_000),
  open: async () => {
    await db.clear();
    const store = await openNeo4jStore({ uri: db.uri(), install: !installed });
    installed = true;
    return store;
  },
});
