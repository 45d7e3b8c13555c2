import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { type Block, ROOT } from "./blocks.ts";
import type { Treatment } from "./plan.ts";

/** What a reader changes in a page, or has to have: fixed addresses, keys, places. */
export interface SceneOptions {
  environment?: Record<string, string>;
  /** Addresses and placeholders of the page, and what stands for them here. */
  instead?: Record<string, string>;
  /** Folder of the checkout in which the page's commands are typed. */
  folder?: string;
}

/** What was downloaded once is not downloaded again. */
const CACHES = {
  npm_config_cache: process.env.npm_config_cache ?? join(homedir(), ".npm"),
  PIP_CACHE_DIR: process.env.PIP_CACHE_DIR ?? join(homedir(), ".cache", "pip"),
};

/** Copied: commands write into them. Everything else of the checkout is linked. */
const COPIED = new Set(["deploy", "clients"]);
const LEFT_OUT = new Set([".git", "coverage", "dist", "test-results.json"]);

/**
 * A checkout of its own in which the blocks of a page are carried out one after the other, as in one terminal: what one exports the
 * next one has. The text is the page's, but for `instead`.
 */
export class Scene {
  readonly home: string;
  readonly #options: SceneOptions;
  readonly #services: ChildProcess[] = [];
  #blocks = 0;

  constructor(options: SceneOptions = {}) {
    this.#options = options;
    this.home = mkdtempSync(join(tmpdir(), "gk-docs-"));
    for (const name of readdirSync(ROOT)) {
      if (LEFT_OUT.has(name) || /\.db(-wal|-shm)?$/.test(name)) continue;
      if (COPIED.has(name)) cpSync(join(ROOT, name), join(this.home, name), { recursive: true, filter: isSource });
      else symlinkSync(join(ROOT, name), join(this.home, name));
    }
  }

  /** @throws Error with what was printed, when a block does not do what the plan says */
  async carryOut(block: Block, treatment: Treatment): Promise<void> {
    if ("alone" in treatment) await this.#stopAll();
    if ("run" in treatment) {
      const { code, printed } = await this.#run(this.#command(block));
      const where = `${block.file}:${block.line}`;
      if (code !== 0) throw new Error(`${where} ended with ${code}:\n${printed}`);
      if (treatment.prints !== undefined && !treatment.prints.test(printed))
        throw new Error(`${where} did not print ${treatment.prints}:\n${printed}`);
    } else if ("start" in treatment) {
      await this.#start(block, treatment.start);
      if (treatment.until !== undefined) await this.#until(treatment.until);
    }
  }

  /** A command of the test's own, before the page begins. */
  async prepare(command: string): Promise<void> {
    const { code, printed } = await this.#run(command);
    if (code !== 0) throw new Error(`preparing ended with ${code}: ${command}\n${printed}`);
  }

  async end(): Promise<void> {
    await this.#stopAll();
    rmSync(this.home, { recursive: true, force: true });
  }

  async #stopAll(): Promise<void> {
    for (const child of this.#services.splice(0).reverse()) {
      signal(child, "SIGTERM");
      const killAt = Date.now() + 15_000;
      // Bash goes at once; what it had started still puts its files in order.
      while (signal(child, 0)) {
        if (Date.now() > killAt) signal(child, "SIGKILL");
        // Where nobody fetches the exit codes of orphans, a dead one is still in its group.
        if (Date.now() > killAt + 2_000) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  #command(block: Block): string {
    let text = block.text;
    for (const [from, to] of Object.entries(this.#options.instead ?? {})) text = text.replaceAll(from, to);
    if (["python", "py"].includes(block.language)) return `python - <<'END_OF_BLOCK'\n${text}END_OF_BLOCK\n`;
    if (["ts", "typescript", "js"].includes(block.language)) {
      // In a checkout there is no package of this name to import.
      const source = JSON.stringify(new URL("../../src/", import.meta.url).href);
      writeFileSync(
        join(this.home, "package-names.mjs"),
        `import { registerHooks } from "node:module";
         registerHooks({ resolve(name, context, next) {
           if (name === "graphkeeper") return next(${source} + "index.ts", context);
           return next(name === "graphkeeper/client" ? ${source} + "client/index.ts" : name, context);
         } });`,
      );
      writeFileSync(join(this.home, "block.mts"), text);
      return "node --no-warnings --import ./package-names.mjs block.mts\n";
    }
    return text;
  }

  /** Bash, since aliases and exports of a block are still there in the next. */
  #spawn(command: string): ChildProcess {
    const state = join(this.home, ".terminal");
    const script = join(this.home, `.block-${++this.#blocks}.sh`);
    const before = `shopt -s expand_aliases\n${existsSync(state) ? `. ${state}\n` : ""}set -eo pipefail\n`;
    writeFileSync(script, `${before}${command}\n{ export -p; alias -p; } > ${state}\n`);
    return spawn("bash", [script], {
      cwd: join(this.home, this.#options.folder ?? "."),
      // Its own group: what it started ends with it.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, HOME: this.home, ...CACHES, ...this.#options.environment },
    });
  }

  async #run(command: string): Promise<{ code: number | null; printed: string }> {
    const child = this.#spawn(command);
    let printed = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (data: Buffer) => {
        printed += data.toString();
      });
    const late = setTimeout(() => signal(child, "SIGKILL"), 240_000);
    const [code] = (await once(child, "close")) as [number | null];
    clearTimeout(late);
    return { code, printed };
  }

  async #until(command: string): Promise<void> {
    const limit = Date.now() + 60_000;
    for (;;) {
      const { code, printed } = await this.#run(command);
      if (code === 0) return;
      if (Date.now() > limit) throw new Error(`this did not succeed within 60 s: ${command}\n${printed}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  async #start(block: Block, ready: RegExp): Promise<void> {
    const child = this.#spawn(this.#command(block));
    this.#services.push(child);
    let printed = "";
    await new Promise<void>((resolve, reject) => {
      const fail = (what: string) => reject(new Error(`${block.file}:${block.line} ${what}:\n${printed}`));
      const late = setTimeout(() => fail(`did not print ${ready} within 90 s`), 90_000);
      for (const stream of [child.stdout, child.stderr])
        stream?.on("data", (data: Buffer) => {
          printed = (printed + data.toString()).slice(-100_000);
          if (!ready.test(printed)) return;
          clearTimeout(late);
          resolve();
        });
      child.once("exit", (code) => {
        clearTimeout(late);
        fail(`ended with ${code}`);
      });
    });
  }
}

function isSource(path: string): boolean {
  return !/node_modules|__pycache__|\.venv|\/build$|\.egg-info/.test(path);
}

/** To all that the block started. @returns whether any of it is there */
function signal(child: ChildProcess, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-(child.pid as number), name);
    return true;
  } catch {
    return false;
  }
}
