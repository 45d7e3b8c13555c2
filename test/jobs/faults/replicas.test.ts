import { setTimeout as delay } from "node:timers/promises";
import { Pool } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/jobs/clock.ts";
import type { JobStore } from "../../../src/jobs/ports.ts";
import { Schedules } from "../../../src/jobs/schedules.ts";
import { openPostgresJobs } from "../../../src/stores/postgres/jobs.ts";
import { type PostgresServer, startPostgres } from "../../servers/postgres.ts";
import type { ProcessConfig } from "./process.ts";
import { endAll, type Started, startProcess } from "./start.ts";

/** Seconds of random kills: 40 in the ordinary suite, 3 minutes in CI, 10 in the long form. */
const KILL_SECONDS = process.env.GRAPHKEEPER_LONG === "1" ? 600 : process.env.CI === "true" ? 180 : 40;

let server: PostgresServer;
let pool: Pool;
const processes: Started[] = [];
beforeAll(async () => {
  server = await startPostgres();
  pool = new Pool({ connectionString: server.url });
  // Its idle connections may outlive the server by a moment.
  pool.on("error", () => {});
}, 180_000);
afterEach(() => endAll(processes.splice(0)));
afterAll(async () => {
  await pool?.end();
  await server?.stop();
});

async function open(schema: string): Promise<JobStore> {
  const store = await openPostgresJobs({ url: server.url, schema });
  await pool.query(
    `CREATE TABLE ${schema}.effects (id bigserial PRIMARY KEY, run_id text, group_id text, token bigint, begun_at timestamptz, ended_at timestamptz)`,
  );
  return store;
}
function start(schema: string, owner: string, more: Partial<ProcessConfig> = {}): Started {
  const started = startProcess({
    store: { postgres: server.url, schema },
    owner,
    roles: ["scheduler", "worker"],
    leaseMs: 3_000,
    concurrency: 4,
    heavyCap: 2,
    graceMs: 5_000,
    handler: "effect",
    ...more,
  });
  processes.push(started);
  return started;
}
const p95 = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)] as number;

/** Pairs of executions of one group that were under way at the same time. */
async function overlaps(schema: string): Promise<number> {
  const { rows } = await pool.query(
    `SELECT count(*) AS n FROM ${schema}.effects a JOIN ${schema}.effects b ON a.group_id = b.group_id AND a.id < b.id
     WHERE a.ended_at IS NOT NULL AND b.ended_at IS NOT NULL AND a.begun_at < b.ended_at AND b.begun_at < a.ended_at`,
  );
  return Number(rows[0].n);
}

describe("several processes on PostgreSQL", () => {
  test(`exactly one run per occurrence: 3 processes, 2-second schedules, kill -9 at random for ${KILL_SECONDS} s`, {
    timeout: (KILL_SECONDS + 90) * 1_000,
  }, async () => {
    const schema = "killed";
    const store = await open(schema);
    const schedules = new Schedules(store, systemClock, { light: {}, other: {} });
    const ids = ["s1", "s2", "s3", "s4"];
    for (const [i, id] of ids.entries()) {
      await schedules.set(id, {
        kind: i % 2 === 0 ? "light" : "other",
        target: { groupId: `group-${id}` },
        dialect: "ncrontab",
        expression: "*/2 * * * * *",
        overlap: "allow",
        catchUp: { policy: "all", max: 1_000 },
        catchUpWindowMs: 3_600_000,
        spreadMs: 0,
      });
    }
    const alive = [start(schema, "p1"), start(schema, "p2"), start(schema, "p3")];
    await Promise.all(alive.map((p) => p.said((m) => m.event === "started")));
    const begunAt = Date.now();
    let kills = 0;
    for (const until = begunAt + KILL_SECONDS * 1_000; Date.now() < until; kills++) {
      await delay(500 + Math.random() * 2_000);
      const victim = Math.floor(Math.random() * 3);
      alive[victim]?.child.kill("SIGKILL");
      await alive[victim]?.ended;
      alive[victim] = start(schema, `p${4 + kills}`);
      await alive[victim]?.said((m) => m.event === "started");
    }
    const endedAt = Date.now();
    for (const id of ids) await schedules.set(id, { enabled: false });
    const waiting = () => store.runs({ states: ["queued", "running"], limit: 10 });
    for (let i = 0; (await waiting()).length > 0 && i < 150; i++) await delay(200);

    const doubled: string[] = [];
    const missing: string[] = [];
    const late: number[] = [];
    const decidedLate: number[] = [];
    let occurrencesSeen = 0;
    for (const id of ids) {
      const runs = await store.runs({ scheduleId: id, limit: 100_000 });
      const byTime = new Map<number, number>();
      for (const run of runs) {
        byTime.set(run.nominalAt as number, (byTime.get(run.nominalAt as number) ?? 0) + 1);
        if (run.state !== "succeeded") missing.push(`${id} ${run.id} ${run.state}`);
        late.push((run.startedAt as number) - (run.nominalAt as number));
      }
      for (const [time, count] of byTime) if (count > 1) doubled.push(`${id} ${time}`);
      // Every even second from the first to the last that all processes lived through.
      for (let time = Math.ceil(begunAt / 2_000) * 2_000; time < endedAt - 2_000; time += 2_000) {
        if (!byTime.has(time)) missing.push(`${id} ${time}`);
      }
      const occurrences = await store.occurrences({ scheduleId: id, limit: 100_000 });
      occurrencesSeen += occurrences.length;
      for (const o of occurrences) decidedLate.push(o.decidedAt - o.nominalAt);
      expect(new Set(occurrences.map((o) => o.outcome))).toEqual(new Set(["fired"]));
      expect(occurrences.length).toBe(runs.length);
    }
    console.info(
      `${kills} kills, ${occurrencesSeen} occurrences; lateness p95: decided ${p95(decidedLate)} ms, begun ${p95(late)} ms, worst ${Math.max(...late)} ms`,
    );
    expect(kills).toBeGreaterThan(KILL_SECONDS / 6);
    expect(doubled).toEqual([]);
    expect(missing).toEqual([]);
    expect(p95(decidedLate)).toBeLessThan(500);
    expect(p95(late)).toBeLessThan(500);
    await store.close();
  });

  test("one run per group: 8 workers × 2 processes × 200 jobs", { timeout: 90_000 }, async () => {
    const schema = "crowd";
    const store = await open(schema);
    for (let i = 0; i < 200; i++) {
      const at = Date.now();
      const kind = i % 10 === 0 ? "heavy" : i % 2 === 0 ? "light" : "other";
      await store.enqueue({
        id: `job-${i}`,
        kind,
        groupId: `g${i % 12}`,
        trigger: "manual",
        actor: "test",
        params: {},
        at,
        runAt: at,
        heavy: kind === "heavy",
        maxAttempts: 1,
        mode: "new",
      });
    }
    start(schema, "p1", { concurrency: 8, roles: ["worker"] });
    start(schema, "p2", { concurrency: 8, roles: ["worker"] });
    for (let i = 0; (await store.runs({ states: ["queued", "running"], limit: 1 })).length > 0 && i < 300; i++)
      await delay(200);
    const runs = await store.runs({ limit: 1_000 });
    expect(runs.map((r) => r.state)).toEqual(Array(200).fill("succeeded"));
    const { rows } = await pool.query(`SELECT count(*) AS n, count(DISTINCT run_id) AS runs FROM ${schema}.effects`);
    expect([Number(rows[0].n), Number(rows[0].runs)]).toEqual([200, 200]);
    expect(await overlaps(schema)).toBe(0);
    const owners = new Set(
      (await Promise.all(runs.map((r) => store.run(r.id)))).flatMap((r) => r?.attempts.map((a) => a.owner)),
    );
    expect(owners).toEqual(new Set(["p1", "p2"]));
    await store.close();
  });
});
