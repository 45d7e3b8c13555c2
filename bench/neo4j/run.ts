import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import neo4j, { type Driver } from "neo4j-driver";
import type { Fence, Policy } from "../../src/core/words.ts";
import { newGroup } from "../../src/stores/neo4j/group-row.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { startNeo4j } from "../../test/servers/neo4j.ts";
import { documentsOf, groupName, loadGraph } from "./graph.ts";
import { DEPRECATE, INDEXES, JOBS } from "./naive.ts";

/**
 * Deprecation and collection against the naive way: after one document, and after 1 % of the documents. Ratios within one
 * run on one machine. The server refuses any transaction above 100 MB.
 *
 *   node bench/neo4j/run.ts [entities[x groups] …]     default 10000 100000 100000x10; 1000000 wants NEO4J_HEAP=3g
 */

const POLICY: Policy = { restoreWindowMs: 30 * 86_400_000, unsupported: "collect", graceAgeMs: 0 };
const GROUP = groupName(0);
const BATCH = 1_000;
const KINDS = ["orphan_entities", "stale_edges", "deprecated_vectors"] as const;
const SINGLE = 200;
const ROUNDS = 5;

const percentile = (values: number[], p: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] as number;
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

class Bench {
  readonly #driver: Driver;
  readonly #store: Neo4jStore;
  #calls = 0;

  constructor(driver: Driver, store: Neo4jStore) {
    this.#driver = driver;
    this.#store = store;
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
  async collect(): Promise<{ ms: number; examined: number; changed: number; batches: number }> {
    const fence = (await this.#store.acquireLease(GROUP, `bench-${++this.#calls}`, 3_600_000, Date.now())) as Fence;
    const sum = { examined: 0, changed: 0, batches: 0 };
    const { ms } = await timed(async () => {
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
    return { ms, ...sum };
  }

  async naiveCollect(of: "look" | "run"): Promise<{ ms: number; parts: number[]; failed: string[] }> {
    const parts: number[] = [];
    const failed: string[] = [];
    for (const job of JOBS) {
      const { ms } = await timed(() =>
        this.cypher(job[of]).catch((error: Error) => failed.push(error.message.slice(0, 90))),
      );
      parts.push(Math.round(ms));
    }
    return { ms: parts.reduce((a, b) => a + b, 0), parts, failed };
  }
}

async function prepare(driver: Driver, uri: string): Promise<{ bench: Bench; store: Neo4jStore; indexS: number }> {
  const begun = performance.now();
  for (const statement of INDEXES) await driver.executeQuery(statement);
  const store = await openNeo4jStore({ uri });
  await driver.executeQuery("CALL db.awaitIndexes(3600)");
  const indexS = Math.round((performance.now() - begun) / 1_000);
  const bench = new Bench(driver, store);
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
  const documents = documentsOf(entities);
  try {
    const loadedS = await loadGraph(home, entities, groups);
    const settings = { "db.memory.transaction.max": "100m", "server.memory.pagecache.size": "3g" };
    const server = await startNeo4j({ home, settings });
    const driver = neo4j.driver(server.uri, undefined, { disableLosslessIntegers: true });
    try {
      const { bench, store, indexS } = await prepare(driver, server.uri);
      await warmUp(bench, documents);
      const share = Math.round(documents / 100);
      const chosen = Array.from(
        { length: ROUNDS + share },
        (_, i) => `d${10 + i * Math.floor((documents * 0.9) / (ROUNDS + share))}`,
      );
      const [few, many] = [chosen.slice(0, ROUNDS), chosen.slice(ROUNDS, ROUNDS + share)];

      const ours = new MemoryWatch(driver);
      const afterOne: number[] = [];
      for (const id of few) {
        await bench.change("deprecate", [id]);
        afterOne.push((await bench.collect()).ms);
      }
      const single: number[] = [];
      while (single.length < SINGLE) {
        for (const id of many.slice(0, SINGLE - single.length)) {
          single.push(await bench.change("deprecate", [id]));
          await bench.change("restore", [id]);
        }
      }
      await bench.collect();
      await bench.bulk("deprecate", many);
      const collected = await bench.collect();
      const oursMb = await ours.largestMb();
      await bench.bulk("restore", chosen);
      await bench.collect();

      const naive = new MemoryWatch(driver);
      await bench.naiveCollect("look");
      const naiveAfterOne: number[] = [];
      for (const id of few) {
        await bench.cypher(DEPRECATE, { id });
        naiveAfterOne.push((await bench.naiveCollect("run")).ms);
      }
      const naiveSingle: number[] = [];
      for (const id of many) naiveSingle.push((await timed(() => bench.cypher(DEPRECATE, { id }))).ms);
      const scans = await bench.naiveCollect("run");
      const naiveMb = await naive.largestMb();
      await store.close();
      const round = (ms: number) => +ms.toFixed(1);
      const ratio = (a: number, b: number) => +(a / b).toFixed(2);
      console.log(
        JSON.stringify({
          entities,
          groups,
          documents,
          loadedS: Math.round(loadedS),
          indexS,
          deprecate: { p50: round(percentile(single, 0.5)), p99: round(percentile(single, 0.99)), n: single.length },
          naiveDeprecate: { p50: round(percentile(naiveSingle, 0.5)), p99: round(percentile(naiveSingle, 0.99)) },
          afterOneDocument: {
            ours: round(percentile(afterOne, 0.5)),
            naive: round(percentile(naiveAfterOne, 0.5)),
            ratio: ratio(percentile(naiveAfterOne, 0.5), percentile(afterOne, 0.5)),
          },
          afterOnePercent: {
            ours: Math.round(collected.ms),
            examined: collected.examined,
            changed: collected.changed,
            batches: collected.batches,
            naive: scans.ms,
            naiveParts: scans.parts,
            ratio: ratio(scans.ms, collected.ms),
          },
          largestTransactionMb: { ours: oursMb, naive: naiveMb },
          naiveFailed: scans.failed,
        }),
      );
    } finally {
      await driver.close();
      await server.stop();
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

const sizes = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
for (const size of sizes.length > 0 ? sizes : ["10000", "100000", "100000x10"]) {
  const [entities = 0, groups = 1] = size.split("x").map(Number);
  await measure(entities, groups);
}
