/**
 * The embedded store at growing sizes: what a lifecycle call costs, and what collection costs against a full scan.
 *
 *   node bench/embedded/run.ts [--sizes 10000,100000,1000000] [--write]
 *
 * --write puts the report into bench/embedded/RESULTS.md as well. Data: GRAPHKEEPER_TEST_DATA.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Fence, Policy } from "../../src/core/words.ts";
import { collectGarbage } from "../../src/maintenance/collect.ts";
import { openSqliteStore, type SqliteStore } from "../../src/stores/sqlite/index.ts";
import { seeded } from "../../test/data/seeded.ts";
import { GROUP, operations } from "../operations.ts";
import { readShape, SyntheticGraph, UNITS_PER_DOCUMENT } from "./graph.ts";

const { values } = parseArgs({
  options: { sizes: { type: "string", default: "10000,100000,1000000" }, write: { type: "boolean", default: false } },
});
const SIZES = values.sizes.split(",").map(Number);
const VECTORS = { unitDimension: 384, entityDimension: 32 };
const DEPRECATIONS = 200;
const POLICY: Policy = { restoreWindowMs: 30 * 86_400_000, unsupported: "collect", graceAgeMs: 3_600_000 };
const SWEEP_STEP = 5_000;

interface Sample {
  ms: number;
  cpuMs: number;
}

interface Measured {
  entities: number;
  relationships: number;
  documents: number;
  hubDegree: number;
  fileMb: number;
  importS: number;
  importedPerS: number;
  deprecate: Sample[];
  restore: Sample[];
  /** Collection after one document of 100 units. */
  collectOne: Sample[];
  changedDocuments: number;
  candidates: number;
  byCandidates: Sample;
  byScan: Sample;
  scanned: number;
  rssMb: number;
  peakRssMb: number;
}

const operation = operations();

function quantile(samples: Sample[], member: keyof Sample, q: number): number {
  const sorted = samples.map((sample) => sample[member]).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] as number;
}

/** Time on the clock, and of the processor: of all threads, and the only one to compare on a machine with other work. */
async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number; cpuMs: number }> {
  const begun = performance.now();
  const before = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { value, ms: performance.now() - begun, cpuMs: (user + system) / 1_000 };
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
    const fileMb = sizeMb(file);
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

/** With what still stands in the write-ahead log. */
function sizeMb(file: string): number {
  const db = new DatabaseSync(file, { readOnly: true });
  const number = (pragma: "page_count" | "page_size") => Number(db.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
  const bytes = number("page_count") * number("page_size");
  db.close();
  return bytes / 1e6;
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

/**
 * Documents in random order, each deprecated, collected, restored and collected again, so that the graph stays as large as it
 * is and no call finds its candidates noted already.
 */
async function lifecycleCalls(store: SqliteStore, graph: SyntheticGraph) {
  const random = seeded(7);
  const samples = { deprecate: [] as Sample[], collectOne: [] as Sample[], restore: [] as Sample[] };
  for (let i = 0; i < DEPRECATIONS; i++) {
    // The last document may have fewer units.
    const id = graph.documentId(Math.floor(random() * (graph.documents - 1)));
    const deprecated = await timed(() => store.apply(operation("deprecate", [id])));
    if (deprecated.value.effect.textUnits !== UNITS_PER_DOCUMENT) throw new Error(`${id} has other units`);
    samples.deprecate.push(deprecated);
    samples.collectOne.push(await timed(() => collect(store)));
    samples.restore.push(await timed(() => store.apply(operation("restore", [id]))));
    await collect(store);
  }
  return samples;
}

/** 1 % of the documents deprecated and collected by candidates; restored; and the same found by a scan of everything. */
async function collections(store: SqliteStore, graph: SyntheticGraph) {
  const changedDocuments = Math.max(1, Math.round(graph.documents / 100));
  const ids = Array.from({ length: changedDocuments }, (_, i) =>
    graph.documentId(Math.floor((i * (graph.documents - 1)) / changedDocuments)),
  );
  const before = await store.counts(GROUP);
  await store.apply(operation("deprecate", ids), { guard: null });
  const byCandidates = await timed(() => collect(store));
  await store.apply(operation("restore", ids), { guard: null });
  await collect(store);
  expectEqual(await store.counts(GROUP), before);
  await store.apply(operation("deprecate", ids), { guard: null });
  const byScan = await timed(async () => {
    const scanned = await withLease(store, (fence) => scan(store, fence));
    await collect(store);
    return scanned;
  });
  const { jobs } = byCandidates.value;
  const candidates = Object.values(jobs).reduce((sum, job) => sum + job.examined, 0);
  return { changedDocuments, candidates, byCandidates, byScan, scanned: byScan.value };
}

/** @returns the number of rows looked at */
async function scan(store: SqliteStore, fence: Fence): Promise<number> {
  let examined = 0;
  let cursor: string | null = null;
  do {
    const options = { cursor, limit: SWEEP_STEP, policy: POLICY, now: Date.now() };
    const step = await store.sweep(fence, options);
    examined += step.examined;
    cursor = step.cursor;
  } while (cursor !== null);
  return examined;
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
const quantiles = (samples: Sample[], member: keyof Sample) =>
  `${ms(quantile(samples, member, 0.5))} / ${ms(quantile(samples, member, 0.99))}`;
const both = (sample: Sample) => `${ms(sample.ms)}, ${ms(sample.cpuMs)}`;
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
    ["deprecate one document, ms: p50 / p99", (m) => quantiles(m.deprecate, "ms")],
    ["— of the processor, ms", (m) => quantiles(m.deprecate, "cpuMs")],
    ["restore one document, ms: p50 / p99", (m) => quantiles(m.restore, "ms")],
    ["— of the processor, ms", (m) => quantiles(m.restore, "cpuMs")],
    ["collection after one document, ms: p50 / p99", (m) => quantiles(m.collectOne, "ms")],
    ["— of the processor, ms", (m) => quantiles(m.collectOne, "cpuMs")],
    ["documents deprecated at once (1 %)", (m) => n(m.changedDocuments)],
    ["their collection by candidates: rows looked at", (m) => n(m.candidates)],
    ["— ms, of the processor", (m) => both(m.byCandidates)],
    ["— of the processor by row, µs", (m) => ((m.byCandidates.cpuMs * 1_000) / m.candidates).toFixed(1)],
    ["their collection by a full scan: rows looked at", (m) => n(m.scanned)],
    ["— ms, of the processor", (m) => both(m.byScan)],
    ["full scan ÷ candidates, of the processor", (m) => `${(m.byScan.cpuMs / m.byCandidates.cpuMs).toFixed(0)} ×`],
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
start and ${load()} at the end (of other work and its own).

Shape: ${readShape().source}; two hubs, each mentioned by 20 % of the units; vectors of ${VECTORS.unitDimension} components at units, ${VECTORS.entityDimension} at entities; ids in
random order. Every call goes through the store's threads and is synced to the disk (\`synchronous: full\`). One document:
${DEPRECATIONS} at random, each deprecated, collected, restored and collected. Processor time is that of all threads of the process; unlike
the time on the clock it hardly depends on what else the machine does. Full scan: the sweep over every entity and relationship, in
steps of ${n(SWEEP_STEP)}, and the collection of what it found. By column: entities.

${report(results)}
`;
console.log(text);
if (values.write) writeFileSync(path.join(path.dirname(fileURLToPath(import.meta.url)), "RESULTS.md"), text);
