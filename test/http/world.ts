import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance, LightMyRequestResponse } from "fastify";
import { expect } from "vitest";
import type { ImportBlock } from "../../src/core/words.ts";
import { createApiKey, type Role } from "../../src/http/api-key.ts";
import { Authenticator, type AuthOptions } from "../../src/http/auth.ts";
import { buildServer, type HttpOptions } from "../../src/http/server.ts";
import type { JobHandler } from "../../src/jobs/ports.ts";
import { JobService } from "../../src/jobs/service.ts";
import { maintenanceHandler, RUN_KINDS } from "../../src/maintenance/handler.ts";
import { Graphkeeper } from "../../src/service.ts";
import { MemoryKeyStore, MemoryStore } from "../../src/stores/memory/index.ts";
import { openSqliteJobs } from "../../src/stores/sqlite/jobs.ts";
import { openSqliteStore } from "../../src/stores/sqlite/store.ts";

export interface World {
  graphkeeper: Graphkeeper;
  auth: Authenticator;
  app: FastifyInstance;
  /** After `listen`. */
  url: string;
  port: number;
  listen(): Promise<void>;
  key(role: Role, groups?: string[]): Promise<string>;
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;
const worlds: World[] = [];

/** A whole service in this process: the reference store (or SQLite, in one file with the jobs), the real job store and worker, the real server. */
export async function makeWorld(
  options: {
    auth?: Partial<AuthOptions>;
    http?: Partial<HttpOptions>;
    worker?: boolean;
    memoryMb?: number;
    /** Around the runs, as the monitoring does it. */
    watch?: (handler: JobHandler) => JobHandler;
    sqlite?: boolean;
  } = {},
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "gk-http-"));
  const sqlite = options.sqlite ? await openSqliteStore({ path: join(folder, "jobs.db") }) : null;
  const store = sqlite ?? new MemoryStore();
  const keys = sqlite ?? new MemoryKeyStore();
  const policy = { restoreWindowMs: 30 * DAY_MS, unsupported: "collect", graceAgeMs: DAY_MS } as const;
  const settings = {
    policy,
    sweepEveryMs: DAY_MS,
    batchSize: 500,
    memoryMb: options.memoryMb ?? 512,
    k: 5,
    cutoff: 0.6,
    resolution: 1,
    seed: 1,
  };
  const jobs = new JobService({
    store: await openSqliteJobs({ path: join(folder, "jobs.db") }),
    handler: (options.watch ?? ((handler) => handler))(maintenanceHandler(store, settings, Date.now)),
    kinds: Object.fromEntries(RUN_KINDS.map((kind) => [kind, { heavy: kind === "recompute" }])),
    owner: "test",
    worker: { pollMs: 20 },
  });
  const graphkeeper = new Graphkeeper({ store, keys, jobs, policy, collectAfterEvents: false });
  await jobs.start({ roles: options.worker === false ? [] : ["worker"] });
  const auth = new Authenticator({ keys, ...options.auth });
  const app = buildServer({ graphkeeper, auth, version: "0.0.0-test", ...options.http });
  await app.ready();
  let closed = false;
  const world: World = {
    graphkeeper,
    auth,
    app,
    url: "",
    port: 0,
    async listen() {
      world.url = await app.listen({ host: "127.0.0.1", port: 0 });
      world.port = (app.server.address() as AddressInfo).port;
    },
    async key(role, groups = ["*"]) {
      const { key, stored } = createApiKey({ role, groups, name: `${role} of ${groups.join()}` }, Date.now());
      await keys.addKey(stored);
      return key;
    },
    async close() {
      if (closed) return;
      closed = true;
      await Promise.all([app.close(), jobs.stop({ graceMs: 0 })]);
      await graphkeeper.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  worlds.push(world);
  return world;
}

export async function closeWorlds(): Promise<void> {
  await Promise.all(worlds.splice(0).map((world) => world.close()));
}

export interface Request {
  method?: "GET" | "POST" | "PUT" | "DELETE" | "PATCH" | "HEAD" | "OPTIONS";
  group?: string;
  key?: string;
  body?: unknown;
  /** Sent as it is, with `type`. */
  raw?: string | Buffer;
  type?: string;
  headers?: Record<string, string>;
}

export async function send(world: World, path: string, request: Request = {}): Promise<LightMyRequestResponse> {
  const { group, key, body, raw, type, headers } = request;
  const answer = await world.app.inject({
    method: request.method ?? (body !== undefined || raw !== undefined ? "POST" : "GET"),
    url: path,
    headers: {
      ...(group === undefined ? {} : { "x-group-id": group }),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(raw !== undefined || body !== undefined ? { "content-type": type ?? "application/json" } : {}),
      ...headers,
    },
    payload: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
  });
  if (answer.statusCode >= 400) expectProblem(answer);
  return answer;
}

/** Every error is a problem document with all its members, whoever raised it. */
export function expectProblem(answer: { statusCode: number; headers: object; body: string }): Record<string, unknown> {
  expect((answer.headers as Record<string, string>)["content-type"]).toMatch(/^application\/problem\+json/);
  if (answer.body === "") return {}; // HEAD
  const problem = JSON.parse(answer.body) as Record<string, unknown>;
  expect(problem).toMatchObject({
    type: `urn:graphkeeper:error:${problem.code}`,
    title: expect.any(String),
    status: answer.statusCode,
    detail: expect.any(String),
    code: expect.stringMatching(/^[A-Z_]+$/),
    remedy: expect.any(String),
  });
  return problem;
}

/** Documents d0…: each with two units; entity e<i> is mentioned by document i only, `hub` by all. */
export function sampleBlock(number: number, prefix = "d"): ImportBlock {
  const document = `${prefix}${number}`;
  const vector = (angle: number) => Float32Array.of(Math.cos(angle), Math.sin(angle), 0.1);
  return {
    documents: [{ id: document, title: `Document ${number}` }],
    textUnits: [0, 1].map((i) => ({
      id: `${document}/u${i}`,
      documents: [document],
      text: `Unit ${i} of ${document}`,
      embedding: vector(number + i / 10),
    })),
    entities: [
      { id: `e-${document}`, name: `Entity ${number}`, embedding: vector(number) },
      { id: "hub", name: "Hub", embedding: vector(0.5) },
    ],
    mentions: [
      { textUnit: `${document}/u0`, entity: `e-${document}` },
      { textUnit: `${document}/u1`, entity: "hub" },
    ],
    relationships: [
      { id: `r-${document}`, source: `e-${document}`, target: "hub", type: "NEAR", textUnits: [`${document}/u0`] },
    ],
  };
}

export async function fill(world: World, groupId: string, documents = 5): Promise<void> {
  for (let i = 0; i < documents; i++) await world.graphkeeper.importBlock(groupId, sampleBlock(i));
}

/**
 * Writes bytes on a socket and reads the first answer, or with `answers` that many; else until the other side ends or
 * five seconds have passed.
 */
export function rawExchange(port: number, bytes: string | Buffer, answers = 1): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    };
    const timer = setTimeout(done, 5_000);
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (completeAnswers(text) >= answers) done();
    });
    socket.on("end", done);
    socket.on("error", (error) => (text === "" ? reject(error) : done()));
  });
}

function completeAnswers(text: string): number {
  let count = 0;
  for (let at = 0; ; count++) {
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0) return count;
    at = end + 4 + Number(/content-length: (\d+)/i.exec(text.slice(at, end))?.[1] ?? 0);
    if (text.length < at) return count;
  }
}
