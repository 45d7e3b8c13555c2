import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type GraphkeeperServer, startGraphkeeper } from "../servers/graphkeeper.ts";
import { pythonWith } from "../servers/tools.ts";

const FOLDER = fileURLToPath(new URL("../../clients/python", import.meta.url));
let python: string;
let server: GraphkeeperServer;
let folder: string;

beforeAll(async () => {
  python = await pythonWith(["httpx==0.28.1", "pytest==9.1.1", "mypy==2.1.0", "setuptools==83.0.0", "wheel==0.48.0"]);
  folder = await mkdtemp(join(tmpdir(), "gk-python-"));
  server = await startGraphkeeper();
}, 300_000);
afterAll(async () => {
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

function run(args: string[], more: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    PYTHONPATH: join(FOLDER, "src"),
    PYTHONDONTWRITEBYTECODE: "1",
    GRAPHRAG_API_URL: server.url,
    GRAPHRAG_API_KEY: server.apiKey,
    ...more,
  };
  return new Promise((resolve) => {
    execFile(python, args, { cwd: FOLDER, env, timeout: 110_000, maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr });
    });
  });
}

test("the Python client's own tests, against a started service", async () => {
  const { code, output } = await run(["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
  expect(code, output).toBe(0);
  expect(output).toMatch(/\b1\d passed/);
});

test("its types hold (mypy --strict)", async () => {
  const { code, output } = await run(["-m", "mypy", "--strict", "--cache-dir", join(folder, "mypy"), "src"]);
  expect(code, output).toBe(0);
});

test("the wheel has the code and the mark of a typed package", async () => {
  const script = `
import shutil, zipfile, glob, subprocess, sys
shutil.copytree(sys.argv[1], sys.argv[2] + "/copy", ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"))
subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", sys.argv[2], sys.argv[2] + "/copy"], check=True)
print(*sorted(zipfile.ZipFile(glob.glob(sys.argv[2] + "/*.whl")[0]).namelist()))`;
  const { code, output } = await run(["-c", script, FOLDER, folder]);
  expect(code, output).toBe(0);
  for (const file of ["__init__.py", "client.py", "errors.py", "py.typed", "types.py"]) {
    expect(output).toContain(`graphkeeper_client/${file}`);
  }
});

test("the lines of its README run", async () => {
  await server.fill("acme", ["report-2023", "report-2024"]);
  const readme = await readFile(join(FOLDER, "README.md"), "utf8");
  const [, code] = /```python\n([\s\S]*?)```/.exec(readme)!;
  const here = code!.replace("http://127.0.0.1:8000", server.url).replace("…", server.apiKey);
  expect(here).not.toBe(code);
  const result = await run(["-c", here]);
  expect(result, result.output).toEqual({ code: 0, output: "3\n" });
});
