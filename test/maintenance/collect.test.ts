import { afterEach, expect, test, vi } from "vitest";
import { GraphkeeperError } from "../../src/core/errors.ts";
import { COLLECTION_KINDS, type Policy } from "../../src/core/words.ts";
import { type CollectionCheckpoint, collectGarbage } from "../../src/maintenance/collect.ts";
import { withLease } from "../../src/maintenance/lease.ts";
import { recompute } from "../../src/maintenance/recompute.ts";
import { dumpOf, generatedGraph, temporaryGraphkeeper } from "../data/graphs.ts";

const policy: Policy = { restoreWindowMs: 30 * 86_400_000, unsupported: "collect", graceAgeMs: 86_400_000 };
const lease = { holder: "test", clock: Date.now };
let close: (() => Promise<void>) | undefined;
afterEach(async () => close?.());

async function world() {
  const made = await temporaryGraphkeeper();
  close = made.close;
  await made.graphkeeper.importBlocks("g", generatedGraph(120, 900));
  const ids = (await made.graphkeeper.documents("g", { limit: 100 })).items.map((d) => d.id);
  return { ...made, ids };
}

test("a run that is aborted after every batch and goes on from its checkpoint ends as one that was not", async () => {
  const { graphkeeper, ids } = await world();
  const { store } = graphkeeper;
  const options = {
    kinds: COLLECTION_KINDS,
    policy,
    clock: Date.now,
    batchSize: 20,
    sweepEveryMs: Number.POSITIVE_INFINITY,
  };
  await graphkeeper.deprecate("g", ids.slice(0, 30), { force: true });
  let checkpoint: CollectionCheckpoint | null = null;
  let aborts = 0;
  for (;;) {
    const stop = new AbortController();
    const attempt = withLease(store, "g", lease, (fence) =>
      collectGarbage(store, fence, {
        ...options,
        signal: stop.signal,
        checkpoint,
        saveCheckpoint: async (saved) => {
          checkpoint = structuredClone(saved);
          stop.abort();
        },
      }),
    );
    const result = await attempt.catch((error: unknown) => {
      if (GraphkeeperError.is(error, "CANCELLED")) return null;
      throw error;
    });
    if (result === null) {
      aborts++;
      continue;
    }
    expect(result).toMatchObject({ fresh: true, dryRun: false });
    expect(result.deleted).toBeGreaterThan(200);
    break;
  }
  expect(aborts).toBeGreaterThan(10);
  const piecemeal = await dumpOf(graphkeeper, "g");
  await graphkeeper.restore("g", ids.slice(0, 30));
  await graphkeeper.deprecate("g", ids.slice(0, 30), { force: true });
  await withLease(store, "g", lease, (fence) => collectGarbage(store, fence, options));
  expect(await dumpOf(graphkeeper, "g")).toBe(piecemeal);
  expect(await graphkeeper.verify("g")).toEqual([]);
});

test("a run that was killed between a batch and its checkpoint leaves no group stale that has nothing left to do", async () => {
  const { graphkeeper, ids } = await world();
  const { store } = graphkeeper;
  const options = {
    kinds: COLLECTION_KINDS,
    policy,
    clock: Date.now,
    batchSize: 20,
    sweepEveryMs: Number.POSITIVE_INFINITY,
  };
  await graphkeeper.deprecate("g", ids.slice(0, 30), { force: true });
  let checkpoint: CollectionCheckpoint | null = null;
  const killed = withLease(store, "g", lease, (fence) =>
    collectGarbage(store, fence, {
      ...options,
      saveCheckpoint: async (saved) => {
        // The first batches may find everything alive; this one changed something.
        if (saved.ownChanges === 2) throw new Error("killed");
        checkpoint = structuredClone(saved);
      },
    }),
  );
  await expect(killed).rejects.toThrow("killed");
  const result = await withLease(store, "g", lease, (fence) =>
    collectGarbage(store, fence, { ...options, checkpoint: checkpoint as CollectionCheckpoint | null }),
  );
  expect(result).toMatchObject({ fresh: true });
  expect(await graphkeeper.health("g")).toMatchObject({ needsGc: false });
});

test("with the throttle on, runs look at the canary before their batches and end all the same", async () => {
  const made = await temporaryGraphkeeper({ "maintenance.throttle": "on" });
  close = made.close;
  await made.graphkeeper.importBlocks("g", generatedGraph(40, 300));
  const { items } = await made.graphkeeper.documents("g", { limit: 10 });
  await made.graphkeeper.deprecate(
    "g",
    items.map((d) => d.id),
    { force: true },
  );
  const canary = vi.spyOn(made.graphkeeper.store, "groups");
  expect(await made.run("gc_all", "g")).toMatchObject({ fresh: true });
  expect(canary).toHaveBeenCalledWith({ limit: 1 });
});

test("a dry run names what a run then collects, and changes nothing", async () => {
  const { graphkeeper, ids, run } = await world();
  await graphkeeper.deprecate("g", ids.slice(0, 10), { force: true });
  const before = await dumpOf(graphkeeper, "g");
  const dry = (await run("gc_all", "g", { dry_run: true })) as {
    jobs: Record<string, { deleted: number; ids: string[] }>;
    dry_run: boolean;
  };
  expect(dry.dry_run).toBe(true);
  expect(await dumpOf(graphkeeper, "g")).toBe(before);
  const real = (await run("gc_all", "g")) as typeof dry;
  expect(real.jobs.orphan_entities!.deleted).toBe(dry.jobs.orphan_entities!.deleted);
  expect(dry.jobs.orphan_entities!.ids).toHaveLength(real.jobs.orphan_entities!.deleted);
});

test("the full sweep finds what no candidate was recorded for", async () => {
  const { graphkeeper, path, run } = await world();
  // An entity that nothing ever mentioned, older than the grace age: no change announced it.
  await graphkeeper.importBlock("g", {
    documents: [],
    textUnits: [],
    entities: [{ id: "lonely", name: "Lonely" }],
    mentions: [],
    relationships: [],
  });
  await run("gc_all", "g");
  expect((await graphkeeper.store.counts("g")).entities.parked).toBe(0);
  const { DatabaseSync } = await import("node:sqlite");
  const db = new DatabaseSync(path);
  db.exec("UPDATE entities SET created_at = created_at - 90000000 WHERE id = 'lonely'");
  db.close();
  const swept = await run("gc_all", "g", { sweep: true });
  expect(swept.sweep).toMatchObject({ found: 1 });
  expect((await graphkeeper.store.counts("g")).entities.parked).toBe(1);
});

test("documents whose restore window is over are purged, those on hold are not", async () => {
  const { graphkeeper, ids } = await world();
  const { store } = graphkeeper;
  const [gone, held] = [ids[0]!, ids[1]!];
  await graphkeeper.deprecate("g", [gone, held]);
  await graphkeeper.hold("g", [held]);
  const later = () => Date.now() + 31 * 86_400_000;
  const result = await withLease(store, "g", { ...lease, clock: later }, (fence) =>
    collectGarbage(store, fence, { kinds: COLLECTION_KINDS, policy, clock: later }),
  );
  expect(result.purged).toBeGreaterThan(1);
  await expect(graphkeeper.document("g", gone)).rejects.toMatchObject({ code: "DOCUMENT_NOT_FOUND" });
  expect(await graphkeeper.document("g", held)).toMatchObject({ status: "deprecated", legalHold: true });
  expect(await graphkeeper.verify("g")).toEqual([]);
});

test("analytics of a graph that changed while they were computed are not called fresh", async () => {
  const { graphkeeper, ids } = await world();
  const { store } = graphkeeper;
  let changed = false;
  const result = await withLease(store, "g", lease, (fence) =>
    recompute(store, fence, {
      clock: Date.now,
      onPhase: (phase) => {
        if (phase === "write" && !changed) {
          changed = true;
          void graphkeeper.deprecate("g", [ids[5]!]);
        }
      },
      breathe: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
      },
    }),
  );
  expect(changed).toBe(true);
  expect(result.fresh).toBe(false);
  const { groups } = await graphkeeper.staleGroups({ limit: 10 });
  expect(groups).toMatchObject([{ groupId: "g", gdsStale: true, needsGdsRecompute: true }]);
});

test("a damaged analytics state costs a full run and nothing else", async () => {
  const { graphkeeper, run } = await world();
  await run("recompute", "g");
  const { store } = graphkeeper;
  const state = (await store.analyticsState("g"))!;
  const group = (await store.group("g"))!;
  state[Math.floor(state.length / 2)]! ^= 0xff;
  await withLease(store, "g", lease, (fence) =>
    store.publishAnalytics(fence, { generation: group.generation, state, detail: {}, now: Date.now() }),
  );
  expect(await run("recompute", "g")).toMatchObject({ mode: "full", fresh: true });
  expect(await graphkeeper.verify("g")).toEqual([]);
});

test("a recompute that would not fit into its memory is refused with the estimate", async () => {
  const { graphkeeper } = await world();
  const { store } = graphkeeper;
  const refused = withLease(store, "g", lease, (fence) => recompute(store, fence, { clock: Date.now, memoryMb: 1 }));
  await expect(refused).rejects.toMatchObject({
    code: "OUT_OF_BUDGET",
    details: { budget_mb: 1, field: "maintenance.memoryMb" },
  });
});

test("a recompute that takes longer than its time budget ends and publishes nothing", async () => {
  const { graphkeeper, run } = await world();
  await run("recompute", "g");
  const { store } = graphkeeper;
  const before = await dumpOf(graphkeeper, "g", false);
  const late = withLease(store, "g", lease, (fence) =>
    recompute(store, fence, { clock: Date.now, full: true, resolution: 3, timeBudgetMs: 1 }),
  );
  await expect(late).rejects.toMatchObject({ code: "OUT_OF_BUDGET", details: { budget_ms: 1 } });
  expect(await dumpOf(graphkeeper, "g", false)).toBe(before);
});

test("two holders of one group: the second is refused, or waits for the first", async () => {
  const { graphkeeper } = await world();
  const { store } = graphkeeper;
  await withLease(store, "g", lease, async () => {
    await expect(withLease(store, "g", { ...lease, holder: "other" }, async () => {})).rejects.toMatchObject({
      code: "LEASE_HELD",
    });
  });
  const order: string[] = [];
  await Promise.all([
    withLease(store, "g", lease, async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      order.push("first");
    }),
    withLease(store, "g", { ...lease, holder: "other", waitMs: 5_000 }, async () => void order.push("second")),
  ]);
  expect(order).toEqual(["first", "second"]);
});
