import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ConnectedComponents,
  connectedComponents,
  csrFromEdges,
  edgesOf,
  IncrementalComponents,
  SlackGraph,
} from "../../src/algorithms/index.ts";
import { seeded } from "../data/seeded.ts";
import { arbitraryGraph, type TestGraph } from "./graphs.ts";

/** The smallest node that each node reaches, by walking. */
function byWalking({ n, sources, targets }: TestGraph): number[] {
  const neighbours = Array.from({ length: n }, () => [] as number[]);
  for (let e = 0; e < sources.length; e++) {
    neighbours[sources[e]!]!.push(targets[e]!);
    neighbours[targets[e]!]!.push(sources[e]!);
  }
  const label = new Array<number>(n).fill(-1);
  for (let start = 0; start < n; start++) {
    if (label[start] !== -1) continue;
    const stack = [start];
    label[start] = start;
    for (let v = stack.pop(); v !== undefined; v = stack.pop()) {
      for (const u of neighbours[v]!) {
        if (label[u] !== -1) continue;
        label[u] = start;
        stack.push(u);
      }
    }
  }
  return label;
}

test("labels each node with the smallest one that it reaches", () => {
  fc.assert(
    fc.property(arbitraryGraph, (graph) => {
      expect([...connectedComponents(graph.n, graph.sources, graph.targets)]).toEqual(byWalking(graph));
    }),
  );
});

test("gives the same whether edges and nodes come at once or one by one", () => {
  fc.assert(
    fc.property(arbitraryGraph, (graph) => {
      const growing = new ConnectedComponents(0);
      for (let e = 0; e < graph.sources.length; e++) {
        const needed = Math.max(graph.sources[e]!, graph.targets[e]!) + 1;
        if (needed > growing.n) growing.addNodes(needed - growing.n);
        growing.addEdge(graph.sources[e]!, graph.targets[e]!);
      }
      growing.addNodes(graph.n - growing.n);
      expect(growing.labels()).toEqual(connectedComponents(graph.n, graph.sources, graph.targets));
      expect(growing.count).toBe(new Set(growing.labels()).size);
    }),
  );
  expect(() => new ConnectedComponents(2).addEdge(0, 2)).toThrow(RangeError);
});

test("follows edges and nodes that come and go", () => {
  fc.assert(
    fc.property(arbitraryGraph, fc.nat(1e6), ({ n, ...edges }, seed) => {
      const graph = SlackGraph.fromCsr(csrFromEdges(n, edges.sources, edges.targets, edges.weights));
      const components = new IncrementalComponents(graph);
      const random = seeded(seed);
      for (let batch = 0; batch < 12; batch++) {
        const removed: [number, number][] = [];
        const added: [number, number][] = [];
        if (random() < 0.3) graph.addNodes(1);
        for (let i = 0; i < random() * 8; i++) {
          const a = Math.floor(random() * graph.n);
          const row = graph.neighbours(a);
          const b = random() < 0.6 && row.length > 0 ? row[0]! : Math.floor(random() * graph.n);
          const weight = random() < 0.6 ? 0 : 1;
          graph.setWeight(a, b, weight);
          (weight === 0 ? removed : added).push([a, b]);
        }
        components.update(removed, added);
        const { sources, targets } = edgesOf(graph.toCsr());
        const expected = connectedComponents(graph.n, sources, targets);
        expect(components.labels()).toEqual(expected);
        expect(components.count).toBe(new Set(expected).size);
      }
    }),
    { numRuns: 200 },
  );
});
