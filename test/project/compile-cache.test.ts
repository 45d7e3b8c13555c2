import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const href = (path: string) => JSON.stringify(pathToFileURL(join(root, path)).href);

/** What a thread says that has loaded the sources of the store and of the analysis: whether it needed Node's stripper for it. */
function threadStrips(environment: Record<string, string>): string {
  const thread = `
    import { parentPort } from "node:worker_threads";
    import ${href("src/stores/sqlite/engine/index.ts")};
    import ${href("src/maintenance/analysis.ts")};
    parentPort.postMessage(process.moduleLoadList.some((name) => name.includes("amaro")));`;
  const program = `
    import { Worker } from "node:worker_threads";
    import { useCompileCache } from ${href("scripts/compile-cache.js")};
    useCompileCache();
    new Worker(${JSON.stringify(thread)}, { eval: true }).on("message", (strips) => console.log("strips", strips));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    env: { ...process.env, ...environment },
    encoding: "utf8",
  });
  return stdout.trim() || stderr;
}

test("in a checkout no thread strips types, not even after the first start of all: V8 may crash when several do", () => {
  const folder = mkdtempSync(join(tmpdir(), "gk-compile-cache-"));
  try {
    expect(threadStrips({ NODE_COMPILE_CACHE: folder })).toBe("strips false");
    expect(threadStrips({ NODE_COMPILE_CACHE: folder, NODE_DISABLE_COMPILE_CACHE: "1" })).toBe("strips true");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
