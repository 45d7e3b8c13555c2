import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { block, library } from "../../src/conformance/graph/blocks.ts";
import { World } from "../../src/conformance/graph/world.ts";
import { GraphkeeperError } from "../../src/core/errors.ts";
import type { ImportBlock } from "../../src/core/words.ts";
import { blockParts, joinParts } from "../../src/stores/sqlite/block-parts.ts";
import { forgetThread, gateMemory, gateOf, turnstileOf } from "../../src/stores/sqlite/gate.ts";
import { openSqliteJobs, openSqliteStore, type SqliteStore } from "../../src/stores/sqlite/index.ts";
import { inParts, PartsTogether } from "../../src/stores/sqlite/messages.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-threads-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
let files = 0;
let store: SqliteStore;
let w: World;
/** The threads that the store starts, as the process sees them come. */
let threads: Worker[] = [];
const see = (worker: Worker) => threads.push(worker);
const thread = (name: string) => threads.find((worker) => worker.threadName === `graphkeeper-${name}`) as Worker;
beforeEach(async () => {
  threads = [];
  process.on("worker", see);
  store = await openSqliteStore({ path: join(folder, `${++files}.db`), synchronous: "normal" });
  w = new World(store);
  await w.import("alpha", library());
});
afterEach(async () => {
  process.removeListener("worker", see);
  await store.close();
});

/** Many records, so that a stream has many chunks. */
function large(): ImportBlock {
  const entities = Array.from({ length: 6_000 }, (_, i) => `e${String(i).padStart(5, "0")}`);
  return block({ documents: ["large"], units: { large: "large" }, entities, vectors: false });
}

describe("errors", () => {
  test("of the store arrive with code, message and details", async () => {
    const error = await store.apply(w.operation("alpha", "deprecate", ["nobody"])).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(GraphkeeperError);
    expect(error).toMatchObject({ code: "DOCUMENT_NOT_FOUND", details: { group: "alpha", document: "nobody" } });
    expect((error as Error).message).toContain("nobody");
    await expect(store.records("beta")[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "GROUP_NOT_FOUND",
    });
  });

  test("what cannot be sent is refused, and the store goes on", async () => {
    const operation = w.operation("alpha", "import", ["d9"]);
    const bad = { ...operation, reason: (() => {}) as unknown as string };
    await expect(store.apply(bad, { block: block({ documents: ["d9"] }) })).rejects.toThrow();
    expect((await store.apply(operation, { block: block({ documents: ["d9"] }) })).outcomes).toHaveLength(1);
  });
});

describe("a thread that dies", () => {
  test("rejects what is under way with STORE_UNAVAILABLE; the next call has a new one", async () => {
    const writer = thread("writer");
    // Two that take long: a short call would overtake the parts of a large block, and be done before the end.
    const pending = [w.import("alpha", large()), w.import("alpha", large())].map((p) => p.catch((e: unknown) => e));
    await writer.terminate();
    for (const error of await Promise.all(pending)) expect(error).toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await store.document("alpha", "d1")).toMatchObject({ status: "active" });
    expect((await w.deprecate("alpha", "d1")).outcomes).toEqual([{ id: "d1", outcome: "deprecated" }]);
  });

  test("ends its streams, also when another has taken its place meanwhile", async () => {
    await w.import("alpha", large());
    const stream = store.records("alpha")[Symbol.asyncIterator]();
    await stream.next();
    // The chunk that is fetched ahead.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await thread("scanner").terminate();
    expect(await store.impact("alpha", "deprecate", ["d1"])).toMatchObject({ verb: "deprecate" });
    const rest = async () => {
      while (!(await stream.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  test("does not keep the others from writing", () => {
    const memory = gateMemory();
    const [dead, other] = [gateOf(memory, 1, true), gateOf(memory, 2, false)];
    dead.enter();
    forgetThread(memory, 1, true);
    other.enter();
    other.leave();
    // What the dead one does in its last moments frees nobody else's turn.
    other.enter();
    dead.leave();
    expect(new Int32Array(memory)[0]).toBe(2);
  });
});

describe("closing", () => {
  test("waits for what is under way and refuses what comes after", async () => {
    const pending = w.import("alpha", large());
    const stream = store.records("alpha")[Symbol.asyncIterator]();
    await stream.next();
    const closed = store.close();
    await expect(store.group("alpha")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await closed;
    // A block that was still on its way had not begun; one that had is done.
    const outcome = await pending.then(
      () => "done",
      (error: GraphkeeperError) => error.code,
    );
    expect(["done", "STORE_UNAVAILABLE"]).toContain(outcome);
    await store.close();
    store = await openSqliteStore({ path: store.path });
    expect(await store.document("alpha", "large")).toEqual(outcome === "done" ? expect.anything() : null);
  });
});

describe("streams", () => {
  test("make no more than is taken", async () => {
    await w.import("alpha", large());
    const stream = store.records("alpha")[Symbol.asyncIterator]();
    await stream.next();
    let chunks = 0;
    thread("scanner").on("message", () => chunks++);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // The one that is fetched ahead.
    expect(chunks).toBeLessThanOrEqual(1);
    await stream.next();
    await stream.return?.();
    await store.impact("alpha", "deprecate", ["d1"]);
    expect(chunks).toBeLessThanOrEqual(4);
  });

  test("many at a time, each with a snapshot of its own", async () => {
    const statuses = async (records: AsyncIterable<{ kind: string }[]>) => {
      const all = [];
      for await (const chunk of records) all.push(...chunk);
      return all.flatMap((r) => (r.kind === "document" ? [(r as unknown as { status: string }).status] : []));
    };
    const iterators = [];
    for (const id of ["d1", "d2", "d3"]) {
      const stream = store.records("alpha")[Symbol.asyncIterator]();
      const first = await stream.next();
      iterators.push({ stream, first });
      await w.deprecate("alpha", id);
    }
    for (const [i, { stream, first }] of iterators.entries()) {
      const whole = (async function* () {
        yield first.value;
        for (let next = await stream.next(); !next.done; next = await stream.next()) yield next.value;
      })();
      expect((await statuses(whole)).filter((status) => status === "deprecated")).toHaveLength(i);
    }
  });
});

describe("large values travel in parts", () => {
  test("a block arrives as it was, its vectors copied from whatever they are views of", async () => {
    const matrix = Float32Array.from({ length: 3_000 * 8 }, (_, i) => i + 1);
    const big: ImportBlock = {
      ...block({ documents: ["big"], units: { u: "big" } }),
      entities: Array.from({ length: 3_000 }, (_, i) => ({
        id: `e${i}`,
        name: `E${i}`,
        embedding: matrix.subarray(i * 8, i * 8 + 8),
      })),
    };
    const parts = [...blockParts(big)];
    expect(parts.length).toBeGreaterThan(2);
    expect(joinParts(parts.map((part) => part.block))).toEqual(big);
    await w.import("beta", big);
    const graph = await store.readGraph("beta");
    const i = graph.ids.indexOf("e2999");
    expect(graph.vectors.slice(i * 8, i * 8 + 8)).toEqual(matrix.slice(2_999 * 8));
    expect(matrix, "the caller's matrix is still there").toHaveLength(24_000);
  });

  test("a result comes together as it was", () => {
    const value = { a: Array.from({ length: 25_001 }, (_, i) => i), b: "text", c: new Float32Array([1, 2]), d: [] };
    const together = new PartsTogether();
    let parts = 0;
    for (const part of inParts(value)) {
      together.add(structuredClone(part));
      parts++;
    }
    expect(parts).toBe(4);
    expect(together.value).toEqual(value);
    expect(value.a).toHaveLength(25_001);
  });
});

test("the event loop takes its turn at the gate: it never waits, and a thread that waits for it is woken", async () => {
  const memory = gateMemory();
  const loop = turnstileOf(memory, 5);
  const writer = gateOf(memory, 1, true);
  writer.enter();
  expect(loop.tryEnter()).toBe(false);
  loop.leave(); // Of no effect: it is not in.
  expect(loop.tryEnter()).toBe(false);
  writer.leave();
  expect(loop.tryEnter()).toBe(true);
  const waiting = Atomics.waitAsync(new Int32Array(memory), 0, 5, 60_000);
  expect(waiting.async).toBe(true);
  loop.leave();
  expect(await waiting.value).toBe("ok");
});

test("jobs that write beside the graph's threads all arrive", async () => {
  const path = join(folder, "jobs.db");
  const graph = await openSqliteStore({ path, synchronous: "normal" });
  const jobs = await openSqliteJobs({ path, turnstile: graph.turnstile });
  try {
    const world = new World(graph);
    await world.import("alpha", library());
    const writes: Promise<unknown>[] = [];
    for (let i = 0; i < 200; i++) {
      writes.push(graph.recordAudit("alpha", { at: i, actor: "test", action: "note", ref: String(i), detail: {} }));
      const request = { hash: "h", at: i, keepMs: 60_000, abandonedAfterMs: 60_000 };
      writes.push(jobs.beginKey({ scope: "test", key: String(i) }, request));
    }
    const settled = await Promise.allSettled(writes);
    expect(settled.filter(({ status }) => status === "rejected")).toEqual([]);
  } finally {
    await jobs.close();
    await graph.close();
  }
});
