import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../service/server.ts";
import { closeWorlds, expectProblem, fill, makeWorld, rawExchange, send, type World } from "./world.ts";

/** Loses patience soon. */
let world: World;
/** With the limits as they are. */
let patient: World;
beforeAll(async () => {
  world = await makeWorld({ http: { bodyTimeoutMs: 400, importPauseMs: 400, answerPauseMs: 400 } });
  patient = await makeWorld();
  for (const w of [world, patient]) {
    await fill(w, "acme", 2);
    await w.listen();
  }
});
afterAll(closeWorlds);

/** Status line, headers and body of the first answer in what came over a socket. */
function parse(text: string) {
  const [head = "", body = ""] = text.split("\r\n\r\n", 2);
  const [line = "", ...headers] = head.split("\r\n");
  return {
    statusCode: Number(line.split(" ")[1]),
    headers: Object.fromEntries(
      headers.map((h) => [h.slice(0, h.indexOf(":")).toLowerCase(), h.slice(h.indexOf(":") + 2)]),
    ),
    body,
  };
}
const HOST = "Host: 127.0.0.1";
const HEAD = `POST /documents/d0/hold HTTP/1.1\r\n${HOST}\r\nX-Group-ID: acme\r\n`;
const JSON_TYPE = "Content-Type: application/json\r\n";

const RAW: [string, string | Buffer, number, string][] = [
  ["not HTTP", "hello\r\n\r\n", 400, "INVALID_REQUEST"],
  ["a TLS hello", Buffer.from("16030100a5010000a10303", "hex"), 400, "INVALID_REQUEST"],
  ["no Host", "GET /livez HTTP/1.1\r\n\r\n", 400, "INVALID_REQUEST"],
  ["two Hosts", `GET /livez HTTP/1.1\r\n${HOST}\r\n${HOST}\r\n\r\n`, 400, "DUPLICATE_HEADER"],
  ["a folded header", `GET /livez HTTP/1.1\r\n${HOST}\r\nX-A: b\r\n c\r\n\r\n`, 400, "INVALID_REQUEST"],
  ["NUL in a header", `GET /livez HTTP/1.1\r\n${HOST}\r\nX-A: b\0c\r\n\r\n`, 400, "INVALID_REQUEST"],
  ["a blank before the colon", `GET /livez HTTP/1.1\r\n${HOST}\r\nX-A : b\r\n\r\n`, 400, "INVALID_REQUEST"],
  ["a bare line feed in a header", `GET /livez HTTP/1.1\r\n${HOST}\r\nX-A: b\rX-B: c\r\n\r\n`, 400, "INVALID_REQUEST"],
  [
    "headers over 16 KB",
    `GET /livez HTTP/1.1\r\n${HOST}\r\nX-A: ${"a".repeat(17_000)}\r\n\r\n`,
    431,
    "HEADERS_TOO_LARGE",
  ],
  ["a path over 16 KB", `GET /${"a".repeat(17_000)} HTTP/1.1\r\n${HOST}\r\n\r\n`, 431, "HEADERS_TOO_LARGE"],
  [
    "length and chunks",
    `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    "INVALID_REQUEST",
  ],
  ["two lengths", `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400, "INVALID_REQUEST"],
  ["a negative length", `${HEAD}Content-Length: -1\r\n\r\n`, 400, "INVALID_REQUEST"],
  ["a length in words", `${HEAD}Content-Length: two\r\n\r\n{}`, 400, "INVALID_REQUEST"],
  ["a broken chunk", `${HEAD}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400, "INVALID_REQUEST"],
  ["an unknown transfer coding", `${HEAD}${JSON_TYPE}Transfer-Encoding: gzip\r\n\r\nxx`, 400, "INVALID_REQUEST"],
  ["a strange expectation", `${HEAD}${JSON_TYPE}Content-Length: 2\r\nExpect: coffee\r\n\r\n{}`, 400, "INVALID_REQUEST"],
  ["CONNECT", `CONNECT example.org:443 HTTP/1.1\r\n${HOST}\r\n\r\n`, 405, "METHOD_NOT_ALLOWED"],
  ["TRACE", `TRACE /livez HTTP/1.1\r\n${HOST}\r\n\r\n`, 405, "METHOD_NOT_ALLOWED"],
  ["PROPFIND", `PROPFIND /documents HTTP/1.1\r\n${HOST}\r\n\r\n`, 405, "METHOD_NOT_ALLOWED"],
  ["an unknown method", `BREW /documents HTTP/1.1\r\n${HOST}\r\n\r\n`, 405, "METHOD_NOT_ALLOWED"],
  ["OPTIONS *", `OPTIONS * HTTP/1.1\r\n${HOST}\r\n\r\n`, 404, "NOT_FOUND"],
  [
    "X-Group-ID twice",
    `GET /documents HTTP/1.1\r\n${HOST}\r\nX-Group-ID: acme\r\nx-group-id: acme\r\n\r\n`,
    400,
    "DUPLICATE_HEADER",
  ],
  [
    "X-Group-ID joined",
    `GET /documents HTTP/1.1\r\n${HOST}\r\nX-Group-ID: acme, beta\r\n\r\n`,
    400,
    "INVALID_GROUP_ID",
  ],
  [
    "Authorization twice",
    `GET /documents HTTP/1.1\r\n${HOST}\r\nX-Group-ID: acme\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n`,
    400,
    "DUPLICATE_HEADER",
  ],
  ["Idempotency-Key twice", `${HEAD}Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n`, 400, "DUPLICATE_HEADER"],
  [
    "Content-Type twice",
    `${HEAD}${JSON_TYPE}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}`,
    400,
    "DUPLICATE_HEADER",
  ],
  [
    "bytes above ASCII in the group",
    Buffer.from(`GET /documents HTTP/1.1\r\n${HOST}\r\nX-Group-ID: acm\u00e9\r\n\r\n`, "latin1"),
    400,
    "INVALID_GROUP_ID",
  ],
  [
    "a tab in the content type",
    `${HEAD}Content-Type: application/json\t; x\r\nContent-Length: 2\r\n\r\n[]`,
    400,
    "INVALID_REQUEST",
  ],
  ["a length that lies: more than comes", `${HEAD}${JSON_TYPE}Content-Length: 50\r\n\r\n{}`, 408, "REQUEST_TIMEOUT"],
  ["chunks that never end", `${HEAD}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`, 408, "REQUEST_TIMEOUT"],
  [
    "an import that stops",
    `POST /groups/acme/import HTTP/1.1\r\n${HOST}\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`,
    408,
    "REQUEST_TIMEOUT",
  ],
  [
    "an import with a wrong line, and more to come",
    `POST /groups/acme/import HTTP/1.1\r\n${HOST}\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{xyz\n\r\n`,
    400,
    "INVALID_LINE",
  ],
  [
    "a length over the limit, announced",
    `${HEAD}${JSON_TYPE}Content-Length: 99999999999\r\n\r\n{`,
    413,
    "PAYLOAD_TOO_LARGE",
  ],
];

describe("on a raw socket", () => {
  test.each(RAW)("%s", async (_what, bytes, status, code) => {
    const answer = parse(await rawExchange(world.port, bytes));
    expect(answer.statusCode, answer.body).toBe(status);
    expect(expectProblem(answer).code).toBe(code);
    expect((await send(world, "/readyz")).statusCode).toBe(200);
  });

  test("the absolute form of a target is answered, as RFC 9112 asks", async () => {
    const text = await rawExchange(world.port, `GET http://127.0.0.1/livez HTTP/1.1\r\n${HOST}\r\n\r\n`);
    expect(parse(text).statusCode).toBe(200);
  });

  test("HTTP/1.0 without a Host is answered", async () => {
    expect(parse(await rawExchange(world.port, "GET /livez HTTP/1.0\r\n\r\n")).statusCode).toBe(200);
  });

  test("an upload over the limit in chunks is answered although it goes on", async () => {
    const chunk = `40000\r\n${"x".repeat(262_144)}\r\n`;
    const head = `${HEAD}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n`;
    const answer = parse(await rawExchange(patient.port, head + chunk.repeat(100)));
    expect(answer.statusCode).toBe(413);
  });

  test("an endless upload that was refused is cut off", async () => {
    const socket = connect(world.port, "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    let text = "";
    socket.on("data", (data) => {
      text += data.toString();
    });
    socket.on("error", () => {});
    socket.write(`POST /documents/x/nothing HTTP/1.1\r\n${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const drip = setInterval(() => socket.write("1\r\nx\r\n"), 20);
    const began = performance.now();
    await closed;
    clearInterval(drip);
    expect(parse(text).statusCode).toBe(404);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("a client that does not read its answers is cut off", async () => {
    const socket = connect(world.port, "127.0.0.1").pause();
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    // More than the system takes for a client that does not read.
    socket.write(`GET /openapi.json HTTP/1.1\r\n${HOST}\r\n\r\n`.repeat(400));
    const open = () => new Promise<number>((resolve) => world.app.server.getConnections((_, count) => resolve(count)));
    await until(open, (count) => count > 0, 5_000);
    await until(open, (count) => count === 0, 5_000);
    socket.destroy();
    await closed;
  });

  test("requests in one packet are answered in their order", async () => {
    const get = (path: string) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n\r\n`;
    const text = await rawExchange(world.port, get("/livez") + get("/nope") + get("/livez"), 3);
    expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => m[1])).toEqual(["200", "404", "200"]);
  });

  test("clients that go away in the middle leave nothing behind", async () => {
    const before = await world.graphkeeper.store.group("acme");
    for (let i = 0; i < 30; i++) {
      await new Promise<void>((resolve) => {
        const socket = connect(world.port, "127.0.0.1", () => {
          socket.write(`${HEAD}${JSON_TYPE}Content-Length: 20\r\n\r\n{"reason":`);
          setTimeout(() => socket.resetAndDestroy(), i % 5);
        });
        socket.once("close", () => resolve());
        socket.once("error", () => {});
      });
    }
    expect((await send(world, "/readyz")).statusCode).toBe(200);
    expect(await world.graphkeeper.store.group("acme")).toEqual(before);
  });

  test("the event loop is not blocked by large and hostile bodies", async () => {
    const vectors = JSON.stringify(Array.from({ length: 900 }, () => Array.from({ length: 1_000 }, (_, i) => i / 7)));
    const bodies = [
      `{"metadata":{"a":${vectors}}}`,
      `{"a":"${"\\\\".repeat(7_900_000)}"}`,
      `{"a":"${'\\"'.repeat(7_900_000)}`,
      "[".repeat(15_000_000),
      `[${"{},".repeat(5_000_000)}{}]`,
      `[${'"",'.repeat(5_000_000)}""]`,
      `{"text_units":[${"{},".repeat(900_000)}{}]}`,
      `{${Array.from({ length: 60_000 }, (_, i) => `"k${i}":1`).join(",")}}`,
    ];
    for (const raw of bodies) {
      // The first time also compiles the code.
      let best = Number.POSITIVE_INFINITY;
      for (let i = 0; i < 3 && best >= 200; i++) best = Math.min(best, await longestBlock(() => put(raw)));
      expect(best, raw.slice(0, 40)).toBeLessThan(200);
    }
  });
});

async function put(body: string): Promise<void> {
  const headers = { "content-type": "application/json", "x-group-id": "acme" };
  const response = await fetch(`${patient.url}/documents/d0`, { method: "PUT", headers, body });
  expect(response.status, body.slice(0, 40)).toBeLessThan(500);
  await response.text();
}

/** Longest time in ms that this thread computed without letting a timer in; what other processes take does not count. */
async function longestBlock(work: () => Promise<void>): Promise<number> {
  const computed = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let [last, worst] = [computed(), 0];
  const beat = setInterval(() => {
    const now = computed();
    worst = Math.max(worst, now - last);
    last = now;
  }, 1);
  await work();
  clearInterval(beat);
  return worst;
}
