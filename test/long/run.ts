/**
 * The long forms of the robustness tests, against the real service as a process of its own:
 *
 *   node test/long/run.ts kills --n 10000            kill -9 at random moments, restart, nothing acknowledged is lost
 *   node test/long/run.ts requests --n 200000        mixed calls, no 5xx
 *   node test/long/run.ts load --seconds 3600 --connections 200
 *   node test/long/run.ts groups --n 5000            a document in each, one collection of all stale groups
 *   node test/long/run.ts hub --n 200000             an entity that so many text units mention
 *   node test/long/run.ts document --n 300000        a document of so many text units
 *
 * Each prints what it did as one line of JSON, with the date and the service's largest memory; the exit code is 1 when a
 * promise did not hold. `docs/robustness.md` keeps the last result. `--seed` repeats the choices of an earlier run.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { endServers, Server } from "../service/server.ts";
import { Random } from "../simulation/time.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    n: { type: "string", default: "100" },
    seconds: { type: "string", default: "10" },
    connections: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
  },
});
const n = Number(values.n);
const random = new Random(Number(values.seed));
const folder = mkdtempSync(join(tmpdir(), "gk-long-"));
const data = join(folder, "graph.db");
const G = "g";

type Figures = Record<string, number | string>;

const lines = (rows: object[]) => rows.map((row) => JSON.stringify(row)).join("\n");
const document = (id: string) =>
  lines([
    { kind: "document", id },
    { kind: "text_unit", id: `${id}-u`, documents: [id], text: `The text of ${id}.` },
    { kind: "entity", id: "shared", name: "shared" },
    { kind: "entity", id: `${id}-e`, name: id },
    { kind: "mention", text_unit: `${id}-u`, entity: "shared" },
    { kind: "mention", text_unit: `${id}-u`, entity: `${id}-e` },
  ]);
const put = (server: Server, group: string, body: string) => server.send("POST", `/groups/${group}/import`, { body });

/** Of the process, in MB, at its largest. */
function peakMb(server: Server): number {
  const found = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, "utf8"));
  return Math.round(Number(found?.[1] ?? 0) / 1_024);
}

async function sound(server: Server, group: string): Promise<void> {
  assert.deepEqual(await server.call("GET", `/groups/${group}/verify`), { clean: true, findings: [] });
}

async function kills(): Promise<Figures> {
  const acknowledged = new Map<string, "active" | "deprecated">();
  let [asked, unanswered] = [0, 0];
  let server = await Server.start(data, { roles: "http,scheduler,worker" });
  for (let kill = 0; kill < n; kill++) {
    const dies = delay(20 + random.below(400)).then(() => server.kill());
    for (let going = true; going; ) {
      const known = [...acknowledged.keys()];
      const id = known.length > 0 && random.chance(0.4) ? random.pick(known) : `d${++asked}`;
      const verb = acknowledged.get(id) === "active" ? "deprecate" : acknowledged.has(id) ? "restore" : "import";
      const call =
        verb === "import"
          ? put(server, G, document(id))
          : server.send("POST", `/documents/${id}/${verb}`, { group: G, body: {} });
      const answer = await call.catch(() => null);
      // What was not answered may have happened; the next look decides.
      if (answer === null) {
        unanswered++;
        acknowledged.delete(id);
        going = false;
      } else if (answer.status < 300) acknowledged.set(id, verb === "deprecate" ? "deprecated" : "active");
    }
    await dies;
    server = await Server.start(data, { roles: "http,scheduler,worker" });
    if (kill % 10 === 9 || kill === n - 1) {
      for (const [id, status] of acknowledged)
        assert.equal((await server.call("GET", `/documents/${id}`, { group: G })).status, status, id);
      await sound(server, G);
    }
  }
  const figures = { kills: n, acknowledged: acknowledged.size, unanswered, peak_mb: peakMb(server) };
  await server.stop();
  return figures;
}

/** One of the calls of a day; @returns its status */
async function anyCall(server: Server): Promise<number> {
  const id = `d${random.below(500)}`;
  const paths: [string, string, object?][] = [
    ["GET", `/documents/${id}`],
    ["GET", "/documents?limit=50"],
    ["POST", `/documents/${id}/deprecate`, {}],
    ["POST", `/documents/${id}/restore`, {}],
    ["GET", "/maintenance/health"],
    ["POST", "/maintenance/run-all-gc?wait=0", {}],
    ["GET", "/neighbourhood?of=entity&id=shared&limit=20"],
  ];
  if (random.chance(0.3)) return (await put(server, G, document(id))).status;
  const [method, path, body] = random.pick(paths);
  return (await server.send(method, path, { group: G, body })).status;
}

async function calls(until: () => boolean, connections: number): Promise<Figures> {
  const environment = { GRAPHKEEPER_CALLS_PER_MINUTE_PER_KEY: "0", GRAPHKEEPER_CALLS_PER_MINUTE_PER_GROUP: "0" };
  const server = await Server.start(data, { roles: "http,scheduler,worker", environment });
  await put(server, G, document("d0"));
  const statuses = new Map<number, number>();
  const tookMs: number[] = [];
  let requests = 0;
  const begun = performance.now();
  const client = async () => {
    while (!until()) {
      const at = performance.now();
      const status = await anyCall(server);
      if (tookMs.length < 1_000_000) tookMs.push(performance.now() - at);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      requests++;
      if (status >= 500) assert.fail(`a call answered ${status}`);
    }
  };
  asked = () => requests;
  await Promise.all(Array.from({ length: connections }, client));
  tookMs.sort((a, b) => a - b);
  const seconds = Math.round((performance.now() - begun) / 1_000);
  await sound(server, G);
  const figures = {
    requests,
    connections,
    seconds,
    p50_ms: Math.round(tookMs[Math.floor(tookMs.length / 2)] ?? 0),
    p99_ms: Math.round(tookMs[Math.floor(tookMs.length * 0.99)] ?? 0),
    statuses: JSON.stringify(Object.fromEntries([...statuses].sort())),
    peak_mb: peakMb(server),
  };
  await server.stop();
  return figures;
}
let asked = () => 0;

async function groups(): Promise<Figures> {
  const server = await Server.start(data);
  for (let i = 0; i < n; i += 20) {
    const some = Array.from({ length: Math.min(20, n - i) }, (_, j) => put(server, `g${i + j}`, document("d")));
    for (const { status } of await Promise.all(some)) assert.equal(status, 200);
  }
  const begun = performance.now();
  const answer = await server.send("POST", "/maintenance/run-all-gc?wait=3600", { body: {} });
  assert.equal(answer.status, 200, JSON.stringify(answer.body).slice(0, 300));
  assert.equal(answer.body.groups.length, n);
  const figures = {
    groups: n,
    gc_all_seconds: Math.round((performance.now() - begun) / 1_000),
    peak_mb: peakMb(server),
  };
  await server.stop();
  return figures;
}

/** Deprecate, collect, restore, purge of the document, while `livez` is asked all the time. */
async function lifecycle(server: Server, id: string): Promise<Figures> {
  const took: Figures = {};
  let [deafMs, over] = [0, false];
  const listen = (async () => {
    while (!over) {
      const at = performance.now();
      assert.equal((await server.send("GET", "/livez")).status, 200);
      deafMs = Math.max(deafMs, performance.now() - at);
      await delay(20);
    }
  })();
  const timed = async (what: string, call: () => Promise<unknown>) => {
    const at = performance.now();
    await call();
    took[`${what}_ms`] = Math.round(performance.now() - at);
  };
  const gc = () => server.call("POST", "/maintenance/run-all-gc?wait=3600", { group: G, body: {} });
  await timed("deprecate", () =>
    server.call("POST", `/documents/${id}/deprecate`, { group: G, body: { force: true } }),
  );
  await timed("gc", gc);
  await timed("restore", () => server.call("POST", `/documents/${id}/restore`, { group: G, body: {} }));
  await timed("gc_after_restore", gc);
  await sound(server, G);
  const body = { confirm: id, force: true };
  await timed("purge", () => server.call("POST", `/documents/${id}/purge`, { group: G, body }));
  await sound(server, G);
  over = true;
  await listen;
  return { ...took, livez_longest_ms: Math.round(deafMs), peak_mb: peakMb(server) };
}

async function hub(): Promise<Figures> {
  const server = await Server.start(data);
  const size = 1_000;
  for (let from = 0; from < n; from += size) {
    const id = `d${from / size}`;
    const rows: object[] = [
      { kind: "document", id },
      { kind: "entity", id: "hub", name: "hub" },
    ];
    for (let i = from; i < Math.min(n, from + size); i++) {
      rows.push({ kind: "text_unit", id: `u${i}`, documents: [id], text: `The hub in text ${i}.` });
      rows.push({ kind: "mention", text_unit: `u${i}`, entity: "hub" });
    }
    assert.equal((await put(server, G, lines(rows))).status, 200);
  }
  const figures = { mentions: n, ...(await lifecycle(server, "d0")) };
  await server.stop();
  return figures;
}

async function largeDocument(): Promise<Figures> {
  const server = await Server.start(data);
  const rows: object[] = [
    { kind: "document", id: "large" },
    { kind: "entity", id: "e", name: "e" },
  ];
  for (let i = 0; i < n; i++) {
    rows.push({ kind: "text_unit", id: `u${i}`, documents: ["large"], text: `Text ${i}.` });
    if (i % 100 === 0) rows.push({ kind: "mention", text_unit: `u${i}`, entity: "e" });
  }
  const at = performance.now();
  assert.equal((await put(server, G, lines(rows))).status, 200);
  const importMs = Math.round(performance.now() - at);
  const figures = { units: n, import_ms: importMs, ...(await lifecycle(server, "large")) };
  await server.stop();
  return figures;
}

const until = performance.now() + Number(values.seconds) * 1_000;
const FORMS: Record<string, () => Promise<Figures>> = {
  kills,
  requests: () => calls(() => asked() >= n, Number(values.connections)),
  load: () => calls(() => performance.now() > until, Number(values.connections)),
  groups,
  hub,
  document: largeDocument,
};
const form = positionals[0] ?? "";
try {
  const work = FORMS[form];
  if (work === undefined) throw new Error(`Which form? Known are ${Object.keys(FORMS).join(", ")}.`);
  const begun = performance.now();
  const figures = await work();
  const seconds = Math.round((performance.now() - begun) / 1_000);
  console.log(
    JSON.stringify({
      form,
      date: new Date().toISOString().slice(0, 10),
      seed: values.seed,
      took_seconds: seconds,
      ...figures,
    }),
  );
} catch (error) {
  console.error((error as Error).stack);
  process.exitCode = 1;
} finally {
  await endServers();
  rmSync(folder, { recursive: true, force: true });
}
