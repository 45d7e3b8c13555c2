import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AlgorithmCancelled,
  csrFromEdges,
  disconnectedCommunities,
  leiden,
  modularity,
} from "../../src/algorithms/index.ts";
import { golden } from "./golden.ts";
import { arbitraryGraph, planted, testGraph } from "./graphs.ts";

/** Modularity by its definition, over all pairs of nodes. */
function modularityByPairs(
  n: number,
  edges: ReturnType<typeof testGraph>,
  membership: ArrayLike<number>,
  resolution: number,
): number {
  const adjacency = Array.from({ length: n }, () => new Float64Array(n));
  for (let e = 0; e < edges.sources.length; e++) {
    const a = edges.sources[e]!;
    const b = edges.targets[e]!;
    adjacency[a]![b]! += edges.weights[e]!;
    adjacency[b]![a]! += edges.weights[e]!;
  }
  const degree = adjacency.map((row) => row.reduce((sum, w) => sum + w, 0));
  const all = degree.reduce((sum, k) => sum + k, 0);
  if (all === 0) return 0;
  let q = 0;
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) {
      if (membership[a] === membership[b]) q += adjacency[a]![b]! - (resolution * degree[a]! * degree[b]!) / all;
    }
  }
  return q / all;
}

describe("modularity", () => {
  test.each(golden.undirected)("equals networkx: $name", ({ n, edges, membership, modularity: expected }) => {
    const { sources, targets, weights } = testGraph(n, edges);
    const graph = csrFromEdges(n, sources, targets, weights);
    for (const [resolution, q] of Object.entries(expected)) {
      expect(modularity(graph, membership, Number(resolution))).toBeCloseTo(q, 12);
    }
  });

  test("equals its definition on random graphs and partitions", () => {
    fc.assert(
      fc.property(arbitraryGraph, fc.array(fc.nat(5), { minLength: 30, maxLength: 30 }), (edges, membership) => {
        const graph = csrFromEdges(edges.n, edges.sources, edges.targets, edges.weights);
        for (const resolution of [1, 0.3]) {
          expect(modularity(graph, membership, resolution)).toBeCloseTo(
            modularityByPairs(edges.n, edges, membership, resolution),
            10,
          );
        }
      }),
    );
  });
});

describe("Leiden", () => {
  test("finds what no better partition of the karate club is known for", () => {
    const { n, edges } = golden.undirected[0]!;
    const { sources, targets } = testGraph(n, edges);
    const graph = csrFromEdges(n, sources, targets);
    const result = leiden(graph, { iterations: 10 });
    // 0.41979 is the optimum (Brandes et al. 2008).
    expect(result.modularity).toBeCloseTo(0.41979, 4);
    expect(result.communities).toBe(4);
  });

  test("finds planted communities exactly", () => {
    const { n, sources, targets, weights } = planted(20, 30, 12, 2, 4);
    const result = leiden(csrFromEdges(n, sources, targets, weights));
    expect(result.membership).toEqual(Int32Array.from({ length: n }, (_, v) => Math.floor(v / 30)));
  });

  test("keeps its promises on random graphs: nested, connected, counted, repeatable, not improvable by one node", () => {
    fc.assert(
      fc.property(
        arbitraryGraph,
        fc.constantFrom(0.2, 1, 3),
        fc.nat(1000),
        fc.constantFrom(0, 0.01, 1),
        fc.constantFrom(0, 1, 32),
        fc.option(fc.array(fc.nat(29), { minLength: 30, maxLength: 30 }), { nil: undefined }),
        (edges, resolution, seed, theta, maxLevels, given) => {
          const { n, sources, targets, weights } = edges;
          const graph = csrFromEdges(n, sources, targets, weights);
          const initial = given?.map((c) => c % n);
          const options = { resolution, seed, theta, maxLevels, initial, iterations: 3 };
          const result = leiden(graph, options);
          expect(leiden(graph, options)).toEqual(result);
          expect(result.levels.at(-1)).toEqual(result.membership);
          expect(new Set(result.membership).size).toBe(result.communities);
          expect(result.modularity).toBeCloseTo(modularityByPairs(n, edges, result.membership, resolution), 9);
          let communities = Number.POSITIVE_INFINITY;
          for (const [l, partition] of result.levels.entries()) {
            expect(disconnectedCommunities(graph, partition)).toEqual([]);
            const size = new Set(partition).size;
            expect(size).toBeLessThan(communities);
            communities = size;
            const above = result.levels[l + 1];
            if (above === undefined) continue;
            const parent = new Map<number, number>();
            for (let v = 0; v < n; v++) {
              if (!parent.has(partition[v]!)) parent.set(partition[v]!, above[v]!);
              expect(parent.get(partition[v]!)).toBe(above[v]);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("more iterations end by themselves, where no single move improves modularity", () => {
    const { n, sources, targets, weights } = planted(12, 20, 6, 3, 9);
    const graph = csrFromEdges(n, sources, targets, weights);
    const result = leiden(graph, { iterations: 100 });
    expect(result.iterations).toBeLessThan(100);
    const changed = result.membership.slice();
    for (let v = 0; v < n; v++) {
      for (let c = 0; c <= result.communities; c++) {
        changed[v] = c;
        expect(modularity(graph, changed)).toBeLessThanOrEqual(result.modularity + 1e-9);
      }
      changed[v] = result.membership[v]!;
    }
  });

  test("starts from given communities and keeps them where they are right", () => {
    const { n, sources, targets, weights } = planted(20, 30, 12, 2, 4);
    const graph = csrFromEdges(n, sources, targets, weights);
    const first = leiden(graph, { seed: 1 });
    const second = leiden(graph, { seed: 99, initial: first.membership });
    expect(second.membership).toEqual(first.membership);
    expect(second.iterations).toBe(1);
  });

  test("WebAssembly and TypeScript give equal results", () => {
    const kernels = ["wasm", "typescript"] as const;
    fc.assert(
      fc.property(
        arbitraryGraph,
        fc.record({ resolution: fc.constantFrom(0.2, 1, 3), theta: fc.constantFrom(0, 0.05, 1), seed: fc.nat(1e4) }),
        ({ n, sources, targets, weights }, options) => {
          const graph = csrFromEdges(n, sources, targets, weights);
          const [wasm, typescript] = kernels.map((kernel) => leiden(graph, { ...options, kernel }));
          expect(wasm).toEqual(typescript);
        },
      ),
      { numRuns: 60 },
    );
    for (const { n, sources, targets, weights } of [planted(150, 40, 7, 4, 12), planted(60, 40, 3, 7, 13)]) {
      const graph = csrFromEdges(n, sources, targets, weights);
      for (const theta of [0, 0.1]) {
        const [wasm, typescript] = kernels.map((kernel) => leiden(graph, { iterations: 4, theta, kernel }));
        expect(wasm).toEqual(typescript);
      }
    }
  });

  test("integers and halves of them, which both kernels keep in other types, give equal communities", () => {
    const { n, sources, targets } = planted(60, 40, 6, 4, 14);
    const whole = Float64Array.from(sources, (_, e) => 1 + (e % 4));
    const half = whole.map((w) => w / 2);
    expect(half.some((w) => !Number.isInteger(w))).toBe(true);
    for (const kernel of ["wasm", "typescript"] as const) {
      const [first, second] = [whole, half].map((weights) =>
        leiden(csrFromEdges(n, sources, targets, weights), { kernel, iterations: 3 }),
      );
      expect(second).toEqual(first);
    }
    // Sums beyond 32 bits are not kept as integers, although each weight is one.
    const large = whole.map((w) => w * 2 ** 24);
    const [few, many] = [whole, large].map((weights) => leiden(csrFromEdges(n, sources, targets, weights)));
    expect(many).toEqual(few);
  });

  test("every refined community is well connected to the rest of the one it is part of", () => {
    // Two cliques with one edge between them, far from all else: at a low resolution they are one community, but refinement
    // must not merge the ends of the bridge before their own cliques.
    const edges: [number, number][] = [];
    for (const first of [0, 6]) {
      for (let a = first; a < first + 6; a++) for (let b = a + 1; b < first + 6; b++) edges.push([a, b]);
    }
    edges.push([0, 6]);
    const { n, sources, targets } = testGraph(12, edges);
    const { levels } = leiden(csrFromEdges(n, sources, targets), { resolution: 0.01 });
    expect(new Set(levels.at(-1))).toEqual(new Set([0]));
    for (const level of levels.slice(0, -1)) expect(level[0]).not.toBe(level[6]);
  });

  test("takes graphs without nodes or edges", () => {
    const none = new Uint32Array(0);
    expect(leiden(csrFromEdges(0, none, none)).communities).toBe(0);
    const alone = leiden(csrFromEdges(3, none, none));
    expect([...alone.membership]).toEqual([0, 1, 2]);
    expect(alone.modularity).toBe(0);
  });

  test("stops when asked to, and tells how far it is", () => {
    const { n, sources, targets, weights } = planted(40, 50, 8, 3, 2);
    const graph = csrFromEdges(n, sources, targets, weights);
    let polls = 0;
    expect(() => leiden(graph, { shouldStop: () => ++polls > 3 })).toThrow(AlgorithmCancelled);
    expect(() => leiden(graph, { signal: AbortSignal.abort() })).toThrow(AlgorithmCancelled);
    const seen: number[] = [];
    leiden(graph, { onProgress: (done, total) => seen.push(done / total) });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(Math.max(...seen)).toBeLessThanOrEqual(1);
  });
});

test("a disconnected community is found where one is planted", () => {
  const { sources, targets } = testGraph(5, [
    [0, 1],
    [2, 3],
    [1, 4],
  ]);
  const graph = csrFromEdges(5, sources, targets);
  expect(disconnectedCommunities(graph, [0, 0, 0, 0, 1])).toEqual([0]);
  expect(disconnectedCommunities(graph, [0, 1, 2, 2, 0])).toEqual([0]);
  expect(disconnectedCommunities(graph, [0, 0, 2, 2, 0])).toEqual([]);
});
