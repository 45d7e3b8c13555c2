import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const HTTPX = "httpx==0.28.1";

/**
 * A Python that has the real httpx: a virtual environment, made once and kept in the user's cache.
 * @returns the interpreter's path; null when the machine has no python3
 */
export function pythonWithHttpx(): string | null {
  try {
    execFileSync("python3", ["--version"], { stdio: "pipe" });
  } catch {
    return null;
  }
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "graphkeeper-tests");
  const home = join(cache, HTTPX.replace("==", "-"));
  if (!existsSync(home)) {
    mkdirSync(cache, { recursive: true });
    // Built under another name: a half-made one must not be taken for done.
    const building = `${home}.${process.pid}`;
    rmSync(building, { recursive: true, force: true });
    execFileSync("python3", ["-m", "venv", building], { stdio: "pipe" });
    execFileSync(join(building, "bin", "python"), ["-m", "pip", "install", "--quiet", HTTPX], { stdio: "pipe" });
    try {
      renameSync(building, home);
    } catch (error) {
      // Another test run was faster.
      if (!existsSync(home)) throw error;
      rmSync(building, { recursive: true, force: true });
    }
  }
  return join(home, "bin", "python");
}
