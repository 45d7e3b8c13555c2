/**
 * Builds the page of `dashboard/` into `dashboard/built`, which is committed: a checkout and the package show it without a
 * build step.
 *
 *   node scripts/build-page.ts            write the files
 *   node scripts/build-page.ts --check    build again, elsewhere, and fail if a file differs from what is committed
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const page = fileURLToPath(new URL("../dashboard/", import.meta.url));
const built = join(page, "built");
const check = process.argv.includes("--check");
const target = check ? mkdtempSync(join(tmpdir(), "graphkeeper-page-")) : built;
try {
  await build({
    configFile: join(page, "vite.config.ts"),
    logLevel: check ? "warn" : "info",
    build: { outDir: target, emptyOutDir: true },
  });
  if (check) {
    const [there, wanted] = [filesOf(built), filesOf(target)];
    for (const name of new Set([...there.keys(), ...wanted.keys()])) {
      if (there.get(name) === wanted.get(name)) continue;
      process.stderr.write(`dashboard/built/${name} is not what dashboard/ builds to; run npm run build:page\n`);
      process.exitCode = 1;
    }
  }
} finally {
  if (check) rmSync(target, { recursive: true, force: true });
}

function filesOf(folder: string): Map<string, string> {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "latin1")]));
}
