import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** The path of a program, or null. */
export function findProgram(name: string): string | null {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (folder !== "" && existsSync(join(folder, name))) return join(folder, name);
  }
  return null;
}

/**
 * The path of a program that a Debian package brings; where the caller is root and it is missing, it is installed.
 * @throws Error that says which package is missing
 */
export async function needProgram(name: string, debianPackage: string): Promise<string> {
  const found = findProgram(name);
  if (found !== null) return found;
  if (process.getuid?.() !== 0) {
    throw new Error(
      `${name} is needed: it is not on the path, and only root may install it (apt-get install ${debianPackage}).`,
    );
  }
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    await execute("apt-get", ["update", "-qq"], { env: environment });
    // The package's own service must not start: the tests start what they need, on ports of their own.
    await execute("apt-get", ["install", "-y", "-qq", "--no-install-recommends", debianPackage], {
      env: { ...environment, RUNLEVEL: "1" },
      maxBuffer: 64 << 20,
    });
  } catch (error) {
    throw new Error(`${name} is needed and apt-get could not install ${debianPackage}: ${(error as Error).message}`);
  }
  const installed = findProgram(name);
  if (installed === null) throw new Error(`apt-get installed ${debianPackage}, but there is no ${name} on the path.`);
  return installed;
}

/**
 * Python of a virtual environment with these packages from PyPI, made once and kept in `$XDG_CACHE_HOME/graphkeeper`.
 *
 * @param requirements exact pins, such as `celery==5.5.3`
 * @returns path of the interpreter
 * @throws Error that says what could not be installed
 */
export async function pythonWith(requirements: string[]): Promise<string> {
  const python = findProgram("python3");
  if (python === null) throw new Error("python3 is needed: it is not on the path.");
  // A virtual environment knows its own path, so it is made in its place.
  const home = await keptFolder(requirements.join("\n"), "python", async (home) => {
    await execute(python, ["-m", "venv", home]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    await execute(join(home, "bin", "python"), [...pip, ...requirements], { maxBuffer: 64 << 20 });
  });
  return join(home, "bin", "python");
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/**
 * A folder whose `node_modules` has these npm packages, made once and kept in `$XDG_CACHE_HOME/graphkeeper`: for what users may bring
 * along and the product does not depend on.
 *
 * @param packages exact versions, such as `@opentelemetry/sdk-metrics@3.1.1`
 * @throws Error that says what could not be installed
 */
export async function nodeModulesWith(packages: string[]): Promise<string> {
  return keptFolder(`npm-${packages.join("\n")}`, "npm", async (home) => {
    await mkdir(home, { recursive: true });
    await writeFile(join(home, "package.json"), JSON.stringify({ name: "kept", private: true }));
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--no-package-lock"];
    await execute("npm", ["install", ...flags, ...packages], { cwd: home, maxBuffer: 64 << 20 });
  });
}

/** A folder of the cache that is made once, by one test at a time. */
async function keptFolder(key: string, kind: string, make: (home: string) => Promise<void>): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "graphkeeper");
  const home = join(cache, `${kind}-${createHash("sha256").update(key).digest("hex").slice(0, 12)}`);
  if (existsSync(join(home, "ready"))) return home;
  await mkdir(cache, { recursive: true });
  const lock = `${home}.lock`;
  for (let tries = 0; ; tries++) {
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") throw error;
      if (existsSync(join(home, "ready"))) return home;
      if (tries > 600) throw new Error(`${lock} has been there for five minutes: remove it if no test is running.`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  try {
    if (existsSync(join(home, "ready"))) return home;
    await rm(home, { recursive: true, force: true });
    await make(home);
    await writeFile(join(home, "ready"), key);
    return home;
  } catch (error) {
    throw new Error(`Packages are needed (${key.replaceAll("\n", " ")}): ${(error as Error).message}`);
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}
