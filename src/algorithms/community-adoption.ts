import { levelsFrom } from "./community-hierarchy.ts";
import { CommunityLevel } from "./community-level.ts";
import type { CsrGraph } from "./csr.ts";
import { type EdgeEdits, IncrementalCommunities, type IncrementalOptions } from "./incremental-communities.ts";
import { connectedPieces } from "./modularity.ts";
import { SlackGraph } from "./slack-graph.ts";

/**
 * Starts from partitions that somebody else computed, instead of a full run.
 *
 * Shape: each of `partitions` (finest first) maps the n nodes to numbers from 0 up. Whatever they are, the levels come out
 * nested and each community connected: the top is cut into its connected pieces, and each lower level is cut along the
 * level above. Cost: O(levels × (n + m)).
 */
export function communitiesFromPartitions(
  csr: CsrGraph,
  partitions: ArrayLike<number>[],
  options: IncrementalOptions = {},
): IncrementalCommunities {
  const graph = SlackGraph.fromCsr(csr);
  const everyoneAlone = new CommunityLevel(
    graph,
    Int32Array.from({ length: csr.n }, (_, v) => v),
  );
  const state = new IncrementalCommunities(graph, [everyoneAlone], options);
  state.levels = levelsFrom(graph, nested(csr, partitions), state.options.maxLevels);
  state.resetChanges();
  state.recount();
  return state;
}

/**
 * Applies edits and takes over partitions that somebody else computed of the changed graph; communities keep the ids of those
 * that they overlap most, level by level from the top.
 *
 * Shape: partitions map the nodes of the state; what they say of removed nodes does not matter.
 * Cost: O(levels × (n + m)).
 */
export function adoptPartitions(
  state: IncrementalCommunities,
  edits: EdgeEdits,
  partitions: ArrayLike<number>[],
  removedNodes: Iterable<number> = [],
): void {
  const { graph } = state;
  for (let e = 0; e < edits.sources.length; e++) {
    graph.setWeight(edits.sources[e]!, edits.targets[e]!, edits.weights[e]!);
  }
  for (const v of removedNodes) {
    for (const u of [...graph.neighbours(v)]) graph.setWeight(v, u, 0);
    graph.setWeight(v, v, 0);
    state.absent.add(v);
  }
  state.levels = levelsFrom(graph, nested(graph.toCsr(), partitions), state.options.maxLevels, state.levels);
  state.changedSinceRefresh = 0;
  state.changedSinceFull = 0;
  state.resetChanges();
  state.recount();
}

function nested(csr: CsrGraph, partitions: ArrayLike<number>[]): Int32Array[] {
  const levels: Int32Array[] = [];
  for (const partition of [...partitions].reverse()) {
    const above = levels[0];
    levels.unshift(connectedPieces(csr, above === undefined ? partition : crossed(partition, above)));
  }
  return levels;
}

/** Numbers of the pairs of communities that the nodes belong to. */
function crossed(a: ArrayLike<number>, b: Int32Array): Int32Array {
  const numbers = new Map<number, number>();
  const width = b.length + 1;
  return Int32Array.from(b, (above, v) => {
    const pair = a[v]! * width + above;
    const known = numbers.get(pair) ?? numbers.size;
    numbers.set(pair, known);
    return known;
  });
}
