/**
 * The gate: everything that must be true before a change lands, one step after the other. `npm run check` runs it, at home
 * and in CI alike. Ends with a line `N passed, N failed` that counts the tests and the other steps.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";

const only = process.argv.slice(2);
const RESULTS = "test-results.json";
const STEPS: [name: string, command: string, ...args: string[]][] = [
  ["format and lint", "biome", "check", "."],
  ["types", "tsc", "-p", "tsconfig.json", "--noEmit"],
  ["types of the page", "tsc", "-p", "dashboard", "--noEmit"],
  ["unused code", "knip"],
  ["generated: WebAssembly", "node", "scripts/build-wasm.js", "--check"],
  ["generated: page", "node", "scripts/build-page.ts", "--check"],
  ["generated: OpenAPI", "node", "scripts/openapi.ts", "--check"],
  ["generated: reference", "node", "scripts/reference.ts", "--check"],
  ["generated: Neo4j statements", "node", "bench/neo4j/statements.ts", "--check"],
  ["servers for the tests", "node", "scripts/servers.ts"],
  ["tests", "vitest", "run"],
  ["package installs and runs", "node", "scripts/check-package.ts"],
];

let passed = 0;
let failed = 0;
for (const [name, command, ...args] of STEPS) {
  if (only.length > 0 && !only.some((part) => name.includes(part))) continue;
  const begun = performance.now();
  process.stdout.write(`\n── ${name}: ${command} ${args.join(" ")}\n`);
  rmSync(RESULTS, { force: true });
  const { status } = spawnSync(command, args, {
    stdio: "inherit",
    env: { ...process.env, CI: process.env.CI ?? "true" },
  });
  const seconds = ((performance.now() - begun) / 1_000).toFixed(0);
  process.stdout.write(`── ${name}: ${status === 0 ? "passed" : "FAILED"} in ${seconds} s\n`);
  if (command === "vitest") countTests();
  else if (status === 0) passed++;
  // A run of tests that counted nothing, or ended badly without a failed test, has failed all the same.
  if (status !== 0 && (command !== "vitest" || failed === 0)) failed++;
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function countTests(): void {
  try {
    const results = JSON.parse(readFileSync(RESULTS, "utf8")) as { numPassedTests: number; numFailedTests: number };
    passed += results.numPassedTests;
    failed += results.numFailedTests;
    if (results.numPassedTests === 0) failed++;
  } catch {
    failed++;
  }
  rmSync(RESULTS, { force: true });
}
