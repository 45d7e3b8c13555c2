import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Neo4jServer, startNeo4j } from "../servers/neo4j.ts";
import { type PostgresServer, startPostgres } from "../servers/postgres.ts";
import { documentIds, Files, GROUP, nativeLines } from "./graph.ts";
import { endServers, Server } from "./server.ts";

const files = new Files();
afterEach(endServers);
afterAll(() => files.remove());

test("one server per SQLite file: the second is refused and told the process id of the first", {
  timeout: 30_000,
}, async () => {
  const data = files.path();
  const first = await Server.start(data);
  const second = Server.spawn(data);
  expect(await second.ended).toBe(5);
  const said = JSON.parse(second.log.trim().split("\n").at(-1) as string);
  expect(said).toMatchObject({ code: "STORE_LOCKED", pid: first.child.pid, address: first.url });
  // The first did not notice; and when it is killed, its lock holds nobody up.
  expect(await first.call("GET", "/readyz")).toMatchObject({ status: "ready" });
  await first.kill();
  const third = await Server.start(data);
  expect((await third.stop()).code).toBe(0);
});

const INSTALLATION_KEY = `gkik_${Buffer.alloc(32, 7).toString("base64url")}`;

describe("processes that share PostgreSQL and Neo4j", { timeout: 180_000 }, () => {
  let postgres: PostgresServer;
  let neo4j: Neo4jServer;
  let lines: string;
  beforeAll(async () => {
    [postgres, neo4j, lines] = await Promise.all([startPostgres(), startNeo4j(), nativeLines(40)]);
  }, 300_000);
  afterAll(async () => {
    await Promise.all([postgres?.stop(), neo4j?.stop()]);
  }, 60_000);

  const start = (roles: string) =>
    // Keys are each process's own: the file beside the shared stores.
    Server.start(files.path(), {
      roles,
      environment: {
        NEO4J_URI: neo4j.uri,
        GRAPHKEEPER_POSTGRES_URL: postgres.url,
        GRAPHKEEPER_BATCH_SIZE: "10",
        // What several processes write into one audit is checked with one key.
        GRAPHKEEPER_INSTALLATION_KEY: INSTALLATION_KEY,
      },
    });
  async function fill(server: Server, group: string): Promise<void> {
    await server.call("POST", `/groups/${group}/import`, { body: lines });
    const body = { verb: "deprecate", documents: documentIds(20), force: true };
    await server.call("POST", "/documents/bulk", { group, body });
  }

  test("what one process asks for, another carries out; a schedule set here fires there", async () => {
    const [front, back] = await Promise.all([start("http"), start("scheduler,worker")]);
    expect(back.url).toBe("");
    await fill(front, GROUP);
    const collected = await front.send("POST", "/maintenance/run-all-gc?wait=60", { group: GROUP });
    expect(collected).toMatchObject({ status: 200, body: { status: "succeeded", fresh: true } });
    expect(collected.body.deleted).toBeGreaterThan(0);
    const run = await front.run(collected.body.run_id);
    expect(run.attempts).toMatchObject([
      { owner: expect.stringContaining(`:${back.child.pid}:`), outcome: "succeeded" },
    ]);
    const recomputed = await front.send("POST", "/maintenance/recompute-gds?wait=60", { group: GROUP });
    expect(recomputed).toMatchObject({ status: 200, body: { status: "succeeded", fresh: true } });
    expect(await front.call("GET", `/groups/${GROUP}/verify`)).toEqual({ clean: true, findings: [] });

    const body = { kind: "stale_edges", dialect: "ncrontab", expression: "*/2 * * * * *", target: { group_id: GROUP } };
    await front.call("PUT", "/maintenance/schedules/quick", { body });
    const fired = async () => (await front.call("GET", "/maintenance/runs?schedule=quick&state=succeeded")).runs;
    for (const end = performance.now() + 20_000; (await fired()).length < 2; ) {
      expect(performance.now(), "two runs within 20 s").toBeLessThan(end);
      await once(AbortSignal.timeout(200), "abort");
    }
    await front.call("DELETE", "/maintenance/schedules/quick");
    expect((await Promise.all([front.stop(), back.stop()])).map((end) => end.code)).toEqual([0, 0]);
  });

  test("kill -9 of the worker during a collection: another resumes it from its checkpoint within 15 s", async () => {
    const [front, victim] = await Promise.all([start("http"), start("worker")]);
    await fill(front, "other");
    const id = await front.begin("gc_all", "other");
    const before = await front.runUntil(id, (run) => run.batches > 5);
    expect(before).toMatchObject({ state: "running", owner: expect.stringContaining(`:${victim.child.pid}:`) });
    const heir = await start("worker");
    await victim.kill();
    const killedAt = performance.now();
    await front.runUntil(id, (run) => run.attempt === 2, 15_000);
    console.info(`PostgreSQL and Neo4j: resumed after ${Math.round(performance.now() - killedAt)} ms`);
    const run = await front.finish(id);
    expect(run.attempts.map((a: { outcome: string }) => a.outcome)).toEqual(["lost", "succeeded"]);
    expect(run).toMatchObject({ state: "succeeded", failures: 0, result: { fresh: true } });
    // From the checkpoint: the result counts what the victim did as well, but for one batch.
    expect(run.result.deleted).toBeGreaterThan(before.progress.done - 10);
    expect(await front.call("GET", "/groups/other/verify")).toEqual({ clean: true, findings: [] });
    expect((await Promise.all([front.stop(), heir.stop()])).map((end) => end.code)).toEqual([0, 0]);
  });
});
