import { describe, expect, test } from "vitest";
import {
  AlgorithmCancelled,
  estimateMemory,
  IncrementalKnn,
  knn,
  knnBruteForce,
  nearestNeighbours,
  recallOf,
} from "../../src/algorithms/index.ts";
import { emptyKnn, scanRow } from "../../src/algorithms/knn.ts";
import { unitVectors } from "../../src/algorithms/vectors.ts";
import { clusteredVectors } from "./graphs.ts";
import { musiqueVectors } from "./musique.ts";

const every = (n: number) => Uint32Array.from({ length: n }, (_, i) => i);

describe("search in cells", () => {
  test.each([
    { noise: 0.4, clusters: 50, k: 5, cutoff: -1 },
    { noise: 4, clusters: 5, k: 10, cutoff: -1 },
    { noise: 0.4, clusters: 50, k: 10, cutoff: 0.9 },
    { noise: 0, clusters: 3, k: 4, cutoff: 0.5 },
  ])("finds the share of true neighbours that was asked for: %o", ({ noise, clusters, k, cutoff }) => {
    const n = 4000;
    const d = 24;
    const vectors = clusteredVectors(n, d, clusters, noise, 7);
    const truth = knn(vectors, n, d, { k, cutoff });
    const found = nearestNeighbours(vectors, n, d, { k, cutoff, exactUpTo: 1000, recall: 0.98 });
    expect(found.method).toBe("cells");
    expect(found.recall).toBeGreaterThanOrEqual(0.98);
    expect(found.probes).toBeLessThanOrEqual(found.cells);
    const recall = recallOf(found.knn, truth, every(n));
    expect(recall).toBeGreaterThan(0.97);
    expect(Math.abs(recall - found.recall)).toBeLessThan(0.02);
    const again = nearestNeighbours(vectors, n, d, { k, cutoff, exactUpTo: 1000, recall: 0.98 });
    expect(again.knn).toEqual(found.knn);
  });

  test("lists only true scores, in order, of rows that are present", () => {
    const n = 1500;
    const d = 8;
    const vectors = clusteredVectors(n, d, 20, 0.5, 3);
    const absent = Uint8Array.from({ length: n }, (_, i) => (i % 5 === 0 ? 1 : 0));
    const { knn: found } = nearestNeighbours(vectors, n, d, { k: 6, cutoff: 0.3, exactUpTo: 0, absent });
    const truth = knnBruteForce(vectors, n, d, { k: 1000, cutoff: 0.3, absent });
    for (let i = 0; i < n; i++) {
      const scores = new Map<number, number>();
      for (let p = i * 1000; p < (i + 1) * 1000; p++) scores.set(truth.neighbours[p]!, truth.scores[p]!);
      for (let p = i * 6; p < (i + 1) * 6 && found.neighbours[p]! >= 0; p++) {
        expect(absent[found.neighbours[p]!]).toBe(0);
        expect(scores.get(found.neighbours[p]!)).toBe(found.scores[p]);
        if (p > i * 6) expect(found.scores[p]!).toBeLessThanOrEqual(found.scores[p - 1]!);
      }
    }
  }, 30_000);

  test("is exact for few rows, says so, and stops when asked to", () => {
    const vectors = clusteredVectors(500, 8, 20, 0.5, 3);
    const small = nearestNeighbours(vectors, 500, 8, { k: 3 });
    expect(small).toMatchObject({ method: "exact", recall: 1 });
    expect(small.knn).toEqual(knn(vectors, 500, 8, { k: 3 }));
    const stop = { exactUpTo: 100, shouldStop: () => true };
    expect(() => nearestNeighbours(vectors, 500, 8, stop)).toThrow(AlgorithmCancelled);
  });
});

const musique = musiqueVectors();
describe.skipIf(musique === null)("on real embeddings (MuSiQue, 19,140 × 384)", () => {
  test("exact search equals float32 brute force, incremental equals exact, cells reach a recall of 0.99", () => {
    const { vectors, n, d } = musique!;
    const k = 10;
    const cutoff = 0.4;
    const incremental = IncrementalKnn.fromVectors(vectors, n, d, { k, cutoff });
    const exact = incremental.knn;
    const units = unitVectors(vectors, n, d);
    const brute = emptyKnn(n, k);
    for (let i = 0; i < n; i += 191) {
      scanRow(units, i, Math.fround(cutoff), brute, {});
      for (let p = i * k; p < (i + 1) * k; p++) {
        expect(exact.neighbours[p]).toBe(brute.neighbours[p]);
        expect(exact.scores[p]).toBe(brute.scores[p]);
      }
    }
    // 1 % of the rows take other vectors: those of rows elsewhere, so that lists fall apart and form anew.
    const rows = Array.from({ length: 191 }, (_, r) => r * 100);
    const changes = Float32Array.from(vectors.subarray(0, 191 * d));
    incremental.update(rows, changes);
    const changed = vectors.slice();
    for (const [r, row] of rows.entries()) changed.set(changes.subarray(r * d, (r + 1) * d), row * d);
    const again = knn(changed, n, d, { k, cutoff });
    expect(incremental.knn.neighbours).toEqual(again.neighbours);
    expect(incremental.knn.scores).toEqual(again.scores);
    const found = nearestNeighbours(vectors, n, d, { k, cutoff, exactUpTo: 0 });
    expect(found.recall).toBeGreaterThanOrEqual(0.99);
    expect(recallOf(found.knn, exact, every(n))).toBeGreaterThan(0.985);
  }, 180_000);
});

test("the memory estimate grows with the graph and keeps 1 M nodes and 4.6 M edges within 2 GB", () => {
  const small = estimateMemory(1000, 5000, 384);
  const large = estimateMemory(1_000_000, 4_600_000, 0);
  for (const value of Object.values(small)) expect(value).toBeGreaterThan(0);
  expect(large.peak).toBeLessThan(2e9);
  expect(large.peak).toBeGreaterThan(5e8);
});
