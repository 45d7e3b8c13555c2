import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AlgorithmCancelled, type EdgeList, pageRank } from "../../src/algorithms/index.ts";
import { golden } from "./golden.ts";
import { arbitraryGraph, planted, testGraph } from "./graphs.ts";

function expectClose(actual: Float64Array, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let v = 0; v < actual.length; v++) expect(actual[v]).toBeCloseTo(expected[v]!, 10);
}

/** GDS's formula, straight from its manual, by plain repetition. */
function gdsByHand({ n, sources, targets, weights }: EdgeList, rounds: number): Float64Array {
  const out = new Float64Array(n);
  for (let e = 0; e < sources.length; e++) out[sources[e]!]! += weights![e]!;
  let scores = new Float64Array(n).fill(1);
  for (let i = 0; i < rounds; i++) {
    const next = new Float64Array(n).fill(0.15);
    for (let e = 0; e < sources.length; e++) {
      next[targets[e]!]! += (0.85 * scores[sources[e]!]! * weights![e]!) / out[sources[e]!]!;
    }
    scores = next;
  }
  return scores;
}

describe("PageRank", () => {
  test.each(golden.directed)("equals networkx: $name", ({ n, edges, ...expected }) => {
    const graph = testGraph(n, edges);
    const tolerance = 1e-14;
    expectClose(pageRank(graph, { tolerance }).scores, expected.pageRank);
    expectClose(pageRank(graph, { tolerance, damping: 0.7 }).scores, expected.damping70);
    const { personalisation } = expected;
    expectClose(pageRank(graph, { tolerance, personalisation }).scores, expected.personalised);
  });

  test.each(golden.undirected)("equals networkx, undirected: $name", ({ n, edges, pageRank: expected }) => {
    expectClose(pageRank(testGraph(n, edges), { directed: false, tolerance: 1e-14 }).scores, expected);
  });

  test("computes the formula of the Graph Data Science library when asked to", () => {
    fc.assert(
      fc.property(arbitraryGraph, (graph) => {
        expectClose(
          pageRank(graph, { formula: "gds", tolerance: 1e-14, maxIterations: 1000 }).scores,
          gdsByHand(graph, 400),
        );
      }),
    );
  });

  test("scores sum to 1, whatever dangles; a warm start ends where a cold one does", () => {
    fc.assert(
      fc.property(arbitraryGraph, fc.constantFrom("jump", "even"), fc.boolean(), (graph, dangling, directed) => {
        const options = { directed, dangling, tolerance: 1e-13, maxIterations: 1000 } as const;
        const cold = pageRank(graph, options);
        expect(cold.converged).toBe(true);
        expect(cold.scores.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
        const warmStart = Float64Array.from(cold.scores, (score, v) => score * (1 + (v % 3)));
        expectClose(pageRank(graph, { ...options, warmStart }).scores, cold.scores);
      }),
    );
  });

  test("a warm start after a small change takes fewer iterations", () => {
    const graph = planted(20, 30, 8, 2, 3);
    const before = pageRank(graph, { directed: false });
    const changed = { ...graph, targets: graph.targets.slice() };
    changed.targets[0] = (changed.targets[0]! + 31) % graph.n;
    const cold = pageRank(changed, { directed: false });
    const warm = pageRank(changed, { directed: false, warmStart: before.scores });
    expect(warm.iterations).toBeLessThan(cold.iterations);
    expectClose(warm.scores, cold.scores);
  });

  test("says when it did not converge, refuses nonsense, stops when asked to", () => {
    const graph = planted(3, 10, 4, 1, 1);
    const short = pageRank(graph, { maxIterations: 2, tolerance: 1e-12 });
    expect(short).toMatchObject({ iterations: 2, converged: false });
    expect(short.residual).toBeGreaterThan(1e-12);
    expect(pageRank({ n: 0, sources: new Uint32Array(0), targets: new Uint32Array(0) }).scores.length).toBe(0);
    expect(() => pageRank(testGraph(2, [[0, 2]]))).toThrow(RangeError);
    expect(() => pageRank(testGraph(2, [[0, 1, -1]]))).toThrow(RangeError);
    expect(() => pageRank(graph, { personalisation: new Float64Array(graph.n) })).toThrow(RangeError);
    expect(() => pageRank(graph, { shouldStop: () => true })).toThrow(AlgorithmCancelled);
  });
});
