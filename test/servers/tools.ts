import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
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
  const name = createHash("sha256").update(requirements.join("\n")).digest("hex").slice(0, 12);
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "graphkeeper");
  const home = join(cache, `python-${name}`);
  const interpreter = join(home, "bin", "python");
  if (existsSync(join(home, "ready"))) return interpreter;
  await mkdir(cache, { recursive: true });
  // A virtual environment knows its own path, so it is made in its place; the lock keeps two tests from making it at once.
  const lock = join(cache, `python-${name}.lock`);
  for (let tries = 0; ; tries++) {
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") throw error;
      if (existsSync(join(home, "ready"))) return interpreter;
      if (tries > 600) throw new Error(`${lock} has been there for five minutes: remove it if no test is running.`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  try {
    if (existsSync(join(home, "ready"))) return interpreter;
    await rm(home, { recursive: true, force: true });
    await execute(python, ["-m", "venv", home]);
    await execute(interpreter, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...requirements], {
      maxBuffer: 64 << 20,
    });
    await writeFile(join(home, "ready.part"), requirements.join("\n"));
    await rename(join(home, "ready.part"), join(home, "ready"));
    return interpreter;
  } catch (error) {
    throw new Error(`Python packages are needed (${requirements.join(" ")}): ${(error as Error).message}`);
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
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
