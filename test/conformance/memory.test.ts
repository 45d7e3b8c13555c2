import { describe, test } from "vitest";
import { graphStoreSuite, keyStoreSuite } from "../../src/conformance/index.ts";
import { MemoryKeyStore, MemoryStore } from "../../src/stores/memory/index.ts";

describe("memory", () => {
  graphStoreSuite({ test, open: async () => new MemoryStore() });
  keyStoreSuite({ test, open: async () => new MemoryKeyStore() });
});
