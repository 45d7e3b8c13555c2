import { linkParents } from "./community-hierarchy.ts";
import { CommunityLevel } from "./community-level.ts";
import type { Control } from "./control.ts";
import { type CsrGraph, csrFromEdges, edgesOf } from "./csr.ts";
import { IncrementalCommunities, type IncrementalOptions } from "./incremental-communities.ts";
import { SlackGraph } from "./slack-graph.ts";
import { BrokenState, packState, StateReader } from "./state-bytes.ts";

/** Kind and version of these bytes; raised whenever the layout changes. */
const KIND = 0x0101;

/** The whole state as bytes with a checksum: 16 bytes per edge, 4 per node and level, 8 per community. O(n + m). */
export function serializeCommunities(state: IncrementalCommunities): Uint8Array {
  const { graph, options, levels } = state;
  const edges = edgesOf(graph.toCsr());
  const meta = Float64Array.of(
    graph.n,
    levels.length,
    options.resolution,
    options.seed,
    options.maxLevels,
    options.iterations,
    state.changedSinceRefresh,
    state.changedSinceFull,
  );
  const absent = Uint32Array.from([...state.absent].sort((a, b) => a - b));
  const sections: (Uint32Array | Int32Array | Float64Array)[] = [meta, absent];
  sections.push(edges.sources, edges.targets, edges.weights);
  for (const level of levels) {
    const { slots, ids } = compact(level);
    sections.push(slots, ids, Float64Array.of(level.nextId));
  }
  return packState(KIND, sections);
}

/**
 * Reads what `serializeCommunities` wrote. Running sums are computed anew.
 *
 * @throws BrokenState if the bytes are not what was written.
 */
export function deserializeCommunities(bytes: Uint8Array): IncrementalCommunities {
  const reader = new StateReader(bytes, KIND);
  const [n, count, resolution, seed, maxLevels, iterations, sinceRefresh, sinceFull] = reader.next(Float64Array);
  const absent = reader.next(Uint32Array);
  const sources = reader.next(Uint32Array);
  const targets = reader.next(Uint32Array);
  const graph = SlackGraph.fromCsr(csrFromEdges(n!, sources, targets, reader.next(Float64Array)));
  const levels: CommunityLevel[] = [];
  for (let l = 0; l < count!; l++) {
    const level = new CommunityLevel(graph, reader.next(Int32Array));
    level.id.set(reader.next(Float64Array));
    level.nextId = reader.next(Float64Array)[0]!;
    levels.push(level);
  }
  linkParents(levels);
  const state = new IncrementalCommunities(graph, levels, { resolution, seed, maxLevels, iterations });
  for (const v of absent) state.absent.add(v);
  state.changedSinceRefresh = sinceRefresh!;
  state.changedSinceFull = sinceFull!;
  return state;
}

/** The stored state, or, if there is none or it is broken, one built anew by a full run. */
export function openCommunities(
  bytes: Uint8Array | null,
  rebuild: () => CsrGraph,
  options: IncrementalOptions = {},
  control: Control = {},
): { state: IncrementalCommunities; rebuilt: "missing" | "broken" | false } {
  try {
    if (bytes !== null) return { state: deserializeCommunities(bytes), rebuilt: false };
  } catch (error) {
    if (!(error instanceof BrokenState)) throw error;
  }
  const state = IncrementalCommunities.fromGraph(rebuild(), options, control);
  return { state, rebuilt: bytes === null ? "missing" : "broken" };
}

/** Slots numbered in order of appearance, and the id of each. */
function compact(level: CommunityLevel): { slots: Int32Array; ids: Float64Array } {
  const { n } = level.graph;
  const numbers = new Int32Array(level.size.length).fill(-1);
  const slots = new Int32Array(n);
  const ids: number[] = [];
  for (let v = 0; v < n; v++) {
    const c = level.community[v]!;
    if (numbers[c]! < 0) numbers[c] = ids.push(level.id[c]!) - 1;
    slots[v] = numbers[c]!;
  }
  return { slots, ids: Float64Array.from(ids) };
}
