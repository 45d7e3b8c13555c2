import { expect, test } from "vitest";
import { GRAPH_STORE_CASES, graphStoreSuite, runCase } from "../../src/conformance/index.ts";
import type { GraphStore } from "../../src/core/ports.ts";
import { MemoryStore } from "../../src/stores/memory/index.ts";
import { BROKEN_STORES } from "../broken-stores/stores.ts";

const open = async () => new MemoryStore();

test("case names are unique and say which sentence they hold", () => {
  const names = GRAPH_STORE_CASES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z]+: \S/);
});

test("a skipped case is named with its reason", () => {
  const registered: string[] = [];
  const skip = [{ case: GRAPH_STORE_CASES[0]!.name, reason: "it has no vectors" }];
  graphStoreSuite({ test: (name) => registered.push(name), open, capabilities: { skip } });
  expect(registered).toHaveLength(GRAPH_STORE_CASES.length);
  expect(registered[0]).toBe(`${GRAPH_STORE_CASES[0]!.name} (not kept: it has no vectors)`);
});

test("a skip of no case is an error", () => {
  const skip = [{ case: "import: something else", reason: "none" }];
  expect(() => graphStoreSuite({ test: () => {}, open, capabilities: { skip } })).toThrow("import: something else");
});

async function failuresOnOne(store: GraphStore): Promise<string[]> {
  const failures: string[] = [];
  for (const graphCase of GRAPH_STORE_CASES) {
    await runCase(graphCase, open, async () => store).catch(() => failures.push(graphCase.name));
  }
  return failures;
}

test("cases that share one store pass as they do alone", async () => {
  expect(await failuresOnOne(new MemoryStore())).toEqual([]);
});

test("cases that share one store find a fault as they do alone", async () => {
  const broken = BROKEN_STORES.find(({ fault }) => fault === "vectors are lost when a document is restored");
  expect(await failuresOnOne(broken!.open())).toEqual(expect.arrayContaining(broken!.foundBy));
});
