import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, test } from "vitest";
import { graphStoreSuite, keyStoreSuite } from "../../src/conformance/index.ts";
import { openSqliteStore } from "../../src/stores/sqlite/store.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-conformance-"));
afterAll(() => rm(folder, { recursive: true }));
let files = 0;
const open = () => openSqliteStore({ path: join(folder, `${++files}.db`) });

describe("sqlite", () => {
  graphStoreSuite({ test, open });
  keyStoreSuite({ test, open });
});
