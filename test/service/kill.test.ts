import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Files, GROUP } from "./graph.ts";
import { endServers, Server } from "./server.ts";

const files = new Files();
const environment = {
  GRAPHKEEPER_BATCH_SIZE: "10",
  GRAPHKEEPER_CONFIG: files.config({ maintenance: { k: 50 } }),
};
let template: string;
/** The dump after a collection and a recompute that nobody killed. */
let unkilled: string;
let deleted: number;

beforeAll(async () => {
  template = await files.template();
  const server = await Server.start(files.copy(template), { environment });
  ({ deleted } = (await server.finish(await server.begin("gc_all", GROUP))).result);
  await server.finish(await server.begin("recompute", GROUP));
  unkilled = await server.dump(GROUP);
  await server.stop();
}, 120_000);
afterEach(endServers);
afterAll(() => files.remove());

interface Seen {
  batches: number;
  progress: { phase: string; done: number } | null;
}

/** Kills the server in the middle of a run, and starts another that finishes it. */
async function killed(kind: "gc_all" | "recompute", when: (run: Seen) => boolean): Promise<Server> {
  const data = files.copy(template);
  const server = await Server.start(data, { environment });
  if (kind === "recompute") await server.finish(await server.begin("gc_all", GROUP));
  const id = await server.begin(kind, GROUP);
  const before = await server.runUntil(id, when);
  expect(before.state).toBe("running");
  await server.kill();
  const restartedAt = performance.now();
  const heir = await Server.start(data, { environment });
  await heir.runUntil(id, (run) => run.attempt === 2 && run.state !== "queued", 15_000);
  // P8 says 60 s; nobody else can hold the file, so it begins at once.
  const tookMs = performance.now() - restartedAt;
  expect(tookMs).toBeLessThan(15_000);
  const run = await heir.finish(id);
  expect(run).toMatchObject({ state: "succeeded", failures: 0 });
  expect(run.attempts.map((a: { outcome: string }) => a.outcome)).toEqual(["lost", "succeeded"]);
  if (kind === "gc_all") {
    // It went on where it stood: only the batch whose checkpoint was not written yet is missing from the counts.
    const missing = deleted - run.result.deleted;
    expect(missing).toBeGreaterThanOrEqual(0);
    expect(missing).toBeLessThanOrEqual(10);
    expect(run.result.fresh).toBe(true);
    await heir.finish(await heir.begin("recompute", GROUP));
  }
  console.info(`${kind}: resumed ${Math.round(tookMs)} ms after the restart began`);
  return heir;
}

async function expectAsUnkilled(server: Server): Promise<void> {
  // Compared as a flag: a difference of ten thousand lines is no message.
  expect((await server.dump(GROUP)) === unkilled).toBe(true);
  expect(await server.call("GET", `/groups/${GROUP}/verify`)).toEqual({ clean: true, findings: [] });
  expect(await server.call("GET", "/maintenance/health", { group: GROUP })).toMatchObject({
    needs_gc: false,
    gds_stale: false,
    status: "healthy",
  });
  expect((await server.stop()).code).toBe(0);
}

describe("kill -9 of the server: the next one resumes the run, and it ends as if nothing had been", {
  timeout: 90_000,
}, () => {
  test("early in a collection", async () => {
    await expectAsUnkilled(await killed("gc_all", (run) => run.batches > 5));
  });
  test("late in a collection", async () => {
    await expectAsUnkilled(await killed("gc_all", (run) => run.progress?.phase === "stale_edges"));
  });
  test("in a recompute that computes", async () => {
    const computes = ["similarity", "communities", "ranks"];
    await expectAsUnkilled(await killed("recompute", (run) => computes.includes(run.progress?.phase ?? "")));
  });
  test("in a recompute that writes", async () => {
    const writes = (run: Seen) => run.progress?.phase === "write" && run.progress.done > 2;
    await expectAsUnkilled(await killed("recompute", writes));
  });
});
