import { expect, test } from "vitest";
import { AlgorithmCancelled, knn, knnParallel } from "../../src/algorithms/index.ts";
import { clusteredVectors } from "./graphs.ts";

test("several threads give what one gives, bit for bit", async () => {
  for (const [n, noise] of [
    [0, 1],
    [1, 1],
    [1500, 0.2],
    [700, 0],
  ] as const) {
    const vectors = clusteredVectors(n, 12, 9, noise, 4);
    const absent = Uint8Array.from({ length: n }, (_, i) => (i % 11 === 5 ? 1 : 0));
    const options = { k: 6, cutoff: 0.1, absent };
    expect(await knnParallel(vectors, n, 12, { ...options, workers: 3 })).toEqual(knn(vectors, n, 12, options));
  }
});

test("stops when asked to, before and while it works", async () => {
  const n = 6000;
  const vectors = clusteredVectors(n, 256, 9, 1, 4);
  await expect(knnParallel(vectors, n, 256, { signal: AbortSignal.abort() })).rejects.toThrow(AlgorithmCancelled);
  let polls = 0;
  const stopped = knnParallel(vectors, n, 256, { shouldStop: () => ++polls > 1 });
  await expect(stopped).rejects.toThrow(AlgorithmCancelled);
});
