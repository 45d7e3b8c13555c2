import fc from "fast-check";
import { expect, test } from "vitest";
import { AlgorithmCancelled, BrokenState, IncrementalKnn, knn, knnBruteForce } from "../../src/algorithms/index.ts";
import { seeded } from "../data/seeded.ts";
import { clusteredVectors } from "./graphs.ts";

const parameters = fc.record({
  n: fc.integer({ min: 1, max: 200 }),
  d: fc.constantFrom(2, 5, 16),
  clusters: fc.constantFrom(1, 4, 30),
  noise: fc.constantFrom(0, 1e-4, 0.2, 2),
  k: fc.constantFrom(1, 3, 8),
  cutoff: fc.constantFrom(-1, 0.5, 0.95),
  seed: fc.nat(1e6),
});

test("after any updates it equals a full exact search bit for bit, and says which rows changed", () => {
  fc.assert(
    fc.property(parameters, ({ n, d, clusters, noise, k, cutoff, seed }) => {
      const random = seeded(seed);
      let vectors = clusteredVectors(n, d, clusters, noise, seed);
      const incremental = IncrementalKnn.fromVectors(vectors, n, d, { k, cutoff });
      expect(incremental.knn).toEqual(knnBruteForce(vectors, n, d, { k, cutoff }));
      for (let round = 0; round < 4; round++) {
        const before = incremental.knn;
        const count = 1 + Math.floor(random() * (round === 3 ? 150 : 8));
        const rows = Array.from({ length: count }, () => Math.floor(random() * (incremental.n + 4)));
        const distinct = [...new Set(rows)];
        const changes = clusteredVectors(distinct.length, d, clusters, noise, seed + (round % 2));
        for (let r = 0; r < distinct.length; r++) if (random() < 0.2) changes.fill(0, r * d, (r + 1) * d);
        const change = incremental.update(distinct, changes);
        const total = Math.max(vectors.length / d, ...distinct.map((row) => row + 1));
        const next = new Float32Array(total * d);
        next.set(vectors);
        for (const [r, row] of distinct.entries()) next.set(changes.subarray(r * d, (r + 1) * d), row * d);
        vectors = next;
        expect(incremental.n).toBe(total);
        const expected = knnBruteForce(vectors, total, d, { k, cutoff });
        expect(incremental.knn).toEqual(expected);
        for (let i = 0; i < total; i++) {
          const now = [
            ...expected.neighbours.subarray(i * k, i * k + k),
            ...expected.scores.subarray(i * k, i * k + k),
          ];
          const then =
            i < before.n
              ? [...before.neighbours.subarray(i * k, i * k + k), ...before.scores.subarray(i * k, i * k + k)]
              : [...new Array(k).fill(-1), ...new Array(k).fill(0)];
          expect(change.changed.includes(i)).toBe(now.join() !== then.join());
        }
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("compares few rows where few change", () => {
  const n = 2000;
  const vectors = clusteredVectors(n, 16, 100, 0.3, 3);
  const incremental = IncrementalKnn.fromVectors(vectors, n, 16, { k: 5 });
  const change = incremental.update([7, 9], vectors.slice(100 * 16, 102 * 16));
  expect(change.searched).toBeLessThan(40);
  expect(change.changed.length).toBeGreaterThan(0);
});

test("is read back for the vectors that it was computed from, and for no others", () => {
  const n = 150;
  const vectors = clusteredVectors(n, 8, 5, 0.3, 4);
  const bytes = IncrementalKnn.fromVectors(vectors, n, 8, { k: 4, cutoff: 0.2 }).serialize();
  const again = IncrementalKnn.deserialize(bytes, vectors, n, 8);
  expect(again.knn).toEqual(knn(vectors, n, 8, { k: 4, cutoff: 0.2 }));
  again.update([3], vectors.slice(0, 8));
  const changed = vectors.slice();
  changed.set(vectors.subarray(0, 8), 24);
  expect(again.knn).toEqual(knn(changed, n, 8, { k: 4, cutoff: 0.2 }));
  expect(() => IncrementalKnn.deserialize(bytes, changed, n, 8)).toThrow(BrokenState);
  expect(() => IncrementalKnn.deserialize(bytes.subarray(8), vectors, n, 8)).toThrow(BrokenState);
});

test("stops when asked to, refuses nonsense", () => {
  const vectors = clusteredVectors(100, 4, 5, 0.3, 4);
  const incremental = IncrementalKnn.fromVectors(vectors, 100, 4, { k: 2 });
  expect(() => incremental.update([1], new Float32Array(3))).toThrow(RangeError);
  expect(() => incremental.update([-1], new Float32Array(4))).toThrow(RangeError);
  expect(() => incremental.update([1], vectors.slice(0, 4), { shouldStop: () => true })).toThrow(AlgorithmCancelled);
});
