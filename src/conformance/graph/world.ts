import assert from "node:assert/strict";
import { operationHash } from "../../core/canonical.ts";
import { type ErrorCode, GraphkeeperError } from "../../core/errors.ts";
import type { Asked } from "../../core/outcomes.ts";
import type { ApplyOptions, GraphStore } from "../../core/ports.ts";
import { readPublished } from "../../core/published.ts";
import {
  COLLECTION_KINDS,
  type CollectionBatch,
  type CollectionKind,
  type Fence,
  type ImportBlock,
  type Operation,
  type OperationRecord,
  type Policy,
  type Verb,
} from "../../core/words.ts";
import { dumpOf } from "./dump.ts";

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** Longer than any case lets the clock run. */
const LEASE_MS = 1_000 * DAY;

export const POLICY: Policy = { restoreWindowMs: 30 * DAY, unsupported: "collect", graceAgeMs: HOUR };

/** What collecting did, summed over its batches. */
export interface Collected {
  deleted: number;
  purged: number;
  examined: number;
  batches: number;
  ids: string[];
}
export type CollectedByKind = Record<CollectionKind, Collected>;

/** A store under test with a clock of its own and operation ids that count. */
export class World {
  readonly store: GraphStore;
  now: number;
  #operations = 0;
  #holders = 0;

  /** @param now stores refuse leases that ran out by real time: begin with the real time and go on from there */
  constructor(store: GraphStore, now: number = Date.now()) {
    this.store = store;
    this.now = now;
  }

  later(ms: number): number {
    this.now += ms;
    return this.now;
  }

  operation(groupId: string, verb: Verb, documentIds: string[], more: Partial<Operation> = {}): Operation {
    this.later(1_000);
    const call = { groupId, verb, documentIds, successor: more.successor };
    const id = `operation-${++this.#operations}`;
    const requestHash = operationHash(call);
    return { ...call, id, requestHash, at: this.now, actor: "tester", reason: null, ...more };
  }

  import(groupId: string, block: ImportBlock, more: Partial<Operation> & Asked = {}): Promise<OperationRecord> {
    const { restore, again, ...operation } = more;
    const ids = block.documents.map(({ id }) => id);
    const requestHash = operationHash({ groupId, verb: "import", documentIds: ids }, block);
    return this.store.apply(this.operation(groupId, "import", ids, { requestHash, ...operation }), {
      block,
      restore,
      again,
    });
  }

  replace(groupId: string, block: ImportBlock, asked: Asked = {}): Promise<OperationRecord> {
    const ids = block.documents.map(({ id }) => id);
    return this.store.apply(this.operation(groupId, "replace", ids), { block, ...asked });
  }

  /** Any verb without a block. */
  call(groupId: string, verb: Verb, ids: string | string[], options?: ApplyOptions): Promise<OperationRecord> {
    return this.store.apply(this.operation(groupId, verb, [ids].flat()), options);
  }

  deprecate(groupId: string, ids: string | string[], successor?: string): Promise<OperationRecord> {
    return this.store.apply(this.operation(groupId, "deprecate", [ids].flat(), { successor }));
  }

  restore(groupId: string, ids: string | string[]): Promise<OperationRecord> {
    return this.call(groupId, "restore", ids);
  }

  purge(groupId: string, ids: string | string[]): Promise<OperationRecord> {
    return this.call(groupId, "purge", ids);
  }

  async lease(groupId: string, holder = `holder-${++this.#holders}`): Promise<Fence> {
    const fence = await this.store.acquireLease(groupId, holder, LEASE_MS, this.now);
    assert.ok(fence, `the lease of ${groupId} is free`);
    return fence;
  }

  async withLease<T>(groupId: string, work: (fence: Fence) => Promise<T>): Promise<T> {
    const fence = await this.lease(groupId);
    try {
      return await work(fence);
    } finally {
      await this.store.releaseLease(fence);
    }
  }

  /** A whole run as a collector does it: every kind to its end, no more than `limit` a batch, then the compare-and-set. */
  async collect(
    groupId: string,
    options: { policy?: Policy; limit?: number; kinds?: readonly CollectionKind[]; finish?: boolean } = {},
  ): Promise<CollectedByKind> {
    const { policy = POLICY, limit = 100, kinds = COLLECTION_KINDS, finish = true } = options;
    this.later(1_000);
    return this.withLease(groupId, async (fence) => {
      const { generation } = await this.state(groupId);
      const collected = {} as CollectedByKind;
      for (const kind of COLLECTION_KINDS)
        collected[kind] = { deleted: 0, purged: 0, examined: 0, batches: 0, ids: [] };
      for (const kind of kinds) {
        await this.#collectKind(fence, kind, { policy, limit }, collected[kind]);
        assert.equal(await this.store.remaining(groupId, kind, policy, this.now), 0, `nothing remains of ${kind}`);
      }
      const ownChanges = (await this.state(groupId)).generation - generation;
      const done = { readGeneration: generation, ownChanges, sweptAt: null, now: this.now };
      if (finish) await this.store.finishCollection(fence, done);
      return collected;
    });
  }

  async #collectKind(
    fence: Fence,
    kind: CollectionKind,
    options: { policy: Policy; limit: number },
    sum: Collected,
  ): Promise<void> {
    let cursor: string | null = null;
    do {
      const before = await this.state(fence.groupId);
      const batch: CollectionBatch = await this.store.collect(fence, kind, {
        ...options,
        cursor,
        now: this.now,
        dryRun: false,
      });
      const after = await this.state(fence.groupId);
      assert.ok(batch.ids.length <= options.limit, `a batch of ${options.limit} names at most as many ids`);
      if (batch.deleted + batch.purged > 0) assert.equal(batch.changed, true, "what was hidden or removed is a change");
      assert.equal(after.generation - before.generation, batch.changed ? 1 : 0, "an effective batch raises it");
      sum.deleted += batch.deleted;
      sum.purged += batch.purged;
      sum.examined += batch.examined;
      sum.ids.push(...batch.ids);
      sum.batches++;
      assert.ok(sum.batches < 1_000, `${kind} comes to an end`);
      cursor = batch.cursor;
    } while (cursor !== null);
  }

  async sweep(groupId: string, policy: Policy = POLICY, limit = 100): Promise<{ examined: number; found: number }> {
    return this.withLease(groupId, async (fence) => {
      const sum = { examined: 0, found: 0 };
      let cursor: string | null = null;
      do {
        const step: { examined: number; found: number; cursor: string | null } = await this.store.sweep(fence, {
          cursor,
          limit,
          policy,
          now: this.now,
        });
        assert.ok(step.examined <= limit, "a step of the sweep keeps to its limit");
        sum.examined += step.examined;
        sum.found += step.found;
        cursor = step.cursor;
      } while (cursor !== null);
      return sum;
    });
  }

  async state(groupId: string) {
    const state = await this.store.group(groupId);
    assert.ok(state, `the group ${groupId} exists`);
    return state;
  }

  dump(groupId: string, options?: { facts?: boolean }): Promise<string[]> {
    return dumpOf(this.store, groupId, options);
  }

  /** Everything that a reader can ask of a group: equal before and after what must not touch it. */
  async everything(groupId: string): Promise<unknown> {
    const { store } = this;
    const state = await store.group(groupId);
    if (!state) return null;
    const documents = await store.documents(groupId, { limit: 10_000 });
    const published = await readPublished(store, groupId);
    const audit = await store.audit(groupId, { afterSeq: 0, limit: 100_000 });
    return { state, counts: await store.counts(groupId), documents, dump: await this.dump(groupId), published, audit };
  }

  /** The call must fail with that code and change nothing that can be read of the group. */
  async refuses(groupId: string, code: ErrorCode, call: () => Promise<unknown>): Promise<GraphkeeperError> {
    const before = await this.everything(groupId);
    const error = await failure(call, code);
    assert.deepEqual(await this.everything(groupId), before, `nothing of ${groupId} changed with the refused call`);
    return error;
  }
}

/** Runs what must fail with an error of the catalogue. */
export async function failure(call: () => Promise<unknown>, code: ErrorCode): Promise<GraphkeeperError> {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof GraphkeeperError, `an error of the catalogue, not ${error}`);
    assert.equal(error.code, code, error.message);
    return error;
  }
  assert.fail(`the call succeeded; it should fail with ${code}`);
}
