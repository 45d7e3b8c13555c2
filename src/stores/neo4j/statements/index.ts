import type { Shapes } from "../shapes.ts";
import { fileNameStatements } from "./file-names.ts";
import { graphStatements } from "./graph.ts";
import { groupStatements } from "./group.ts";
import { importStatements } from "./import.ts";
import { mirrorStatements } from "./mirror.ts";
import { neighbourhoodStatements } from "./neighbourhood.ts";
import { referenceStatements } from "./references.ts";
import { stampStatements } from "./stamps.ts";
import { statedStatements } from "./stated.ts";
import { summaryStatements } from "./summaries.ts";
import { textStatements } from "./texts.ts";
import { twinStatements } from "./twins.ts";

export type Statements = typeof groupStatements &
  ReturnType<typeof graphStatements> &
  ReturnType<typeof importStatements> &
  ReturnType<typeof mirrorStatements> &
  ReturnType<typeof neighbourhoodStatements> &
  ReturnType<typeof fileNameStatements> &
  ReturnType<typeof referenceStatements> &
  ReturnType<typeof stampStatements> &
  ReturnType<typeof statedStatements> &
  ReturnType<typeof summaryStatements> &
  ReturnType<typeof textStatements> &
  ReturnType<typeof twinStatements>;

/** Every statement that the store sends, by name. */
export function statementsFor(shapes: Shapes): Statements {
  return {
    ...groupStatements,
    ...graphStatements(shapes),
    ...importStatements(shapes),
    ...mirrorStatements(shapes),
    ...neighbourhoodStatements(shapes),
    ...fileNameStatements(shapes),
    ...referenceStatements(shapes),
    ...stampStatements(shapes),
    ...statedStatements(shapes),
    ...summaryStatements(shapes),
    ...textStatements(shapes),
    ...twinStatements(shapes),
  };
}
