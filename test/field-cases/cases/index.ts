import type { FieldCase } from "../case.ts";
import { IMPORTED_AGAIN } from "./again.ts";
import { MS_GRAPHRAG } from "./msgraphrag.ts";
import { NUMBERS } from "./numbers.ts";
import { REJECTS } from "./rejects.ts";
import { SHARED_UNITS } from "./shared-units.ts";
import { SUMMARIES } from "./summaries.ts";

/** One file of cases a theme. */
export const FIELD_CASES: FieldCase[] = [
  ...IMPORTED_AGAIN,
  ...MS_GRAPHRAG,
  ...NUMBERS,
  ...REJECTS,
  ...SHARED_UNITS,
  ...SUMMARIES,
];
