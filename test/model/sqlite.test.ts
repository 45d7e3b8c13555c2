import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, test } from "vitest";
import { MemoryStore } from "../../src/stores/memory/index.ts";
import { openSqliteStore } from "../../src/stores/sqlite/store.ts";
import { explore, TIMEOUT_MS } from "./bounds.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-model-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
let files = 0;

test(
  "whatever is called in whatever order, the SQLite store is what the memory store is",
  { timeout: TIMEOUT_MS },
  () =>
    explore(
      "sqlite",
      async () => ({
        subject: await openSqliteStore({ path: join(folder, `${++files}.db`) }),
        oracle: new MemoryStore(),
      }),
      { runs: 200, seconds: 30 },
    ),
);
