import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, copyFile, cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FILE = join(ROOT, "deploy", "Containerfile");

/** Instructions of each stage, in order. */
async function stages(): Promise<{ from: string; lines: { verb: string; rest: string }[] }[]> {
  const text = await readFile(FILE, "utf8");
  return text
    .split(/^FROM /m)
    .slice(1)
    .map((stage) => {
      const [from = "", ...lines] = stage.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      return {
        from,
        lines: lines.map((line) => ({ verb: line.split(" ", 1)[0]!, rest: line.slice(line.indexOf(" ") + 1) })),
      };
    });
}

describe("the container file", () => {
  test("names exact images, copies what there is, installs without scripts, and ends as nobody in particular", async () => {
    const [build, run, ...more] = await stages();
    expect(more).toEqual([]);
    for (const stage of [build!, run!]) {
      expect(stage.from).toMatch(/^\S+:\d+\.\d+\.\d+\S* AS \w+$/);
      for (const { verb, rest } of stage.lines) {
        if (verb === "RUN" && /npm (ci|install|prune)/.test(rest)) expect(rest).toContain("--ignore-scripts");
        if (verb !== "COPY" || rest.startsWith("--from")) continue;
        for (const source of rest.split(" ").slice(0, -1)) expect(existsSync(join(ROOT, source)), source).toBe(true);
      }
    }
    const verbs = run!.lines.map((line) => line.verb);
    // The user of the Kubernetes manifests; by number, so that runAsNonRoot can tell.
    expect(run!.lines).toContainEqual({ verb: "USER", rest: "10001:10001" });
    expect(verbs.lastIndexOf("USER")).toBeLessThan(verbs.indexOf("ENTRYPOINT"));
    expect(verbs.lastIndexOf("RUN")).toBeLessThan(verbs.indexOf("USER"));
  });

  // There is no container engine here; the stages' own lines are carried out in folders. A minute, so not in every run.
  test.skipIf(process.env.GRAPHKEEPER_LONG === undefined || process.getuid?.() !== 0)(
    "its lines make a service that starts as that user, with the optional drivers (GRAPHKEEPER_LONG, root)",
    async () => {
      const root = await mkdtemp(join(tmpdir(), "gk-container-"));
      try {
        const [build, run] = await stages();
        const at = (path: string) => join(root, path.startsWith("/") ? path : join("/src", path));
        await mkdir(at("/src"));
        for (const { verb, rest } of build!.lines) {
          const words = rest.split(" ");
          if (verb === "COPY") {
            const target = words.pop()!;
            for (const source of words) {
              const to = at(words.length > 1 || target.endsWith("/") ? join(target, source) : target);
              await cp(join(ROOT, source), to, { recursive: true });
            }
          } else if (verb === "RUN") {
            await execute("/bin/sh", ["-ec", rest], { cwd: at("/src"), maxBuffer: 64 << 20 }).catch((error) => {
              throw new Error(`${rest}: ${error.stdout}${error.stderr}`);
            });
          }
        }
        await mkdir(join(root, "app"));
        for (const { verb, rest } of run!.lines) {
          if (verb !== "COPY") continue;
          const [, ...words] = rest.split(" ");
          const target = words.pop()!;
          for (const source of words) {
            const name = source.slice("/src/".length);
            const to = join(root, "app", words.length > 1 || target.endsWith("/") ? name : target);
            await mkdir(dirname(to), { recursive: true });
            await cp(at(source), to, { recursive: true });
          }
        }
        for (const driver of ["neo4j-driver", "pg", "pg-boss"]) {
          expect(existsSync(join(root, "app", "node_modules", driver)), driver).toBe(true);
        }
        expect(existsSync(join(root, "app", "node_modules", "vitest"))).toBe(false);
        await rm(join(root, "src"), { recursive: true });
        await chmod(root, 0o755);
        await mkdir(join(root, "data"));
        await chown(join(root, "data"), 10001, 10001);
        const node = join(root, "node");
        await copyFile(process.execPath, node);
        await chmod(node, 0o755);
        const child = execFile(node, [join(root, "app/bin/graphkeeper.js"), "serve", "--json", "--port", "0"], {
          cwd: "/",
          uid: 10001,
          gid: 10001,
          env: { GRAPHKEEPER_DATA: join(root, "data", "graphkeeper.db") },
        });
        const exited = once(child, "exit");
        const [line] = (await Promise.race([once(child.stdout!, "data"), exited])) as [string];
        const { address } = JSON.parse(line) as { address: string };
        expect((await fetch(`${address}/readyz`)).status).toBe(200);
        expect((await fetch(`${address}/ui/page.js`)).status).toBe(200);
        child.kill("SIGTERM");
        expect(await exited).toEqual([0, null]);
      } finally {
        await rm(root, { recursive: true, force: true });
      }
    },
  );
});
