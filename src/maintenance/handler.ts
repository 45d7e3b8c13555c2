import { GraphkeeperError } from "../core/errors.ts";
import type { GraphStore } from "../core/ports.ts";
import { toWire } from "../core/wire.ts";
import { COLLECTION_KINDS, type CollectionKind, type Fence, type JsonObject, type Policy } from "../core/words.ts";
import { rollForward } from "../documents/verbs.ts";
import { type CollectionCheckpoint, collectGarbage } from "./collect.ts";
import { ENGINES, type EngineChoice } from "./engine.ts";
import { withLease } from "./lease.ts";
import { type RecomputeOptions, recompute } from "./recompute.ts";
import type { TrustedTime } from "./trusted-time.ts";

/** Kinds of runs: the three of collection one by one, all three, and the recompute. */
export const RUN_KINDS = [...COLLECTION_KINDS, "gc_all", "recompute"] as const;
export type RunKind = (typeof RUN_KINDS)[number];

/** Kinds whose success is one of this kind as well. */
export const COVERED_BY: Record<string, readonly RunKind[]> = Object.fromEntries(
  COLLECTION_KINDS.map((kind) => [kind, ["gc_all"]]),
);

export interface MaintenanceSettings {
  policy: Policy;
  /** How far the clock may be believed; absent = without limit. */
  time?: TrustedTime;
  sweepEveryMs: number;
  batchSize: number;
  memoryMb: number;
  timeBudgetMs?: number;
  /** Who computes a recompute that does not say so itself. Default: the built-in engine. */
  engine?: EngineChoice;
  k: number;
  cutoff: number;
  resolution: number;
  seed: number;
  analyse?: RecomputeOptions["analyse"];
}

/** What a run needs of its surroundings; the jobs room's context fits. */
export interface RunContext {
  run: { id: string; kind: string; actor: string };
  groupId: string;
  kind: string;
  signal: AbortSignal;
  checkpoint: JsonObject | null;
  params: JsonObject;
  saveCheckpoint(checkpoint: JsonObject): Promise<void>;
  progress(progress: { done: number; total?: number | null; phase: string }): void;
  breathe(): Promise<void>;
}

/** Told what ended, for metrics. */
export type RunObserver = (event: {
  kind: CollectionKind | "recompute";
  groupId: string;
  deleted: number;
  purged: number;
  durationMs: number;
}) => void;

interface Surroundings {
  store: GraphStore;
  settings: MaintenanceSettings;
  clock: () => number;
  observe: RunObserver;
}

/** A dead holder's lease ends after this long; the run is then taken over. */
const LEASE_TTL_MS = 10_000;

/**
 * Carries out one run of any kind for one group, as the one holder of its lease.
 *
 * @returns the result as it goes over the wire
 */
export function maintenanceHandler(
  store: GraphStore,
  settings: MaintenanceSettings,
  clock: () => number,
  observe: RunObserver = () => {},
): (context: RunContext) => Promise<JsonObject> {
  const surroundings = { store, settings, clock, observe };
  return async (context) => {
    if (!RUN_KINDS.includes(context.kind as RunKind)) {
      throw new GraphkeeperError("INVALID_VALUE", `There is no kind of run ${context.kind}.`, { field: "kind" });
    }
    const lease = {
      holder: context.run.id,
      clock,
      ttlMs: LEASE_TTL_MS,
      // A killed holder's lease has to run out first.
      waitMs: LEASE_TTL_MS + 2_000,
      signal: context.signal,
    };
    return withLease(store, context.groupId, lease, async (fence, signal) => {
      await finishOperations(store, context.groupId, signal);
      const carryOut = context.kind === "recompute" ? runRecompute : runCollection;
      const result = await carryOut(surroundings, fence, context, signal);
      return { group_id: context.groupId, ...result };
    });
  };
}

/** Plans of the group that a crash left rolling go first: collection judges what they leave behind. */
async function finishOperations(store: GraphStore, groupId: string, signal: AbortSignal): Promise<void> {
  for (const unfinished of await store.unfinished(1_000)) {
    if (unfinished.groupId !== groupId) continue;
    await rollForward(store, await store.advance(groupId, unfinished.operationId), { signal });
  }
}

async function runCollection(
  { store, settings, clock, observe }: Surroundings,
  fence: Fence,
  context: RunContext,
  signal: AbortSignal,
): Promise<JsonObject> {
  const kinds: readonly CollectionKind[] =
    context.kind === "gc_all" ? COLLECTION_KINDS : [context.kind as CollectionKind];
  const dryRun = context.params.dry_run === true;
  const counts = await store.counts(context.groupId);
  let total = 0;
  for (const kind of kinds) total += counts.candidates[kind];
  let done = 0;
  await settings.time?.refresh();
  const result = await collectGarbage(store, fence, {
    kinds,
    // Asked for each batch: the clock may step while the run works.
    get policy() {
      return heldBack(settings.policy, settings.time?.heldMs() ?? 0);
    },
    sweepEveryMs: context.params.sweep === true ? 0 : settings.sweepEveryMs,
    batchSize: settings.batchSize,
    clock,
    dryRun,
    signal,
    checkpoint: context.checkpoint as unknown as CollectionCheckpoint | null,
    saveCheckpoint: (checkpoint) => context.saveCheckpoint(checkpoint as unknown as JsonObject),
    breathe: () => context.breathe(),
    onBatch: (kind, batch) => {
      done += batch.examined;
      context.progress({ done, total: Math.max(done, total), phase: kind });
    },
  });
  for (const [kind, job] of Object.entries(result.jobs)) {
    if (!dryRun) observe({ kind: kind as CollectionKind, groupId: context.groupId, ...job });
  }
  const wire = toWire(result) as JsonObject;
  if (context.kind === "gc_all") return wire;
  // One kind alone: its own figures stand at the top as well.
  return { ...wire, kind: context.kind, ...((wire.jobs as JsonObject)[context.kind] as JsonObject) };
}

/** What the clock alone would let expire stays: windows and ages are longer by what is held. */
function heldBack(policy: Policy, heldMs: number): Policy {
  const { restoreWindowMs, graceAgeMs } = policy;
  return { ...policy, restoreWindowMs: restoreWindowMs + heldMs, graceAgeMs: graceAgeMs + heldMs };
}

async function runRecompute(
  { store, settings, clock, observe }: Surroundings,
  fence: Fence,
  context: RunContext,
  signal: AbortSignal,
): Promise<JsonObject> {
  const result = await recompute(store, fence, {
    k: settings.k,
    cutoff: settings.cutoff,
    resolution: settings.resolution,
    seed: settings.seed,
    analyse: settings.analyse,
    memoryMb: settings.memoryMb,
    timeBudgetMs: settings.timeBudgetMs,
    engine: engineChoice(settings, context.params),
    full: context.params.full === true,
    clock,
    signal,
    breathe: () => context.breathe(),
    onPhase: (phase, done, total) => context.progress({ done, total, phase }),
  });
  observe({ kind: "recompute", groupId: context.groupId, deleted: 0, purged: 0, durationMs: result.durationMs });
  return toWire(result) as JsonObject;
}

function engineChoice(settings: MaintenanceSettings, { engine }: JsonObject): EngineChoice {
  const { name, threshold } = settings.engine ?? { name: "builtin", threshold: 0 };
  if (engine === undefined) return { name, threshold };
  const asked = ENGINES.find((known) => known === engine);
  if (asked) return { name: asked, threshold };
  throw new GraphkeeperError("INVALID_VALUE", `There is no engine ${String(engine)}.`, { field: "engine" });
}
