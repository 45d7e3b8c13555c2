import { readdirSync, readlinkSync } from "node:fs";
import { METHODS } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Files } from "../service/graph.ts";
import { API_KEY, endServers, Server, until } from "../service/server.ts";

/** What a caller without a key can do with connections alone, against the service as a process of its own. */
const PER_ADDRESS = 60;
let server: Server;
let port: number;
const files = new Files();
beforeAll(async () => {
  server = await Server.start(files.path(), {
    roles: "http",
    environment: {
      GRAPHKEEPER_LOG_LEVEL: "warn",
      GRAPHKEEPER_MAX_CONNECTIONS: "80",
      GRAPHKEEPER_MAX_CONNECTIONS_PER_ADDRESS: String(PER_ADDRESS),
    },
  });
  port = Number(new URL(server.url).port);
});
afterAll(async () => {
  await endServers();
  files.remove();
});

/** Sockets of the server's process, the listening one among them. */
function sockets(): number {
  const files = `/proc/${server.child.pid}/fd`;
  return readdirSync(files).filter((file) => {
    try {
      return readlinkSync(`${files}/${file}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
}

function open(address = "127.0.0.1"): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // Half open, so that only the server decides when its side is closed.
    const socket = connect({ port, host: "127.0.0.1", localAddress: address, allowHalfOpen: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
    socket.on("error", () => {});
    socket.resume();
  });
}

async function answers(): Promise<void> {
  expect(server.child.exitCode, server.log).toBeNull();
  const response = await fetch(`${server.url}/livez`, { headers: { connection: "close" } });
  expect(response.status).toBe(200);
  await response.text();
}

const HOST = "Host: 127.0.0.1\r\n";
const FORMS: [string, string][] = [
  ...[...METHODS, "BREW"].map((method): [string, string] => [method, `${method} /livez HTTP/1.1\r\n${HOST}\r\n`]),
  ["CONNECT as it is meant", "CONNECT a:1 HTTP/1.1\r\n\r\n"],
  ["CONNECT with a body", `CONNECT a:1 HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nabcde and more`],
  ...["websocket", "h2c", "TLS/1.0", "x"].map((to): [string, string] => [
    `upgrade to ${to}`,
    `GET /livez HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: ${to}\r\n\r\n`,
  ]),
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["no HTTP", "hello\r\n\r\n"],
  ["half a head", `POST /documents/bulk HTTP/1.1\r\n${HOST}`],
  ["half a body", `POST /documents/bulk HTTP/1.1\r\n${HOST}Content-Length: 50\r\n\r\n{`],
  ["a strange expectation", `POST /documents/bulk HTTP/1.1\r\n${HOST}Content-Length: 2\r\nExpect: coffee\r\n\r\n{}`],
  ["two requests at once", `CONNECT a:1 HTTP/1.1\r\n\r\nGET /livez HTTP/1.1\r\n${HOST}\r\n`],
  ["nothing", ""],
];
async function half(socket: Socket): Promise<void> {
  socket.end();
  await delay(20);
}
async function more(socket: Socket): Promise<void> {
  socket.write("x".repeat(70_000));
  await delay(5);
}
/** What happens between the request and the end of its connection, and whether that is a reset. */
const ENDS: [string, (socket: Socket) => Promise<unknown> | unknown, boolean][] = [
  ["a reset at once", () => {}, true],
  ["a reset after the answer", () => delay(30), true],
  ["a half close, then a reset", half, true],
  ["more bytes, then a reset", more, true],
  ["a close", () => {}, false],
];

describe.each(ENDS)("the connection ends by %s", (_how, before, reset) => {
  test(`${FORMS.length} forms of a request leave the process alive`, { timeout: 30_000 }, async () => {
    for (const [_form, bytes] of FORMS) {
      for (let i = 0; i < 3; i++) {
        const socket = await open();
        await new Promise((resolve) => socket.write(bytes || "\r\n", resolve));
        await before(socket);
        if (reset) socket.resetAndDestroy();
        socket.destroy();
      }
    }
    await answers();
    await until(
      async () => sockets(),
      (count) => count <= 8,
      5_000,
    );
  });
});

test("what is answered without a request is let go after two seconds, whatever the client does", {
  timeout: 20_000,
}, async () => {
  await until(
    async () => sockets(),
    (count) => count <= 8,
    5_000,
  );
  const before = sockets();
  const held = [];
  for (const [form, bytes] of FORMS) {
    if (/^half|^nothing|^upgrade|^[A-Z-]+$/.test(form) && form !== "CONNECT" && form !== "BREW") continue;
    const socket = await open();
    socket.write(bytes);
    held.push(socket);
  }
  expect(held.length).toBeGreaterThan(6);
  await until(
    async () => sockets(),
    (count) => count <= before + 1,
    4_000,
  );
  for (const socket of held) socket.destroy();
});

test("connections are limited for each address and in all; what is idle gives way", { timeout: 30_000 }, async () => {
  const mine: Socket[] = [];
  for (let i = 0; i < PER_ADDRESS + 20; i++) mine.push(await open("127.0.0.2"));
  await until(
    async () => sockets(),
    (count) => count >= PER_ADDRESS,
    5_000,
  );
  expect(sockets()).toBeLessThan(PER_ADDRESS + 10);
  // Others are served meanwhile.
  await answers();
  // Another address takes the rest: with connections that have been answered, and wait.
  const others: Socket[] = [];
  for (let i = 0; i < 30; i++) {
    const socket = await open("127.0.0.3");
    socket.write(`GET /livez HTTP/1.1\r\n${HOST}\r\n`);
    others.push(socket);
    await delay(5);
  }
  await answers();
  expect(sockets()).toBeLessThan(90);
  for (const socket of [...mine, ...others]) socket.destroy();
  await until(
    async () => sockets(),
    (count) => count <= 8,
    5_000,
  );
  await answers();
  expect(server.log).toMatch(/connections/);
});

test("a call with a key is served as before", async () => {
  const response = await fetch(`${server.url}/groups`, { headers: { authorization: `Bearer ${API_KEY}` } });
  expect(response.status).toBe(200);
});
