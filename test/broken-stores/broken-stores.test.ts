import { AssertionError } from "node:assert";
import { describe, expect, test } from "vitest";
import { GRAPH_STORE_CASES, runCase } from "../../src/conformance/index.ts";
import { GraphkeeperError } from "../../src/core/errors.ts";
import type { GraphStore } from "../../src/core/ports.ts";
import { MemoryStore } from "../../src/stores/memory/index.ts";
import { BROKEN_STORES } from "./stores.ts";

/** Runs the whole suite as a program. */
async function failuresOf(open: () => GraphStore): Promise<Map<string, unknown>> {
  const failures = new Map<string, unknown>();
  for (const graphCase of GRAPH_STORE_CASES) {
    try {
      await runCase(graphCase, async () => open());
    } catch (error) {
      failures.set(graphCase.name, error);
    }
  }
  return failures;
}

describe("the conformance suite", () => {
  test("passes the sound store", async () => {
    expect([...(await failuresOf(() => new MemoryStore())).keys()]).toEqual([]);
  });

  for (const { fault, foundBy, open } of BROKEN_STORES) {
    test(`finds that ${fault}`, async () => {
      const failures = await failuresOf(open);
      expect([...failures.keys()]).toEqual(expect.arrayContaining(foundBy));
      for (const name of foundBy) {
        const error = failures.get(name);
        // It must be the sentence that fails, not the planted code that crashes.
        expect(error instanceof AssertionError || error instanceof GraphkeeperError, String(error)).toBe(true);
      }
      expect(failures.size, "a fault in one thing leaves most sentences true").toBeLessThan(
        GRAPH_STORE_CASES.length / 2,
      );
    });
  }
});
