/**
 * What users feel of maintenance: how long `deprecate` takes over HTTP while collection and recompute run over all of a
 * thousand groups, against an idle server. A ratio within one run; rounds take turns, so that a busy machine is in both.
 *
 *   node bench/service/run.ts [--groups 1000] [--documents 400] [--calls 100] [--rounds 3]
 *
 * Prints a table.
 */
import { cpus, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { documentIds, Files, FOREGROUND, manyGroups } from "../../test/service/graph.ts";
import { Server } from "../../test/service/server.ts";

const { values } = parseArgs({
  options: {
    groups: { type: "string", default: "1000" },
    documents: { type: "string", default: "400" },
    calls: { type: "string", default: "100" },
    rounds: { type: "string", default: "3" },
  },
});
const [groups, documents, calls, rounds] = [values.groups, values.documents, values.calls, values.rounds].map(
  Number,
) as [number, number, number, number];
/** Between two calls: a user's rate, not a load test. */
const PAUSE_MS = 25;

function quantile(sorted: number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] as number;
}

async function deprecations(server: Server, ids: string[]): Promise<number[]> {
  const times: number[] = [];
  for (const id of ids) {
    const begun = performance.now();
    await server.call("POST", `/documents/${id}/deprecate`, { group: FOREGROUND, body: {} });
    times.push(performance.now() - begun);
    await delay(PAUSE_MS);
  }
  return times;
}

const files = new Files();
try {
  const template = files.path();
  await manyGroups(template, groups, documents);
  const [idle, busy]: [number[], number[]] = [[], []];
  const ran: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    const server = await Server.start(files.copy(template));
    const ids = documentIds(2 * calls + 20);
    // Connections, statements and the compiler are warm before anything counts.
    await deprecations(server, ids.splice(0, 20));
    idle.push(...(await deprecations(server, ids.splice(0, calls))));
    // Recomputes first: only one of them may begin, and the collections go on beside it.
    for (const path of ["recompute-gds", "run-all-gc"]) await server.call("POST", `/maintenance/${path}?wait=0`);
    busy.push(...(await deprecations(server, ids.splice(0, calls))));
    const waiting = (await server.call("GET", "/maintenance/runs?state=queued&limit=1")).runs.length;
    if (waiting === 0) throw new Error("The runs ended before the calls did: more groups, or fewer calls.");
    for (const kind of ["gc_all", "recompute"]) {
      const page = await server.call("GET", `/maintenance/runs?kind=${kind}&state=succeeded&limit=1000`);
      ran[kind] = (ran[kind] ?? 0) + page.runs.length;
    }
    await server.stop();
  }
  for (const times of [idle, busy]) times.sort((a, b) => a - b);
  const [cpu] = cpus();
  console.log(
    `${groups} groups, ${rounds} × ${calls} calls each way; ${cpus().length} × ${cpu?.model}, load ${loadavg()[0]?.toFixed(1)}`,
  );
  console.log(`beside them: ${ran.gc_all} collections, ${ran.recompute} recomputes\n`);
  console.log("| deprecate over HTTP | p50 ms | p95 ms | p99 ms |\n|---|---|---|---|");
  const row = (name: string, of: (q: number) => string) =>
    console.log(`| ${name} | ${[0.5, 0.95, 0.99].map(of).join(" | ")} |`);
  row("idle", (q) => quantile(idle, q).toFixed(1));
  row("collection and recompute over all groups", (q) => quantile(busy, q).toFixed(1));
  row("ratio", (q) => `${(quantile(busy, q) / quantile(idle, q)).toFixed(2)}×`);
} finally {
  files.remove();
}
