import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GraphkeeperServer, startGraphkeeper } from "../servers/graphkeeper.ts";
import { type RecordingProxy, startRecordingProxy } from "../servers/recording-proxy.ts";
import { type RedisServer, startRedis } from "../servers/redis.ts";
import { pythonWith } from "../servers/tools.ts";

const execute = promisify(execFile);
const FOLDER = fileURLToPath(new URL("../../deploy/celery", import.meta.url));
let python: string;
let redis: RedisServer;
let server: GraphkeeperServer;
let proxy: RecordingProxy;
let folder: string;
const children: ChildProcess[] = [];
let log = "";

beforeAll(async () => {
  python = await pythonWith(["celery[redis]==5.7.0", "httpx==0.28.1"]);
  folder = await mkdtemp(join(tmpdir(), "gk-celery-"));
  redis = await startRedis();
  server = await startGraphkeeper();
  proxy = await startRecordingProxy(server.url);
}, 300_000);
afterAll(async () => {
  for (const child of children) await end(child);
  await proxy?.stop();
  await server?.stop();
  await redis?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

function environment(more: Record<string, string> = {}) {
  return {
    PATH: process.env.PATH,
    HOME: folder,
    PYTHONPATH: FOLDER,
    PYTHONDONTWRITEBYTECODE: "1",
    // Celery warns root, which containers of tests often are.
    C_FORCE_ROOT: "1",
    CELERY_BROKER_URL: redis.url,
    GRAPHRAG_API_URL: proxy.url,
    GRAPHRAG_API_KEY: server.apiKey,
    ...more,
  };
}

function celery(args: string[], more: Record<string, string> = {}): ChildProcess {
  const child = spawn(python, ["-m", "celery", "-A", "celery_config", ...args], {
    cwd: folder,
    env: environment(more),
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (data: Buffer) => {
      log = (log + data.toString()).slice(-50_000);
    });
  }
  children.push(child);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  // A worker's first signal is a warm stop; a beat's ends it.
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await exited;
  clearTimeout(late);
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const limit = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error(`${what} did not happen within 60 s:\n${log}`);
    await delay(100);
  }
}

async function stale(): Promise<string[]> {
  const { groups } = await server.call<{ groups: { group_id: string }[] }>("GET", "/maintenance/admin/groups/stale");
  return groups.map((group) => group.group_id);
}

test("the schedule is the specification's", async () => {
  const script = `
import json
from celery_config import app
app.loader.import_default_modules()
print(json.dumps({name: [e["task"], repr(e["schedule"]), list(e.get("args", ())), e["options"]["expires"] > 0, e["task"] in app.tasks,
  app.tasks[e["task"]].acks_late] for name, e in app.conf.beat_schedule.items()}))`;
  const { stdout } = await execute(python, ["-c", script], { cwd: folder, env: environment() });
  const crontab = (text: string) => `<crontab: ${text} (m/h/dM/MY/d)>`;
  expect(JSON.parse(stdout)).toEqual({
    "gc-orphan-entities": ["tasks.run_gc_job", crontab("0 * * * *"), ["orphan_entities"], true, true, true],
    "gc-stale-edges": ["tasks.run_gc_job", crontab("15 * * * *"), ["stale_edges"], true, true, true],
    "gc-deprecated-vectors": ["tasks.run_gc_job", crontab("30 * * * *"), ["deprecated_vectors"], true, true, true],
    "gds-recompute": ["tasks.recompute_gds_stale_groups", crontab("0 2 * * *"), [], true, true, true],
  });
});

describe("a real beat and a real worker", () => {
  test("bring stale groups up to date; a lost answer and a service that is away are tried again with the same key", async () => {
    await server.fill("g1", ["a", "b"]);
    await server.fill("g2", ["a"]);
    await server.call("POST", "/documents/a/deprecate", { group: "g1", body: { force: true } });
    proxy.faults.push({ status: 503 }, "cut after");
    celery(["worker", "--pool", "threads", "--concurrency", "4", "-l", "info"], { GRAPHRAG_BEAT_SECONDS: "2" });
    const beat = celery(["beat", "-l", "info", "-s", join(folder, "beat-1")], { GRAPHRAG_BEAT_SECONDS: "2" });
    await until("all groups fresh", async () => (await stale()).length === 0);
    const { counts } = await server.call<{ counts: { entities: { parked: number } } }>("GET", "/maintenance/health", {
      group: "g1",
    });
    expect(counts.entities.parked).toBe(3);
    const paths = new Set(proxy.calls.map((call) => call.path));
    expect([...paths].sort()).toEqual([
      "/maintenance/gc/deprecated_vectors",
      "/maintenance/gc/orphan_entities",
      "/maintenance/gc/stale_edges",
      "/maintenance/recompute-gds",
    ]);
    // What failed comes again under its own key, although beat went on with other slots.
    const failed = proxy.calls.slice(0, 2);
    await until("the retries", () =>
      failed.every((call) => proxy.calls.filter((each) => each.key === call.key).length > 1),
    );
    await end(beat);
  });

  test("two beats by mistake send for the same slots: the service does the work once", async () => {
    await server.fill("g3", ["a", "b"]);
    const from = proxy.calls.length;
    const beats = [2, 3].map((n) =>
      celery(["beat", "-l", "info", "-s", join(folder, `beat-${n}`)], { GRAPHRAG_BEAT_SECONDS: "2" }),
    );
    const twice = () => {
      const seen = new Map<string, number>();
      for (const call of proxy.calls.slice(from)) seen.set(call.key ?? "", (seen.get(call.key ?? "") ?? 0) + 1);
      return [...seen].filter(([, times]) => times === 2).map(([key]) => key);
    };
    await until("slots that both beats sent for", () => twice().length >= 4);
    for (const beat of beats) await end(beat);
    await until("fresh", async () => (await stale()).length === 0);
    for (const key of twice()) expect(key).toMatch(/^celery:(gc-[a-z-]+|gds-recompute):\d{10}$/);
    // One key, one run: in every group, each run has a key of its own.
    const { runs } = await server.call<{ runs: { id: string; kind: string }[] }>(
      "GET",
      "/maintenance/runs?limit=1000",
      {
        group: "g3",
      },
    );
    // A slot that comes while the first run is still under way finds the group stale as well: one run per slot, not per call.
    const sent = proxy.calls.slice(from).filter((call) => call.key?.startsWith("celery:gds-recompute:"));
    const slots = new Set(sent.map((call) => call.key)).size;
    expect(sent.length).toBeGreaterThan(slots);
    const recomputes = runs.filter((run) => run.kind === "recompute").length;
    expect(recomputes).toBeGreaterThanOrEqual(1);
    expect(recomputes).toBeLessThanOrEqual(slots);
  });

  test("a key that is refused is an error and no retry", async () => {
    const script = `
from celery_config import app
import tasks
try:
    tasks.run_gc_job.apply(args=("orphan_entities",), throw=True)
except Exception as error:
    print(type(error).__name__, str(error).split("'")[1])
try:
    tasks.run_gc_job.apply(args=("everything",), throw=True)
except ValueError as error:
    print(error)`;
    const env = environment({ GRAPHRAG_API_KEY: "wrong" });
    const { stdout } = await execute(python, ["-c", script], { cwd: folder, env });
    expect(stdout.split("\n")[0]).toBe("HTTPStatusError 401 Unauthorized");
    expect(stdout.split("\n")[1]).toContain("There is no job type 'everything'");
  });
});
