#!/usr/bin/env node
// Says which Node it needs before anything is loaded that an older one cannot read.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `graphkeeper needs Node 22.18 or newer; this is Node ${process.versions.node}. In a checkout, "npm run" brings its own.\n`,
  );
  process.exit(1);
}
// node:sqlite announces itself as experimental on every start; nobody can act on that here.
const warn = process.emitWarning;
process.emitWarning = (warning, ...rest) => {
  if (!String(warning).includes("SQLite is an experimental feature")) warn.call(process, warning, ...rest);
};
// In a checkout the sources run as they are; in the package there is only dist.
const source = new URL("../src/cli/main.ts", import.meta.url);
const built = new URL("../dist/cli/main.js", import.meta.url);
const checkout = existsSync(fileURLToPath(source));
if (checkout) (await import("../scripts/compile-cache.js")).useCompileCache();
const { main } = await import(checkout ? source.href : built.href);
process.exitCode = await main(process.argv.slice(2));
