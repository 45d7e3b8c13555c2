import { expect, test } from "vitest";
import { edgesOf } from "../../src/algorithms/index.ts";
import { hash64 } from "../../src/core/canonical.ts";
import { compareIds, type LiveGraph } from "../../src/core/ports.ts";
import { analyse } from "../../src/maintenance/analysis.ts";
import { unpackAnalysisState } from "../../src/maintenance/analysis-state.ts";
import { PublishedColumns } from "../../src/maintenance/published-columns.ts";
import { ANALYSIS_DEFAULTS } from "../../src/maintenance/recompute.ts";

const CONTROL = { shouldStop: () => false, onPhase: () => {} };
type Facts = Map<string, number>;

const analysed = (graph: LiveGraph, stored: Uint8Array | null) =>
  analyse(graph, new PublishedColumns(graph.ids), unpackAnalysisState(stored), ANALYSIS_DEFAULTS, CONTROL);

function liveGraph(entities: Set<string>, facts: Facts): LiveGraph {
  const ids = [...entities].sort(compareIds);
  const row = new Map(ids.map((id, v) => [id, v]));
  const ends = [...facts.keys()].map((key) => key.split(" ").map((id) => row.get(id)!));
  return {
    groupId: "acme",
    generation: 1,
    ids,
    entityHashes: BigUint64Array.from(ids, (id) => hash64(id)),
    dimension: 0,
    vectors: new Float32Array(0),
    hasVector: new Uint8Array(ids.length),
    sources: Uint32Array.from(ends, ([a]) => a!),
    targets: Uint32Array.from(ends, ([, b]) => b!),
    weights: Float64Array.from(facts.values()),
    relationshipHashes: BigUint64Array.from(facts.keys(), (key) => hash64(key)),
  };
}

/** Undirected edges by the ids of their ends, with the sum of the weights of all that run in parallel. */
function expectedEdges(facts: Facts): Record<string, number> {
  const edges: Record<string, number> = {};
  for (const [key, weight] of facts) {
    const name = key.split(" ").sort(compareIds).join(" ");
    edges[name] = (edges[name] ?? 0) + weight;
  }
  return edges;
}

test("whatever came, went or changed its weight, the state holds the graph of today", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const entities = new Set<string>();
  const facts: Facts = new Map();
  let stored: Uint8Array | null = null;
  let next = 0;
  const kinds = new Set<string>();
  for (let round = 0; round < 60; round++) {
    for (let i = random(6); i >= 0; i--) entities.add(`e${next++}`);
    const ids = [...entities];
    const any = () => ids[random(ids.length)]!;
    // Loops and both directions, too. Weights are sums of halves, so that they are the same in any order.
    for (let i = random(12); i >= 0; i--) facts.set(`${any()} ${any()}`, (1 + random(6)) / 2);
    for (const key of [...facts.keys()]) if (random(12) === 0) facts.delete(key);
    if (ids.length > 20 && random(2) === 0) {
      const gone = any();
      entities.delete(gone);
      for (const key of [...facts.keys()]) if (key.split(" ").includes(gone)) facts.delete(key);
    }
    const { state, detail } = analysed(liveGraph(entities, facts), stored);
    kinds.add(String(detail.communities_run));
    stored = state;
    const { ids: nodeIds, communities } = unpackAnalysisState(state)!;
    const { sources, targets, weights } = edgesOf(communities.graph.toCsr());
    const held = Object.fromEntries(
      Array.from(sources, (v, e) => [[nodeIds[v]!, nodeIds[targets[e]!]!].sort(compareIds).join(" "), weights[e]]),
    );
    expect(held, `round ${round}`).toEqual(expectedEdges(facts));
    expect(nodeIds.filter((id) => id !== "").sort(compareIds)).toEqual([...entities].sort(compareIds));
  }
  expect(kinds.size).toBeGreaterThan(1);
});

test("an unchanged graph is told to have no edits", () => {
  const facts: Facts = new Map([
    ["a b", 1],
    ["b c", 2],
    ["c c", 1],
  ]);
  const graph = () => liveGraph(new Set(["a", "b", "c"]), facts);
  const first = analysed(graph(), null);
  const again = analysed(graph(), first.state);
  expect(again.detail.communities_run).toBe("none");
  expect(again.computed.communities).toEqual(first.computed.communities);
});
