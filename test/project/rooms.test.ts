import { expect, test } from "vitest";
import { circles, readSources, violations } from "./rooms.ts";

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

test.each(["src", "dashboard"])("no file of %s imports itself by way of others", (root) => {
  expect(circles(readSources(root))).toEqual([]);
});

test("a planted circle is found once", () => {
  const files = [
    { path: "core/law.ts", text: 'import { wire } from "./wire.ts";' },
    { path: "core/wire.ts", text: 'import type { Word } from "./words.ts";' },
    { path: "core/words.ts", text: 'import type { Law } from "./law.ts";' },
    { path: "core/trace.ts", text: 'import { wire } from "./wire.ts";' },
  ];
  expect(circles(files)).toEqual(["core/law.ts > core/wire.ts > core/words.ts > core/law.ts"]);
});
