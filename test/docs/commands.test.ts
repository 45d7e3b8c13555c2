import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import neo4j from "neo4j-driver";
import { afterEach, describe, expect, test } from "vitest";
import { corpus } from "../profiles/fixtures/corpus.ts";
import { FIXTURES } from "../profiles/fixtures/writers.ts";
import { startGraphkeeper } from "../servers/graphkeeper.ts";
import { startNeo4j } from "../servers/neo4j.ts";
import { startRedis } from "../servers/redis.ts";
import { findProgram, freePort } from "../servers/tools.ts";
import { blocksOf, pages, ROOT } from "./blocks.ts";
import { match, PLAN, type Treatment } from "./plan.ts";
import { Scene, type SceneOptions } from "./scene.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function makeScene(options: SceneOptions = {}): Promise<Scene> {
  const port = await freePort();
  const scene = new Scene({
    ...options,
    environment: { GRAPHKEEPER_PORT: String(port), ...options.environment },
    instead: { ...options.instead, "127.0.0.1:8000": `127.0.0.1:${port}` },
  });
  ends.push(() => scene.end());
  return scene;
}

/** A virtual environment of the scene's own: the page installs into it. */
async function withPython(scene: Scene): Promise<void> {
  await promisify(execFile)("python3", ["-m", "venv", join(scene.home, ".venv")]);
  await scene.prepare('export PATH="$HOME/.venv/bin:$PATH" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=1');
}

/** Documents as the page names them, with a fact that only the first one states. */
function reports(): string {
  const lines: object[] = [];
  for (const year of [2023, 2024]) {
    const id = `report-${year}`;
    lines.push({ kind: "document", id });
    lines.push({ kind: "text_unit", id: `${id}:1`, documents: [id], text: `The report of ${year}` });
    for (const entity of ["Acme", `Board of ${year}`]) {
      lines.push({ kind: "entity", id: entity, name: entity });
      lines.push({ kind: "mention", text_unit: `${id}:1`, entity });
    }
  }
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
}

/** What each page takes for granted. */
const SETTINGS: Record<string, () => Promise<Scene>> = {
  "README.md": async () => {
    const scene = await makeScene();
    writeFileSync(join(scene.home, "my-documents.ndjson"), reports());
    await scene.prepare('export API_URL="http://127.0.0.1:$GRAPHKEEPER_PORT" API_KEY=none-is-needed-yet');
    return scene;
  },
  "docs/operations.md": async () => {
    const server = await startGraphkeeper();
    ends.push(() => server.stop());
    const scene = await makeScene();
    writeFileSync(join(scene.home, "my-documents.ndjson"), reports());
    await scene.prepare('alias graphkeeper="node bin/graphkeeper.js"');
    await scene.prepare("graphkeeper import my-documents.ndjson --group acme");
    await scene.carryOut(
      { file: "the service", line: 0, language: "sh", text: "graphkeeper serve\n" },
      { start: /listening on/ },
    );
    // The service of the last section is another one than that whose file is put back.
    await scene.prepare(`export API_URL=${server.url} API_KEY=${server.apiKey}`);
    return scene;
  },
  "docs/quickstart-laptop.md": async () => {
    const scene = await makeScene();
    await withPython(scene);
    return scene;
  },
  "docs/quickstart-neo4j.md": async () => {
    const server = await startNeo4j();
    ends.push(() => server.stop());
    const driver = neo4j.driver(server.uri, undefined, { disableLosslessIntegers: true });
    const run = async (statement: string, parameters: Record<string, unknown> = {}) =>
      (await driver.executeQuery(statement, parameters)).records.map((record) => record.toObject());
    const written = corpus(12);
    const writer = FIXTURES["neo4j-graphrag"]!;
    await writer.build(run, written);
    const [path] = writer.documentIds(written.documents[0]!);
    await run("MATCH (d:Document {path: $path}) SET d.path = 'reports/2023.pdf'", { path });
    await driver.close();
    return makeScene({ instead: { "bolt://127.0.0.1:7687": server.uri } });
  },
  "docs/quickstart-celery.md": async () => {
    const [redis, server] = await Promise.all([startRedis(), startGraphkeeper()]);
    ends.push(
      () => redis.stop(),
      () => server.stop(),
    );
    await server.fill("acme", ["a", "b"]);
    await server.call("POST", "/documents/a/deprecate", { group: "acme", body: {} });
    const scene = await makeScene({
      // Celery warns root, which containers of tests often are.
      environment: { C_FORCE_ROOT: "1", PYTHONUNBUFFERED: "1" },
      instead: {
        "redis://127.0.0.1:6379/0": redis.url,
        "http://127.0.0.1:8000": server.url,
        "your-key": server.apiKey,
      },
    });
    await withPython(scene);
    return scene;
  },
  "docs/quickstart-kubernetes.md": () => makeScene(),
  "docs/quickstart-azure.md": () => makeScene({ folder: "deploy/azure-functions" }),
};

test("every page is in the plan, and every block of it is executed or listed", () => {
  expect(Object.keys(PLAN).sort()).toEqual(pages().sort());
  for (const page of pages()) {
    const { steps, gaps } = match(blocksOf(page), PLAN[page]!);
    expect(gaps).toEqual([]);
    expect(steps.length).toBeGreaterThan(0);
    for (const { treatment } of steps) if ("by" in treatment) expect(existsSync(join(ROOT, treatment.by))).toBe(true);
  }
});

test("a block that nobody planned, and a plan for none, are told", () => {
  const page = "Text\n\n```sh\n# why\nrm -rf everything\n```\n\n```json\n{}\n```\n\n  ```python\n  print(1)\n  ```\n";
  const blocks = blocksOf("page.md", page);
  expect(blocks.map((block) => [block.language, block.line])).toEqual([
    ["sh", 3],
    ["python", 12],
  ]);
  const { gaps } = match(blocks, [["echo", { run: true }]]);
  expect(gaps).toEqual([
    "page.md:3 is neither executed nor listed: rm -rf everything",
    "page.md:12 is neither executed nor listed:   print(1)",
    "the plan has a block that is not on the page: echo",
  ]);
});

describe("the terminal", () => {
  const block = (text: string, language = "sh") => ({ file: "page.md", line: 7, language, text });

  test("keeps exports and aliases, and stops at the first command that fails", async () => {
    const scene = await makeScene({ instead: { "your-name": "Ada" } });
    await scene.carryOut(block('export NAME=your-name\nalias greet="echo hello"\n'), { run: true });
    await scene.carryOut(block('greet "$NAME"\n'), { run: true, prints: /hello Ada/ });
    await scene.carryOut(block('import { ERRORS } from "graphkeeper";\nconsole.log(typeof ERRORS);\n', "ts"), {
      run: true,
      prints: /object/,
    });
    // Planted faults: a command that is not there, a misspelt option in the middle, an answer that is not the promised one.
    const broken: [string, Treatment][] = [
      ["graphkeper serve\n", { run: true }],
      ["greet\nnode bin/graphkeeper.js stale --grup x\ngreet\n", { run: true }],
      ["false | cat\n", { run: true }],
      ["greet\n", { run: true, prints: /goodbye/ }],
      ["exit 3\n", { start: /listening/ }],
    ];
    for (const [text, treatment] of broken)
      await expect(scene.carryOut(block(text), treatment), text).rejects.toThrow("page.md:7");
  });
});

describe.each(Object.keys(PLAN))("%s", (page) => {
  const { steps } = match(blocksOf(page), PLAN[page]!);
  const needs = page.includes("kubernetes") && findProgram("kubectl") === null;
  test.skipIf(needs)("does what it says", { timeout: 900_000 }, async () => {
    const scene = await SETTINGS[page]!();
    for (const { block, treatment } of steps) await scene.carryOut(block, treatment);
  });
});
