import type { Verb } from "../src/core/words.ts";

export const GROUP = "bench";

/** Lifecycle calls of a benchmark, each with an id of its own; `run` tells apart the runs on one file. */
export function operations(run = "operation") {
  let count = 0;
  return (verb: Verb, documentIds: string[]) => ({
    id: `${run}-${++count}`,
    groupId: GROUP,
    verb,
    documentIds,
    requestHash: "bench",
    at: Date.now(),
    actor: "bench",
    reason: null,
  });
}
