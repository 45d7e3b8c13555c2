import { test } from "vitest";
import { MemoryStore } from "../../src/stores/memory/index.ts";
import { explore, TIMEOUT_MS } from "./bounds.ts";

test("whatever is called in whatever order, the memory store keeps to the law", { timeout: TIMEOUT_MS }, () =>
  explore("memory", async () => ({ subject: new MemoryStore() }), { runs: 400, seconds: 20 }),
);
