import { GraphkeeperError } from "../core/errors.ts";
import type { Collection, GroupReader } from "../core/ports.ts";
import { COLLECTION_KINDS, type CollectionBatch, type CollectionKind, type Fence, type Policy } from "../core/words.ts";

/** What one kind did in a run. */
export interface KindResult {
  deleted: number;
  purged: number;
  examined: number;
  /** Left to readers although nothing recorded of them is live: what is recorded is a lower bound. */
  kept: number;
  batches: number;
  durationMs: number;
  /** What a query of its own still found to do afterwards. */
  remaining: number;
  /** Dry run only: the first ids that would go, at most 1,000. */
  ids?: string[];
}

export interface CollectionResult {
  jobs: Partial<Record<CollectionKind, KindResult>>;
  /** Sum over the kinds. */
  deleted: number;
  purged: number;
  kept: number;
  /** Entities and relationships that the full sweep looked at, and candidates it found; null when no sweep was due. */
  sweep: { examined: number; found: number } | null;
  generation: number;
  /** Whether collection has followed all changes up to now. */
  fresh: boolean;
  dryRun: boolean;
}

/** Where a run stands; saved after each batch, so that the next attempt goes on from there. */
export interface CollectionCheckpoint {
  readGeneration: number;
  ownChanges: number;
  phase: "collect" | "sweep" | "collect-again";
  kind: number;
  cursor: string | null;
  sweep: { examined: number; found: number } | null;
  jobs: Partial<Record<CollectionKind, KindResult>>;
}

export interface CollectionRunOptions {
  kinds: readonly CollectionKind[];
  policy: Policy;
  clock: () => number;
  dryRun?: boolean;
  /** A full sweep is due when the last one is older than this. Default 24 h; Infinity = never. */
  sweepEveryMs?: number;
  /** Candidates per transaction at first; default 500. Halved when a batch is slow or times out, doubled when calm. */
  batchSize?: number;
  signal?: AbortSignal;
  checkpoint?: CollectionCheckpoint | null;
  /** Durable when it resolves. */
  saveCheckpoint?: (checkpoint: CollectionCheckpoint) => Promise<void>;
  onBatch?: (kind: CollectionKind, batch: CollectionBatch, result: KindResult) => void;
  /** Awaited before each batch: throttle, maintenance window. */
  breathe?: () => Promise<void>;
}

const DEFAULT_BATCH = 500;
const SMALLEST_BATCH = 10;
/** A batch that holds the write lock longer than this is cut in half next time. */
const SLOW_MS = 250;
const CALM_MS = 50;
const DAY_MS = 24 * 60 * 60 * 1_000;
const MAX_PREVIEW_IDS = 1_000;

/**
 * Runs kinds of garbage collection for one group, in their order, in bounded batches, from the checkpoint on; then, when
 * due, the full sweep and once more what it found. Idempotent: a second run changes nothing.
 *
 * @throws GraphkeeperError `CANCELLED` after the current batch, `LEASE_LOST`
 */
export async function collectGarbage(
  store: Collection & GroupReader,
  fence: Fence,
  options: CollectionRunOptions,
): Promise<CollectionResult> {
  const group = await store.group(fence.groupId);
  if (!group)
    throw new GraphkeeperError("GROUP_NOT_FOUND", `There is no group ${fence.groupId}.`, { group: fence.groupId });
  const state = resumed(options.checkpoint ?? null, group.generation) ?? {
    readGeneration: group.generation,
    ownChanges: 0,
    phase: "collect",
    kind: 0,
    cursor: null,
    sweep: null,
    jobs: {},
  };
  const dryRun = options.dryRun ?? false;
  const run = new Run(store, fence, options, state, dryRun);
  if (state.phase === "collect") await run.kinds();
  const sweepDue =
    !dryRun && (group.lastSweepAt === null || options.clock() - group.lastSweepAt >= (options.sweepEveryMs ?? DAY_MS));
  let sweptAt: number | null = null;
  if (state.phase === "sweep" || (state.phase === "collect" && sweepDue)) {
    await run.sweep();
    sweptAt = options.clock();
    if ((state.sweep?.found ?? 0) > 0) run.begin("collect-again");
  } else if (state.phase === "collect-again") sweptAt = options.clock();
  if (state.phase === "collect-again") await run.kinds();
  for (const kind of options.kinds) {
    const result = run.result(kind);
    result.remaining = dryRun ? 0 : await store.remaining(fence.groupId, kind, options.policy, options.clock());
  }
  return finish(store, fence, options, state, sweptAt, dryRun);
}

/**
 * A process that was killed between a batch and its checkpoint leaves a count of own changes that is one short; changes of
 * others look the same. Then the kinds begin anew, at today's generation: what they did is not done again, because only
 * what still waits is looked at. Without this the group would stay stale although nothing is left to do.
 */
function resumed(checkpoint: CollectionCheckpoint | null, generation: number): CollectionCheckpoint | null {
  if (checkpoint === null || checkpoint.phase === "sweep") return checkpoint;
  if (generation === checkpoint.readGeneration + checkpoint.ownChanges) return checkpoint;
  return { ...checkpoint, readGeneration: generation, ownChanges: 0, kind: 0, cursor: null };
}

/** The loop state of one run: which kind, which cursor, how large a batch. */
class Run {
  readonly #store: Collection;
  readonly #fence: Fence;
  readonly #options: CollectionRunOptions;
  readonly #state: CollectionCheckpoint;
  readonly #dryRun: boolean;
  #limit: number;

  constructor(
    store: Collection,
    fence: Fence,
    options: CollectionRunOptions,
    state: CollectionCheckpoint,
    dryRun: boolean,
  ) {
    this.#store = store;
    this.#fence = fence;
    this.#options = options;
    this.#state = state;
    this.#dryRun = dryRun;
    this.#limit = options.batchSize ?? DEFAULT_BATCH;
  }

  begin(phase: CollectionCheckpoint["phase"]): void {
    this.#state.phase = phase;
    this.#state.kind = 0;
    this.#state.cursor = null;
  }

  result(kind: CollectionKind): KindResult {
    this.#state.jobs[kind] ??= { deleted: 0, purged: 0, examined: 0, kept: 0, batches: 0, durationMs: 0, remaining: 0 };
    return this.#state.jobs[kind];
  }

  async kinds(): Promise<void> {
    while (this.#state.kind < this.#options.kinds.length) {
      await this.#kind(this.#options.kinds[this.#state.kind] as CollectionKind);
      this.#state.kind++;
      this.#state.cursor = null;
      await this.#save();
    }
  }

  async #kind(kind: CollectionKind): Promise<void> {
    const result = this.result(kind);
    for (;;) {
      const batch = await this.#step((limit) =>
        this.#store.collect(this.#fence, kind, {
          cursor: this.#state.cursor,
          limit,
          policy: this.#options.policy,
          now: this.#options.clock(),
          dryRun: this.#dryRun,
        }),
      );
      result.deleted += batch.value.deleted;
      result.purged += batch.value.purged;
      result.examined += batch.value.examined;
      result.kept = (result.kept ?? 0) + batch.value.kept; // A checkpoint of 0.1 has none.
      result.durationMs += batch.durationMs;
      result.batches++;
      if (this.#dryRun) result.ids = [...(result.ids ?? []), ...batch.value.ids].slice(0, MAX_PREVIEW_IDS);
      else if (batch.value.changed) this.#state.ownChanges++;
      this.#state.cursor = batch.value.cursor;
      this.#options.onBatch?.(kind, batch.value, result);
      if (batch.value.cursor === null) return;
      await this.#save();
    }
  }

  async sweep(): Promise<void> {
    if (this.#state.phase !== "sweep") this.begin("sweep");
    const total = this.#state.sweep ?? { examined: 0, found: 0 };
    this.#state.sweep = total;
    do {
      const step = await this.#step((limit) =>
        this.#store.sweep(this.#fence, {
          cursor: this.#state.cursor,
          limit,
          policy: this.#options.policy,
          now: this.#options.clock(),
        }),
      );
      total.examined += step.value.examined;
      total.found += step.value.found;
      this.#state.cursor = step.value.cursor;
      await this.#save();
    } while (this.#state.cursor !== null);
  }

  /** One bounded transaction, with the batch size adapted to how the last ones went. */
  async #step<T>(transaction: (limit: number) => Promise<T>): Promise<{ value: T; durationMs: number }> {
    for (;;) {
      await this.#options.breathe?.();
      if (this.#options.signal?.aborted) {
        const reason = this.#options.signal.reason;
        if (GraphkeeperError.is(reason)) throw reason;
        throw new GraphkeeperError(
          "CANCELLED",
          "The collection stopped after a batch; the next run goes on from there.",
        );
      }
      const begun = performance.now();
      try {
        const value = await transaction(this.#limit);
        const durationMs = performance.now() - begun;
        if (durationMs > SLOW_MS) this.#limit = Math.max(SMALLEST_BATCH, this.#limit >> 1);
        else if (durationMs < CALM_MS)
          this.#limit = Math.min(this.#options.batchSize ?? DEFAULT_BATCH, this.#limit * 2);
        return { value, durationMs };
      } catch (error) {
        if (!GraphkeeperError.is(error, "OUT_OF_BUDGET") || this.#limit === SMALLEST_BATCH) throw error;
        this.#limit = Math.max(SMALLEST_BATCH, this.#limit >> 1);
      }
    }
  }

  async #save(): Promise<void> {
    if (!this.#dryRun) await this.#options.saveCheckpoint?.(this.#state);
  }
}

async function finish(
  store: Collection & GroupReader,
  fence: Fence,
  options: CollectionRunOptions,
  state: CollectionCheckpoint,
  sweptAt: number | null,
  dryRun: boolean,
): Promise<CollectionResult> {
  const now = options.clock();
  let group = await store.group(fence.groupId);
  if (!dryRun) {
    let left = 0;
    for (const kind of COLLECTION_KINDS) {
      left += state.jobs[kind]?.remaining ?? (await store.remaining(fence.groupId, kind, options.policy, now));
    }
    // One kind alone may leave work to the others; the group is followed only when nothing is left for any.
    if (left === 0)
      group = await store.finishCollection(fence, {
        readGeneration: state.readGeneration,
        ownChanges: state.ownChanges,
        sweptAt,
        now,
      });
  }
  const results = Object.values(state.jobs);
  for (const result of results) result.durationMs = Math.round(result.durationMs);
  return {
    jobs: state.jobs,
    deleted: results.reduce((sum, r) => sum + r.deleted, 0),
    purged: results.reduce((sum, r) => sum + r.purged, 0),
    kept: results.reduce((sum, r) => sum + (r.kept ?? 0), 0),
    sweep: state.sweep,
    generation: group?.generation ?? 0,
    fresh: group !== null && group.collectedGeneration === group.generation,
    dryRun,
  };
}
