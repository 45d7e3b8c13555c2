import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Files } from "../service/graph.ts";
import { API_KEY, endServers, Server } from "../service/server.ts";

/** P11: whatever one caller sends or asks, others are answered within 200 ms, and the process stays under 512 MB. */
const MOST_MS = 200;
const LONG = process.env.GRAPHKEEPER_LONG !== undefined;
const UNITS = LONG ? 300_000 : 40_000;
const BODY_BYTES = LONG ? 12_000_000 : 1_500_000;

const files = new Files();
let server: Server;
let watch: Worker;
async function start(): Promise<void> {
  server = await Server.start(files.path(), { environment: { GRAPHKEEPER_LOG_LEVEL: "error" } });
  const { url, child } = server;
  watch = new Worker(new URL("./livez-watch.ts", import.meta.url), { workerData: { url, pid: child.pid } });
  await longest();
}
beforeAll(start, 60_000);
afterAll(async () => {
  await watch.terminate();
  await endServers();
  files.remove();
});

/** Longest answer of livez since the last call. */
async function longest(): Promise<number> {
  watch.postMessage("tell");
  return ((await once(watch, "message")) as [number])[0];
}

async function call(
  method: string,
  path: string,
  body?: string,
  group = "acme",
): Promise<{ status: number; text: string }> {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      authorization: `Bearer ${API_KEY}`,
      "x-group-id": group,
      ...(body === undefined
        ? {}
        : { "content-type": path.endsWith("/import") ? "application/x-ndjson" : "application/json" }),
    },
    body,
  });
  return { status: response.status, text: await response.text() };
}

const lines = (...objects: object[]) => objects.map((each) => JSON.stringify(each)).join("\n");
const unit = (id: string, document: string, text = "t") => ({ kind: "text_unit", id, documents: [document], text });
const document = (id: string, metadata: object) => lines({ kind: "document", id, metadata }, unit(`${id}/u`, id));
const load = (text: string, group = "acme") => call("POST", `/groups/${group}/import`, text, group);
const many = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
const keys = (count: number, prefix = "") => Object.fromEntries(many(count, (i) => [`${prefix}${i.toString(36)}`, i]));

/** Most memory of the process so far, in MB. */
function peak(): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, "utf8"))?.[1]) / 1_024;
}

/** What is sent, and the statuses that come back: refusals are clear errors, and nothing is a 5xx. */
const ATTACKS: [what: string, status: number, attack: () => Promise<{ status: number; text: string }>][] = [
  ["a line with metadata of 500,000 keys", 413, () => load(document("keys", keys(500_000)))],
  ["a line with metadata of 10,001 values", 422, () => load(document("keys", { a: many(10_000, (i) => i) }))],
  [
    "a line with metadata of a million characters more",
    422,
    () => load(document("keys", { a: "x".repeat(1_000_001) })),
  ],
  ["a line of 8 MB of brackets", 413, () => load(document("keys", { a: many(2_000_000, () => []) }))],
  ["the same keys as JSON", 413, () => put({ metadata: many(60, (i) => keys(9_000, `${i}`)), text_units: [] })],
  ["999,000 objects", 413, () => putText(`{"text_units":[${'{"a":1},'.repeat(499_000)}{}]}`)],
  ["999,000 texts", 413, () => putText(`{"metadata":{"a":[${'"abc",'.repeat(999_000)}1]},"text_units":[]}`)],
  ["999,000 numbers in metadata", 422, () => putText(`{"metadata":{"a":[${"1,".repeat(999_000)}1]},"text_units":[]}`)],
  ["900 vectors of 1,000 components", 200, () => put({ text_units: many(900, (i) => ({ ...vector(i), text: "t" })) })],
  ["16,000 text units as JSON", 200, () => put({ text_units: many(16_000, (i) => ({ id: `j${i}`, text: `${i}` })) })],
  ["a bulk of 240,000 documents", 413, () => call("POST", "/documents/bulk", JSON.stringify(bulk(240_000)))],
  [
    "a search by 60,000 components",
    422,
    () => call("POST", "/search", JSON.stringify({ vector: many(60_000, Number) })),
  ],
  [
    "a fact with a support of 90,000 text units",
    422,
    () =>
      load(
        lines(
          { kind: "document", id: "fact" },
          { kind: "entity", id: "e", name: "e" },
          {
            kind: "relationship",
            id: "r",
            source: "e",
            target: "e",
            type: "T",
            text_units: many(90_000, (i) => `x${i}`),
          },
        ),
      ),
  ],
  [
    `a document of ${UNITS} text units`,
    200,
    () => load(lines({ kind: "document", id: "big" }, ...many(UNITS, bigUnit)), "big"),
  ],
  ["its impact", 200, () => call("GET", "/documents/big/impact", undefined, "big")],
  ["its export", 200, () => call("GET", "/groups/big/export", undefined, "big")],
  ["its end", 200, () => call("POST", "/documents/big/deprecate", '{"force":true}', "big")],
  [
    "twelve documents with a megabyte of metadata each",
    200,
    () => load(many(12, (i) => document(`page${i}`, { a: "x".repeat(990_000) })).join("\n"), "pages"),
  ],
  ["a page of these", 200, () => call("GET", "/documents?limit=100", undefined, "pages")],
  ["their dump", 200, () => call("GET", "/groups/pages/dump", undefined, "pages")],
  [
    "eight texts of 3.9 million characters",
    200,
    () =>
      load(
        lines(
          { kind: "document", id: "texts" },
          ...many(8, (i) => ({ ...unit(`t${i}`, "texts", "y".repeat(3_900_000)), embedding: [1, i, 1] })),
        ),
        "texts",
      ),
  ],
  ["a search that finds them all", 413, () => call("POST", "/search", '{"vector":[1,2,3],"k":100}', "texts")],
  ["a search that finds four", 200, () => call("POST", "/search", '{"vector":[1,2,3],"k":4}', "texts")],
];

const bigUnit = (i: number) => unit(`big/u${i}`, "big", `Text of unit ${i} of a document.`);
const vector = (i: number) => ({ id: `v${i}`, embedding: many(1_000, (j) => ((i * j) % 97) + 0.123_456) });
const bulk = (count: number) => ({ verb: "deprecate", documents: many(count, String) });
const putText = (body: string) => call("PUT", "/documents/d0", body);
const put = (body: object) => putText(JSON.stringify(body));

test("no caller keeps the others waiting for 200 ms, and none gets a 5xx", { timeout: 300_000 }, async () => {
  expect((await load(document("d0", {}))).status).toBe(200);
  const slow: string[] = [];
  for (const [what, status, attack] of ATTACKS) {
    // The first time also compiles the code, or grows the heap.
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 3 && best >= MOST_MS; i++) {
      await longest();
      const answer = await attack();
      expect(answer.status, `${what}: ${answer.text.slice(0, 400)}`).toBe(status);
      if (status >= 400) expect(JSON.parse(answer.text).detail, what).toMatch(/more than|at most|neither|components/);
      best = Math.min(best, await longest());
    }
    if (best >= MOST_MS) slow.push(`${what}: ${Math.round(best)} ms`);
  }
  expect(slow).toEqual([]);
});

test("pages of large documents are complete", async () => {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const query = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const { text } = await call("GET", `/documents?limit=100${query}`, undefined, "pages");
    expect(text.length).toBeLessThan(6_000_000);
    const page = JSON.parse(text) as { documents: { id: string }[]; next_cursor: string | null };
    ids.push(...page.documents.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  expect(ids.sort()).toEqual(many(12, (i) => `page${i}`).sort());
});

test("200 connections with large bodies at once: all are answered, in bounded memory", {
  timeout: 300_000,
}, async () => {
  await watch.terminate();
  await server.stop();
  await start();
  expect((await load(document("d0", {}))).status).toBe(200);
  const body = JSON.stringify({ text_units: [{ id: "u", text: "x".repeat(BODY_BYTES) }], extra: 1 });
  await longest();
  const statuses = await Promise.all(many(200, () => putText(body).then(({ status }) => status)));
  expect([...new Set(statuses)].filter((status) => status !== 400 && status !== 429)).toEqual([]);
  expect(await longest()).toBeLessThan(MOST_MS);
  const peakMb = peak();
  expect(peakMb).toBeLessThan(512);
});
