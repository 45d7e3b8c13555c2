import { estimateMemory } from "../algorithms/index.ts";
import { GraphkeeperError } from "../core/errors.ts";
import type { Analytics, AnalyticsEngine, GroupReader, LiveGraph } from "../core/ports.ts";
import type { Fence, JsonObject } from "../core/words.ts";
import { analyseOnThread, cancelled } from "./analyse-on-thread.ts";
import type { AnalysisOptions } from "./analysis.ts";
import { chooseEngine, type EngineChoice } from "./engine.ts";

export interface RecomputeOptions extends Partial<AnalysisOptions> {
  clock: () => number;
  /** Who computes. Default: the built-in engine. */
  engine?: EngineChoice;
  signal?: AbortSignal;
  /** Most memory that the computation may take, in MB; refused with an estimate when it would not fit. Default 2,048. */
  memoryMb?: number;
  /** Longest that the run may take. Default: no bound. */
  timeBudgetMs?: number;
  onPhase?: (phase: string, done: number, total: number) => void;
  breathe?: () => Promise<void>;
  /** Computes; default on a thread of its own. For tests in which one thread does everything. */
  analyse?: typeof analyseOnThread;
}

export interface RecomputeResult {
  communities: number;
  levels: number;
  modularity: number;
  /** Communities that are new or changed in members, edges or texts: whose summaries are to be written again. */
  changedCommunities: number;
  removedCommunities: number;
  entities: number;
  edges: number;
  similarityEdges: number;
  /** Share of true nearest neighbours found, estimated on a sample; 1 when the search was exact, null when another engine searched. */
  similarityRecall: number | null;
  /** Of PageRank; 0 when another engine computed, which does not tell. */
  iterations: number;
  /** Who computed: `builtin`, or the name and version of another engine. */
  engine: string;
  /** `full`, `update`, `refresh` or `none`: how the communities were brought up to date. */
  mode: string;
  rowsWritten: number;
  /** At which the graph was read. */
  generation: number;
  /** Whether that is still the group's generation. */
  fresh: boolean;
  durationMs: number;
}

type Store = Analytics & GroupReader & { readonly engine?: AnalyticsEngine };

export const ANALYSIS_DEFAULTS = {
  k: 5,
  cutoff: 0.6,
  resolution: 1,
  seed: 1,
  full: false,
} as const satisfies AnalysisOptions;

const DEFAULT_MEMORY_MB = 2_048;
const ROWS_PER_STEP = 1_000;

/**
 * Recomputes similarity edges, communities and ranks of a group and publishes them by one atomic switch. Nothing is shown
 * before, everything after; a cancelled or killed run leaves what was published before.
 *
 * @throws GraphkeeperError `CANCELLED`, `LEASE_LOST`, `OUT_OF_BUDGET` with the estimate, `ENGINE_UNAVAILABLE`
 */
export async function recompute(store: Store, fence: Fence, options: RecomputeOptions): Promise<RecomputeResult> {
  const budget = timeBudget(options.timeBudgetMs);
  const signals = [options.signal, budget.signal].filter((signal) => signal !== undefined && signal !== null);
  try {
    return await recomputeWithin(store, fence, { ...options, signal: AbortSignal.any(signals) });
  } catch (error) {
    // Whoever noticed the end of the time called it a cancel.
    if (budget.signal?.aborted && GraphkeeperError.is(error, "CANCELLED")) throw budget.signal.reason;
    throw error;
  } finally {
    budget.end();
  }
}

async function recomputeWithin(store: Store, fence: Fence, options: RecomputeOptions): Promise<RecomputeResult> {
  const begun = performance.now();
  const { groupId } = fence;
  // Rows that a killed run staged.
  while ((await store.discardStaged(fence, ROWS_PER_STEP, options.clock())) > 0) stopIfAborted(options.signal);
  // And what it left in the memory of the database. An engine that fails to say must not stop the built-in one.
  await store.engine?.dropLeftOvers(groupId).catch(() => 0);
  const chosen = await chooseEngine(store, groupId, options.engine);
  const settings: AnalysisOptions = {
    k: options.k ?? ANALYSIS_DEFAULTS.k,
    cutoff: options.cutoff ?? ANALYSIS_DEFAULTS.cutoff,
    resolution: options.resolution ?? ANALYSIS_DEFAULTS.resolution,
    seed: options.seed ?? ANALYSIS_DEFAULTS.seed,
    full: options.full ?? ANALYSIS_DEFAULTS.full,
  };
  options.onPhase?.("read", 0, 1);
  const { signal, onPhase } = options;
  const check = (graph: LiveGraph) => refuseOverBudget(graph, options.memoryMb ?? DEFAULT_MEMORY_MB);
  const { graph, computed } = chosen.engine
    ? await chosen.engine.analyse(fence, settings, { signal, onPhase, check })
    : { graph: await store.readGraph(groupId), computed: undefined };
  if (!computed) check(graph);
  const { generation } = graph;
  const stored = await store.analyticsState(groupId);
  stopIfAborted(options.signal);
  const given = { ...settings, given: computed };
  const published = store.publishedParts(groupId);
  const answer = await (options.analyse ?? analyseOnThread)(graph, published, stored, given, { signal, onPhase });
  const { state, partCount } = answer;
  const detail: JsonObject = { ...answer.detail, engine: chosen.name };
  let written = 0;
  for await (const part of answer.parts) {
    await options.breathe?.();
    stopIfAborted(options.signal);
    await store.stageAnalytics(fence, part, options.clock());
    options.onPhase?.("write", ++written, partCount);
  }
  stopIfAborted(options.signal);
  const group = await store.publishAnalytics(fence, { generation, state, detail, now: options.clock() });
  while ((await store.pruneAnalytics(fence, ROWS_PER_STEP, options.clock())) > 0) stopIfAborted(options.signal);
  return {
    communities: number(detail, "communities"),
    levels: number(detail, "levels"),
    modularity: number(detail, "modularity"),
    changedCommunities: answer.changed.length,
    removedCommunities: answer.removed.length,
    entities: number(detail, "entities"),
    edges: number(detail, "edges"),
    similarityEdges: number(detail, "similarity_edges"),
    similarityRecall: detail.similarity_recall === null ? null : number(detail, "similarity_recall"),
    iterations: number(detail, "iterations"),
    engine: chosen.name,
    mode: String(detail.communities_run),
    rowsWritten: answer.rows,
    generation,
    fresh: group.generation === generation,
    durationMs: Math.round(performance.now() - begun),
  };
}

function refuseOverBudget(graph: LiveGraph, memoryMb: number): void {
  const { ids, sources, dimension } = graph;
  const similar = dimension === 0 ? 0 : ids.length * ANALYSIS_DEFAULTS.k;
  const { peak } = estimateMemory(ids.length, sources.length + similar, dimension, { k: ANALYSIS_DEFAULTS.k });
  // Rows and ids as objects: what is published, and its difference to what is to be.
  const rows = ids.length * 600 + similar * 120;
  const estimateMb = Math.ceil((peak + rows) / 1_048_576);
  if (estimateMb <= memoryMb) return;
  throw new GraphkeeperError(
    "OUT_OF_BUDGET",
    `The recompute of ${graph.groupId} needs about ${estimateMb} MB; maintenance.memoryMb allows ${memoryMb}.`,
    { estimate_mb: estimateMb, budget_mb: memoryMb, field: "maintenance.memoryMb" },
  );
}

/** Aborted when the time is over, with the reason; `end` lets go of the timer. */
function timeBudget(ms: number | undefined): { signal: AbortSignal | null; end: () => void } {
  if (ms === undefined) return { signal: null, end: () => {} };
  const over = new AbortController();
  const timer = setTimeout(() => {
    const details = { budget_ms: ms, field: "maintenance.timeBudgetSeconds" };
    over.abort(
      new GraphkeeperError(
        "OUT_OF_BUDGET",
        `The recompute took longer than ${ms / 1_000} s; nothing was published.`,
        details,
      ),
    );
  }, ms);
  return { signal: over.signal, end: () => clearTimeout(timer) };
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  if (GraphkeeperError.is(signal.reason)) throw signal.reason;
  throw cancelled();
}

function number(detail: JsonObject, key: string): number {
  return Number(detail[key] ?? 0);
}
