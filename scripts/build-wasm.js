// Compiles assembly/*.ts to WebAssembly and embeds each module as base64 in src/algorithms/wasm/*.wasm.ts, so that running
// and packaging need no build step and no file to find at run time.
//
//   node scripts/build-wasm.js            write the files
//   node scripts/build-wasm.js --check    compile again and fail if a file differs from what is committed
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const sources = path.join(root, "assembly");
const output = path.join(root, "src", "algorithms", "wasm");

/** Compiles one source and returns the module's bytes. */
async function compile(name) {
  let binary;
  const { error, stderr } = await asc.main(
    [`${name}.ts`, "--outFile", "module.wasm", "-O3", "--noAssert", "--runtime", "stub"].concat([
      "--enable",
      "simd",
      "--importMemory",
      "--maximumMemory",
      "65536",
    ]),
    {
      readFile: (file, base) => {
        try {
          return readFileSync(path.resolve(sources, base, file), "utf8");
        } catch {
          return null;
        }
      },
      writeFile: (_, contents) => {
        binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`assembly/${name}.ts does not compile:\n${stderr}`, { cause: error });
  return binary;
}

function embed(name, bytes) {
  const base64 = Buffer.from(bytes).toString("base64");
  const lines = base64.match(/.{1,112}/g).map((line) => `  "${line}"`);
  return [
    `// Generated from assembly/${name}.ts by scripts/build-wasm.js (${bytes.length} bytes). Do not edit.`,
    "",
    "// biome-ignore format: generated",
    `export const ${name}Module =\n${lines.join(" +\n")};`,
    "",
  ].join("\n");
}

const check = process.argv.includes("--check");
let differing = 0;
for (const file of readdirSync(sources).sort()) {
  if (!file.endsWith(".ts")) continue;
  const name = path.basename(file, ".ts");
  const text = embed(name, await compile(name));
  const target = path.join(output, `${name}.wasm.ts`);
  if (!check) {
    writeFileSync(target, text);
    console.log(`wrote ${path.relative(root, target)}`);
    continue;
  }
  let committed = "";
  try {
    committed = readFileSync(target, "utf8");
  } catch {}
  if (committed === text) continue;
  differing++;
  console.error(
    `${path.relative(root, target)} is not what assembly/${file} compiles to: run node scripts/build-wasm.js`,
  );
}
process.exitCode = differing > 0 ? 1 : 0;
