import { afterAll, beforeAll, expect, test } from "vitest";
import { dumpOf } from "../../src/conformance/graph/dump.ts";
import { block, World } from "../../src/conformance/index.ts";
import { GraphkeeperError } from "../../src/core/errors.ts";
import { readPublished } from "../../src/core/published.ts";
import { temporaryGraphkeeper } from "../data/graphs.ts";
import { SMALL_GRAPHS, useNeo4j } from "./server.ts";

/** The database is killed under the service: P1, P2, P8 and P13 for a deprecation, a collection and a publication. */

/** Minutes, as the database starts seven times: with GRAPHKEEPER_LONG=1 only. */
const LONG = process.env.GRAPHKEEPER_LONG === "1";
const db = useNeo4j({ settings: SMALL_GRAPHS });
let world: Awaited<ReturnType<typeof temporaryGraphkeeper>>;
beforeAll(async () => {
  world = await temporaryGraphkeeper({
    "neo4j.uri": db.uri(),
    "maintenance.throttle": "off",
    "maintenance.batchSize": 10,
  });
}, 60_000);
afterAll(() => world.close(), 60_000);

const GROUPS = ["killed", "whole"] as const;

function graph(units: number) {
  const names = Array.from({ length: units }, (_, i) => `u${i}`);
  return block({
    documents: ["long", "other"],
    entities: [...names.map((_, i) => `e${i}`), "hub", "f"],
    units: { ...Object.fromEntries(names.map((u) => [u, "long"])), o: "other" },
    mentions: { ...Object.fromEntries(names.map((u, i) => [u, `e${i} e${(i + 1) % units} hub`])), o: "hub f e0" },
    relationships: { hf: ["hub f", "o"], ...Object.fromEntries(names.map((u, i) => [`r${i}`, [`e${i} hub`, u]])) },
  });
}

/** As a power cut does it; goes on when the store answers again, however busy the machine is. */
async function powerCut(): Promise<void> {
  await db.server().kill9();
  await back();
}

async function back(): Promise<void> {
  await db.server().restart();
  const { store } = world.graphkeeper;
  await expect.poll(() => store.ping().then(() => "up", String), { timeout: 60_000, interval: 100 }).toBe("up");
}

/** Runs a kind, and kills the database while its `nth` call of a method is under way; the run must end by itself. */
async function killedUnder(kind: "gc_all" | "recompute", method: "collect" | "publishAnalytics", nth: number) {
  const { jobs, store } = world.graphkeeper;
  const call = store[method].bind(store) as (...values: unknown[]) => Promise<unknown>;
  let calls = 0;
  let since = 0;
  const cut = new Promise<void>((resolve, reject) => {
    Object.assign(store, {
      [method]: async (...values: unknown[]) => {
        if (++calls !== nth) return call(...values);
        const under = call(...values);
        under.catch(() => {}); // Told below.
        await db.server().kill9();
        back()
          .then(() => {
            since = Date.now();
          })
          .then(resolve, reject);
        return under;
      },
    });
  });
  try {
    const { run } = await world.graphkeeper.run({ kind, groupId: "killed", params: {} });
    await cut;
    const ended = await jobs.wait(run.id, 200_000);
    expect(ended.state, ended.error?.message).toBe("succeeded");
    // P8: it goes on within 60 s of the store being back. An answer that was there before the kill needs no second attempt.
    const last = ended.attempts.at(-1);
    expect((last?.startedAt ?? 0) - since).toBeLessThan(60_000);
    return ended.attempts.length;
  } finally {
    delete (store as Partial<typeof store>)[method];
  }
}

test.skipIf(!LONG)(
  "a deprecation whose database is killed: what was answered stays (P1), the same call again has one effect (P2) and the same end (P13)",
  {
    timeout: 600_000,
  },
  async () => {
    const { graphkeeper } = world;
    for (const g of GROUPS) await graphkeeper.importBlock(g, graph(40));
    await graphkeeper.deprecate("whole", ["long"], { operationId: "op", force: true });
    const call = () => graphkeeper.deprecate("killed", ["long"], { operationId: "op", force: true });
    const first = call().then(
      () => "answered",
      (error: unknown) => error,
    );
    await db.server().kill9();
    const answer = await first;
    if (answer !== "answered") expect(GraphkeeperError.is(answer, "STORE_UNAVAILABLE"), String(answer)).toBe(true);
    await back();
    await graphkeeper.resume();
    const record = await call();
    if (answer === "answered") expect(record.replayed).toBe(true);
    expect(record).toMatchObject({ outcomes: [{ id: "long", outcome: "deprecated" }], effect: { textUnits: 40 } });
    expect(await call()).toMatchObject({ replayed: true });
    // Answered, then killed at once.
    await powerCut();
    const actions = (await graphkeeper.audit("killed", { afterSeq: 0, limit: 100 })).map((a) => a.action);
    expect(actions.filter((a) => a === "deprecate")).toHaveLength(1);
    expect(await dumpOf(graphkeeper.store, "killed")).toEqual(await dumpOf(graphkeeper.store, "whole"));
    expect(await graphkeeper.verify("killed")).toEqual([]);
  },
);

test.skipIf(!LONG)(
  "a collection and a recompute whose database is killed go on when it is back (P8), to the end of those that were not (P13)",
  {
    timeout: 600_000,
  },
  async () => {
    const { graphkeeper, run } = world;
    await run("gc_all", "whole");
    expect(await killedUnder("gc_all", "collect", 4)).toBeGreaterThan(1);
    const facts = (g: string) => dumpOf(graphkeeper.store, g, { facts: true });
    expect(await facts("killed")).toEqual(await facts("whole"));
    expect(await graphkeeper.verify("killed")).toEqual([]);
    expect(await run("gc_all", "killed")).toMatchObject({ deleted: 0, purged: 0 });

    for (const g of GROUPS) await graphkeeper.restore(g, ["long"]);
    for (const g of GROUPS) await run("gc_all", g);
    await run("recompute", "whole");
    await killedUnder("recompute", "publishAnalytics", 1);
    expect(await dumpOf(graphkeeper.store, "killed")).toEqual(await dumpOf(graphkeeper.store, "whole"));
    expect(await graphkeeper.verify("killed")).toEqual([]);
    expect(await graphkeeper.store.group("killed")).toMatchObject({ analyticsEpoch: 1 });
  },
);

test.skipIf(!LONG)(
  "a publication whose database is killed while it commits is whole or not at all, and one that was answered stays (P1)",
  {
    timeout: 600_000,
  },
  async () => {
    const { store } = world.graphkeeper;
    const w = new World(store);
    await w.import(
      "torn",
      block({ documents: ["d"], units: { u: "d" }, entities: ["a", "b"], mentions: { u: "a b" } }),
    );
    const fence = await w.lease("torn");
    const ranks = (score: number) => ["a", "b"].map((entity) => ({ entity, score, component: "a" }));
    const publish = async (score: number) => {
      await store.stageAnalytics(fence, { upsert: { ranks: ranks(score) }, remove: {} }, w.now);
      return store.publishAnalytics(fence, {
        generation: 1,
        state: new Uint8Array([score * 8]),
        detail: {},
        now: w.now,
      });
    };
    await publish(0.125);
    await powerCut();
    expect(await readPublished(store, "torn")).toMatchObject({ epoch: 1, ranks: ranks(0.125) });
    await store.stageAnalytics(fence, { upsert: { ranks: ranks(0.5) }, remove: {} }, w.now);
    const torn = store
      .publishAnalytics(fence, { generation: 1, state: new Uint8Array([4]), detail: {}, now: w.now })
      .catch(() => null);
    await db.server().kill9();
    const answered = (await torn) !== null;
    await back();
    const { epoch, ranks: found } = await readPublished(store, "torn");
    const state = await store.analyticsState("torn");
    expect([
      [1, ranks(0.125), new Uint8Array([1])],
      [2, ranks(0.5), new Uint8Array([4])],
    ]).toContainEqual([epoch, found, state]);
    if (answered) expect(epoch).toBe(2);
    while ((await store.discardStaged(fence, 1, w.now)) > 0);
    await publish(0.75);
    expect((await readPublished(store, "torn")).ranks).toEqual(ranks(0.75));
  },
);
