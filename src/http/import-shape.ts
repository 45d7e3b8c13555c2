import { z } from "zod";
import { count, effect, outcomes } from "./shapes.ts";

/** What an import did. */
export const imported = z.looseObject({
  blocks: count(),
  ...effect.omit({ vectors: true }).shape,
  outcomes: z.record(z.string(), count()),
  not_taken: outcomes,
  generation: count(),
  /** What was imported as it came and may be meant otherwise. */
  hints: z.array(z.string()).optional(),
  /** With `on_error=skip`: how much was refused, and how many lines were left out because they name that. */
  rejected: count().optional(),
  left_out: count().optional(),
  rejects: z
    .array(
      z.looseObject({
        line: count(),
        place: z.string(),
        code: z.string(),
        reason: z.string(),
        content: z.array(z.string()).nullable(),
      }),
    )
    .optional(),
});
