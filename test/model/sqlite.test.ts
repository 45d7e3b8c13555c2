import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { MemoryStore } from "../../src/stores/memory/index.ts";
import { openSqliteStore, type SqliteStore } from "../../src/stores/sqlite/store.ts";
import { explore, TIMEOUT_MS } from "./bounds.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-model-"));
let subject: SqliteStore;
beforeAll(async () => {
  subject = await openSqliteStore({ path: join(folder, "model.db") });
});
afterAll(async () => {
  await subject.close();
  await rm(folder, { recursive: true });
});

test(
  "whatever is called in whatever order, the SQLite store is what the memory store is",
  { timeout: TIMEOUT_MS },
  () => explore("sqlite", async () => ({ subject, oracle: new MemoryStore() }), { runs: 200, seconds: 30 }),
);
