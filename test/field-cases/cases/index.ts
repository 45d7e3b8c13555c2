import type { FieldCase } from "../case.ts";
import { SHARED_UNITS } from "./shared-units.ts";

/** One file of cases a theme. */
export const FIELD_CASES: FieldCase[] = [...SHARED_UNITS];
