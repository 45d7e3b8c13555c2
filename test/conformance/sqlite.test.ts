import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { graphStoreSuite, keyStoreSuite } from "../../src/conformance/index.ts";
import { openSqliteStore, type SqliteStore } from "../../src/stores/sqlite/store.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-conformance-"));
let files = 0;
const open = () => openSqliteStore({ path: join(folder, `${++files}.db`) });
// Opening starts threads; one store for most cases keeps this short.
let shared: SqliteStore;
beforeAll(async () => {
  shared = await open();
});
afterAll(async () => {
  await shared.close();
  await rm(folder, { recursive: true });
});

describe("sqlite", () => {
  graphStoreSuite({ test: (name, run) => test(name, run, 60_000), open, shared: async () => shared });
  keyStoreSuite({ test, open });
});
