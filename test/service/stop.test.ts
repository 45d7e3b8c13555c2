import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { Agent } from "node:http";
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Files, GROUP } from "./graph.ts";
import { API_KEY, endServers, Server, until } from "./server.ts";

const files = new Files();
/** Small batches, so that a run has hundreds of them; many neighbours, so that a recompute takes its time. */
const environment = {
  GRAPHKEEPER_BATCH_SIZE: "10",
  GRAPHKEEPER_CONFIG: files.config({ maintenance: { k: 50 } }),
};
let template: string;
/** Of the same file after the same runs, with nobody disturbing them. */
const reference: Record<string, { dump: string; result: CollectionResult }> = {};
const sha = (text: string) => createHash("sha256").update(text).digest("hex");

beforeAll(async () => {
  template = await files.template();
  const server = await Server.start(files.copy(template), { environment });
  for (const kind of ["gc_all", "recompute"] as const) {
    const { state, result } = await server.finish(await server.begin(kind, GROUP));
    expect(state).toBe("succeeded");
    reference[kind] = { dump: sha(await server.dump(GROUP)), result };
  }
  expect(await server.stop()).toMatchObject({ code: 0 });
}, 120_000);
afterEach(endServers);
afterAll(() => files.remove());

/** Ten clients that keep their connections. */
async function clients(server: Server): Promise<Agent> {
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
  await Promise.all(Array.from({ length: 10 }, () => server.call("GET", "/livez", { agent })));
  return agent;
}

describe("SIGTERM: everything is answered, work goes back to the queue, exit 0 within 10 s", {
  timeout: 60_000,
}, () => {
  test("idle", async () => {
    const server = await Server.start(files.copy(template), { environment, roles: "http,scheduler,worker" });
    const agent = await clients(server);
    const { code, ms } = await server.stop();
    expect(code, server.log).toBe(0);
    expect(ms).toBeLessThan(10_000);
    agent.destroy();
  });

  test("while it starts", async () => {
    const data = files.copy(template);
    const server = Server.spawn(data, { environment });
    // From here on it has something to close.
    await until(async () => existsSync(`${data}.lock`), Boolean);
    expect((await server.stop()).code, server.log).toBe(0);
    expect(existsSync(`${data}.lock`)).toBe(false);
  });

  test("a call that waits, and one whose body is still coming", async () => {
    const data = files.copy(template);
    // Nobody carries the run out: the call waits until it is told to end.
    const server = await Server.start(data, { environment, roles: "http" });
    const agent = await clients(server);
    const waiting = server.send("POST", "/maintenance/run-all-gc?wait=120", { group: GROUP });
    const upload = importing(server, "late");
    await newestRun(server);
    await upload.begun;
    const stopped = server.stop();
    const answer = await waiting;
    expect(answer.status).toBe(202);
    upload.finish();
    expect(await upload.answer).toMatch(/^HTTP\/1\.1 200/);
    const { code, ms } = await stopped;
    expect(code, server.log).toBe(0);
    expect(ms).toBeLessThan(10_000);
    agent.destroy();
    const next = await Server.start(data, { environment });
    expect((await next.finish(answer.body.run_id)).state).toBe("succeeded");
    expect(await next.call("GET", "/documents/late", { group: GROUP })).toMatchObject({ status: "active" });
    await next.stop();
  });

  test("a collection between batches", async () => {
    const data = files.copy(template);
    const server = await Server.start(data, { environment });
    const agent = await clients(server);
    const waiting = server.send("POST", "/maintenance/run-all-gc?wait=120", { group: GROUP });
    const id = await newestRun(server);
    const followed = server.call("GET", `/maintenance/runs/${id}/events`);
    await server.runUntil(id, (run) => run.batches > 20);
    const { code, ms } = await server.stop();
    expect(code, server.log).toBe(0);
    expect(ms).toBeLessThan(10_000);
    expect(await followed, "the stream of events ended in order").toMatch(/"state":"running".*\n\n$/s);
    expect(await waiting).toMatchObject({ status: 202, body: { run_id: id } });
    agent.destroy();
    const next = await Server.start(data, { environment });
    const run = await next.finish(id);
    expect(run).toMatchObject({ state: "succeeded", failures: 0, losses: 0 });
    expect(run.attempts.map((a: { outcome: string }) => a.outcome)).toEqual(["released", "succeeded"]);
    // Not from the start: what the first process deleted is counted, once.
    expect(counted(run.result)).toEqual(counted(reference.gc_all?.result));
    expect(sha(await next.dump(GROUP))).toBe(reference.gc_all?.dump);
    await next.stop();
  });

  test("a recompute that computes", async () => {
    const data = files.copy(template);
    const server = await Server.start(data, { environment });
    await server.finish(await server.begin("gc_all", GROUP));
    const agent = await clients(server);
    const waiting = server.send("POST", "/maintenance/recompute-gds?wait=120", { group: GROUP });
    const id = await newestRun(server, "recompute");
    await server.runUntil(id, (run) => ["similarity", "communities", "ranks"].includes(run.progress?.phase));
    const { code, ms } = await server.stop();
    expect(code, server.log).toBe(0);
    expect(ms).toBeLessThan(10_000);
    expect(await waiting).toMatchObject({ status: 202, body: { run_id: id } });
    agent.destroy();
    const next = await Server.start(data, { environment });
    const run = await next.finish(id);
    expect(run).toMatchObject({ state: "succeeded", failures: 0, losses: 0, attempt: 2 });
    expect(sha(await next.dump(GROUP))).toBe(reference.recompute?.dump);
    await next.stop();
  });
});

async function newestRun(server: Server, kind = "gc_all"): Promise<string> {
  const { runs } = await until(
    () => server.call("GET", `/maintenance/runs?kind=${kind}&limit=1`),
    (page) => page.runs.length > 0,
  );
  return runs[0].id;
}

interface CollectionResult {
  jobs: Record<string, { examined: number; deleted: number; batches: number }>;
  fresh: boolean;
}
function counted(result: CollectionResult | undefined) {
  const jobs = Object.entries(result?.jobs ?? {}).map(([kind, { examined, deleted, batches }]) => [
    kind,
    { examined, deleted, batches },
  ]);
  return { ...Object.fromEntries(jobs), fresh: result?.fresh };
}

/** An import whose last bytes come when it is told to. */
function importing(server: Server, document: string) {
  const { hostname, port } = new URL(server.url);
  const lines = [
    { kind: "document", id: document },
    { kind: "text_unit", id: `${document}/u`, documents: [document], text: "late" },
  ];
  const text = `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.on("data", (data) => {
    answer += data.toString();
  });
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(answer)));
  const head = [
    `POST /groups/${GROUP}/import HTTP/1.1`,
    "Host: 127.0.0.1",
    `Authorization: Bearer ${API_KEY}`,
    "Content-Type: application/x-ndjson",
    `Content-Length: ${text.length}`,
  ];
  const begun = new Promise<void>((resolve) => {
    socket.write(`${head.join("\r\n")}\r\n\r\n${text.slice(0, 20)}`, () => resolve());
  });
  return { begun, answer: closed, finish: () => socket.write(text.slice(20)) };
}
