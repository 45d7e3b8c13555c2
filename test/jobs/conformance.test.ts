import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FakeClock } from "../../src/conformance/jobs/clock.ts";
import { jobStoreConformance } from "../../src/conformance/jobs/suite.ts";
import type { JobStore } from "../../src/jobs/ports.ts";
import { eventRequest } from "../../src/jobs/requests.ts";
import { openPostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { createJobTables, enqueueInTransaction, openSqliteJobs } from "../../src/stores/sqlite/jobs.ts";
import { type PostgresServer, startPostgres } from "../servers/postgres.ts";

const places = new Map<JobStore, string>();

describe("SQLite", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "gk-jobs-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let files = 0;
  const open = async (clock: FakeClock, path = join(folder, `${++files}.db`)) => {
    const store = await openSqliteJobs({ path, now: () => clock.now() });
    places.set(store, path);
    return store;
  };
  jobStoreConformance({ test, open, reopen: (store, clock) => open(clock, places.get(store)) });

  test("a run is put into the caller's own transaction: both are committed, or neither", async () => {
    const { DatabaseSync } = await import("node:sqlite");
    const path = join(folder, "shared.db");
    const graph = new DatabaseSync(path);
    graph.exec("PRAGMA journal_mode = WAL");
    graph.exec("BEGIN IMMEDIATE; CREATE TABLE graph (x)");
    createJobTables(graph);
    graph.exec("COMMIT");
    const store = await openSqliteJobs({ path });
    const event = (id: string, at: number) => eventRequest({ gc: {} }, { kind: "gc", groupId: "acme" }, id, at);
    graph.exec("BEGIN IMMEDIATE; INSERT INTO graph VALUES (1)");
    expect(enqueueInTransaction(graph, event("r1", 1_000))).toEqual({ runId: "r1", outcome: "created" });
    graph.exec("ROLLBACK");
    expect(await store.runs({ limit: 5 })).toEqual([]);
    graph.exec("BEGIN IMMEDIATE; INSERT INTO graph VALUES (1)");
    enqueueInTransaction(graph, event("r2", 2_000));
    graph.exec("COMMIT; BEGIN IMMEDIATE; INSERT INTO graph VALUES (2)");
    expect(enqueueInTransaction(graph, event("r3", 3_000))).toEqual({ runId: "r2", outcome: "joined" });
    // The job store does not block the event loop while the graph holds the write lock; it waits and then goes on.
    const claiming = store.claim({ owner: "w", at: 40_000, kinds: ["gc"], heavyCap: 1 });
    const begun = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Had the claim waited inside SQLite, this line would have come only after its ten seconds.
    expect(performance.now() - begun).toBeLessThan(5_000);
    graph.exec("COMMIT");
    expect(await claiming).toMatchObject({ id: "r2", events: 2, runAt: 33_000 });
    await store.close();
    graph.close();
  });

  test("a file of version 1 is brought up to date, its runs with it", async () => {
    const { DatabaseSync } = await import("node:sqlite");
    const path = join(folder, "older.db");
    const before = await openSqliteJobs({ path });
    await before.enqueue(eventRequest({ gc: {} }, { kind: "gc", groupId: "acme" }, "old", 1_000));
    await before.close();
    const db = new DatabaseSync(path);
    db.exec("ALTER TABLE job_runs DROP COLUMN traces; UPDATE job_meta SET value = '1' WHERE key = 'version'");
    db.close();
    const store = await openSqliteJobs({ path });
    const trace = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
    const joined = await store.enqueue(eventRequest({ gc: {} }, { kind: "gc", groupId: "acme", trace }, "new", 2_000));
    expect(joined).toMatchObject({ outcome: "joined", run: { id: "old", traces: [trace] } });
    await store.close();
  });

  test("a file of a newer version is refused and left as it is", async () => {
    const { DatabaseSync } = await import("node:sqlite");
    const path = join(folder, "newer.db");
    await (await openSqliteJobs({ path })).close();
    const db = new DatabaseSync(path);
    db.exec("UPDATE job_meta SET value = '99' WHERE key = 'version'");
    db.close();
    await expect(openSqliteJobs({ path })).rejects.toMatchObject({ code: "DATA_FROM_NEWER_VERSION" });
  });
});

describe("PostgreSQL", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  }, 180_000);
  afterAll(async () => {
    await server?.stop();
  });
  let schemas = 0;
  const open = async (clock: FakeClock, schema = `t${++schemas}`) => {
    const store = await openPostgresJobs({ url: server.url, schema, now: () => clock.now() });
    places.set(store, schema);
    return store;
  };
  jobStoreConformance({
    test: (name, run) => test(name, { timeout: 30_000 }, run),
    open,
    reopen: (store, clock) => open(clock, places.get(store)),
  });

  test("pg-boss holds exactly the active claims, under its singleton policy", async () => {
    const { Pool } = await import("pg");
    const store = await openPostgresJobs({ url: server.url, schema: "inside" });
    const pool = new Pool({ connectionString: server.url });
    pool.on("error", () => {});
    try {
      const claims = async () =>
        (await pool.query("SELECT state, policy, singleton_key FROM inside_boss.job ORDER BY singleton_key")).rows;
      for (const groupId of ["a", "a", "b"]) {
        await store.enqueue({
          id: crypto.randomUUID(),
          kind: "k",
          groupId,
          trigger: "manual",
          actor: "",
          params: {},
          at: 1,
          runAt: 1,
          heavy: false,
          maxAttempts: 1,
          mode: "new",
        });
      }
      const runs = [];
      for (let i = 0; i < 3; i++) runs.push(await store.claim({ owner: "w", at: 2, kinds: ["k"], heavyCap: 1 }));
      expect(runs.map((r) => r?.groupId)).toEqual(["a", "b", undefined]);
      expect(await claims()).toEqual(
        ["a", "b"].map((key) => ({ state: "active", policy: "singleton", singleton_key: key })),
      );
      for (const run of runs)
        if (run)
          await store.settle(
            { runId: run.id, groupId: run.groupId, token: run.token },
            { as: "succeeded", at: 3, result: {} },
          );
      expect(await claims()).toEqual([]);
    } finally {
      await pool.end();
      await store.close();
    }
  });

  test("a claim that pg-boss refuses is not made", async () => {
    const { PgBoss } = await import("pg-boss");
    const store = await openPostgresJobs({ url: server.url, schema: "refused" });
    const boss = new PgBoss({
      connectionString: server.url,
      schema: "refused_boss",
      supervise: false,
      schedule: false,
    });
    try {
      await boss.start();
      await boss.send("graphkeeper", {}, { singletonKey: "busy" });
      expect((await boss.fetch("graphkeeper")).length).toBe(1);
      for (const groupId of ["busy", "free"]) {
        await store.enqueue(eventRequest({ k: {} }, { kind: "k", groupId }, groupId, 0));
      }
      const claim = () => store.claim({ owner: "w", at: 1e6, kinds: ["k"], heavyCap: 1 });
      // Whichever run it looks at first, the busy group's is never begun, and nothing of the attempt stays behind.
      for (let i = 0; i < 3; i++) expect((await claim())?.groupId ?? "none").not.toBe("busy");
      expect(await store.run("busy")).toMatchObject({ state: "queued", attempt: 0, attempts: [] });
    } finally {
      await boss.stop({ graceful: false });
      await store.close();
    }
  });

  test("without its optional packages it says what to install", async () => {
    const store = new URL("../../src/stores/postgres/jobs.ts", import.meta.url).href;
    const script = `
      import { registerHooks } from "node:module";
      registerHooks({ resolve(name, context, next) {
        if (name === "pg-boss") throw Object.assign(new Error("not installed"), { code: "ERR_MODULE_NOT_FOUND" });
        return next(name, context);
      } });
      const { openPostgresJobs } = await import(${JSON.stringify(store)});
      await openPostgresJobs({ url: "postgres://x@127.0.0.1:1/x" }).catch((e) => console.log(e.code, e.message));`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      "--no-warnings",
      "--input-type=module",
      "-e",
      script,
    ]);
    expect(stdout).toBe(
      "INVALID_CONFIG Jobs in PostgreSQL need the packages pg and pg-boss: npm install pg pg-boss@12\n",
    );
  });

  test("the store's time is the database's, and a dead server is said so", async () => {
    const store = await openPostgresJobs({ url: server.url, schema: "clock" });
    expect(Math.abs((await store.time()) - Date.now())).toBeLessThan(5_000);
    await store.close();
    await expect(openPostgresJobs({ url: "postgres://nobody@127.0.0.1:1/none" })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
    await expect(openPostgresJobs({ url: server.url, schema: "x; DROP" })).rejects.toMatchObject({
      code: "INVALID_CONFIG",
    });
  });
});
