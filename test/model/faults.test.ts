import { AssertionError } from "node:assert";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryStore } from "../../src/stores/memory/index.ts";
import { BROKEN_STORES } from "../broken-stores/stores.ts";
import { sequences } from "./commands.ts";
import { execute } from "./execute.ts";

/** Random sequences are trusted because they find these; each turns up within 50 sequences, so 500 are plenty. */
const FAULTS = [
  "the mark is set outside the transaction",
  "a refused import leaves half of its block",
  "garbage collection reaches into other groups",
  "an update of the generation is lost",
  "an orphan that is still mentioned is parked",
  "vectors are lost when a document is restored",
  "writes are not fenced",
  "a purge leaves a mention",
  "a replace overwrites the vectors of texts that did not change",
];

for (const fault of FAULTS) {
  test(`random sequences find that ${fault}`, { timeout: 60_000 }, async () => {
    const broken = BROKEN_STORES.find((store) => store.fault === fault);
    expect(broken).toBeDefined();
    let found: unknown = null;
    for (const sequence of fc.sample(sequences(30), 500)) {
      try {
        await execute(sequence, broken!.open(), new MemoryStore());
      } catch (error) {
        found = error;
        break;
      }
    }
    expect(found).toBeInstanceOf(AssertionError);
  });
}
