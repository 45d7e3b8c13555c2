import { expect } from "vitest";
import { type FieldCase, nativeInput } from "../case.ts";

/** A text unit that several documents have in common. */
export const SHARED_UNITS: FieldCase[] = [
  {
    input: "d-shared-1.ndjson",
    expected: "a unit that comes again with another document belongs to both",
    run: async ({ graphkeeper, group }) => {
      for (const file of ["d-shared-1.ndjson", "d-shared-2.ndjson"])
        await graphkeeper.importBlocks(group, nativeInput(file));
      const lines: string[] = [];
      for await (const line of graphkeeper.dump(group, { facts: true })) lines.push(line);
      const units = lines.map((line) => JSON.parse(line)).filter((record) => record.kind === "text_unit");
      expect(units.map((unit) => unit.documents)).toEqual([["s1", "s2"]]);
    },
  },
];
