import { expect, test } from "vitest";
import { knn } from "../../src/algorithms/index.ts";
import type { LiveGraph } from "../../src/core/ports.ts";
import type { AnalysisState } from "../../src/maintenance/analysis-state.ts";
import { followKnn } from "../../src/maintenance/similarity.ts";

const control = { shouldStop: () => false, onProgress: () => {} };
const options = { k: 5, cutoff: 0.6 };
const D = 24;

/** Rows in clusters of about 20, so that there is something to find. */
function graphOf(ids: string[], shift = 0): LiveGraph {
  const vectors = new Float32Array(ids.length * D);
  for (const [row, id] of ids.entries()) {
    const seed = Number(id.slice(1));
    for (let j = 0; j < D; j++) {
      vectors[row * D + j] =
        Math.sin(Math.floor(seed / 20) * 12.9898 + j * 78.233) + 0.3 * Math.sin(seed * 3.7 + j * 1.3 + shift);
    }
  }
  return {
    groupId: "g",
    generation: 1,
    ids,
    entityHashes: new BigUint64Array(ids.length),
    dimension: D,
    vectors,
    hasVector: new Uint8Array(ids.length).fill(1),
    sources: new Uint32Array(0),
    targets: new Uint32Array(0),
    weights: new Float64Array(0),
    relationshipHashes: new BigUint64Array(0),
  };
}
const idsOf = (n: number, first = 0) => Array.from({ length: n }, (_, i) => `e${String(first + i).padStart(6, "0")}`);
const stateOf = (graph: LiveGraph, followed: ReturnType<typeof followKnn>) =>
  ({
    knn: followed.knn,
    knnIds: graph.ids,
    vectorHashes: followed.vectorHashes,
    dimension: D,
    recall: followed.recall,
  }) as AnalysisState;
const full = (graph: LiveGraph) => knn(graph.vectors, graph.ids.length, D, options);

test("rows that come, go and change are followed up: the table of a full search, bit for bit", () => {
  const before = graphOf(idsOf(1_200));
  const first = followKnn(before, null, options, control);
  expect(first).toMatchObject({ searched: 1_200, recall: 1 });
  // Fifty rows are gone, thirty are new, five have another vector.
  const after = graphOf([...idsOf(1_150, 50), ...idsOf(30, 2_000)]);
  after.vectors.set(graphOf(after.ids.slice(100, 105), 0.8).vectors, 100 * D);
  const second = followKnn(after, stateOf(before, first), options, control);
  expect(second.searched).toBeLessThan(600);
  expect(second.table).toEqual(full(after));
});

test("nothing changed: nothing is searched", () => {
  const graph = graphOf(idsOf(300));
  const first = followKnn(graph, null, options, control);
  const second = followKnn(graph, stateOf(graph, first), options, control);
  expect(second.searched).toBe(0);
  expect(second.table).toEqual(first.table);
});

test("a damaged table, another k or another dimension: everything is searched", () => {
  const graph = graphOf(idsOf(300));
  const first = followKnn(graph, null, options, control);
  const damaged = stateOf(graph, first);
  damaged.knn = Uint8Array.from(first.knn);
  damaged.knn[100]! ^= 1;
  expect(followKnn(graph, damaged, options, control).searched).toBe(300);
  expect(followKnn(graph, stateOf(graph, first), { ...options, k: 6 }, control).searched).toBe(300);
});

test("above 20,000 rows the search says its recall, and later changes are compared with everything", () => {
  const graph = graphOf(idsOf(20_400));
  const first = followKnn(graph, null, options, control);
  expect(first.recall).toBeGreaterThanOrEqual(0.99);
  const grown = graphOf([...graph.ids, ...idsOf(3, 50_000)]);
  const second = followKnn(grown, stateOf(graph, first), options, control);
  expect(second).toMatchObject({ recall: first.recall });
  expect(second.searched).toBeLessThan(100);
}, 120_000);
