import fc from "fast-check";
import { expect, test } from "vitest";
import { matchCommunities } from "../../src/algorithms/index.ts";

test("a renumbered partition keeps every id", () => {
  const previous = [0, 0, 1, 1, 1, 2];
  expect([...matchCommunities([2, 2, 0, 0, 0, 1], previous)]).toEqual([1, 2, 0]);
});

test("a split keeps the id for the larger part, a merge that of the larger part; ties go to the smaller number", () => {
  expect([...matchCommunities([0, 0, 1, 1, 1], [0, 0, 0, 0, 0])]).toEqual([-1, 0]);
  expect([...matchCommunities([0, 0, 0, 0, 0], [0, 0, 1, 1, 1])]).toEqual([1]);
  expect([...matchCommunities([0, 0, 1, 1], [0, 0, 0, 0])]).toEqual([0, -1]);
  expect([...matchCommunities([0, 0, 0, 0], [1, 1, 0, 0])]).toEqual([0]);
});

test("new and vanished nodes count against the overlap; a minimum can be set", () => {
  expect([...matchCommunities([0, 0, 1, -1], [0, 0, -1, 1])]).toEqual([0, -1]);
  expect([...matchCommunities([0, 1, 1, 1], [0, 0, 0, 0], { minimumOverlap: 0.8 })]).toEqual([-1, -1]);
  expect(() => matchCommunities([0], [])).toThrow(RangeError);
});

test("is greedy by overlap: equal to choosing the best remaining pair again and again", () => {
  const partition = fc.array(fc.integer({ min: -1, max: 4 }), { minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(partition, partition, (next, previous) => {
      const communities = Math.max(-1, ...next) + 1;
      const expected = new Array<number>(communities).fill(-1);
      const members = (partition: number[], c: number) => partition.flatMap((x, v) => (x === c ? [v] : []));
      const open = new Set<number>(previous.filter((c) => c >= 0));
      for (;;) {
        let best: { jaccard: number; common: number; old: number; c: number } | undefined;
        for (const old of [...open].sort((a, b) => a - b)) {
          for (let c = 0; c < communities; c++) {
            if (expected[c] !== -1) continue;
            const a = members(next, c);
            const b = members(previous, old);
            const common = a.filter((v) => b.includes(v)).length;
            if (common === 0) continue;
            const jaccard = common / (a.length + b.length - common);
            if (!best || jaccard > best.jaccard || (jaccard === best.jaccard && common > best.common)) {
              best = { jaccard, common, old, c };
            }
          }
        }
        if (!best) break;
        expected[best.c] = best.old;
        open.delete(best.old);
      }
      expect([...matchCommunities(next, previous)]).toEqual(expected);
    }),
  );
});
