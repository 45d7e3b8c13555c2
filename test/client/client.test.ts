import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ClientOptions, GraphkeeperClient, GraphkeeperError } from "../../src/client/index.ts";
import { loadConfig } from "../../src/config/config.ts";
import { blockLines } from "../../src/formats/lines.ts";
import { type RunningServer, startServer } from "../../src/start.ts";
import { generatedGraph, temporaryGraphkeeper } from "../data/graphs.ts";

/** The real service on the real store. */
let service: RunningServer;
let place: Awaited<ReturnType<typeof temporaryGraphkeeper>>;
beforeAll(async () => {
  place = await temporaryGraphkeeper();
  await place.graphkeeper.importBlocks("acme", generatedGraph(30, 40));
  await place.graphkeeper.close();
  const overrides = { data: place.path, "http.port": 0, "maintenance.afterEvents": false, "log.level": "silent" };
  service = await startServer(loadConfig({}, { overrides }));
});
afterAll(async () => {
  await service.stop();
  await place.close();
});

type Fault = (request: IncomingMessage, response: ServerResponse) => void;
const proxies: Server[] = [];
afterEach(() => {
  for (const proxy of proxies.splice(0)) {
    proxy.close();
    proxy.closeAllConnections();
  }
});

/** A way to the service on which the first calls meet with faults. `pass` sends the request on and drops the answer. */
async function faulty(...faults: (Fault | "pass")[]) {
  const seen: { method: string; path: string; key: string | undefined }[] = [];
  const pass = async (request: IncomingMessage, response: ServerResponse) => {
    seen.push({
      method: request.method!,
      path: request.url!,
      key: request.headers["idempotency-key"] as string | undefined,
    });
    const fault = faults.shift();
    if (typeof fault === "function") return fault(request, response);
    const body = request.method === "GET" ? undefined : Buffer.concat(await request.toArray());
    const { host: _, connection: __, ...headers } = request.headers;
    const answer = await fetch(service.address + request.url, {
      method: request.method,
      headers: headers as never,
      body,
    });
    const text = await answer.text();
    if (fault === "pass") return response.destroy();
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" }).end(text);
  };
  // A caller that goes away in the middle of its request is a case, not a fault of the proxy.
  const proxy = createServer((request, response) => void pass(request, response).catch(() => response.destroy()));
  proxies.push(proxy);
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const waits: number[] = [];
  const sleep = async (ms: number) => void waits.push(ms);
  const client = (options: Partial<ClientOptions> = {}) =>
    new GraphkeeperClient({
      url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      group: "acme",
      sleep,
      ...options,
    });
  return { client, seen, waits };
}

const status =
  (code: number, headers: Record<string, string> = {}, body = "busy"): Fault =>
  (request, response) => {
    request.resume();
    response.writeHead(code, headers).end(body);
  };
const cut: Fault = (request) => request.socket.destroy();

async function refused(work: Promise<unknown>): Promise<GraphkeeperError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GraphkeeperError);
  return error as GraphkeeperError;
}

describe("a call that meets a busy or silent server is repeated, with one effect", () => {
  test("503, 429, 502 and a cut connection; the same Idempotency-Key each time", async () => {
    const { client, seen, waits } = await faulty(status(503, { "retry-after": "2" }), status(429), cut);
    const before = (await client()
      .call({ path: "/maintenance/health" })
      .catch(() => null)) as never;
    expect(before).not.toBeNull();
    expect(waits).toEqual([2_000, 400, 800]);
    seen.length = 0;
    const second = await faulty(status(503), status(502), status(504));
    const record = await second.client().call({
      method: "POST",
      path: "/documents/bulk",
      body: { verb: "deprecate", documents: ["passage-0000"] },
    });
    expect(record).toMatchObject({ outcomes: [{ id: "passage-0000", outcome: "deprecated" }], replayed: false });
    expect(second.seen).toHaveLength(4);
    const keys = new Set(second.seen.map((call) => call.key));
    expect([...keys]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  });

  test("the answer was lost: the second try is the first one's answer, not a second effect", async () => {
    const { client, seen } = await faulty("pass");
    const generation = async () => (await client().call({ path: "/maintenance/health" })).generation as number;
    const record = await client().call({
      method: "POST",
      path: "/documents/bulk",
      body: { verb: "deprecate", documents: ["passage-0001"] },
    });
    expect(record).toMatchObject({ outcomes: [{ id: "passage-0001", outcome: "deprecated" }], replayed: true });
    expect(seen.map((call) => call.key)).toEqual([seen[0]!.key, seen[0]!.key]);
    expect(await generation()).toBe(record.generation);
  });

  test("a run whose answer was lost is not started twice", async () => {
    const { client } = await faulty("pass");
    const result = await client().call({ method: "POST", path: "/maintenance/run-all-gc" });
    const runs = await client().call({ path: "/maintenance/runs", query: { kind: "gc_all" } });
    expect((runs.runs as unknown[]).length).toBe(1);
    expect(result).toMatchObject({ kind: "gc_all", run_id: (runs.runs as { id: string }[])[0]!.id });
  });

  test("while the first try is still at work under the same key, the client waits for it", async () => {
    const conflict = JSON.stringify({ code: "IDEMPOTENCY_CONFLICT", detail: "still running", status: 409 });
    const { client, seen } = await faulty(cut, status(409, { "content-type": "application/problem+json" }, conflict));
    const answer = await client().call({ method: "POST", path: "/maintenance/recompute-gds", query: { wait: 60 } });
    expect(answer).toMatchObject({ status: "succeeded" });
    expect(seen).toHaveLength(3);
    // As the first answer it is somebody else's call.
    const other = await faulty(status(409, { "content-type": "application/problem+json" }, conflict));
    const error = await refused(other.client().call({ method: "POST", path: "/maintenance/run-all-gc" }));
    expect(error.code).toBe("IDEMPOTENCY_CONFLICT");
  });

  test("a key of the caller's own is kept; GET has none", async () => {
    const { client, seen } = await faulty(status(503));
    const body = { verb: "restore", documents: ["passage-0001"] };
    await client().call({ method: "POST", path: "/documents/bulk", body, idempotencyKey: "mine" });
    await client().call({ path: "/maintenance/health" });
    expect(seen.map((call) => call.key)).toEqual(["mine", "mine", undefined]);
  });
});

describe("what cannot be repeated ends", () => {
  test("after the last try: the server's own problem, or that nobody answers", async () => {
    const busy = await faulty(...Array.from({ length: 9 }, () => status(503)));
    const error = await refused(busy.client({ retries: 2 }).call({ path: "/maintenance/health" }));
    expect(error).toMatchObject({ code: "INTERNAL", message: "The server answered 503." });
    expect(busy.seen).toHaveLength(3);
    const silent = await faulty(cut, cut, cut);
    const nobody = await refused(silent.client({ retries: 2 }).call({ path: "/maintenance/health" }));
    expect(nobody.code).toBe("STORE_UNAVAILABLE");
    expect(nobody.message).toMatch(/^Nobody answers at http:\/\/127\.0\.0\.1:\d+: /);
  });

  test("a server that asks for an hour is told of, not waited for", async () => {
    const { client, waits } = await faulty(status(503, { "retry-after": "3600" }));
    await refused(client().call({ path: "/maintenance/health" }));
    expect(waits).toEqual([]);
  });

  test("an abort ends the call, also between two tries", async () => {
    const abort = new AbortController();
    const { client, seen } = await faulty(status(503));
    const sleep = async () => abort.abort();
    const error = await refused(client({ sleep }).call({ path: "/maintenance/health", signal: abort.signal }));
    expect(error.code).toBe("CANCELLED");
    expect(seen).toHaveLength(1);
    // On the real clock: the server asks for 20 s, the abort does not wait for them.
    const patient = new AbortController();
    const slow = await faulty((request, response) => {
      setTimeout(() => patient.abort(), 100);
      status(503, { "retry-after": "20" })(request, response);
    });
    const begun = performance.now();
    const third = await refused(
      slow.client({ sleep: undefined }).call({ path: "/maintenance/health", signal: patient.signal }),
    );
    expect(third.code).toBe("CANCELLED");
    expect(performance.now() - begun).toBeLessThan(15_000);
    const waiting = new AbortController();
    const silent = await faulty(() => waiting.abort());
    const second = await refused(silent.client().call({ path: "/maintenance/health", signal: waiting.signal }));
    expect(second.code).toBe("CANCELLED");
  });

  test("a stream is sent once, and what its source throws is what the call throws", async () => {
    const { client, seen } = await faulty(status(503));
    async function* lines(fails: boolean) {
      for await (const { block } of generatedGraph(3, 40)) yield `${[...blockLines(block)].join("\n")}\n`;
      if (fails) throw new GraphkeeperError("INVALID_LINE", "Line 7 is odd.", { line: 7 });
    }
    const call = (fails: boolean) =>
      client().call({
        method: "POST",
        path: "/groups/stream/import",
        group: "stream",
        stream: { type: "application/x-ndjson", body: lines(fails) },
      });
    expect((await refused(call(false))).message).toBe("The server answered 503.");
    expect(seen).toHaveLength(1);
    const error = await refused(call(true));
    expect(error).toMatchObject({ code: "INVALID_LINE", message: "Line 7 is odd.", details: { line: 7 } });
    const direct = new GraphkeeperClient({ url: service.address, group: "stream" });
    const stream = { type: "application/x-ndjson", body: lines(false) };
    const imported = await direct.call({ method: "POST", path: "/groups/stream/import", stream });
    expect(imported).toMatchObject({ documents: 3 });
  });
});

describe("answers", () => {
  const client = () => new GraphkeeperClient({ url: service.address, group: "acme" });

  test("errors have the code of the catalogue, the details and the remedy", async () => {
    const error = await refused(client().call({ path: "/documents/none" }));
    expect(error).toMatchObject({ code: "DOCUMENT_NOT_FOUND", status: 404, details: { status: 404 } });
    expect(error.remedy).toMatch(/document id/);
    const vector = await refused(
      client().call({ method: "POST", path: "/search", body: { of: "entity", k: 1, vector: [1, 0] } }),
    );
    expect(vector).toMatchObject({ code: "INVALID_EMBEDDING", details: { expected: 32, actual: 2 } });
  });

  test("pages are followed to the end, each item once", async () => {
    const ids: unknown[] = [];
    for await (const document of client().pages({ path: "/documents", query: { limit: 7 } }, "documents"))
      ids.push(document.id);
    expect(ids).toHaveLength(30);
    expect(new Set(ids).size).toBe(30);
    // A reader that stops early asks for no further page.
    const counted = await faulty();
    for await (const _ of counted.client().pages({ path: "/documents", query: { limit: 7 } }, "documents")) break;
    expect(counted.seen).toHaveLength(1);
  });

  test("an empty answer is an empty object; a page of somebody else is told of", async () => {
    const odd = await faulty(status(204, {}, ""), status(200, {}, "<html>"));
    expect(await odd.client().call({ method: "DELETE", path: "/keys/x" })).toEqual({});
    const error = await refused(odd.client().call({ path: "/maintenance/health" }));
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringMatching(/is not graphkeeper\.$/) });
  });

  test("the path of the address stays, and values are encoded", async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url!);
      response.end("{}");
    }).listen(0, "127.0.0.1");
    proxies.push(proxy);
    await new Promise((resolve) => proxy.once("listening", resolve));
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/graph/`;
    await new GraphkeeperClient({ url }).call({ path: "/documents", query: { cursor: "a&b=c", status: undefined } });
    expect(asked).toEqual(["/graph/documents?cursor=a%26b%3Dc"]);
  });

  test.each(["localhost:8000", "", "ftp://x", "/graph"])("%j is no address", (url) => {
    expect(() => new GraphkeeperClient({ url })).toThrow(GraphkeeperError);
  });
});
