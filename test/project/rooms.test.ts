import { expect, test } from "vitest";
import { readSources, violations } from "./rooms.ts";

test("each room imports only what the table allows", () => {
  const files = readSources("src");
  expect(files.length).toBeGreaterThan(100);
  expect(violations(files)).toEqual([]);
});

test.each([
  ["core/law.ts", 'import { x } from "../stores/sqlite/store.ts";', "core/law.ts imports the room stores/sqlite"],
  ["core/law.ts", 'import fs from "node:fs";', "core/law.ts imports node:fs"],
  [
    "algorithms/knn.ts",
    'import type { LiveGraph } from "../core/ports.ts";',
    "algorithms/knn.ts imports the room core",
  ],
  [
    "jobs/worker.ts",
    'export { recompute } from "../maintenance/recompute.ts";',
    "jobs/worker.ts imports the room maintenance",
  ],
  [
    "maintenance/collect.ts",
    'const x = await import("../stores/neo4j/store.ts");',
    "maintenance/collect.ts imports the room stores/neo4j",
  ],
  ["documents/verbs.ts", 'import "pg";', "documents/verbs.ts imports the package pg"],
  ["utils/things.ts", "", "utils/things.ts: the room utils is not in the table"],
])("a planted fault in %s is found: %s", (path, text, finding) => {
  expect(violations([{ path, text }])).toEqual([finding]);
});
