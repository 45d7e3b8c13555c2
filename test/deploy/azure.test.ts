import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { nominalTime } from "../../deploy/azure-functions/src/nominal-time.ts";
import { type SCHEDULES, scheduleOf } from "../../deploy/azure-functions/src/schedules.ts";
import { parseCron } from "../../src/jobs/cron/parse.ts";
import { type GraphkeeperServer, startGraphkeeper } from "../servers/graphkeeper.ts";
import { type RecordingProxy, startRecordingProxy } from "../servers/recording-proxy.ts";
import { pythonWith } from "../servers/tools.ts";
import type { Registered } from "./azure-host.ts";

/** As the host sends it, in its own spelling: the library makes it camelCase. */
const timerOf = (next: number, pastDue = false) => ({
  Schedule: { AdjustForDST: true },
  ScheduleStatus: {
    Last: new Date(next - 3_600_000).toISOString(),
    Next: new Date(next).toISOString(),
    LastUpdated: new Date(next - 3_600_000).toISOString(),
  },
  IsPastDue: pastDue,
});
const thisHour = () => Math.floor(Date.now() / 3_600_000) * 3_600_000;

let host: Host;
let server: GraphkeeperServer;
let proxy: RecordingProxy;

beforeAll(async () => {
  server = await startGraphkeeper();
  proxy = await startRecordingProxy(server.url);
});
afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
});
afterEach(() => host?.stop());

/** A process with the function app in it, as the host starts it. */
class Host {
  readonly functions: Registered[];
  logs: string[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, functions: Registered[]) {
    this.#child = child;
    this.functions = functions;
  }

  static async start(settings: Record<string, string>): Promise<Host> {
    const env = {
      PATH: process.env.PATH,
      GRAPHRAG_API_URL: `${proxy.url}/`,
      GRAPHRAG_API_KEY: server.apiKey,
      ...settings,
    };
    const child = fork(new URL("./azure-host.ts", import.meta.url), {
      env,
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let printed = "";
    child.stderr?.on("data", (data: Buffer) => {
      printed += data.toString();
    });
    const ended = once(child, "exit").then(() => {
      throw new Error(printed);
    });
    ended.catch(() => {});
    const [message] = (await Promise.race([once(child, "message"), ended])) as [{ registered: Registered[] }];
    return new Host(child, message.registered);
  }

  async invoke(name: string, timer: object): Promise<Record<string, unknown>> {
    const answered = once(this.#child, "message");
    this.#child.send({ name, timer });
    const [{ result, error, logs }] = await answered;
    this.logs = logs;
    if (error !== null) throw new Error(error);
    return result;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await exited;
  }
}

async function loadApp(settings: Record<string, string> = {}): Promise<void> {
  host = await Host.start(settings);
}

describe("the function app, through the library's own registration and invocation", () => {
  test("registers the specification's timer, hourly, with retries", async () => {
    await loadApp();
    expect(host.functions.map((each) => each.name)).toEqual(["maintenance"]);
    const { bindings, retryOptions } = host.functions[0]!;
    const [binding] = Object.values(bindings);
    expect(binding).toMatchObject({ type: "timerTrigger", schedule: "0 0 * * * *", useMonitor: true });
    expect(retryOptions).toMatchObject({ retryStrategy: "exponentialBackoff", maxRetryCount: 5 });
  });

  test("schedules are settings: by name, as an expression, or none", async () => {
    await loadApp({ GRAPHRAG_MAINTENANCE_SCHEDULE: "quarter_hourly", GRAPHRAG_RECOMPUTE_SCHEDULE: "30 1 3 * * 1-5" });
    const schedules = host.functions.map((each) => [each.name, Object.values(each.bindings)[0]!.schedule]);
    expect(schedules).toEqual([
      ["maintenance", "0 */15 * * * *"],
      ["recompute", "30 1 3 * * 1-5"],
    ]);
    await expect(loadApp({ GRAPHRAG_MAINTENANCE_SCHEDULE: "hurly" })).rejects.toThrow(/There is no schedule "hurly"/);
  });

  test("collects and recomputes every stale group, with the nominal time as key", async () => {
    await server.fill("g1", ["a", "b"]);
    await server.fill("g2", ["a"]);
    await server.call("POST", "/documents/a/deprecate", { group: "g1", body: { force: true } });
    await loadApp();
    const from = proxy.calls.length;
    const nominal = new Date(thisHour()).toISOString();
    const summary = await host.invoke("maintenance", timerOf(thisHour()));
    expect(summary).toEqual({ nominal_time: nominal, past_due: false, groups: 2, deleted: 3, recomputed: 2 });
    expect(proxy.calls.slice(from).map(({ path, group, key }) => [path, group, key])).toEqual([
      ["/maintenance/admin/groups/stale", null, null],
      ["/maintenance/run-all-gc", "g1", `azure:run-all-gc:${nominal}`],
      ["/maintenance/recompute-gds", "g1", `azure:recompute-gds:${nominal}`],
      ["/maintenance/run-all-gc", "g2", `azure:run-all-gc:${nominal}`],
      ["/maintenance/recompute-gds", "g2", `azure:recompute-gds:${nominal}`],
    ]);
    expect(await host.invoke("maintenance", timerOf(thisHour()))).toMatchObject({ groups: 0 });
  });

  test("a retry after a lost answer repeats the call with its key, and not the work", async () => {
    await server.fill("g3", ["a"]);
    await loadApp();
    const from = proxy.calls.length;
    // The list comes through; of the collection only the answer is lost.
    proxy.faults.push("pass", "cut after");
    await expect(host.invoke("maintenance", timerOf(thisHour()))).rejects.toThrow("failed for 1 of 1 groups");
    proxy.faults.push({ status: 503 });
    await expect(host.invoke("maintenance", timerOf(thisHour()))).rejects.toThrow(/503/);
    await host.invoke("maintenance", timerOf(thisHour()));
    const { runs } = await server.call<{ runs: { kind: string }[] }>("GET", "/maintenance/runs", { group: "g3" });
    expect(runs.map((run) => run.kind).sort()).toEqual(["gc_all", "recompute"]);
    expect(proxy.calls.slice(from).filter((call) => call.path.endsWith("/stale"))).toHaveLength(3);
  });

  test("a group that fails keeps no other from its turn, and the host is told", async () => {
    await server.fill("g4", ["a"]);
    await server.fill("g5", ["a"]);
    await loadApp();
    const groups = server.call<{ groups: { group_id: string }[] }>("GET", "/maintenance/admin/groups/stale");
    expect((await groups).groups.map((each) => each.group_id)).toEqual(["g4", "g5"]);
    proxy.faults.push("pass", { status: 500 });
    await expect(host.invoke("maintenance", timerOf(thisHour()))).rejects.toThrow(
      "Maintenance failed for 1 of 2 groups.",
    );
    expect(host.logs.join("\n")).toMatch(/g4: POST \/maintenance\/run-all-gc answered 500/);
    const left = await server.call<{ groups: { group_id: string }[] }>("GET", "/maintenance/admin/groups/stale");
    expect(left.groups.map((each) => each.group_id)).toEqual(["g4"]);
    await host.invoke("maintenance", timerOf(thisHour()));
  });

  test("past due: one run stands for the first occurrence that was missed, and says so", async () => {
    await server.fill("g6", ["a"]);
    await loadApp();
    const missed = thisHour() - 5 * 3_600_000;
    const summary = await host.invoke("maintenance", timerOf(missed, true));
    expect(summary).toMatchObject({ nominal_time: new Date(missed).toISOString(), past_due: true, groups: 1 });
    expect(host.logs.join("\n")).toContain("past due");
  });

  test("with a schedule of their own recomputes wait for it", async () => {
    await server.fill("g7", ["a"]);
    await loadApp({ GRAPHRAG_RECOMPUTE_SCHEDULE: "daily" });
    expect(await host.invoke("maintenance", timerOf(thisHour()))).toMatchObject({ groups: 1, recomputed: 0 });
    expect(await host.invoke("recompute", timerOf(thisHour()))).toMatchObject({ groups: 1, recomputed: 1 });
  });
});

describe("nominal time", () => {
  const now = Date.parse("2026-11-24T14:00:00.213Z");
  const of = (last: string, next: string) =>
    nominalTime({ scheduleStatus: { last, next, lastUpdated: last } }, now).toISOString();
  test("is the occurrence that was due, whichever the host calls it", () => {
    expect(of("2026-11-24T13:00:00.1Z", "2026-11-24T14:00:00Z")).toBe("2026-11-24T14:00:00.000Z");
    expect(of("2026-11-24T14:00:00Z", "2026-11-24T15:00:00Z")).toBe("2026-11-24T14:00:00.000Z");
    // With an offset, as hosts with WEBSITE_TIME_ZONE write it; fired a little early.
    expect(of("2026-11-24T14:00:00+01:00", "2026-11-24T15:00:01+01:00")).toBe("2026-11-24T14:00:01.000Z");
  });
  test("is the minute where there is no status", () => {
    expect(of("0001-01-01T00:00:00", "0001-01-01T00:00:00")).toBe("2026-11-24T14:00:00.000Z");
    expect(nominalTime({ scheduleStatus: null as never }, now).toISOString()).toBe("2026-11-24T14:00:00.000Z");
  });
});

test("the function app builds by its own configuration", async () => {
  const out = await mkdtemp(join(tmpdir(), "gk-azure-"));
  try {
    const tsc = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
    const project = fileURLToPath(new URL("../../deploy/azure-functions/tsconfig.json", import.meta.url));
    await promisify(execFile)(process.execPath, [tsc, "-p", project, "--outDir", out]);
    // What package.json names as the entry, `dist/functions/*.js`.
    expect(await readdir(join(out, "functions"))).toEqual(["maintenance.js"]);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
});

test("the five schedules mean what the specification says, by our own reading of NCRONTAB", () => {
  const start = Date.parse("2026-11-24T14:05:00Z"); // a Tuesday
  const next = (name: keyof typeof SCHEDULES) =>
    parseCron("ncrontab", scheduleOf(name, null)!, "UTC")
      .preview(2, start)
      .map((at) => new Date(at).toISOString().slice(5, 16));
  expect(next("hourly")).toEqual(["11-24T15:00", "11-24T16:00"]);
  expect(next("quarter_hourly")).toEqual(["11-24T14:15", "11-24T14:30"]);
  expect(next("six_hourly")).toEqual(["11-24T18:00", "11-25T00:00"]);
  expect(next("daily")).toEqual(["11-25T02:00", "11-26T02:00"]);
  expect(next("weekly")).toEqual(["11-29T02:00", "12-06T02:00"]);
});

/** Distinct keys of one group's calls in 4 occurrences of each schedule, at the time and 5 s early, each tried twice. */
const SLOTS = `
import json, maintenance_timer as m
from datetime import datetime, timedelta, timezone
def slots(times, with_status):
    found = []
    for last, at in zip(times, times[1:]):
        for now in (at - timedelta(seconds=5), at + timedelta(seconds=2)) if with_status else (at + timedelta(seconds=2),):
            status = {"Last": last.isoformat(), "Next": at.isoformat()} if with_status else None
            found += [m.nominal_time(status, now), m.nominal_time(status, now)]
    return len(set(found))
start = datetime(2026, 11, 24, tzinfo=timezone.utc)
steps = {"hourly": 60, "quarter_hourly": 15, "six_hourly": 360, "daily": 1440, "weekly": 10080}
def occurrences(minutes): return [start + timedelta(minutes=minutes * i) for i in range(5)]
print(json.dumps({name: [slots(occurrences(step), True), slots(occurrences(step), False)] for name, step in steps.items()}))
print(m.nominal_time({"Last": "0001-01-01T00:00:00", "Next": "nonsense"}, start + timedelta(seconds=9)))`;

test("the example in Python, with Microsoft's own library", async () => {
  await server.fill("python-1", ["a", "b"]);
  await server.fill("python-2", ["a"]);
  await server.call("POST", "/documents/a/deprecate", { group: "python-1", body: { force: true } });
  const python = await pythonWith(["azure-functions==1.26.0", "httpx==0.28.1"]);
  const script = `
import asyncio, logging, maintenance_timer
maintenance_timer.PAGE_SIZE = 1
from azure.functions.timer import TimerRequest
logging.basicConfig(level=logging.INFO)
asyncio.run(maintenance_timer.main(TimerRequest(past_due=True)))`;
  const run = (code: string) =>
    new Promise<string>((resolve, reject) => {
      const env = {
        PATH: process.env.PATH,
        PYTHONPATH: fileURLToPath(new URL("../../deploy/azure-functions/python", import.meta.url)),
        PYTHONDONTWRITEBYTECODE: "1",
        GRAPHRAG_API_URL: server.url,
        GRAPHRAG_API_KEY: server.apiKey,
      };
      execFile(python, ["-c", code], { env }, (error, stdout, stderr) =>
        error ? reject(error) : resolve(stdout + stderr),
      );
    });
  const output = await run(script);
  expect(output).toContain("The timer is past due");
  expect(output).toMatch(/run-all-gc for python-1/);
  expect(output).toMatch(/run-all-gc for python-2/);
  const [slots, first] = (await run(SLOTS)).trim().split("\n");
  for (const [schedule, counts] of Object.entries(JSON.parse(slots!))) expect(counts, schedule).toEqual([4, 4]);
  expect(first).toBe("2026-11-24T00:00:00Z");
  const { groups } = await server.call<{ groups: unknown[] }>("GET", "/maintenance/admin/groups/stale");
  expect(groups).toEqual([]);
});
