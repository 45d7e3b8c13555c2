import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import type { GraphStore } from "../../src/core/ports.ts";
import type { Fence } from "../../src/core/words.ts";
import { collectGarbage } from "../../src/maintenance/collect.ts";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { type Child, start } from "./start.ts";
import { digest, GROUP, openHere, perform, task } from "./story.ts";

const TTL_MS = 1_500;
const POLICY = { restoreWindowMs: Number.POSITIVE_INFINITY, unsupported: "collect", graceAgeMs: 0 } as const;

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-fencing-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
let files = 0;
let path = "";
let child: Child;

/** A graph with work for a collection, and a process that holds its lease. */
beforeEach(async () => {
  path = join(folder, `${++files}.db`);
  const store = openHere(path, { synchronous: "NORMAL" });
  for (let i = 0; i < 6; i++) await perform(store, task(i));
  const call = { groupId: GROUP, verb: "deprecate", documentIds: ["ash", "elm", "oak"] } as const;
  const operation = { ...call, documentIds: [...call.documentIds], id: "deprecate", requestHash: "", at: Date.now() };
  await store.apply({ ...operation, actor: "test", reason: null }, { guard: null });
  await store.close();
  child = start({ does: "collect", path, ttlMs: TTL_MS, limit: 1 });
});
afterEach(async () => {
  child.kill("SIGKILL");
  await child.ended;
});

async function leaseOnceItRanOut(store: GraphStore): Promise<Fence> {
  for (;;) {
    const fence = await store.acquireLease(GROUP, "successor", 60_000, Date.now());
    if (fence) return fence;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

describe("a holder of a lease", { timeout: 30_000 }, () => {
  test("that does not stop collects with it", async () => {
    await child.says("fence");
    child.tell("go");
    expect(await child.says("batch")).toMatchObject({ batch: { deleted: 1 } });
  });

  test("that was frozen while another took over writes nothing when it goes on", async () => {
    const { fence: old } = (await child.says("fence")) as { fence: Fence };
    child.kill("SIGSTOP");
    // Past the file's lock, as on a machine where it does not count: the lease must do.
    const store = openHere(path, { synchronous: "NORMAL" });
    const fence = await leaseOnceItRanOut(store);
    expect(fence.token).toBeGreaterThan(old.token);
    const options = { cursor: null, limit: 1, policy: POLICY, now: Date.now(), dryRun: false };
    expect(await store.collect(fence, "orphan_entities", options)).toMatchObject({ deleted: 1 });
    const before = await digest(store);
    child.tell("go");
    child.kill("SIGCONT");
    expect(await child.says("refused")).toMatchObject({ refused: { code: "LEASE_LOST" } });
    expect(await digest(store)).toBe(before);
    await store.renewLease(fence, 60_000, Date.now());
    await store.close();
  });

  test("that was frozen beyond its lease writes nothing, though nobody took over", async () => {
    await child.says("fence");
    child.kill("SIGSTOP");
    const store = openHere(path, { synchronous: "NORMAL", readOnly: true });
    const before = await digest(store);
    await new Promise((resolve) => setTimeout(resolve, TTL_MS + 100));
    child.tell("go");
    child.kill("SIGCONT");
    expect(await child.says("refused")).toMatchObject({ refused: { code: "LEASE_LOST" } });
    expect(await digest(store)).toBe(before);
    await store.close();
  });

  test("that was killed is followed by another within seconds, which ends the work", async () => {
    await child.says("fence");
    child.kill("SIGKILL");
    await child.ended;
    const begun = performance.now();
    const store = await openSqliteStore({ path });
    const fence = await leaseOnceItRanOut(store);
    const kinds = ["orphan_entities", "stale_edges", "deprecated_vectors"] as const;
    const result = await collectGarbage(store, fence, { kinds, policy: POLICY, clock: Date.now });
    expect(performance.now() - begun).toBeLessThan(60_000);
    expect(result.deleted).toBeGreaterThan(0);
    expect(result.fresh).toBe(true);
    expect(await verifyGroup(store, GROUP)).toEqual([]);
    await store.close();
  });
});
