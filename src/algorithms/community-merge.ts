import type { CommunityLevel } from "./community-level.ts";
import { csrFromEdges } from "./csr.ts";
import { leiden } from "./leiden.ts";
import type { LeidenOptions } from "./leiden-driver.ts";
import { modularity } from "./modularity.ts";

/**
 * Merges whole communities where Leiden on the graph of communities does, which no move of single nodes achieves. The
 * largest keeps its id. True if any were merged; running sums must then be computed anew. O(n + m).
 */
export function mergeCommunities(level: CommunityLevel, options: LeidenOptions): boolean {
  const { graph, community } = level;
  const { numbers, slots } = numberCommunities(level);
  let edges = 0;
  for (let v = 0; v < graph.n; v++) edges += graph.loops[v]! > 0 ? 1 : 0;
  edges += graph.edges;
  const sources = new Uint32Array(edges);
  const targets = new Uint32Array(edges);
  const weights = new Float64Array(edges);
  let e = 0;
  for (let v = 0; v < graph.n; v++) {
    const c = numbers[community[v]!]!;
    if (graph.loops[v]! > 0) {
      sources[e] = c;
      targets[e] = c;
      weights[e++] = graph.loops[v]!;
    }
    for (let p = graph.starts[v]!, end = p + graph.lengths[v]!; p < end; p++) {
      const u = graph.targets[p]!;
      if (u < v) continue;
      sources[e] = c;
      targets[e] = numbers[community[u]!]!;
      weights[e++] = graph.weights[p]!;
    }
  }
  const coarse = csrFromEdges(slots.length, sources, targets, weights);
  const apart = modularity(
    coarse,
    Uint32Array.from(slots, (_, i) => i),
    options.resolution,
  );
  const merged = leiden(coarse, { ...options, iterations: 1 });
  if (merged.communities === slots.length || merged.modularity <= apart + 1e-9) return false;
  const largest = new Int32Array(merged.communities).fill(-1);
  for (let i = 0; i < slots.length; i++) {
    const group = merged.membership[i]!;
    if (largest[group]! < 0 || level.size[slots[i]!]! > level.size[largest[group]!]!) largest[group] = slots[i]!;
  }
  for (let v = 0; v < graph.n; v++) {
    const to = largest[merged.membership[numbers[community[v]!]!]!]!;
    if (community[v] !== to) level.transfer(v, to);
  }
  return true;
}

/** Numbers the communities 0..k-1 in order of their smallest node. */
function numberCommunities({ graph, community, size }: CommunityLevel): { numbers: Int32Array; slots: number[] } {
  const numbers = new Int32Array(size.length).fill(-1);
  const slots: number[] = [];
  for (let v = 0; v < graph.n; v++) {
    const c = community[v]!;
    if (numbers[c]! < 0) numbers[c] = slots.push(c) - 1;
  }
  return { numbers, slots };
}
