/**
 * In a checkout the sources run as they are, and Node strips their types with a WebAssembly program that every thread loads
 * anew. V8 is known to crash, rarely, where WebAssembly is compiled in several threads at once (nodejs/node#64500 is such a
 * report), and a gate of this project once ended with a SIGSEGV of a process that was starting its store's threads. With Node's
 * compile cache one process strips everything once, on one thread, and all others read what it wrote. It is faster as well: a
 * thread with the store and the analysis is up in 73 ms instead of 195, the command line in 173 instead of 330 (medians of 15
 * interleaved starts on 2 cores).
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { enableCompileCache, getCompileCacheDir } from "node:module";
import { fileURLToPath } from "node:url";

const DIRECTORY = fileURLToPath(new URL("../node_modules/.cache/node-compile-cache", import.meta.url));

/** What threads and child processes load. */
const ENTRIES = [
  "../src/cli/main.ts",
  "../src/start.ts",
  "../src/stores/sqlite/thread.ts",
  "../src/maintenance/analysis-thread.ts",
  "../src/algorithms/knn-worker.ts",
];

/** For this process, its threads and its children; filled first when it is empty. `NODE_DISABLE_COMPILE_CACHE` turns it off. */
export function useCompileCache() {
  process.env.NODE_COMPILE_CACHE ??= DIRECTORY;
  enableCompileCache(process.env.NODE_COMPILE_CACHE);
  const directory = getCompileCacheDir();
  if (directory === undefined || readdirSync(directory).length > 0) return;
  spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", fileURLToPath(import.meta.url)]);
}

/** By this name Vitest calls it before the first process of tests, which inherits it. */
export { useCompileCache as setup };

// A thread's own file does not get far without its parent, but all that it imports has been read by then.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const entry of ENTRIES) await import(entry).catch(() => {});
}
