import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { JobStore, RunDetail } from "../../../src/jobs/ports.ts";
import { openPostgresJobs } from "../../../src/stores/postgres/jobs.ts";
import { openSqliteJobs } from "../../../src/stores/sqlite/jobs.ts";
import { type PostgresServer, startPostgres } from "../../servers/postgres.ts";
import type { ProcessConfig } from "./process.ts";
import { endAll, type Started, startProcess } from "./start.ts";

let server: PostgresServer;
let folder: string;
const processes: Started[] = [];
beforeAll(async () => {
  server = await startPostgres();
  folder = mkdtempSync(join(tmpdir(), "gk-jobs-"));
}, 180_000);
afterEach(() => endAll(processes.splice(0)));
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

let places = 0;
const stores = {
  SQLite: async (): Promise<{ place: ProcessConfig["store"]; store: JobStore }> => {
    const path = join(folder, `${++places}.db`);
    return { place: { sqlite: path }, store: await openSqliteJobs({ path }) };
  },
  PostgreSQL: async (): Promise<{ place: ProcessConfig["store"]; store: JobStore }> => {
    const schema = `faults${++places}`;
    return { place: { postgres: server.url, schema }, store: await openPostgresJobs({ url: server.url, schema }) };
  },
};
function start(place: ProcessConfig["store"], owner: string, more: Partial<ProcessConfig> = {}): Started {
  const started = startProcess({
    store: place,
    owner,
    roles: ["worker"],
    leaseMs: 10_000,
    concurrency: 2,
    heavyCap: 1,
    graceMs: 8_000,
    handler: "batches",
    batchMs: 50,
    batches: 100_000,
    ...more,
  });
  processes.push(started);
  return started;
}
async function enqueue(store: JobStore, id = "run-1"): Promise<void> {
  const at = Date.now();
  await store.enqueue({
    id,
    kind: "light",
    groupId: "acme",
    trigger: "manual",
    actor: "test",
    params: {},
    at,
    runAt: at,
    heavy: false,
    maxAttempts: 3,
    mode: "new",
  });
}
async function until(store: JobStore, fits: (run: RunDetail) => boolean, ms: number, id = "run-1"): Promise<RunDetail> {
  for (const end = performance.now() + ms; ; ) {
    const run = await store.run(id);
    if (run !== null && fits(run)) return run;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${JSON.stringify(run)}`);
    await delay(50);
  }
}

describe.each(["SQLite", "PostgreSQL"] as const)("%s", (name) => {
  test("a worker frozen beyond its lease and continued: all its writes are refused", { timeout: 40_000 }, async () => {
    const { place, store } = await stores[name]();
    const frozen = start(place, "frozen", { leaseMs: 2_000 });
    await frozen.said((m) => m.event === "started");
    await enqueue(store);
    const before = await until(store, (run) => run.batches > 3, 10_000);
    frozen.child.kill("SIGSTOP");
    start(place, "fresh", { leaseMs: 2_000 });
    const taken = await until(store, (run) => run.token > before.token && run.batches > before.batches + 3, 15_000);
    frozen.child.kill("SIGCONT");
    const refused = await frozen.said((m) => m.event === "refused");
    expect(refused).toEqual({ event: "refused", token: before.token, code: "LEASE_LOST" });
    await delay(500);
    const after = await until(store, () => true, 1_000);
    expect(after.checkpoint?.token).toBe(taken.token);
    expect(after.attempts.map((a) => [a.owner, a.outcome])).toEqual([
      ["frozen", "lost"],
      ["fresh", null],
    ]);
    // Nothing of the old attempt came in after the new one had begun.
    const log = after.batchLog.map((b) => b.attempt);
    expect(log).toEqual([...log].sort((a, b) => a - b));
    await store.close();
  });

  test("a killed worker's run is resumed from its checkpoint within 15 s", { timeout: 40_000 }, async () => {
    const { place, store } = await stores[name]();
    const survivor = start(place, "survivor", { concurrency: 0 });
    const victim = start(place, "victim");
    await victim.said((m) => m.event === "started");
    await enqueue(store);
    await until(store, (run) => run.batches > 5, 10_000);
    victim.child.kill("SIGKILL");
    const killedAt = performance.now();
    await victim.ended;
    const stopped = await until(store, () => true, 1_000);
    // The survivor only observes; a third process takes the run, as after a restart of the pod.
    expect(survivor.child.exitCode).toBe(null);
    const heir = start(place, "heir");
    const begun = await heir.said((m) => m.event === "begun");
    const tookMs = performance.now() - killedAt;
    console.info(`${name}: resumed after ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(15_000);
    expect(begun.from).toBe(stopped.checkpoint?.done);
    await store.close();
  });

  test("SIGTERM in each phase: exit 0 within 10 s, the run checkpointed and back in the queue", {
    timeout: 60_000,
  }, async () => {
    for (const phase of ["idle", "just claimed", "between batches", "deaf handler"]) {
      const { place, store } = await stores[name]();
      const handler = phase === "deaf handler" ? "deaf" : "batches";
      const child = start(place, "p", {
        handler,
        graceMs: phase === "deaf handler" ? 3_000 : 8_000,
        batchMs: phase === "just claimed" ? 400 : 50,
      });
      await child.said((m) => m.event === "started");
      if (phase !== "idle") {
        await enqueue(store);
        await child.said((m) => m.event === "begun");
      }
      if (phase === "between batches") await until(store, (run) => run.batches > 3, 10_000);
      const askedAt = performance.now();
      child.child.kill("SIGTERM");
      expect(await child.ended, phase).toBe(0);
      expect(performance.now() - askedAt, phase).toBeLessThan(10_000);
      const run = await store.run("run-1");
      if (phase === "just claimed" || phase === "between batches") {
        expect([run?.state, run?.failures, run?.losses], phase).toEqual(["queued", 0, 0]);
        expect(run?.attempts.map((a) => a.outcome)).toEqual(["released"]);
      }
      if (phase === "between batches") expect(run?.checkpoint?.done).toBeGreaterThan(3);
      if (phase === "deaf handler") expect(run?.state).toBe("running");
      await store.close();
    }
  });
});

test("kill -9 of the only process on a file, 20 times: nothing is lost, done twice or waited for", {
  timeout: 90_000,
}, async () => {
  const { place, store } = await stores.SQLite();
  for (let i = 0; i < 100; i++) await enqueue(store, `run-${i}`);
  let done = 0;
  for (let kills = 0; kills < 20; kills++) {
    const child = start(place, `p${kills}`, { exclusive: true, batches: 4, batchMs: 10 });
    await child.said((m) => m.event === "begun");
    await delay(Math.random() * 120);
    child.child.kill("SIGKILL");
    await child.ended;
  }
  const last = start(place, "last", { exclusive: true, batches: 4, batchMs: 10 });
  await last.said((m) => m.event === "started");
  for (let i = 0; i < 100; i++) {
    const run = await until(store, (r) => r.state === "succeeded", 20_000, `run-${i}`);
    expect(run.result).toEqual({ examined: 4 });
    expect(run.batches).toBe(4);
    done++;
  }
  expect(done).toBe(100);
  await store.close();
});
