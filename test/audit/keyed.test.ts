import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, test } from "vitest";
import { graphStoreSuite, keyStoreSuite } from "../../src/conformance/index.ts";
import type { GraphStore } from "../../src/core/ports.ts";
import { MemoryKeyStore } from "../../src/stores/memory/index.ts";
import { openOnThisThread } from "../sqlite/engine.ts";
import { ring, sealsAndRotates } from "./keyed.ts";

const folder = mkdtempSync(join(tmpdir(), "graphkeeper-keyed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

describe("memory, with a key", () => {
  keyStoreSuite({ test, open: async () => new MemoryKeyStore({ keyring: ring }) });
});

describe("sqlite, with a key", () => {
  const open = async () => openOnThisThread(join(folder, `${++files}.db`), { keyring: ring });
  graphStoreSuite({ test, open });
  keyStoreSuite({ test, open });

  test("an old chain is sealed and goes on; so does one whose key changed", async () => {
    const path = join(folder, `${++files}.db`);
    let store: GraphStore | null = null;
    await sealsAndRotates(async (keyring) => {
      await store?.close();
      store = openOnThisThread(path, { keyring });
      return store;
    });
  });
});
