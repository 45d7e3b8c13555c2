import { expect, test } from "vitest";
import { dumpOf } from "../../src/conformance/graph/dump.ts";
import { block, library, violations, World } from "../../src/conformance/index.ts";
import { GraphkeeperError } from "../../src/core/errors.ts";
import { readPublished } from "../../src/core/published.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { BoltProxy } from "./bolt-proxy.ts";
import { SMALL_GRAPHS, useNeo4j } from "./server.ts";

const db = useNeo4j({ settings: SMALL_GRAPHS });

test("the answer to COMMIT is lost: the driver runs the work again, and the effect is exactly one", {
  timeout: 120_000,
}, async () => {
  await db.clear();
  const proxy = await BoltProxy.start(db.uri());
  const store = await openNeo4jStore({ uri: proxy.uri });
  try {
    const w = new World(store);
    const cut = async <T>(call: () => Promise<T>): Promise<T> => {
      const before = proxy.cuts;
      proxy.cutNextCommit = true;
      const result = await call();
      expect(proxy.cuts, "the answer was cut").toBe(before + 1);
      return result;
    };
    // Lost work is run again only when the loss came within half of the store's patience (750 ms), so that a server that is
    // gone is reported in time; the first plans of a cold server alone may take longer.
    await w.import("warm", library());
    const imported = await cut(() => w.import("g", library()));
    expect(imported).toMatchObject({ generation: 1, replayed: false });
    expect(imported.outcomes.map((o) => o.outcome)).toEqual(["imported", "imported", "imported"]);
    const deprecated = await cut(() => w.deprecate("g", "d1"));
    expect(deprecated).toMatchObject({ generation: 2, replayed: false, effect: { documents: 1, textUnits: 2 } });
    const fence = await cut(() => w.lease("g"));
    expect(fence.token).toBe(1);
    const policy = { restoreWindowMs: 1e12, unsupported: "collect" as const, graceAgeMs: 0 };
    const batch = await cut(() =>
      store.collect(fence, "orphan_entities", { cursor: null, limit: 100, policy, now: w.now, dryRun: false }),
    );
    expect(batch.deleted).toBeGreaterThan(0);
    expect((await w.state("g")).generation).toBe(3);
    const ranks = [{ entity: "a", score: 1, component: "a" }];
    await cut(() => store.stageAnalytics(fence, { upsert: { ranks }, remove: {} }, w.now));
    const published = await cut(() =>
      store.publishAnalytics(fence, { generation: 3, state: null, detail: {}, now: w.now }),
    );
    expect(published.analyticsEpoch).toBe(1);
    const audit = await store.audit("g", { afterSeq: 0, limit: 100 });
    expect(audit.map((a) => a.action)).toEqual(["import", "deprecate", "collect", "publish"]);
    const restored = await cut(() => w.restore("g", "d1"));
    expect(restored.generation).toBe(4);
    const purged = await cut(() => w.purge("g", "d1"));
    expect(purged.effect.documents).toBe(1);
    expect(await violations(store, "g")).toEqual([]);
  } finally {
    await store.close();
    await proxy.stop();
  }
});

test("the server goes away: refused within 2 s as STORE_UNAVAILABLE, and working again when it is back", {
  timeout: 180_000,
}, async () => {
  await db.clear();
  const store = await openNeo4jStore({ uri: db.uri() });
  try {
    const w = new World(store);
    await w.import("g", library());
    const before = await dumpOf(store, "g");
    await db.server().kill9();
    for (const call of [() => store.ping(), () => store.group("g"), () => w.deprecate("g", "d2")]) {
      const begun = performance.now();
      const error = await call().then(
        () => null,
        (e: unknown) => e,
      );
      expect(GraphkeeperError.is(error, "STORE_UNAVAILABLE"), String(error)).toBe(true);
      expect((error as GraphkeeperError).details.retry_after).toBeGreaterThan(0);
      expect(performance.now() - begun).toBeLessThan(2_500);
    }
    await db.server().restart();
    const back = performance.now();
    while (
      (await store.ping().then(
        () => "up",
        () => "down",
      )) !== "up"
    )
      expect(performance.now() - back).toBeLessThan(30_000);
    expect(await dumpOf(store, "g"), "an acknowledged import survived kill -9").toEqual(before);
    await w.deprecate("g", "d2");
    expect(await violations(store, "g")).toEqual([]);
  } finally {
    await store.close();
  }
});

/** A graph whose deprecation takes many batches. */
function long(units: number) {
  const names = Array.from({ length: units }, (_, i) => `u${i}`);
  return block({
    documents: ["long", "other"],
    entities: [...names.map((_, i) => `e${i}`), "hub"],
    units: { ...Object.fromEntries(names.map((u) => [u, "long"])), o: "other" },
    mentions: { ...Object.fromEntries(names.map((u, i) => [u, `e${i} e${(i + 1) % units} hub`])), o: "hub" },
  });
}

test("killed in the middle of a deprecation and of a collection: what was rolled forward ends as without the kill", {
  timeout: 240_000,
}, async () => {
  await db.clear();
  const open = () => openNeo4jStore({ uri: db.uri() });
  let store = await open();
  const policy = { restoreWindowMs: 1e12, unsupported: "collect" as const, graceAgeMs: 0 };
  const w = new World(store);
  for (const g of ["killed", "whole"]) await w.import(g, long(60));
  const now = w.now + 10_000;
  const op = (g: string) => ({
    id: "op",
    groupId: g,
    verb: "deprecate" as const,
    documentIds: ["long"],
    requestHash: "h",
    at: now,
    actor: "t",
    reason: null,
  });

  const finish = async (s: typeof store, g: string) => {
    let record = await s.apply(op(g), { guard: null, unitsPerTransaction: 10 });
    while (record.state === "rolling") record = await s.advance(g, "op", { unitsPerTransaction: 10 });
    const fence = await s.acquireLease(g, "h2", 1e9, Date.now() + 1e8);
    for (const kind of ["orphan_entities", "stale_edges", "deprecated_vectors"] as const) {
      let cursor: string | null = null;
      do
        cursor = (
          await s.collect(fence as NonNullable<typeof fence>, kind, {
            cursor,
            limit: 7,
            policy,
            now: now + 1e8,
            dryRun: false,
          })
        ).cursor;
      while (cursor !== null);
    }
  };
  await finish(store, "whole");
  // Some batches of the deprecation, then the power goes.
  await store.apply(op("killed"), { guard: null, unitsPerTransaction: 10 });
  await store.advance("killed", "op", { unitsPerTransaction: 10 });
  const half = store.advance("killed", "op", { unitsPerTransaction: 10 }).catch(() => null);
  await db.server().kill9();
  await half;
  await store.close();
  await db.server().restart();
  store = await open();
  try {
    expect(await store.unfinished(10)).toEqual([{ groupId: "killed", operationId: "op" }]);
    let record = await store.advance("killed", "op", { unitsPerTransaction: 10 });
    while (record.state === "rolling") record = await store.advance("killed", "op", { unitsPerTransaction: 10 });
    expect(record.effect.textUnits).toBe(60);
    const fence = await store.acquireLease("killed", "h1", 60_000, Date.now());
    await store.collect(fence as NonNullable<typeof fence>, "orphan_entities", {
      cursor: null,
      limit: 7,
      policy,
      now: Date.now(),
      dryRun: false,
    });
    const torn = store
      .collect(fence as NonNullable<typeof fence>, "orphan_entities", {
        cursor: null,
        limit: 7,
        policy,
        now: Date.now(),
        dryRun: false,
      })
      .catch(() => null);
    await db.server().kill9();
    await torn;
    await db.server().restart();
    await finish(store, "killed");
    expect(await dumpOf(store, "killed")).toEqual(await dumpOf(store, "whole"));
    expect(await violations(store, "killed")).toEqual([]);
  } finally {
    await store.close();
  }
});

test("a publication is torn by a kill: readers have the old one whole, and what was staged is taken back", {
  timeout: 180_000,
}, async () => {
  await db.clear();
  const store = await openNeo4jStore({ uri: db.uri() });
  try {
    const w = new World(store);
    await w.import("g", library());
    const fence = await w.lease("g");
    const rank = (score: number) => ["a", "b", "c", "d"].map((entity) => ({ entity, score, component: "a" }));
    await store.stageAnalytics(fence, { upsert: { ranks: rank(0.1) }, remove: {} }, w.now);
    await store.publishAnalytics(fence, { generation: 1, state: new Uint8Array([1, 2, 255]), detail: {}, now: w.now });
    const before = await readPublished(store, "g");
    await store.stageAnalytics(fence, { upsert: { ranks: rank(0.9).slice(0, 2) }, remove: { ranks: ["d"] } }, w.now);
    await db.server().kill9();
    await db.server().restart();
    expect(await readPublished(store, "g")).toEqual(before);
    expect(await store.analyticsState("g")).toEqual(new Uint8Array([1, 2, 255]));
    while ((await store.discardStaged(fence, 1, w.now)) > 0);
    await store.stageAnalytics(fence, { upsert: { ranks: rank(0.5) }, remove: {} }, w.now);
    const state = await store.publishAnalytics(fence, { generation: 1, state: null, detail: {}, now: w.now });
    expect(state.analyticsEpoch).toBe(2);
    expect((await readPublished(store, "g")).ranks.map((r) => r.score)).toEqual([0.5, 0.5, 0.5, 0.5]);
  } finally {
    await store.close();
  }
});

test("a wrong password is said plainly", { timeout: 120_000 }, async () => {
  const { startNeo4j } = await import("../servers/neo4j.ts");
  const guarded = await startNeo4j({ auth: true });
  try {
    const error = await openNeo4jStore({ uri: guarded.uri, username: "neo4j", password: "wrong" }).then(
      () => null,
      (e: unknown) => e,
    );
    expect(GraphkeeperError.is(error, "STORE_UNAVAILABLE")).toBe(true);
    expect(String(error)).toMatch(/NEO4J_USERNAME, NEO4J_PASSWORD/);
  } finally {
    await guarded.stop();
  }
});
