import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AlgorithmCancelled, knn, knnBruteForce, symmetrise } from "../../src/algorithms/index.ts";
import { clusteredVectors } from "./graphs.ts";

describe("exact k nearest neighbours", () => {
  test("equal brute force in float32 bit for bit, ties, equal rows and absent rows included", () => {
    fc.assert(
      fc.property(
        fc.record({
          n: fc.integer({ min: 0, max: 260 }),
          d: fc.constantFrom(1, 2, 3, 7, 8, 17, 64),
          clusters: fc.constantFrom(1, 3, 40),
          // With no noise all rows of a cluster are equal: candidate lists overflow and rows are compared with all.
          noise: fc.constantFrom(0, 1e-4, 0.1, 2),
          k: fc.constantFrom(1, 3, 10),
          cutoff: fc.constantFrom(-1, 0, 0.6, 0.999),
          seed: fc.nat(1e6),
          holes: fc.boolean(),
        }),
        ({ n, d, clusters, noise, k, cutoff, seed, holes }) => {
          const vectors = clusteredVectors(n, d, clusters, noise, seed);
          const absent = holes ? Uint8Array.from({ length: n }, (_, i) => (i % 7 === 3 ? 1 : 0)) : undefined;
          const expected = knnBruteForce(vectors, n, d, { k, cutoff, absent });
          expect(knn(vectors, n, d, { k, cutoff, absent })).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  }, 30_000);

  test("brute force is what its definition says", () => {
    const n = 40;
    const d = 5;
    const vectors = clusteredVectors(n, d, 4, 0.3, 11);
    const result = knnBruteForce(vectors, n, d, { k: 4, cutoff: 0.5 });
    const length = (i: number) => Math.hypot(...vectors.subarray(i * d, (i + 1) * d));
    for (let i = 0; i < n; i++) {
      const all: [number, number][] = [];
      for (let j = 0; j < n; j++) {
        let dot = 0;
        for (let x = 0; x < d; x++) dot += vectors[i * d + x]! * vectors[j * d + x]!;
        const score = dot / (length(i) * length(j));
        if (j !== i && score >= 0.5) all.push([score, j]);
      }
      all.sort((a, b) => (Math.abs(b[0] - a[0]) > 1e-6 ? b[0] - a[0] : a[1] - b[1]));
      for (let r = 0; r < 4; r++) {
        expect(result.neighbours[i * 4 + r]).toBe(all[r]?.[1] ?? -1);
        expect(result.scores[i * 4 + r]).toBeCloseTo(all[r]?.[0] ?? 0, 5);
      }
    }
  });

  test("of equal rows none is preferred by its number: each is listed as often as it lists, whatever lies between", () => {
    const n = 45;
    // Every third row is another one, so that 30 equal rows have others between them.
    const vectors = Float32Array.from({ length: n * 2 }, (_, x) => (Math.floor(x / 2) % 3 === 1 ? x % 2 : 0.5));
    for (const kernel of ["wasm", "typescript"] as const) {
      const { neighbours } = knn(vectors, n, 2, { k: 10, kernel, cutoff: 0.9 });
      const listed = new Map<number, number>();
      for (const j of neighbours) listed.set(j, (listed.get(j) ?? 0) + 1);
      expect([...listed.values()]).toEqual(Array(n).fill(10));
    }
  });

  test("rows without direction have no neighbours and are nobody's", () => {
    const vectors = Float32Array.of(1, 0, 0, 0, Number.NaN, 1, 2, 0, Number.POSITIVE_INFINITY, 1, 3, 0);
    const absent = Uint8Array.of(0, 0, 0, 0, 0, 1);
    for (const kernel of ["wasm", "typescript"] as const) {
      const result = knn(vectors, 6, 2, { k: 2, absent, kernel });
      expect([...result.neighbours]).toEqual([3, -1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1]);
      expect(result.scores[0]).toBe(1);
    }
  });

  test("stops when asked to, tells how far it is, refuses nonsense", () => {
    const vectors = clusteredVectors(300, 8, 3, 1, 5);
    expect(() => knn(vectors, 300, 8, { shouldStop: () => true })).toThrow(AlgorithmCancelled);
    const seen: number[] = [];
    knn(vectors, 300, 8, { onProgress: (done) => seen.push(done) });
    expect(seen.length).toBeGreaterThan(2);
    expect(() => knn(vectors, 299, 8)).toThrow(RangeError);
    expect(() => knn(vectors, 300, 8, { k: 0 })).toThrow(RangeError);
    expect(() => knn(vectors, 300, 8, { cutoff: Number.NaN })).toThrow(RangeError);
  });
});

test("symmetrising gives each pair once, ascending, with its larger score", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }).chain((n) =>
        fc.array(fc.tuple(fc.integer({ min: -1, max: n - 1 }), fc.constantFrom(0.25, 0.5, 0.75)), {
          minLength: n * 3,
          maxLength: n * 3,
        }),
      ),
      (cells) => {
        const k = 3;
        const n = cells.length / k;
        const neighbours = Int32Array.from(cells, ([j], p) => (j === Math.floor(p / k) ? -1 : j));
        const knnResult = { n, k, neighbours, scores: Float32Array.from(cells, ([, score]) => score) };
        const expected = new Map<string, number>();
        neighbours.forEach((j, p) => {
          if (j < 0) return;
          const i = Math.floor(p / k);
          const key = `${Math.min(i, j)} ${Math.max(i, j)}`;
          expected.set(key, Math.max(expected.get(key) ?? 0, knnResult.scores[p]!));
        });
        const edges = symmetrise(knnResult);
        const found = Array.from(edges.sources, (a, e) => ({ a, b: edges.targets[e]!, score: edges.scores[e]! }));
        expect(found.length).toBe(expected.size);
        for (const { a, b, score } of found) expect(expected.get(`${a} ${b}`)).toBe(score);
        const sorted = [...found].sort((x, y) => x.a - y.a || x.b - y.b);
        expect(found).toEqual(sorted);
      },
    ),
  );
});
