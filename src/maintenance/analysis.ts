import {
  adoptPartitions,
  type CsrGraph,
  communitiesFromPartitions,
  connectedComponents,
  csrFromEdges,
  type EdgeEdits,
  edgesOf,
  IncrementalCommunities,
  pageRank,
  type SimilarityEdges,
  symmetrise,
} from "../algorithms/index.ts";
import type { EngineAnalytics, LiveGraph } from "../core/ports.ts";
import type { JsonObject } from "../core/words.ts";
import { type AnalysisState, packAnalysisState } from "./analysis-state.ts";
import { type ComputedAnalytics, hashCommunities } from "./community-hashes.ts";
import type { PublishedColumns } from "./published-columns.ts";
import { followKnn } from "./similarity.ts";

export interface AnalysisOptions {
  /** Similarity edges per entity. Default 5. */
  k: number;
  /** Smallest cosine of a similarity edge. Default 0.6. */
  cutoff: number;
  resolution: number;
  seed: number;
  /** Forgets the stored state: everything from the start. */
  full: boolean;
  /** What another engine computed of this graph: it is numbered, hashed and published as if it had been computed here. */
  given?: EngineAnalytics;
}

export interface AnalysisControl {
  shouldStop: () => boolean;
  onPhase: (phase: string, done: number, total: number) => void;
}

export interface AnalysisResult {
  computed: ComputedAnalytics;
  /** For the next run. */
  state: Uint8Array;
  detail: JsonObject;
}

/**
 * Similarity edges, communities and ranks of a live graph; from the state of the last run where there is one (which it changes), so that the
 * cost of the communities follows what changed and communities keep their ids.
 *
 * Similarity edges: exact cosine k nearest neighbours, symmetrised. Communities: Leiden over relationships (by weight)
 * and similarity edges (by cosine) together. Ranks: PageRank of the same graph, undirected, to 1e-12
 * in sum: the smallest rank of a million entities is about 1e-7.
 *
 * @throws AlgorithmCancelled
 */
export function analyse(
  graph: LiveGraph,
  published: PublishedColumns,
  previous: AnalysisState | null,
  options: AnalysisOptions,
  control: AnalysisControl,
): AnalysisResult {
  const phase = (name: string) => ({
    shouldStop: control.shouldStop,
    onProgress: (done: number, total: number) => control.onPhase(name, done, total),
  });
  const { given } = options;
  const similarity = given
    ? { ...unsearched(given.similarity), searched: graph.ids.length, recall: null }
    : similarityOf(graph, previous, options, phase("similarity"));
  const merged = mergedGraph(graph, similarity.edges);
  const communities = communitiesOf(graph, merged, previous, options, phase("communities"));
  const scores = given
    ? { scores: given.scores, iterations: null, residual: null }
    : ranksOf(graph, merged, published, phase("ranks"));
  control.onPhase("components", 0, graph.ids.length);
  const edges = edgesOf(merged);
  const components = given?.components ?? connectedComponents(graph.ids.length, edges.sources, edges.targets);
  control.onPhase("hashes", 0, graph.ids.length);
  const computed = hashCommunities(graph, {
    similarity: similarity.edges,
    levels: communities.levels,
    scores: scores.scores,
    components,
  });
  const state = packAnalysisState({
    ids: communities.nodeIds,
    communities: communities.state,
    knn: similarity.knn,
    knnIds: similarity.knn === null ? [] : graph.ids,
    vectorHashes: similarity.vectorHashes,
    dimension: graph.dimension,
    recall: similarity.recall ?? 1,
  });
  return {
    computed,
    state,
    detail: {
      entities: graph.ids.length,
      relationships: graph.sources.length,
      similarity_edges: similarity.edges.sources.length,
      similarity_rows_searched: similarity.searched,
      similarity_recall: similarity.recall,
      edges: edges.sources.length,
      communities: new Set(communities.levels.at(-1) ?? []).size,
      levels: communities.levels.length,
      modularity: communities.modularity,
      communities_run: communities.kind,
      iterations: scores.iterations,
      rank_residual: scores.residual,
    },
  };
}

interface PhaseControl {
  shouldStop: () => boolean;
  onProgress: (done: number, total: number) => void;
}

function similarityOf(
  graph: LiveGraph,
  previous: AnalysisState | null,
  options: AnalysisOptions,
  control: PhaseControl,
) {
  const n = graph.ids.length;
  if (graph.dimension === 0 || n === 0) {
    const edges: SimilarityEdges = {
      sources: new Uint32Array(0),
      targets: new Uint32Array(0),
      scores: new Float64Array(0),
    };
    return { ...unsearched(edges), searched: 0, recall: 1 };
  }
  const followed = followKnn(graph, previous, options, control);
  return { ...followed, edges: symmetrise(followed.table) };
}

/** Similarity edges without a table from which the next search could go on. */
function unsearched(edges: SimilarityEdges) {
  return { edges, knn: null, vectorHashes: new BigUint64Array(0) };
}

/** Weights beyond this are scaled, all of the graph alike: sums and squares of them stay finite. */
const EXTREME_WEIGHT = 1e100;
/** What is next to nothing beside the largest weight is at least this much: an edge of weight 0 is none. */
const LEAST_WEIGHT = 1e-100;

/** Relationships and similarity edges as one undirected weighted graph; parallel edges merged. */
function mergedGraph(graph: LiveGraph, similarity: SimilarityEdges): CsrGraph {
  const facts = graph.sources.length;
  const scaled = tamed(graph.weights);
  if (similarity.sources.length === 0)
    return csrFromEdges(graph.ids.length, graph.sources, graph.targets, scaled.weights);
  const total = facts + similarity.sources.length;
  const sources = new Uint32Array(total);
  const targets = new Uint32Array(total);
  const weights = new Float64Array(total);
  sources.set(graph.sources);
  targets.set(graph.targets);
  weights.set(scaled.weights);
  sources.set(similarity.sources, facts);
  targets.set(similarity.targets, facts);
  for (const [e, score] of similarity.scores.entries())
    weights[facts + e] = scaled.by === 1 ? score : Math.max(score * scaled.by, LEAST_WEIGHT);
  return csrFromEdges(graph.ids.length, sources, targets, weights);
}

/**
 * Weights that can be added up: with 1.7e308 on each edge the strengths were infinite and modularity was not a number.
 * Communities and ranks know only proportions, which a power of two keeps to the bit.
 */
function tamed(weights: Float64Array): { weights: Float64Array; by: number } {
  let most = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const weight of weights) {
    most = Math.max(most, weight);
    least = Math.min(least, weight);
  }
  if (most <= EXTREME_WEIGHT && least >= LEAST_WEIGHT) return { weights, by: 1 };
  const by = most <= EXTREME_WEIGHT ? 1 : 2 ** -Math.floor(Math.log2(most));
  return { weights: weights.map((weight) => Math.max(weight * by, LEAST_WEIGHT)), by };
}

function communitiesOf(
  graph: LiveGraph,
  merged: CsrGraph,
  previous: AnalysisState | null,
  options: AnalysisOptions,
  control: PhaseControl,
) {
  const { resolution, seed, given } = options;
  const known = previous?.communities ?? null;
  if (!known || known.options.resolution !== resolution || known.options.seed !== seed) {
    const state = given
      ? communitiesFromPartitions(merged, given.partitions, { resolution, seed })
      : IncrementalCommunities.fromGraph(merged, { resolution, seed }, control);
    return { ...shown(state, graph.ids, graph.ids), state, kind: "full" };
  }
  // Nodes keep their number from run to run; a number is used again once its entity is gone.
  const numbers = new Map<string, number>();
  for (const [v, id] of previous!.ids.entries()) if (id !== "") numbers.set(id, v);
  const present = new Set(graph.ids);
  const removed = [...numbers].filter(([id]) => !present.has(id));
  const nodeIds = [...previous!.ids];
  const removedNodes = removed.map(([, v]) => v);
  for (const v of removedNodes) nodeIds[v] = "";
  const fresh = graph.ids.filter((id) => !numbers.has(id));
  for (const [i, v] of known.addNodes(fresh.length).entries()) {
    nodeIds[v] = fresh[i]!;
    numbers.set(fresh[i]!, v);
  }
  const node = Uint32Array.from(graph.ids, (id) => numbers.get(id)!);
  const changes = edits(known, merged, node);
  if (given) {
    const partitions = given.partitions.map((partition) => spread(partition, node, known.n));
    adoptPartitions(known, changes, partitions, removedNodes);
    return { ...shown(known, nodeIds, graph.ids), state: known, kind: "full" };
  }
  const change = known.update(changes, control, removedNodes);
  return { ...shown(known, nodeIds, graph.ids), state: known, kind: change.kind };
}

/** A partition of the entities as one of the state's nodes; what it says of unused ones does not matter. */
function spread(partition: Int32Array, node: Uint32Array, n: number): Int32Array {
  const result = new Int32Array(n);
  for (const [v, community] of partition.entries()) result[node[v]!] = community;
  return result;
}

/**
 * The difference between the state's graph and the graph of today, as edges to set. O(n + m), row by row: with both graphs in
 * the same numbers side by side, a million entities took 0.4 GB more.
 */
function edits(state: IncrementalCommunities, merged: CsrGraph, node: Uint32Array): EdgeEdits {
  const sources: number[] = [];
  const targets: number[] = [];
  const weights: number[] = [];
  const set = (v: number, u: number, weight: number) => {
    // Each edge stands in the rows of both its ends.
    if (u < v) return;
    sources.push(v);
    targets.push(u);
    weights.push(weight);
  };
  const { graph } = state;
  const entityOf = new Int32Array(state.n).fill(-1);
  for (const [entity, v] of node.entries()) entityOf[v] = entity;
  /** Weight of today's edge from the row's node to each other; 0 = none, or told already. */
  const today = new Float64Array(state.n);
  for (let v = 0; v < state.n; v++) {
    const entity = entityOf[v]!;
    const [begin, end] = entity < 0 ? [0, 0] : [merged.offsets[entity]!, merged.offsets[entity + 1]!];
    for (let q = begin; q < end; q++) {
      const u = node[merged.targets[q]!]!;
      // A loop stands in its one row with twice its weight.
      today[u] = u === v ? merged.weights[q]! / 2 : merged.weights[q]!;
    }
    for (let p = graph.starts[v]!, rowEnd = p + graph.lengths[v]!; p < rowEnd; p++) {
      const u = graph.targets[p]!;
      if (graph.weights[p] !== today[u]) set(v, u, today[u]!);
      today[u] = 0;
    }
    if (graph.loops[v] !== today[v]) set(v, v, today[v]!);
    today[v] = 0;
    for (let q = begin; q < end; q++) {
      const u = node[merged.targets[q]!]!;
      if (today[u] !== 0) set(v, u, today[u]!);
      today[u] = 0;
    }
  }
  return {
    sources: Uint32Array.from(sources),
    targets: Uint32Array.from(targets),
    weights: Float64Array.from(weights),
  };
}

/** Membership of each live entity at each level, by community id. */
function shown(state: IncrementalCommunities, nodeIds: string[], ids: string[]) {
  const numbers = new Map<string, number>();
  for (const [v, id] of nodeIds.entries()) if (id !== "") numbers.set(id, v);
  const levels = state.levels.map((_, l) => {
    const all = state.membership(l);
    return Float64Array.from(ids, (id) => all[numbers.get(id)!]!);
  });
  return { levels, nodeIds, modularity: state.modularity() };
}

function ranksOf(graph: LiveGraph, merged: CsrGraph, published: PublishedColumns, control: PhaseControl) {
  const n = graph.ids.length;
  const known = published.scores.some((score) => !Number.isNaN(score));
  const warmStart = known ? published.scores.map((score) => (Number.isNaN(score) ? 1 / n : score)) : undefined;
  return pageRank(
    { n, ...edgesOf(merged) },
    { directed: false, warmStart, tolerance: 1e-12, maxIterations: 400, ...control },
  );
}
