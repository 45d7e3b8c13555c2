import fc from "fast-check";
import { expect, test } from "vitest";
import { csrFromEdges, edgesOf, strengths } from "../../src/algorithms/index.ts";
import { arbitraryGraph, testGraph } from "./graphs.ts";

test("merges parallel edges in both directions and stores a loop once, with twice its weight", () => {
  const { sources, targets, weights } = testGraph(4, [
    [2, 0, 1],
    [0, 2, 0.5],
    [1, 1, 3],
    [0, 1, 2],
  ]);
  const graph = csrFromEdges(4, sources, targets, weights);
  expect([...graph.offsets]).toEqual([0, 2, 4, 5, 5]);
  expect([...graph.targets]).toEqual([1, 2, 0, 1, 0]);
  expect([...graph.weights]).toEqual([2, 1.5, 2, 6, 1.5]);
  expect([...strengths(graph)]).toEqual([3.5, 8, 1.5, 0]);
});

test("holds exactly the edges given, in ascending rows", () => {
  fc.assert(
    fc.property(arbitraryGraph, ({ n, sources, targets, weights }) => {
      const graph = csrFromEdges(n, sources, targets, weights);
      const expected = new Map<string, number>();
      for (let e = 0; e < sources.length; e++) {
        const key = `${Math.min(sources[e]!, targets[e]!)} ${Math.max(sources[e]!, targets[e]!)}`;
        expected.set(key, (expected.get(key) ?? 0) + weights[e]!);
      }
      const edges = edgesOf(graph);
      const found = new Map<string, number>();
      for (let e = 0; e < edges.sources.length; e++)
        found.set(`${edges.sources[e]} ${edges.targets[e]}`, edges.weights[e]!);
      expect(found.size).toBe(edges.sources.length);
      expect(found.size).toBe(expected.size);
      for (const [key, weight] of expected) expect(found.get(key)).toBeCloseTo(weight, 9);
      for (let v = 0; v < n; v++) {
        for (let p = graph.offsets[v]! + 1; p < graph.offsets[v + 1]!; p++) {
          expect(graph.targets[p]).toBeGreaterThan(graph.targets[p - 1]!);
        }
      }
      const again = csrFromEdges(n, edges.targets, edges.sources, edges.weights);
      expect(again).toEqual(graph);
    }),
  );
});

test("refuses what is no graph", () => {
  const one = Uint32Array.of(0);
  expect(() => csrFromEdges(1, one, Uint32Array.of(1))).toThrow(RangeError);
  expect(() => csrFromEdges(1, Int32Array.of(-1), one)).toThrow(RangeError);
  expect(() => csrFromEdges(1, one, new Uint32Array(2))).toThrow(RangeError);
  for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => csrFromEdges(1, one, one, Float64Array.of(weight))).toThrow(RangeError);
  }
});
