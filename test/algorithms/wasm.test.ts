import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

test("the embedded modules are what assembly/ compiles to", () => {
  execFileSync(process.execPath, [path.join(root, "scripts", "build-wasm.js"), "--check"], { stdio: "pipe" });
}, 60_000);

test("the room imports nothing outside itself; only the parallel search and its worker know of threads", () => {
  const folder = path.join(root, "src", "algorithms");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  expect(files.length).toBeGreaterThan(20);
  for (const file of files) {
    for (const [, from] of readFileSync(path.join(folder, file), "utf8").matchAll(
      /^(?:import|export).* from "([^"]+)"/gm,
    )) {
      if (/^knn-(parallel|worker)\.ts$/.test(file) && from === "node:worker_threads") continue;
      expect(from, file).toMatch(/^\.\/(wasm\/)?[a-z-]+(\.wasm)?\.ts$/);
    }
  }
});
