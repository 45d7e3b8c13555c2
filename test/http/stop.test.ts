import { Agent, request } from "node:http";
import { connect } from "node:net";
import { afterAll, expect, test } from "vitest";
import { closeWorlds, expectProblem, fill, makeWorld, type World } from "./world.ts";

afterAll(closeWorlds);

function get(world: World, path: string, options: { method?: string; agent?: Agent; group?: string } = {}) {
  return new Promise<{ statusCode: number; headers: object; body: string }>((resolve, reject) => {
    const { method = "GET", agent, group } = options;
    const headers = group === undefined ? {} : { "x-group-id": group };
    const call = request(`${world.url}${path}`, { method, agent, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => resolve({ statusCode: response.statusCode!, headers: response.headers, body }));
      response.on("error", reject);
    });
    call.on("error", reject);
    call.end();
  });
}

test("stops within a second although clients keep connections alive", async () => {
  const world = await makeWorld();
  await world.listen();
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  await Promise.all(Array.from({ length: 20 }, () => get(world, "/livez", { agent })));
  const began = performance.now();
  await world.app.close();
  expect(performance.now() - began).toBeLessThan(1_000);
  agent.destroy();
});

test("a call that waits for its run is answered at once with 202; the run is not lost", async () => {
  const world = await makeWorld({ worker: false });
  await fill(world, "acme", 2);
  await world.listen();
  const agent = new Agent({ keepAlive: true });
  const waiting = get(world, "/maintenance/run-all-gc", { method: "POST", agent, group: "acme" });
  await untilRuns(world, 1);
  const began = performance.now();
  const closed = world.app.close();
  const answer = await waiting;
  expect(answer.statusCode).toBe(202);
  const { run_id } = JSON.parse(answer.body) as { run_id: string };
  expect((await world.graphkeeper.jobs.get(run_id)).state).toBe("queued");
  await closed;
  expect(performance.now() - began).toBeLessThan(2_000);
  agent.destroy();
});

test("who follows a run sees the stream end", async () => {
  const world = await makeWorld({ worker: false });
  await fill(world, "acme", 1);
  await world.listen();
  const { run } = await world.graphkeeper.run({ kind: "gc_all", groupId: "acme" });
  const response = await fetch(`${world.url}/maintenance/runs/${run.id}/events`);
  const reader = response.body!.getReader();
  await reader.read();
  const closed = world.app.close();
  const rest: Uint8Array[] = [];
  for (let part = await reader.read(); !part.done; part = await reader.read()) rest.push(part.value);
  await closed;
  expect(Buffer.concat(rest).toString()).not.toMatch(/error/);
});

test("while it stops, new requests on living connections get 503 and the connection ends", async () => {
  const world = await makeWorld({ http: { graceMs: 3_000 } });
  await fill(world, "acme", 1);
  await world.listen();
  // An import under way keeps the server from being gone at once.
  const slow = connect(world.port, "127.0.0.1");
  let slowText = "";
  slow.on("data", (data) => {
    slowText += data.toString();
  });
  const slowEnd = new Promise((resolve) => slow.once("close", resolve));
  const line = `${JSON.stringify({ kind: "document", id: "slow" })}\n${JSON.stringify({ kind: "text_unit", id: "slow/u", documents: ["slow"], text: "t" })}\n`;
  slow.write(
    `POST /groups/acme/import HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${line.length}\r\n\r\n${line.slice(0, 10)}`,
  );
  const living = connect(world.port, "127.0.0.1");
  // Half a request: the connection is not idle, so it is not closed at once.
  living.write("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  await new Promise((resolve) => setTimeout(resolve, 100));
  const closed = world.app.close();
  let text = "";
  living.on("data", (data) => {
    text += data.toString();
  });
  const ended = new Promise((resolve) => living.once("close", resolve));
  await new Promise((resolve) => setTimeout(resolve, 100));
  living.write("\r\n");
  await ended;
  const [head = "", body = ""] = text.split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.1 503/);
  expect(head).toMatch(/connection: close/i);
  expect(head).toMatch(/retry-after: \d/i);
  const problem = expectProblem({ statusCode: 503, headers: { "content-type": "application/problem+json" }, body });
  expect(problem.code).toBe("SHUTTING_DOWN");
  // What was under way is finished and answered.
  slow.write(line.slice(10));
  await slowEnd;
  await closed;
  expect(slowText).toMatch(/^HTTP\/1\.1 200/);
  expect((await world.graphkeeper.document("acme", "slow")).status).toBe("active");
});

test("a client that sends nothing more cannot hold it longer than the grace", async () => {
  const world = await makeWorld({ http: { graceMs: 500 } });
  await fill(world, "acme", 1);
  await world.listen();
  const stuck = connect(world.port, "127.0.0.1");
  stuck.on("error", () => {});
  stuck.write(
    "POST /search HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Group-ID: acme\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  const began = performance.now();
  await world.app.close();
  const took = performance.now() - began;
  expect(took).toBeLessThan(2_500);
  stuck.destroy();
});

async function untilRuns(world: World, count: number): Promise<void> {
  while ((await world.graphkeeper.jobs.list({})).items.length < count) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
