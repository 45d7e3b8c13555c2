/** Packs the package, installs the tarball into an empty folder as a user would, and runs what it promises. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "graphkeeper-package-"));
const run = (command: string, args: string[], cwd: string) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
try {
  run("npm", ["pack", "--silent", "--pack-destination", folder], process.cwd());
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  if (!tarball) throw new Error("npm pack made no tarball");
  run("publint", ["run", join(folder, tarball)], process.cwd());
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", `./${tarball}`], folder);
  const { version, exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
    version: string;
    exports: Record<string, unknown>;
  };
  const cli = join(folder, "node_modules", ".bin", "graphkeeper");
  const said = run(cli, ["--version"], folder).trim();
  if (said !== version) throw new Error(`graphkeeper --version says ${said}, not ${version}`);
  const story = run(cli, ["demo"], folder);
  if (!story.includes("equal, byte for byte")) throw new Error(`The demo of the package did not end well:\n${story}`);
  // Optional peers are not there: these entries must load without them.
  for (const entry of Object.keys(exports).filter((name) => name !== "./package.json")) {
    const name = entry.replace(/^\./, "graphkeeper");
    run(process.execPath, ["--input-type=module", "-e", `await import(${JSON.stringify(name)})`], folder);
  }
  writeFileSync(join(folder, "use.mjs"), useOfLibrary());
  const used = run(process.execPath, ["use.mjs"], folder).trim();
  if (used !== "1 active") throw new Error(`The library said ${used}`);
  await seePage(cli);
  process.stdout.write(`${tarball} installs and runs\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The service of the package shows the page. */
async function seePage(cli: string): Promise<void> {
  const server = spawn(cli, ["serve", "--json", "--port", "0"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  try {
    let printed = "";
    for await (const data of server.stdout) {
      printed += data;
      const line = printed.split("\n").find((each) => each.startsWith('{"address"'));
      if (line === undefined || !printed.endsWith("\n")) continue;
      const { address } = JSON.parse(line) as { address: string };
      const page = await (await fetch(address)).text();
      if (!page.includes("page.js")) throw new Error(`The service shows no page at ${address}:\n${page}`);
      return;
    }
    throw new Error(`graphkeeper serve ended:\n${printed}`);
  } finally {
    server.kill();
    if (server.exitCode === null) await once(server, "exit");
  }
}

function useOfLibrary(): string {
  return `
    import { compose, loadConfig } from "graphkeeper";
    const graphkeeper = await compose(loadConfig({}, { overrides: { data: "library.db" } }));
    await graphkeeper.importBlock("g", { documents: [{ id: "d" }], textUnits: [{ id: "u", documents: ["d"], text: "t" }], entities: [], mentions: [], relationships: [] });
    const { documents } = await graphkeeper.store.counts("g");
    console.log(documents.active + " active");
    await graphkeeper.close();
  `;
}
