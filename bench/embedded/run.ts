/**
 * The embedded store at growing sizes: what a lifecycle call costs, and what collection costs against a full scan.
 *
 *   node bench/embedded/run.ts [--sizes 10000,100000,1000000] [--write]
 *
 * --write puts the report into bench/embedded/RESULTS.md as well. Data: GRAPHKEEPER_TEST_DATA.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Fence, Policy, Verb } from "../../src/core/words.ts";
import { collectGarbage } from "../../src/maintenance/collect.ts";
import { openSqliteStore, type SqliteStore } from "../../src/stores/sqlite/index.ts";
import { readShape, SyntheticGraph, seeded, UNITS_PER_DOCUMENT } from "./graph.ts";

const { values } = parseArgs({
  options: { sizes: { type: "string", default: "10000,100000,1000000" }, write: { type: "boolean", default: false } },
});
const SIZES = values.sizes.split(",").map(Number);
const GROUP = "bench";
const VECTORS = { unitDimension: 384, entityDimension: 32 };
const DEPRECATIONS = 200;
const POLICY: Policy = { restoreWindowMs: 30 * 86_400_000, unsupported: "collect", graceAgeMs: 3_600_000 };
const SWEEP_STEP = 5_000;

interface Measured {
  entities: number;
  relationships: number;
  documents: number;
  hubDegree: number;
  fileMb: number;
  importS: number;
  importedPerS: number;
  deprecateP50: number;
  deprecateP99: number;
  deprecateMax: number;
  deprecateCpuP50: number;
  deprecateCpuP99: number;
  restoreP50: number;
  restoreP99: number;
  changedDocuments: number;
  candidates: number;
  collectMs: number;
  scanMs: number;
  scanned: number;
  rssMb: number;
  peakRssMb: number;
}

let operations = 0;
const operation = (verb: Verb, documentIds: string[]) => ({
  id: `operation-${++operations}`,
  groupId: GROUP,
  verb,
  documentIds,
  requestHash: "bench",
  at: Date.now(),
  actor: "bench",
  reason: null,
});

function quantile(sorted: number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] as number;
}

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const begun = performance.now();
  const value = await work();
  return { value, ms: performance.now() - begun };
}

async function measure(entities: number): Promise<Measured> {
  const folder = mkdtempSync(path.join(tmpdir(), "graphkeeper-bench-"));
  const file = path.join(folder, "data.db");
  const store = await openSqliteStore({ path: file });
  try {
    const graph = new SyntheticGraph(readShape(), entities, VECTORS);
    const importS = await importAll(store, graph);
    const counts = await store.counts(GROUP);
    // The first run after an import judges what it left; here it finds nothing to do.
    await collect(store);
    const fileMb = statSync(file).size / 1e6;
    const lifecycle = await lifecycleCalls(store, graph);
    const collection = await collections(store, graph);
    return {
      entities: counts.entities.live,
      relationships: counts.relationships.live,
      documents: graph.documents,
      hubDegree: graph.hubDegree,
      fileMb,
      importS,
      importedPerS: (counts.entities.live + counts.relationships.live + counts.textUnits.live) / importS,
      ...lifecycle,
      ...collection,
      rssMb: process.memoryUsage.rss() / 1e6,
      peakRssMb: peakRssMb(),
    };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Seconds inside the store; making the blocks is not counted. */
async function importAll(store: SqliteStore, graph: SyntheticGraph): Promise<number> {
  let ms = 0;
  for (let document = 0; document < graph.documents; document++) {
    const block = graph.block(document);
    ms += (await timed(() => store.apply(operation("import", [graph.documentId(document)]), { block }))).ms;
  }
  return ms / 1_000;
}

/** Documents in random order, each deprecated and restored again, so that the graph stays as large as it is. */
async function lifecycleCalls(store: SqliteStore, graph: SyntheticGraph) {
  const random = seeded(7);
  const deprecations: number[] = [];
  const restores: number[] = [];
  const processor: number[] = [];
  for (let i = 0; i < DEPRECATIONS; i++) {
    // The last document may have fewer units.
    const id = graph.documentId(Math.floor(random() * (graph.documents - 1)));
    const before = process.cpuUsage();
    deprecations.push((await timed(() => store.apply(operation("deprecate", [id])))).ms);
    const { user, system } = process.cpuUsage(before);
    processor.push((user + system) / 1_000);
    restores.push((await timed(() => store.apply(operation("restore", [id])))).ms);
    // Else the candidates that it notes would be there from the last time.
    await collect(store);
  }
  deprecations.sort((a, b) => a - b);
  restores.sort((a, b) => a - b);
  processor.sort((a, b) => a - b);
  return {
    deprecateP50: quantile(deprecations, 0.5),
    deprecateP99: quantile(deprecations, 0.99),
    deprecateMax: quantile(deprecations, 1),
    deprecateCpuP50: quantile(processor, 0.5),
    deprecateCpuP99: quantile(processor, 0.99),
    restoreP50: quantile(restores, 0.5),
    restoreP99: quantile(restores, 0.99),
  };
}

/** 1 % of the documents deprecated and collected by candidates; restored; and the same found by a scan of everything. */
async function collections(store: SqliteStore, graph: SyntheticGraph) {
  const changedDocuments = Math.max(1, Math.round(graph.documents / 100));
  const ids = Array.from({ length: changedDocuments }, (_, i) =>
    graph.documentId(Math.floor((i * (graph.documents - 1)) / changedDocuments)),
  );
  const before = await store.counts(GROUP);
  await store.apply(operation("deprecate", ids), { guard: null });
  const { ms: collectMs, value: collected } = await timed(() => collect(store));
  await store.apply(operation("restore", ids), { guard: null });
  await collect(store);
  expectEqual(await store.counts(GROUP), before);
  await store.apply(operation("deprecate", ids), { guard: null });
  const { ms: scanMs, value: scanned } = await timed(() =>
    withLease(store, async (fence) => {
      let examined = 0;
      let cursor: string | null = null;
      do {
        const step: { examined: number; cursor: string | null } = await store.sweep(fence, {
          cursor,
          limit: SWEEP_STEP,
          policy: POLICY,
          now: Date.now(),
        });
        examined += step.examined;
        cursor = step.cursor;
      } while (cursor !== null);
      return examined;
    }),
  );
  const { ms: rest } = await timed(() => collect(store));
  const candidates = Object.values(collected.jobs).reduce((sum, job) => sum + job.examined, 0);
  return { changedDocuments, candidates, collectMs, scanMs: scanMs + rest, scanned };
}

function collect(store: SqliteStore) {
  return withLease(store, (fence) =>
    collectGarbage(store, fence, {
      kinds: ["orphan_entities", "stale_edges", "deprecated_vectors"],
      policy: POLICY,
      clock: Date.now,
      sweepEveryMs: Number.POSITIVE_INFINITY,
    }),
  );
}

async function withLease<T>(store: SqliteStore, work: (fence: Fence) => Promise<T>): Promise<T> {
  const fence = await store.acquireLease(GROUP, "bench", 3_600_000, Date.now());
  if (!fence) throw new Error("the lease is taken");
  try {
    return await work(fence);
  } finally {
    await store.releaseLease(fence);
  }
}

function expectEqual(a: unknown, b: unknown): void {
  if (JSON.stringify(a) !== JSON.stringify(b)) {
    throw new Error(`after the restore the group differs: ${JSON.stringify(a)} instead of ${JSON.stringify(b)}`);
  }
}

/** Peak of the whole process with its threads; 0 where the system does not tell. */
function peakRssMb(): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "latin1"))?.[1]) / 1e3;
  } catch {
    return 0;
  }
}

const ms = (value: number) => (value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en-US"));
const n = (value: number) => Math.round(value).toLocaleString("en-US");

function report(results: Measured[]): string {
  const rows: [string, (m: Measured) => string][] = [
    ["entities", (m) => n(m.entities)],
    ["relationships", (m) => n(m.relationships)],
    [`documents of ${UNITS_PER_DOCUMENT} units`, (m) => n(m.documents)],
    ["largest hub: units that mention it", (m) => n(m.hubDegree)],
    ["file, MB", (m) => n(m.fileMb)],
    ["import, s", (m) => m.importS.toFixed(1)],
    ["imported entities + relationships + units per s", (m) => n(m.importedPerS)],
    ["deprecate one document, p50 ms", (m) => ms(m.deprecateP50)],
    ["deprecate one document, p99 ms", (m) => ms(m.deprecateP99)],
    ["deprecate one document, slowest ms", (m) => ms(m.deprecateMax)],
    ["deprecate one document, processor p50 ms", (m) => ms(m.deprecateCpuP50)],
    ["deprecate one document, processor p99 ms", (m) => ms(m.deprecateCpuP99)],
    ["restore one document, p50 ms", (m) => ms(m.restoreP50)],
    ["restore one document, p99 ms", (m) => ms(m.restoreP99)],
    ["documents deprecated (1 %)", (m) => n(m.changedDocuments)],
    ["rows that their collection looked at", (m) => n(m.candidates)],
    ["collection by candidates, ms", (m) => ms(m.collectMs)],
    ["collection, µs per row looked at", (m) => ((m.collectMs * 1_000) / m.candidates).toFixed(1)],
    ["rows of the full scan", (m) => n(m.scanned)],
    ["collection by a full scan, ms", (m) => ms(m.scanMs)],
    ["full scan ÷ candidates", (m) => `${(m.scanMs / m.collectMs).toFixed(0)} ×`],
    ["RSS at the end, MB", (m) => n(m.rssMb)],
    ["peak RSS so far, MB", (m) => n(m.peakRssMb)],
  ];
  const table = [
    ["", ...results.map((m) => n(m.entities))],
    ["---", ...results.map(() => "---:")],
    ...rows.slice(1).map(([title, cell]) => [title, ...results.map(cell)]),
  ];
  return table.map((row) => `| ${row.join(" | ")} |`).join("\n");
}

const load = () => loadavg()[0]?.toFixed(1);
const loadBefore = load();
const results: Measured[] = [];
for (const size of SIZES) {
  results.push(await measure(size));
  console.error(`${n(size)} entities measured`);
}
const text = `# The embedded store, measured

\`node bench/embedded/run.ts --sizes ${values.sizes} --write\`, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, load ${loadBefore} at the
start and ${load()} at the end (other work ran on the machine).

Shape: ${readShape().source}; two hubs, each mentioned by 20 % of the units; vectors of ${VECTORS.unitDimension} components at units, ${VECTORS.entityDimension} at entities; ids in
random order. Every call goes through the store's threads and is synced to the disk (\`synchronous: full\`). Deprecations:
${DEPRECATIONS} documents at random, one call each, restored and collected in between; their processor time (of all
threads of the process) does not depend on what else the machine does. Full scan: the sweep over every entity and relationship, in
steps of ${n(SWEEP_STEP)}, and the collection of what it found. By column: entities.

${report(results)}
`;
console.log(text);
if (values.write) writeFileSync(path.join(path.dirname(fileURLToPath(import.meta.url)), "RESULTS.md"), text);
