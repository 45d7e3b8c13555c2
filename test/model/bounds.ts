import fc from "fast-check";
import type { GraphStore } from "../../src/core/ports.ts";
import { type Command, sequences } from "./commands.ts";
import { execute } from "./execute.ts";

/** More and longer runs for the night. */
const LONG = process.env.GRAPHKEEPER_LONG === "1";

export interface Stores {
  subject: GraphStore;
  /** The store that `subject` must agree with. */
  oracle?: GraphStore;
}

/**
 * Random sequences until `seconds` are over or `runs` are done. `GRAPHKEEPER_SEED` repeats a run.
 *
 * @param open stores for a sequence: fresh ones, or the same again, since each sequence works in groups of its own
 */
export async function explore(
  name: string,
  open: () => Promise<Stores>,
  bounds: { runs: number; seconds: number; length?: number },
): Promise<void> {
  const seed = Number(process.env.GRAPHKEEPER_SEED ?? Date.now() % 2 ** 31);
  let runs = 0;
  let commands = 0;
  const property = fc.asyncProperty(sequences(bounds.length ?? 30), async (sequence: Command[]) => {
    const { subject, oracle } = await open();
    runs++;
    commands += sequence.length;
    await execute(sequence, subject, oracle, `:${runs}`);
  });
  const seconds = bounds.seconds * (LONG ? 20 : 1);
  try {
    await fc.assert(property, {
      seed,
      numRuns: bounds.runs * (LONG ? 20 : 1),
      interruptAfterTimeLimit: seconds * 1_000,
      // A run that found something goes on shrinking for a while; the time limit above is for runs that find nothing.
      endOnFailure: false,
    });
  } finally {
    console.log(`${name}: seed ${seed}, ${runs} sequences, ${commands} commands`);
  }
}

export const TIMEOUT_MS = (LONG ? 20 : 1) * 60_000;
