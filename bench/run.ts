/**
 * All benchmarks, or those that are named: `npm run bench`, `npm run bench -- embedded`. Each prints a table; what was
 * measured is kept in bench/RESULTS.md and in the RESULTS.md of each folder, with its command.
 */
import { spawnSync } from "node:child_process";

const ALL: Record<string, string> = {
  embedded: "bench/embedded/run.ts",
  analytics: "bench/analytics/run.ts",
  whole: "bench/analytics/whole.ts",
  service: "bench/service/run.ts",
  connections: "bench/service/connections.ts",
  neo4j: "bench/neo4j/run.ts",
};
const named = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const options = process.argv.slice(2).filter((argument) => argument.startsWith("-"));
for (const name of named.length > 0 ? named : Object.keys(ALL)) {
  const script = ALL[name];
  if (script === undefined) {
    process.stderr.write(`There is no benchmark ${name}; there are ${Object.keys(ALL).join(", ")}.\n`);
    process.exitCode = 1;
    continue;
  }
  process.stdout.write(`\n# ${name}\n\n`);
  const { status } = spawnSync(process.execPath, [script, ...options], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
