import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const files = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" })
  .split("\u0000")
  .filter((path) => path !== "" && existsSync(path));
const text = (path: string) => readFileSync(path, "utf8");
const sources = files.filter(
  (path) => /\.(ts|js|py|json|md|ya?ml|sh|xml|toml)$|^\.ci\//.test(path) && path !== "package-lock.json",
);

test("no committed file names a folder of somebody's machine or a package registry", () => {
  const foreign =
    /(?<![\w.-])\/(?:work|root|home\/\w+|Users\/\w+)\/[\w.-]+|registry\.npmjs\.org|pypi\.org\/simple|repo\.maven\.apache|deb\.debian\.org/;
  const own = "test/project/repository.test.ts";
  expect(sources.filter((path) => path !== own && foreign.test(text(path)))).toEqual([]);
});

test("source files stay under 300 lines unless they are known to be long, which they then are", () => {
  const long = files
    .filter((path) => /^src\/.*\.ts$/.test(path) && !path.includes("/wasm/"))
    .filter((path) => text(path).split("\n").length > 300);
  expect(long.sort()).toEqual([...KNOWN_LONG].sort());
});

/** Ports and catalogues read as one text; adapters have one method per method of the port; suites one case per sentence. */
const KNOWN_LONG = new Set([
  "src/core/ports.ts",
  "src/jobs/ports.ts",
  "src/service.ts",
  "src/cli/commands/demo.ts",
  "src/algorithms/community-level.ts",
  "src/conformance/graph/import.ts",
  "src/conformance/graph/replace.ts",
  "src/conformance/jobs/suite.ts",
  "src/stores/memory/store.ts",
  "src/stores/sqlite/store.ts",
  "src/stores/sqlite/engine/index.ts",
  "src/stores/neo4j/store.ts",
  "src/stores/neo4j/doctor.ts",
  "src/stores/neo4j/shapes.ts",
  "src/stores/neo4j/statements/graph.ts",
]);

test("versions of dependencies are exact", () => {
  const { dependencies, devDependencies } = JSON.parse(text("package.json")) as Record<string, Record<string, string>>;
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
  );
  expect(loose).toEqual([]);
});

test("statements to a database are never put together from values", () => {
  // `${...}` inside SQL or Cypher may only be a constant of the code: identifiers from a checked profile, or a piece of SQL.
  const stores = files.filter((path) => /^src\/stores\/(sqlite|postgres|sql-jobs)\/.*\.ts$/.test(path));
  const spliced = /\$\{(?:request|options|operation|query|input|groupId|id|documentId)\b/;
  const statements = /`[^`]*\b(?:SELECT|INSERT|UPDATE|DELETE)\b[^`]*`/g;
  const found = stores.flatMap((path) =>
    [...text(path).matchAll(statements)].filter((m) => spliced.test(m[0])).map((m) => `${path}: ${m[0].slice(0, 80)}`),
  );
  expect(found).toEqual([]);
});

test("the index of decisions lists each of them, numbered without a hole", () => {
  const decisions = files.filter((path) => /^docs\/decisions\/\d/.test(path)).sort();
  const listed = [...text("docs/decisions/README.md").matchAll(/^\| \[(\d+)\]\(([^)]+)\)/gm)];
  expect(listed.map((m) => `docs/decisions/${m[2]}`)).toEqual(decisions);
  for (const [i, path] of decisions.entries()) {
    expect(listed[i]?.[1]).toBe(String(i + 1));
    expect(path).toContain(`/${String(i + 1).padStart(4, "0")}-`);
    expect(text(path).startsWith(`# ${i + 1}. `)).toBe(true);
  }
});
