import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LiveGraph, PublishedAnalytics } from "../../src/core/ports.ts";
import { nothingPublished } from "../../src/core/published.ts";
import { importBlocks } from "../../src/documents/import.ts";
import { analyseOnThread } from "../../src/maintenance/analyse-on-thread.ts";
import { ANALYSIS_DEFAULTS } from "../../src/maintenance/recompute.ts";
import { MemoryStore } from "../../src/stores/memory/index.ts";
import { generatedGraph } from "../data/graphs.ts";
import { longestTurnMs } from "../data/turns.ts";

const store = new MemoryStore();
const threads: Worker[] = [];
const see = (worker: Worker) => threads.push(worker);
const running = () => threads.filter((thread) => thread.threadId !== -1);
beforeAll(async () => {
  process.on("worker", see);
  await importBlocks({ store, clock: Date.now, newId: randomUUID }, "acme", generatedGraph(200, 2_000));
});
afterAll(async () => {
  process.removeListener("worker", see);
  for (const thread of running()) await thread.terminate();
});

async function analyse(control: { signal?: AbortSignal; onPhase?: () => void } = {}) {
  const graph = await store.readGraph("acme");
  const answer = await analyseOnThread(graph, store.publishedParts("acme"), null, ANALYSIS_DEFAULTS, control);
  let parts = 0;
  for await (const _ of answer.parts) parts++;
  expect(parts).toBe(answer.partCount);
  return answer;
}

test("one thread after the other is one thread: the next graph finds it warm, and gets the same answer", async () => {
  const first = await analyse();
  expect(Number(first.detail.communities)).toBeGreaterThan(1);
  for (let i = 0; i < 3; i++) expect((await analyse()).state).toEqual(first.state);
  expect(threads).toHaveLength(1);
  expect(running()).toHaveLength(1);
});

test("two at once have a thread each", async () => {
  const before = running().length;
  const [one, two] = await Promise.all([analyse(), analyse()]);
  expect(one.state).toEqual(two.state);
  expect(running().length).toBe(Math.max(2, before));
});

test("cancelled in the middle it ends within 2 s, and the next one is not cancelled with it", async () => {
  const controller = new AbortController();
  let abortedAt = 0;
  const onPhase = () => {
    abortedAt ||= performance.now();
    controller.abort();
  };
  await expect(analyse({ signal: controller.signal, onPhase })).rejects.toMatchObject({ code: "CANCELLED" });
  expect(performance.now() - abortedAt).toBeLessThan(2_000);
  expect(Number((await analyse()).detail.communities)).toBeGreaterThan(1);
});

test("a thread that dies while it waits is replaced", async () => {
  await analyse();
  for (const thread of running()) await thread.terminate();
  expect(running()).toHaveLength(0);
  expect(Number((await analyse()).detail.communities)).toBeGreaterThan(1);
  expect(running()).toHaveLength(1);
});

test.runIf(process.platform === "linux")("the analysis gives way to the threads that answer users", async () => {
  await analyse();
  const nice = readdirSync("/proc/self/task").map((task) => {
    const fields = readFileSync(`/proc/self/task/${task}/stat`, "utf8").split(") ").at(-1) as string;
    // Field 19 of proc_pid_stat(5), counted from the third.
    return Number(fields.split(" ")[16]);
  });
  expect(Math.max(...nice)).toBeGreaterThanOrEqual(10);
  expect(Math.min(...nice)).toBeLessThan(10);
});

/** Many entities without an edge, and as many rows of what is published of others. */
function large(entities: number): { graph: LiveGraph; published: AsyncIterable<PublishedAnalytics> } {
  const ids = Array.from({ length: entities }, (_, i) => `entity-${String(i).padStart(7, "0")}`);
  const none = new Uint32Array(0);
  const graph = {
    groupId: "large",
    generation: 1,
    ids,
    entityHashes: new BigUint64Array(entities),
    dimension: 0,
    vectors: new Float32Array(0),
    hasVector: new Uint8Array(entities),
    sources: none,
    targets: none.slice(),
    weights: new Float64Array(0),
    relationshipHashes: new BigUint64Array(0),
  };
  async function* published(): AsyncGenerator<PublishedAnalytics> {
    for (let from = 0; from < entities; from += 10_000) {
      const ranks = Array.from({ length: 10_000 }, (_, i) => ({
        entity: `old-${from + i}`,
        score: 1,
        component: "old",
      }));
      yield { ...nothingPublished(1), ranks };
    }
  }
  return { graph, published: published() };
}

test("however large the graph and what is published, no turn of the event loop takes 200 ms", async () => {
  const { graph, published } = large(400_000);
  let rows = 0;
  const longest = await longestTurnMs(async () => {
    const answer = await analyseOnThread(graph, published, null, ANALYSIS_DEFAULTS, {});
    for await (const { upsert, remove } of answer.parts) {
      rows += (upsert.ranks?.length ?? 0) + (remove.ranks?.length ?? 0);
    }
  });
  expect(rows).toBe(800_000);
  expect(longest).toBeLessThan(200);
});
