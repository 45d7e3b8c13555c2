import fc from "fast-check";
import { expect, test } from "vitest";
import { csrFromEdges, SlackGraph, strengths } from "../../src/algorithms/index.ts";
import { seeded } from "../data/seeded.ts";
import { arbitraryGraph } from "./graphs.ts";

test("after any edits it is the graph built from scratch", () => {
  fc.assert(
    fc.property(arbitraryGraph, fc.nat(1e6), fc.integer({ min: 0, max: 400 }), ({ n, ...edges }, seed, edits) => {
      const graph = SlackGraph.fromCsr(csrFromEdges(n, edges.sources, edges.targets, edges.weights));
      const random = seeded(seed);
      const expected = new Map<string, [number, number, number]>();
      const key = (a: number, b: number) => `${Math.min(a, b)} ${Math.max(a, b)}`;
      for (let e = 0; e < edges.sources.length; e++) {
        const a = edges.sources[e]!;
        const b = edges.targets[e]!;
        expected.set(key(a, b), [a, b, (expected.get(key(a, b))?.[2] ?? 0) + edges.weights[e]!]);
      }
      for (let i = 0; i < edits; i++) {
        if (random() < 0.05) graph.addNodes(1 + Math.floor(random() * 3));
        const a = Math.floor(random() * graph.n);
        const b = random() < 0.3 ? 0 : Math.floor(random() * graph.n);
        const weight = random() < 0.4 ? 0 : Math.ceil(random() * 4) / 4;
        expect(graph.weightOf(a, b)).toBe(expected.get(key(a, b))?.[2] ?? 0);
        expect(graph.setWeight(a, b, weight)).toBe(expected.get(key(a, b))?.[2] ?? 0);
        if (weight === 0) expected.delete(key(a, b));
        else expected.set(key(a, b), [a, b, weight]);
      }
      const list = [...expected.values()];
      const scratch = csrFromEdges(
        graph.n,
        Uint32Array.from(list, (e) => e[0]),
        Uint32Array.from(list, (e) => e[1]),
        Float64Array.from(list, (e) => e[2]),
      );
      expect(graph.toCsr()).toEqual(scratch);
      expect(graph.edges).toBe(list.filter(([a, b]) => a !== b).length);
      const sums = strengths(scratch);
      for (let v = 0; v < graph.n; v++) expect(graph.strength[v]).toBeCloseTo(sums[v]!, 6);
      expect(graph.twiceWeight).toBeCloseTo(
        sums.reduce((a, b) => a + b, 0),
        6,
      );
    }),
    { numRuns: 200 },
  );
});

test("a hub that grows and shrinks does not hold its room for ever", () => {
  const graph = new SlackGraph();
  graph.addNodes(5001);
  for (let v = 1; v <= 5000; v++) graph.setWeight(0, v, 1);
  expect(graph.lengths[0]).toBe(5000);
  for (let v = 1; v <= 5000; v++) graph.setWeight(0, v, 0);
  for (let v = 1; v <= 5000; v++) graph.setWeight(v, 1 + (v % 5000), 1);
  expect(graph.edges).toBe(5000);
  expect(graph.bytes).toBeLessThan(5001 * 28 * 1.5 + 12 * 60_000);
});
