import { expect } from "vitest";
import type { StoredRecord } from "../../../src/core/ports.ts";
import { type FieldCase, nativeInput } from "../case.ts";

/** Numbers at the edge of what numbers are, and vectors that are equal. */
export const NUMBERS: FieldCase[] = [
  {
    input: "l-weights-1e308.ndjson",
    expected: "weights near the largest number give communities and a modularity",
    run: async ({ graphkeeper, group, maintain }) => {
      await graphkeeper.importBlocks(group, nativeInput("l-weights-1e308.ndjson"));
      const result = await maintain("recompute");
      // Two triangles and an edge between them, all of one weight: 6/7 - 1/2.
      expect(result.modularity).toBeCloseTo(6 / 7 - 1 / 2, 9);
      expect(result.communities).toBe(2);
      expect(await graphkeeper.verify(group)).toEqual([]);
    },
  },
  {
    input: "l-knn-identical.ndjson",
    expected: "of equal vectors none is preferred by its id: all have one rank",
    run: async ({ graphkeeper, group, maintain }) => {
      await graphkeeper.importBlocks(group, nativeInput("l-knn-identical.ndjson"));
      await maintain("recompute");
      const ranks: number[] = [];
      for await (const records of graphkeeper.store.records(group))
        ranks.push(
          ...records
            .filter((record): record is Extract<StoredRecord, { kind: "rank" }> => record.kind === "rank")
            .map(({ score }) => score),
        );
      expect(ranks).toHaveLength(30);
      for (const rank of ranks) expect(rank).toBeCloseTo(1 / 30, 12);
    },
  },
];
