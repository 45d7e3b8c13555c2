/**
 * A whole recompute of a large graph on the embedded store: from the SQLite file to the publication, in one process. First a
 * full one, then, after some documents were deprecated and collected, an incremental one. A step's memory is the highest
 * resident set of the process in it, all threads and mapped pages of the file included.
 *
 *   node bench/analytics/whole.ts [entities] [file]     default 1000000; a file that is there is used again
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { COLLECTION_KINDS, type Fence, type ImportBlock } from "../../src/core/words.ts";
import { normaliseBlock } from "../../src/documents/normalise.ts";
import { collectGarbage } from "../../src/maintenance/collect.ts";
import { recompute } from "../../src/maintenance/recompute.ts";
import { openSqliteStore, type SqliteStore } from "../../src/stores/sqlite/index.ts";
import { GROUP, operations } from "../operations.ts";
import { lfr } from "./generators.ts";

const ENTITIES_PER_DOCUMENT = 20;
const DOCUMENTS_PER_BLOCK = 500;
const DEPRECATED = 50;
const POLICY = { restoreWindowMs: 30 * 86_400_000, unsupported: "collect", graceAgeMs: 0 } as const;

const [size = "1000000", given] = process.argv.slice(2);
const entities = Number(size);

const operation = operations(`operation-${Date.now()}`);

/** A document for each 20 entities, in one text unit, with the relationships that begin at them. */
function* blocks(): Generator<{ documents: string[]; block: ImportBlock }> {
  const edges = lfr(entities, 10, 0.3, 2_000, 1);
  const id = (v: number) => `entity-${String(v).padStart(7, "0")}`;
  const perBlock = ENTITIES_PER_DOCUMENT * DOCUMENTS_PER_BLOCK;
  let edge = 0;
  for (let first = 0; first < entities; first += perBlock) {
    const last = Math.min(entities, first + perBlock);
    const unitOf = (v: number) => `unit-${Math.floor(v / ENTITIES_PER_DOCUMENT)}`;
    const named = new Set<number>();
    for (let v = first; v < last; v++) named.add(v);
    const relationships = [];
    for (; edge < edges.sources.length && edges.sources[edge]! < last; edge++) {
      const [source, target] = [edges.sources[edge]!, edges.targets[edge]!];
      named.add(target);
      const ends = { source: id(source), target: id(target) };
      relationships.push({ id: `fact-${edge}`, ...ends, type: "related", textUnits: [unitOf(source)] });
    }
    const numbers = Array.from({ length: Math.ceil((last - first) / ENTITIES_PER_DOCUMENT) }, (_, i) => {
      return first / ENTITIES_PER_DOCUMENT + i;
    });
    const documents = numbers.map((n) => `document-${n}`);
    yield {
      documents,
      block: normaliseBlock({
        documents: documents.map((document) => ({ id: document })),
        textUnits: numbers.map((n) => ({ id: `unit-${n}`, documents: [`document-${n}`], text: `text ${n}` })),
        entities: [...named].map((v) => ({ id: id(v), name: id(v) })),
        mentions: Array.from({ length: last - first }, (_, i) => ({
          textUnit: unitOf(first + i),
          entity: id(first + i),
        })),
        relationships,
      }),
    };
  }
}

const status = (field: string) =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) / 1_024;

/** Linux forgets the highest resident set when 5 is written (proc_pid_clear_refs(5)). */
async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  globalThis.gc?.();
  writeFileSync("/proc/self/clear_refs", "5");
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const begun = performance.now();
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  delay.disable();
  const line = {
    step: name,
    s: +((performance.now() - begun) / 1_000).toFixed(1),
    cpu_s: +((user + system) / 1e6).toFixed(1),
    peak_mb: Math.round(status("VmHWM")),
    longest_turn_ms: Math.round(delay.max / 1e6),
  };
  console.log(JSON.stringify({ ...line, ...(typeof result === "object" ? result : {}) }));
  return result;
}

async function withLease<T>(store: SqliteStore, work: (fence: Fence) => Promise<T>): Promise<T> {
  const fence = (await store.acquireLease(GROUP, `bench-${Date.now()}`, 3_600_000, Date.now())) as Fence;
  try {
    return await work(fence);
  } finally {
    await store.releaseLease(fence);
  }
}

const folder = mkdtempSync(join(tmpdir(), "graphkeeper-whole-"));
const path = given ?? join(folder, "whole.db");
const there = existsSync(path);
console.log(JSON.stringify({ entities, load: loadavg().map((l) => +l.toFixed(1)), node: process.version }));
if (!there) {
  const store = await openSqliteStore({ path, synchronous: "normal" });
  const begun = performance.now();
  for (const { documents, block } of blocks()) await store.apply(operation("import", documents), { block });
  await store.close();
  console.log(JSON.stringify({ step: "import", s: Math.round((performance.now() - begun) / 1_000) }));
  console.log("The import took memory of its own: run again with the same file to measure.");
  if (given) process.exit();
}
const store = await openSqliteStore({ path });
const clock = Date.now;
const memoryMb = Number(process.env.GRAPHKEEPER_BENCH_MEMORY_MB ?? 1_000_000);
// A file whose graph is published already goes on with the incremental part.
if ((await store.group(GROUP))?.analyticsEpoch === 0)
  await step("full recompute", () => withLease(store, (fence) => recompute(store, fence, { clock, memoryMb })));
const { items } = await store.documents(GROUP, { status: "active", limit: 1_000 });
const chosen = items.filter((_, i) => i % Math.floor(items.length / DEPRECATED) === 0).map(({ id }) => id);
await step(`deprecate ${chosen.length} documents`, async () => {
  await store.apply(operation("deprecate", chosen), { guard: null });
});
await step("collect, with the first full sweep", () =>
  withLease(store, async (fence) => {
    await collectGarbage(store, fence, {
      kinds: COLLECTION_KINDS,
      policy: POLICY,
      clock,
      sweepEveryMs: Number.POSITIVE_INFINITY,
    });
  }),
);
await step("incremental recompute", () => withLease(store, (fence) => recompute(store, fence, { clock, memoryMb })));
await step("recompute of nothing new", () => withLease(store, (fence) => recompute(store, fence, { clock, memoryMb })));
await store.close();
rmSync(folder, { recursive: true });
