import { expect } from "vitest";
import { type FieldCase, type FieldWorld, nativeInput } from "../case.ts";

const listed = ({ graphkeeper, group }: FieldWorld, query = {}) =>
  graphkeeper.changedCommunities(group, { limit: 100, ...query });

/** Which summaries are to be written. */
export const SUMMARIES: FieldCase[] = [
  {
    input: "m-three-cliques.ndjson",
    expected: "what was acknowledged is not asked for again when it is back",
    run: async (world) => {
      const { graphkeeper, group, maintain } = world;
      await graphkeeper.importBlocks(group, nativeInput("m-three-cliques.ndjson"));
      await maintain("recompute");
      const first = await listed(world);
      expect(first.communities.map(({ names }) => names)).toEqual(
        ["A", "B", "C"].map((clique) => [0, 1, 2, 3, 4].map((i) => `${clique}${i}`)),
      );
      expect(await graphkeeper.acknowledge(group, first.communities)).toBe(3);
      await graphkeeper.deprecate(group, ["B"]);
      await maintain("gc_all");
      await maintain("recompute");
      expect((await listed(world)).communities).toEqual([]);
      await graphkeeper.restore(group, ["B"]);
      for (const full of [false, true]) {
        await maintain("recompute", { full });
        const after = await listed(world, { estimate: true });
        expect(after.communities).toEqual([]);
        expect(after.tokens).toBe(0);
        expect(after.removed).toEqual([]);
        expect(await graphkeeper.acknowledge(group, after.reused)).toBe(after.reused.length);
        expect((await listed(world)).reused).toEqual([]);
      }
    },
  },
  {
    input: "l-no-edges.ndjson",
    expected: "no summary of one entity is asked for, unless one wants it",
    run: async (world) => {
      const { graphkeeper, group, maintain } = world;
      await graphkeeper.importBlocks(group, nativeInput("l-no-edges.ndjson"));
      await maintain("recompute");
      expect(await listed(world, { estimate: true })).toMatchObject({
        communities: [],
        tokens: 0,
        tokensFullRebuild: 0,
      });
      const { communities } = await listed(world, { leastSize: 1 });
      expect(communities.length).toBeGreaterThan(0);
      expect(communities.every(({ size, names }) => size === 1 && names.length === 1)).toBe(true);
    },
  },
];
