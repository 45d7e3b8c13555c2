import assert from "node:assert/strict";
import { vectorOf, World } from "../../src/conformance/index.ts";
import { GraphkeeperError } from "../../src/core/errors.ts";
import { communityHash, type GraphStore } from "../../src/core/ports.ts";
import { readPublished } from "../../src/core/published.ts";
import { COLLECTION_KINDS, type Fence, type OperationRecord } from "../../src/core/words.ts";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import { differenceTo, madeUpAnalytics } from "./analytics.ts";
import { type Command, GROUPS, POLICIES } from "./commands.ts";
import { violations, violationsAfterCollection } from "./naive.ts";

/** What a command came to, in terms that two stores must agree on. */
type Result = { error: string } | { done: unknown };

/** Carries out commands on one store. Two executions of the same commands use the same times and operation ids. */
export class Execution {
  readonly w: World;
  #last = new Map<string, () => Promise<OperationRecord>>();

  constructor(store: GraphStore, now: number) {
    this.w = new World(store, now);
  }

  async run(command: Command): Promise<Result> {
    try {
      return { done: await this.#perform(command) };
    } catch (error) {
      if (error instanceof GraphkeeperError) return { error: error.code };
      throw error;
    }
  }

  /** A lifecycle call; the same call again may follow. */
  async #call(groupId: string, call: () => Promise<OperationRecord>, again: () => Promise<OperationRecord>) {
    const before = await this.w.store.group(groupId);
    const { outcomes, effect, state, generation, replayed } = await call();
    this.#last.set(groupId, again);
    return { outcomes, effect, state, replayed, raised: generation - (before?.generation ?? 0) };
  }

  async #perform(command: Command): Promise<unknown> {
    const { w } = this;
    const g = command.group;
    switch (command.does) {
      case "import":
      case "replace": {
        const ids = command.block.documents.map(({ id }) => id);
        const operation = w.operation(g, command.does, ids);
        const call = () => w.store.apply(operation, command);
        return this.#call(g, call, call);
      }
      case "deprecate":
      case "restore":
      case "purge":
      case "hold":
      case "release": {
        const successor = "successor" in command ? command.successor : undefined;
        const operation = w.operation(g, command.does, command.documents, { successor });
        const guard = "guarded" in command && command.guarded ? { share: 0.2, floor: 0 } : null;
        const call = () => w.store.apply(operation, { guard });
        return this.#call(g, call, call);
      }
      case "again":
        return this.#again(g);
      case "roll":
        return this.#roll(command);
      case "collect": {
        const collected = await w.collect(g, command);
        if (command.kinds.length === COLLECTION_KINDS.length) {
          assert.deepEqual(await violationsAfterCollection(w.store, g), [], "after a complete collection");
          for (const sum of Object.values(await w.collect(g, command))) {
            assert.deepEqual([sum.deleted, sum.purged], [0, 0], "a second run changes nothing");
          }
        }
        return COLLECTION_KINDS.map((kind) => [collected[kind].deleted > 0, collected[kind].purged > 0]);
      }
      case "preview":
        return this.#preview(command);
      case "sweep":
        return (await w.sweep(g, command.policy, command.limit)).examined;
      case "lose lease":
        return this.#loseLease(g);
      case "overtake":
        return this.#overtake(command);
      case "publish":
        return this.#publish(command);
      case "prune":
        return w.withLease(g, async (fence) => {
          for (let n = -1; n !== 0; ) {
            n = await w.store.pruneAnalytics(fence, command.limit, w.now);
            assert.ok(n <= command.limit);
          }
        });
      case "acknowledge": {
        const { items } = await w.store.communities(g, { limit: 100 });
        const some = items.filter((_, i) => i % command.every === 0);
        return w.store.acknowledgeCommunities(
          g,
          some.map((c) => ({ id: c.id, hash: communityHash(c) })),
          w.now,
        );
      }
      case "round trip":
        return this.#roundTrip(command);
      case "wait":
        w.later(command.ms);
        return null;
    }
  }

  async #again(g: string) {
    const call = this.#last.get(g);
    if (!call) return null;
    const before = await this.w.everything(g);
    const record = await call();
    assert.equal(record.replayed, true, "the same operation id again is a replay");
    assert.deepEqual(await this.w.everything(g), before, "a replay has no effect");
    return record.outcomes;
  }

  async #roll({ group: g, verb, documents, units, meanwhile }: Command & { does: "roll" }) {
    const { w } = this;
    const first = await w.store.apply(w.operation(g, verb, documents), { unitsPerTransaction: units });
    if (meanwhile) await ignoring("DOCUMENT_NOT_FOUND", () => w.call(g, meanwhile.verb, meanwhile.documents));
    let record = first;
    while (record.state === "rolling") record = await w.store.advance(g, first.id, { unitsPerTransaction: units });
    return record.outcomes;
  }

  async #preview({ group: g, kind, limit, policy }: Command & { does: "preview" }) {
    const { w } = this;
    const before = await w.everything(g);
    await w.withLease(g, async (fence) => {
      let cursor: string | null = null;
      do {
        const batch: { cursor: string | null } = await w.store.collect(fence, kind, {
          cursor,
          limit,
          policy,
          now: w.now,
          dryRun: true,
        });
        cursor = batch.cursor;
      } while (cursor !== null);
    });
    assert.deepEqual(await w.everything(g), before, "a dry run changes nothing");
  }

  async #loseLease(g: string) {
    const { w } = this;
    const old = (await w.store.acquireLease(g, "slow", 60_000, w.now)) as Fence;
    w.later(60_000);
    const fence = await w.lease(g, "fast");
    const before = await w.everything(g);
    for (const kind of COLLECTION_KINDS) {
      const options = {
        cursor: null,
        limit: 10,
        policy: POLICIES[3] as (typeof POLICIES)[0],
        now: w.now,
        dryRun: false,
      };
      await assert.rejects(w.store.collect(old, kind, options), { code: "LEASE_LOST" });
    }
    await assert.rejects(w.store.discardStaged(old, 10, w.now), { code: "LEASE_LOST" });
    assert.deepEqual(await w.everything(g), before, "a lost lease writes nothing");
    await w.store.releaseLease(fence);
  }

  /** A change comes between the last batch of a collection and its end. */
  async #overtake({ group: g, verb, documents }: Command & { does: "overtake" }) {
    const { w } = this;
    await w.collect(g);
    return w.withLease(g, async (fence) => {
      const { generation } = await w.state(g);
      await ignoring("DOCUMENT_NOT_FOUND", () => w.call(g, verb, documents));
      const done = { readGeneration: generation, ownChanges: 0, sweptAt: null, now: w.now };
      const state = await w.store.finishCollection(fence, done);
      assert.equal(state.collectedGeneration, generation, "what came in between is not followed");
      return state.generation - generation;
    });
  }

  async #publish({ group: g, how, staged, meanwhile }: Command & { does: "publish" }) {
    const { w } = this;
    return w.withLease(g, async (fence) => {
      while ((await w.store.discardStaged(fence, 3, w.now)) > 0);
      const graph = await w.store.readGraph(g);
      const before = await readPublished(w.store, g);
      const part = differenceTo(before, madeUpAnalytics(graph));
      const change = async () => {
        if (meanwhile)
          await ignoring("DOCUMENT_NOT_FOUND", "LEGAL_HOLD", () => w.call(g, meanwhile.verb, meanwhile.documents));
      };
      if (staged === "after") await change();
      const then = await readPublished(w.store, g);
      await w.store.stageAnalytics(fence, { upsert: {}, remove: part.remove }, w.now);
      await w.store.stageAnalytics(fence, { upsert: part.upsert, remove: {} }, w.now);
      assert.deepEqual(await readPublished(w.store, g), then, "staged rows are not seen");
      if (staged === "before") await change();
      if (how === "discard") while ((await w.store.discardStaged(fence, 2, w.now)) > 0);
      if (how !== "publish") return null;
      const { generation } = graph;
      const state = await w.store.publishAnalytics(fence, { generation, state: null, detail: {}, now: w.now });
      assert.equal(state.analyticsGeneration, generation);
      return state.analyticsEpoch;
    });
  }

  /** Deprecate, collect, restore, collect: the same canonical dump. */
  async #roundTrip({ group: g, documents }: Command & { does: "round trip" }) {
    const { w } = this;
    const policy = POLICIES[0];
    await w.collect(g, { policy });
    const active = new Set((await w.store.documents(g, { status: "active", limit: 100 })).items.map(({ id }) => id));
    const before = await w.dump(g, { facts: true });
    const ids = documents.filter((id) => active.has(id));
    if (ids.length === 0) return null;
    await w.deprecate(g, ids);
    await w.collect(g, { policy, limit: 2 });
    await w.restore(g, ids);
    await w.collect(g, { policy });
    assert.deepEqual(await w.dump(g, { facts: true }), before, "the round trip");
    return ids;
  }
}

async function ignoring(...args: [...codes: string[], call: () => Promise<unknown>]): Promise<void> {
  const call = args.pop() as () => Promise<unknown>;
  try {
    await call();
  } catch (error) {
    if (!(error instanceof GraphkeeperError && args.includes(error.code))) throw error;
  }
}

function errorCode(error: unknown): string {
  if (error instanceof GraphkeeperError) return error.code;
  throw error;
}

/** What two stores must agree on after each command; candidates and generations may be counted differently on the way. */
async function agreed({ w }: Execution, g: string): Promise<unknown> {
  const { store } = w;
  const state = await store.group(g);
  if (!state) return null;
  const { candidates: _, ...counts } = await store.counts(g);
  const found = [];
  for (const kind of ["text_unit", "entity"] as const) {
    // Texts may share a vector; then their scores are equal to the last bit and their ids decide.
    const hits = await store.search(g, { of: kind, vector: vectorOf("text 1one", 3), k: 5 }).catch(errorCode);
    found.push(Array.isArray(hits) ? hits.map(({ id, documents }) => [id, documents]) : hits);
  }
  const impacts = [];
  for (const verb of ["deprecate", "restore", "purge"] as const) {
    impacts.push(await store.impact(g, verb, ["d0", "d1"]));
  }
  const remaining = [];
  for (const policy of POLICIES)
    for (const kind of COLLECTION_KINDS) remaining.push(await store.remaining(g, kind, policy, w.now));
  return {
    dump: await w.dump(g),
    counts,
    documents: (await store.documents(g, { limit: 100 })).items,
    found,
    impacts,
    remaining,
    staleSince: state.staleSince,
    lags: [state.generation > state.collectedGeneration, state.generation > (state.analyticsGeneration ?? -1)],
  };
}

/**
 * Carries out a sequence on a store and, if given, on an oracle beside it. After each command the group must keep to the law,
 * every other group must be what it was, and both stores must agree.
 *
 * @param suffix makes the names of the groups anew, so that many sequences can share one store
 */
export async function execute(
  commands: Command[],
  subject: GraphStore,
  oracle?: GraphStore,
  suffix = "",
): Promise<void> {
  const now = Date.now();
  const mine = new Execution(subject, now);
  const theirs = oracle && new Execution(oracle, now);
  const seen = new Map<string, unknown>();
  for (const [i, { group, ...rest }] of commands.entries()) {
    const command = { ...rest, group: group + suffix } as Command;
    const g = command.group;
    const at = `command ${i}, ${command.does} in ${g}`;
    const result = await mine.run(command);
    if (theirs) {
      assert.deepEqual(result, await theirs.run(command), `${at}: same result`);
      assert.deepEqual(await agreed(mine, g), await agreed(theirs, g), `${at}: same state`);
    }
    for (const other of GROUPS.map((name) => name + suffix)) {
      const everything = await mine.w.everything(other);
      if (other !== g) assert.deepEqual(everything, seen.get(other) ?? null, `${at}: the group ${other} is untouched`);
      seen.set(other, everything);
    }
    if (seen.get(g) === null) continue;
    assert.deepEqual(await violations(subject, g), [], `${at}: the law`);
    // The published rows are made up: they form no real communities.
    const findings = (await verifyGroup(subject, g)).filter(({ code }) => !code.startsWith("COMMUNITY_"));
    assert.deepEqual(findings, [], `${at}: verify`);
  }
}
