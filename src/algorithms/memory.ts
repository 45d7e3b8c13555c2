import { leidenWorkspaceBytes } from "./leiden-workspace.ts";

/** What a recompute of this size takes at its peak, in bytes. */
export interface MemoryEstimate {
  /** The edge list and the CSR graph while it is built. */
  graph: number;
  /** One full Leiden run, the graph included. */
  leiden: number;
  /** Slack graph and levels that are kept between incremental updates. */
  communities: number;
  pageRank: number;
  /** Vectors, quantised vectors and neighbour lists of a k-NN search. */
  knn: number;
  /** The most that is held at one time when the steps run one after the other. */
  peak: number;
}

/**
 * Estimates the memory of a recompute before it starts: n nodes, m distinct edges, vectors of d components (0 = none).
 * Counts all arrays that the steps hold, and 30 % for what is not collected yet; the engine itself takes another 100 MiB or
 * so. bench/analytics/RESULTS-1M.md has a measurement beside it.
 */
export function estimateMemory(n: number, m: number, d: number, { k = 10, levels = 3 } = {}): MemoryEstimate {
  const halves = 2 * m;
  const edges = m * 16;
  const csr = halves * 12 + n * 4;
  const graph = edges + 2 * csr + n * 8;
  // Three level graphs are reserved; of the two coarse ones, less than half is ever touched. Results: one array per level.
  const leiden = csr + leidenWorkspaceBytes(n, halves) + n * 4 * 8;
  const communities = halves * 12 * 1.3 + n * (28 + 28 + 40 * levels);
  const pageRank = edges + halves * 12 + n * 36;
  const padded = Math.ceil(d / 8) * 8;
  const knn = d === 0 ? 0 : n * (d * 8 + padded * 2 + 4 * 12 + (k + 9 + (k >> 1)) * 8 + k * 8 * 2);
  const peak = 1.3 * Math.max(graph, leiden + communities, pageRank, knn);
  return { graph, leiden, communities, pageRank, knn, peak };
}
