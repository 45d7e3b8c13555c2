import { expect } from "vitest";
import { type FieldCase, type FieldWorld, nativeInput } from "../case.ts";

const FOLDER = "a-docs-v1.ndjson";

async function dumpOf({ graphkeeper, group }: FieldWorld): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of graphkeeper.dump(group, { facts: true })) lines.push(line);
  return lines;
}

const importAgain = ({ graphkeeper, group }: FieldWorld, asked: { restore?: boolean; again?: boolean } = {}) =>
  graphkeeper.importBlocks(group, nativeInput(FOLDER), asked);

/** A folder that is imported again, with a deprecate or a purge between. */
export const IMPORTED_AGAIN: FieldCase[] = [
  {
    input: FOLDER,
    expected:
      "imported again, what was deprecated (held, with a successor) stays so and is named; --restore brings it back",
    run: async (world) => {
      const { graphkeeper, group } = world;
      await importAgain(world);
      const whole = await dumpOf(world);
      await graphkeeper.deprecate(group, ["d1"], { successor: "d2" });
      await graphkeeper.hold(group, ["d1"]);
      await world.maintain("gc_all");
      const before = await dumpOf(world);
      const again = await importAgain(world);
      expect(again.outcomes).toEqual({ deprecated_kept: 1, unchanged: 1 });
      expect(again.notTaken).toEqual([{ id: "d1", outcome: "deprecated_kept" }]);
      expect(await dumpOf(world)).toEqual(before);
      expect((await importAgain(world, { restore: true })).outcomes).toEqual({ restored: 1, unchanged: 1 });
      await graphkeeper.release(group, ["d1"]);
      expect(await dumpOf(world)).toEqual(whole);
    },
  },
  {
    input: FOLDER,
    expected: "imported again, what was purged stays away and is named; --again brings it back",
    run: async (world) => {
      await importAgain(world);
      const whole = await dumpOf(world);
      await world.purge(["d1"]);
      const before = await dumpOf(world);
      const again = await importAgain(world);
      expect(again.outcomes).toEqual({ purged_before: 1, unchanged: 1 });
      expect(again.notTaken).toEqual([{ id: "d1", outcome: "purged_before" }]);
      expect(await dumpOf(world)).toEqual(before);
      expect((await importAgain(world, { again: true })).outcomes).toEqual({ imported: 1, unchanged: 1 });
      expect(await dumpOf(world)).toEqual(whole);
    },
  },
];
