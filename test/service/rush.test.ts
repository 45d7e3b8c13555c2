import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, expect, test } from "vitest";
import { documentIds, Files, FOREGROUND, manyGroups } from "./graph.ts";
import { endServers, Server, until } from "./server.ts";

const CAP = 1;
const files = new Files();
afterEach(endServers);
afterAll(() => files.remove());

interface Run {
  state: string;
  ended_at: string | null;
}

test("1,000 groups due at once: never more heavy runs than the cap, light ones go on beside them, no call fails", {
  timeout: 180_000,
}, async () => {
  const data = files.path();
  await manyGroups(data, 1_000, 100);
  const environment = { GRAPHKEEPER_CONFIG: files.config({ maintenance: { heavyRuns: CAP } }) };
  const server = await Server.start(data, { roles: "http,scheduler,worker", environment });
  const at = new Date(Date.now() + 2_500);
  const expression = `${at.getUTCSeconds()} ${at.getUTCMinutes()} ${at.getUTCHours()} * * *`;
  for (const kind of ["recompute", "gc_all"]) {
    const body = { kind, dialect: "ncrontab", expression, spread_ms: 0 };
    await server.call("PUT", `/maintenance/schedules/${kind}`, { body });
  }
  const occurrence = async (kind: string) =>
    (await server.call("GET", `/maintenance/schedules/${kind}/occurrences`)).occurrences[0];
  for (const kind of ["recompute", "gc_all"]) {
    const decided = await until(
      () => occurrence(kind),
      (o) => o !== undefined,
      15_000,
    );
    expect(decided).toMatchObject({ outcome: "fired", runs: 1_001, skipped: 0 });
  }
  const runs = async (kind: string): Promise<Run[]> => {
    const all: Run[] = [];
    for (const state of ["succeeded", "failed", "dead", "running"]) {
      all.push(...(await server.call("GET", `/maintenance/runs?kind=${kind}&state=${state}&limit=1000`)).runs);
    }
    return all;
  };
  const ended = async (kind: string) => (await runs(kind)).filter((run) => run.ended_at !== null).length;
  // Somebody works meanwhile, in a group that has its turn as well.
  const documents = documentIds(100);
  let calls = 0;
  let [mostHeavy, mostRuns] = [0, 0];
  for (const end = performance.now() + 90_000; ; calls++) {
    const [id, verb] = [documents[calls % 100], calls % 200 < 100 ? "deprecate" : "restore"];
    const { status, body } = await server.send("POST", `/documents/${id}/${verb}`, { group: FOREGROUND, body: {} });
    expect(status, JSON.stringify(body)).toBe(200);
    // One read of the ledger is one moment of it.
    const running = (await server.call("GET", "/maintenance/runs?state=running")).runs as { kind: string }[];
    mostHeavy = Math.max(mostHeavy, running.filter((run) => run.kind === "recompute").length);
    mostRuns = Math.max(mostRuns, running.length);
    await delay(10);
    if (calls % 20 === 0 && (await ended("recompute")) >= 8 && (await ended("gc_all")) >= 8) break;
    expect(performance.now()).toBeLessThan(end);
  }
  const [heavy, light] = [await runs("recompute"), await runs("gc_all")];
  for (const run of [...heavy, ...light]) expect(["running", "succeeded"]).toContain(run.state);
  expect(mostHeavy).toBe(CAP);
  expect(mostRuns).toBe(2);
  expect((await server.stop()).code).toBe(0);
  console.info(`${heavy.length} recomputes, ${light.length} collections beside ${calls} calls`);
});
