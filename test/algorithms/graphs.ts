import fc from "fast-check";
import { seeded } from "../data/seeded.ts";

export interface TestGraph {
  n: number;
  sources: Uint32Array;
  targets: Uint32Array;
  weights: Float64Array;
}

export function testGraph(n: number, edges: [number, number, number?][]): TestGraph {
  return {
    n,
    sources: Uint32Array.from(edges, (e) => e[0]),
    targets: Uint32Array.from(edges, (e) => e[1]),
    weights: Float64Array.from(edges, (e) => e[2] ?? 1),
  };
}

/** `communities` groups of `size` nodes, each node with about `inside` edges in its group and `outside` to anywhere. */
export function planted(communities: number, size: number, inside: number, outside: number, seed: number): TestGraph {
  const random = seeded(seed);
  const n = communities * size;
  const edges: [number, number, number?][] = [];
  for (let v = 0; v < n; v++) {
    const first = Math.floor(v / size) * size;
    for (let i = 0; i < inside / 2; i++) {
      const u = first + Math.floor(random() * size);
      if (u !== v) edges.push([v, u]);
    }
    for (let i = 0; i < outside / 2; i++) {
      const u = Math.floor(random() * n);
      if (u !== v) edges.push([v, u]);
    }
  }
  return testGraph(n, edges);
}

/** Small random graphs: parallel edges, self-loops, isolated nodes and uneven weights included. */
export const arbitraryGraph: fc.Arbitrary<TestGraph> = fc
  .integer({ min: 1, max: 30 })
  .chain((n) =>
    fc
      .array(
        fc.tuple(
          fc.integer({ min: 0, max: n - 1 }),
          fc.integer({ min: 0, max: n - 1 }),
          fc.constantFrom(1, 1, 1, 0.5, 2, 3.25, 1e-3, 1e3),
        ),
        { maxLength: 90 },
      )
      .map((edges) => testGraph(n, edges)),
  );

/** Vectors around a few centres, with some equal and some zero rows: near and exact ties are common. */
export function clusteredVectors(n: number, d: number, clusters: number, noise: number, seed: number): Float32Array {
  const random = seeded(seed);
  const centres = Float32Array.from({ length: clusters * d }, () => random() - 0.5);
  const vectors = new Float32Array(n * d);
  for (let i = 0; i < n; i++) {
    const c = Math.floor(random() * clusters);
    for (let j = 0; j < d; j++) vectors[i * d + j] = centres[c * d + j]! + noise * (random() - 0.5);
    if (i > 0 && random() < 0.05) {
      const twin = Math.floor(random() * i);
      vectors.copyWithin(i * d, twin * d, (twin + 1) * d);
    }
    if (random() < 0.01) vectors.fill(0, i * d, (i + 1) * d);
  }
  return vectors;
}
