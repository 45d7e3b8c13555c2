import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import neo4j, { type Driver } from "neo4j-driver";
import type { Fence, Policy } from "../../src/core/words.ts";
import { newGroup } from "../../src/stores/neo4j/group-row.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { type Neo4jServer, startNeo4j } from "../../test/servers/neo4j.ts";
import { documentsOf, groupName, loadGraph } from "./graph.ts";
import { DEPRECATE, FACTS_JOB, INDEXES, JOBS } from "./naive.ts";

/**
 * Deprecation and collection against the naive way: after one document, and after 1 % of the documents. Ratios within one
 * run on one machine, beside the processor time of the server, which other work on the machine disturbs less. The server
 * refuses any transaction above 100 MB. What is being done is told on stderr, results are lines of JSON on stdout.
 *
 *   node bench/neo4j/run.ts [entities[xgroups] …]     default 10000 100000 100000x10
 */
process.env.NEO4J_HEAP ??= "3g"; // For 1000000.

const POLICY: Policy = { restoreWindowMs: 30 * 86_400_000, unsupported: "collect", graceAgeMs: 0 };
const GROUP = groupName(0);
const BATCH = 1_000;
const KINDS = ["orphan_entities", "stale_edges", "deprecated_vectors"] as const;
const SINGLE = 200;
/** Documents after each of which is collected. */
const FEW = 5;
/** Times that 1 % of the documents are deprecated, others each time; the median counts. */
const ROUNDS = 3;

const percentile = (values: number[], p: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] as number;
const median = (values: number[]) => percentile(values, 0.5);
const timed = async <T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> => {
  const begun = performance.now();
  const result = await work();
  return { ms: performance.now() - begun, result };
};

/** Asks the server over and over how much memory its largest transaction holds. */
class MemoryWatch {
  readonly #driver: Driver;
  #largest = 0;
  #on = true;
  readonly #done: Promise<void>;

  constructor(driver: Driver) {
    this.#driver = driver;
    this.#done = this.#watch();
  }

  async #watch(): Promise<void> {
    while (this.#on) {
      const { records } = await this.#driver.executeQuery(
        "SHOW TRANSACTIONS YIELD estimatedUsedHeapMemory AS bytes RETURN max(bytes) AS bytes",
      );
      this.#largest = Math.max(this.#largest, (records[0]?.get("bytes") as number | null) ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async largestMb(): Promise<number> {
    this.#on = false;
    await this.#done;
    return +(this.#largest / 2 ** 20).toFixed(1);
  }
}

interface Collected {
  ms: number;
  /** Processor time of the server, all threads, in ms. */
  cpu: number;
}

class Bench {
  readonly #driver: Driver;
  readonly #store: Neo4jStore;
  readonly #server: Neo4jServer;
  #calls = 0;

  constructor(driver: Driver, store: Neo4jStore, server: Neo4jServer) {
    this.#driver = driver;
    this.#store = store;
    this.#server = server;
  }

  /** Of Linux, which counts in hundredths of a second; 0 elsewhere. */
  #cpu(): number {
    try {
      const fields = readFileSync(`/proc/${this.#server.pid()}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ");
      return (Number(fields[11]) + Number(fields[12])) * 10;
    } catch {
      return 0;
    }
  }

  async metered(work: () => Promise<unknown>): Promise<Collected> {
    const before = this.#cpu();
    const { ms } = await timed(work);
    return { ms, cpu: this.#cpu() - before };
  }

  async cypher(statement: string, parameters: Record<string, unknown> = {}): Promise<Record<string, unknown>[]> {
    const { records } = await this.#driver.executeQuery(statement, { g: GROUP, ...parameters });
    return records.map((r) => r.toObject());
  }

  async change(verb: "deprecate" | "restore", documentIds: string[]): Promise<number> {
    const id = `bench-${++this.#calls}`;
    const operation = {
      id,
      groupId: GROUP,
      verb,
      documentIds,
      requestHash: id,
      at: Date.now(),
      actor: "bench",
      reason: null,
    };
    const whole = async () => {
      let { state } = await this.#store.apply(operation);
      while (state === "rolling") state = (await this.#store.advance(GROUP, id)).state;
    };
    return (await timed(whole)).ms;
  }

  async bulk(verb: "deprecate" | "restore", documentIds: string[]): Promise<void> {
    for (let i = 0; i < documentIds.length; i += 500) await this.change(verb, documentIds.slice(i, i + 500));
  }

  /** As the job runs it: the three kinds, one after the other, in batches. */
  async collect(): Promise<Collected & { examined: number; changed: number; batches: number }> {
    const fence = (await this.#store.acquireLease(GROUP, `bench-${++this.#calls}`, 3_600_000, Date.now())) as Fence;
    const sum = { examined: 0, changed: 0, batches: 0 };
    const spent = await this.metered(async () => {
      for (const kind of KINDS) {
        let cursor: string | null = null;
        do {
          const options = { cursor, limit: BATCH, policy: POLICY, now: Date.now(), dryRun: false };
          const batch = await this.#store.collect(fence, kind, options);
          sum.examined += batch.examined;
          sum.changed += batch.deleted + batch.purged;
          sum.batches++;
          cursor = batch.cursor;
        } while (cursor !== null);
      }
    });
    await this.#store.releaseLease(fence);
    return { ...spent, ...sum };
  }

  async naiveCollect(of: "look" | "run", jobs = JOBS): Promise<Collected & { parts: number[]; failed: string[] }> {
    const sum = { ms: 0, cpu: 0, parts: [] as number[], failed: [] as string[] };
    for (const job of jobs) {
      const { ms, cpu } = await this.metered(() =>
        this.cypher(job[of]).catch((error: Error) => sum.failed.push(error.message.slice(0, 90))),
      );
      sum.ms += ms;
      sum.cpu += cpu;
      sum.parts.push(Math.round(ms));
    }
    return sum;
  }
}

async function prepare(
  driver: Driver,
  server: Neo4jServer,
): Promise<{ bench: Bench; store: Neo4jStore; indexS: number }> {
  const begun = performance.now();
  for (const statement of INDEXES) await driver.executeQuery(statement);
  const store = await openNeo4jStore({ uri: server.uri });
  await driver.executeQuery("CALL db.awaitIndexes(3600)");
  const indexS = Math.round((performance.now() - begun) / 1_000);
  const bench = new Bench(driver, store, server);
  const state = { ...newGroup(GROUP, 1), analyticsEpoch: 1 };
  await bench.cypher("MERGE (g:GraphkeeperGroup {lc_group: $g}) SET g = $state", {
    state: Object.fromEntries(Object.entries(state).map(([k, v]) => [k, typeof v === "number" ? neo4j.int(v) : v])),
  });
  await bench.cypher("CALL db.prepareForReplanning(600)");
  return { bench, store, indexS };
}

/** Plans are made and code is compiled on first use, which is not what is measured: whole rounds with other documents. */
async function warmUp(bench: Bench, documents: number): Promise<void> {
  const others = Array.from({ length: Math.min(100, Math.round(documents / 20)) }, (_, i) => `d${documents - 1 - i}`);
  for (let round = 0; round < 3; round++) {
    for (const id of others.slice(0, 20)) await bench.change("deprecate", [id]);
    await bench.bulk("deprecate", others);
    await bench.collect();
    await bench.bulk("restore", others);
    await bench.collect();
    await bench.naiveCollect("look");
  }
}

async function measure(entities: number, groups: number): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "graphkeeper-bench-"));
  const begun = performance.now();
  const tell = (what: string) =>
    console.error(`${entities}x${groups} ${Math.round((performance.now() - begun) / 1_000)} s: ${what}`);
  try {
    tell("the graph is written and loaded");
    const loadedS = Math.round(await loadGraph(home, entities, groups));
    tell(`loaded in ${loadedS} s; the server starts and makes its indexes`);
    const settings = { "db.memory.transaction.max": "100m", "server.memory.pagecache.size": "3g" };
    const server = await startNeo4j({ home, settings });
    const driver = neo4j.driver(server.uri, undefined, { disableLosslessIntegers: true });
    try {
      const { bench, store, indexS } = await prepare(driver, server);
      tell(`indexes made in ${indexS} s; warm-up`);
      const documents = documentsOf(entities);
      await warmUp(bench, documents);
      const result = {
        entities,
        groups,
        documents,
        loadedS,
        indexS,
        ...(await compare(bench, driver, documents, tell)),
      };
      await store.close();
      console.log(JSON.stringify(result));
    } finally {
      await driver.close();
      await server.stop();
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function compare(bench: Bench, driver: Driver, documents: number, tell: (what: string) => void) {
  const share = Math.round(documents / 100);
  const size = FEW + ROUNDS * share;
  const chosen = Array.from({ length: size }, (_, i) => `d${10 + i * Math.floor((documents * 0.9) / size)}`);
  const few = chosen.slice(0, FEW);
  const many = Array.from({ length: ROUNDS }, (_, r) => chosen.slice(FEW + r * share, FEW + (r + 1) * share));

  const ours = new MemoryWatch(driver);
  const one: Collected[] = [];
  for (const id of few) {
    await bench.change("deprecate", [id]);
    one.push(await bench.collect());
  }
  tell("ours: collected after one document");
  const single: number[] = [];
  while (single.length < SINGLE) {
    for (const id of (many[0] as string[]).slice(0, SINGLE - single.length)) {
      single.push(await bench.change("deprecate", [id]));
      await bench.change("restore", [id]);
    }
  }
  await bench.collect();
  tell("ours: deprecated and restored one by one");
  const collected: Awaited<ReturnType<Bench["collect"]>>[] = [];
  for (const ids of many) {
    await bench.bulk("deprecate", ids);
    collected.push(await bench.collect());
    tell(`ours: collected after 1 % in ${Math.round(collected.at(-1)?.ms ?? 0)} ms`);
  }
  const oursMb = await ours.largestMb();
  await bench.bulk("restore", chosen);
  await bench.collect();

  tell("the naive way");
  const naive = new MemoryWatch(driver);
  await bench.naiveCollect("look");
  const naiveOne: Collected[] = [];
  for (const id of few) {
    await bench.cypher(DEPRECATE, { id });
    naiveOne.push(await bench.naiveCollect("run"));
  }
  tell("naive: collected after one document");
  const naiveSingle: number[] = [];
  const scans: Awaited<ReturnType<Bench["naiveCollect"]>>[] = [];
  const facts: Collected[] = [];
  for (const ids of many) {
    for (const id of ids) naiveSingle.push((await timed(() => bench.cypher(DEPRECATE, { id }))).ms);
    scans.push(await bench.naiveCollect("run"));
    facts.push(await bench.naiveCollect("run", [FACTS_JOB]));
    tell(`naive: collected after 1 % in ${Math.round(scans.at(-1)?.ms ?? 0)} ms`);
  }
  const naiveMb = await naive.largestMb();
  const round = (ms: number) => +ms.toFixed(1);
  const of = (runs: Collected[], what: "ms" | "cpu") => median(runs.map((run) => run[what]));
  const against = (mine: Collected[], theirs: Collected[]) => ({
    ours: round(of(mine, "ms")),
    naive: round(of(theirs, "ms")),
    ratio: +(of(theirs, "ms") / of(mine, "ms")).toFixed(2),
    cpu: { ours: of(mine, "cpu"), naive: of(theirs, "cpu") },
  });
  const { examined, changed, batches } = collected[0] as (typeof collected)[number];
  return {
    deprecate: { p50: round(median(single)), p99: round(percentile(single, 0.99)), n: single.length },
    naiveDeprecate: { p50: round(median(naiveSingle)), p99: round(percentile(naiveSingle, 0.99)) },
    afterOneDocument: against(one, naiveOne),
    afterOnePercent: {
      ...against(collected, scans),
      ...{ examined, changed, batches, naiveParts: scans[0]?.parts },
      naiveFacts: { ms: round(of(facts, "ms")), cpu: of(facts, "cpu") },
    },
    largestTransactionMb: { ours: oursMb, naive: naiveMb },
    naiveFailed: scans.flatMap((scan) => scan.failed),
  };
}

const sizes = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
for (const size of sizes.length > 0 ? sizes : ["10000", "100000", "100000x10"]) {
  const [entities = 0, groups = 1] = size.split("x").map(Number);
  await measure(entities, groups);
}
