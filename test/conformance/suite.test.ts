import { expect, test } from "vitest";
import { GRAPH_STORE_CASES, graphStoreSuite } from "../../src/conformance/index.ts";
import { MemoryStore } from "../../src/stores/memory/index.ts";

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
