/**
 * Many callers at once: `deprecate` over HTTP on 50 connections, each sending its next call when the last is answered, for a
 * minute on an otherwise idle server and for a minute while collections and recomputes run without a pause. Counts errors,
 * and compares the times within one run.
 *
 *   node bench/service/connections.ts [--connections 50] [--seconds 60] [--documents 2000] [--groups 300]
 *
 * Prints a table. The callers share the machine's processors with the server.
 */
import { Agent } from "node:http";
import { cpus, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { documentIds, Files, FOREGROUND, manyGroups } from "../../test/service/graph.ts";
import { Server } from "../../test/service/server.ts";

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "50" },
    seconds: { type: "string", default: "60" },
    documents: { type: "string", default: "2000" },
    groups: { type: "string", default: "300" },
  },
});
const [connections, seconds, documents, groups] = [
  values.connections,
  values.seconds,
  values.documents,
  values.groups,
].map(Number) as [number, number, number, number];

interface Minute {
  times: number[];
  errors: Map<string, number>;
  restored: number;
}

function quantile(sorted: number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] as number;
}

/** Each connection has documents of its own; once all are deprecated it restores them in one call, which is not measured. */
async function minute(server: Server, ms: number): Promise<Minute> {
  const found: Minute = { times: [], errors: new Map(), restored: 0 };
  const until = performance.now() + ms;
  const each = Math.floor(documents / connections);
  const ids = documentIds(documents);
  const agents = Array.from({ length: connections }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const failed = (what: string) => found.errors.set(what, (found.errors.get(what) ?? 0) + 1);
  const restore = async (agent: Agent, own: string[]) => {
    const body = { verb: "restore", documents: own };
    const answer = await server.send("POST", "/documents/bulk", { group: FOREGROUND, body, agent });
    if (answer.status !== 200) failed(`restore ${answer.status}`);
    found.restored += own.length;
  };
  const caller = async (agent: Agent, own: string[]) => {
    let next = 0;
    while (performance.now() < until) {
      if (next === own.length) {
        await restore(agent, own);
        next = 0;
        continue;
      }
      const begun = performance.now();
      const path = `/documents/${own[next++]}/deprecate`;
      // Whoever deprecates everything must say so: the guard counts what all callers together have hidden.
      const answer = await server
        .send("POST", path, { group: FOREGROUND, body: { force: true }, agent })
        .catch((error: unknown) => ({ status: String((error as { code?: string }).code ?? error), body: null }));
      found.times.push(performance.now() - begun);
      if (answer.status !== 200) failed(String(answer.status));
      else if (answer.body.outcomes[0].outcome !== "deprecated") failed(answer.body.outcomes[0].outcome);
    }
    if (next > 0) await restore(agent, own.slice(0, next));
  };
  await Promise.all(agents.map((agent, i) => caller(agent, ids.slice(i * each, (i + 1) * each))));
  for (const agent of agents) agent.destroy();
  found.times.sort((a, b) => a - b);
  return found;
}

/** Keeps a collection and a recompute of all stale groups in the queue until told to stop. @returns what succeeded meanwhile */
async function maintain(server: Server, signal: AbortSignal): Promise<Record<string, number>> {
  const since = Date.now();
  while (!signal.aborted) {
    for (const path of ["recompute-gds", "run-all-gc"]) {
      await server.call("POST", `/maintenance/${path}?wait=0`);
      await server.call("POST", `/maintenance/${path}?wait=0`, { group: FOREGROUND });
    }
    await delay(250, undefined, { signal }).catch(() => {});
  }
  const ran: Record<string, number> = {};
  for (const kind of ["gc_all", "recompute"]) {
    const { runs } = await server.call("GET", `/maintenance/runs?kind=${kind}&state=succeeded&limit=1000`);
    ran[kind] = runs.filter((run: { ended_at: string }) => Date.parse(run.ended_at) >= since).length;
  }
  return ran;
}

const files = new Files();
try {
  const template = files.path();
  await manyGroups(template, groups, documents);
  const server = await Server.start(files.copy(template), { environment: { GRAPHKEEPER_LOG_LEVEL: "warn" } });
  // Connections, statements and the compiler are warm before anything counts.
  await minute(server, 3_000);
  const load = loadavg()[0]?.toFixed(1);
  const idle = await minute(server, seconds * 1_000);
  const stop = new AbortController();
  const maintaining = maintain(server, stop.signal);
  const busy = await minute(server, seconds * 1_000);
  stop.abort();
  const ran = await maintaining;
  await server.stop();
  const [cpu] = cpus();
  console.log(
    `${connections} connections, ${seconds} s each; ${documents} documents, ${groups} other groups; ` +
      `${cpus().length} × ${cpu?.model}, load at the start ${load}`,
  );
  console.log(`in the second minute: ${ran.gc_all} collections and ${ran.recompute} recomputes ended\n`);
  console.log("| deprecate over HTTP | calls/s | errors | p50 ms | p99 ms |\n|---|---|---|---|---|");
  const row = (name: string, { times, errors }: Minute) => {
    const count = [...errors.values()].reduce((sum, n) => sum + n, 0);
    const kinds = [...errors].map(([what, n]) => `${what}: ${n}`).join(", ");
    const rate = (times.length / seconds).toFixed(0);
    const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)].map((ms) => ms.toFixed(1));
    console.log(`| ${name} | ${rate} | ${count}${kinds === "" ? "" : ` (${kinds})`} | ${p50} | ${p99} |`);
  };
  row("idle", idle);
  row("while collections and recomputes run", busy);
  const ratio = (of: (minute: Minute) => number) => `${(of(busy) / of(idle)).toFixed(2)}×`;
  console.log(
    `| ratio | ${ratio((m) => m.times.length)} | | ${ratio((m) => quantile(m.times, 0.5))} | ${ratio((m) => quantile(m.times, 0.99))} |`,
  );
  if (idle.errors.size + busy.errors.size > 0) process.exitCode = 1;
} finally {
  files.remove();
}
