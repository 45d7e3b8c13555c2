import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";

/**
 * Checks a part of a request against its schema.
 *
 * @param part what the caller knows it as: body, query, path
 * @throws GraphkeeperError `INVALID_REQUEST` with the field, and for an unknown member the nearest known one
 */
export function check<T>(schema: z.ZodType<T>, value: unknown, part: "body" | "query" | "path"): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // A misspelt name also makes the right one missing; the misspelling is what helps.
  const issue = issues.find((i) => i.code === "unrecognized_keys") ?? issues[0]!;
  const field = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    const wrong = issue.keys[0] ?? "";
    const known = membersAt(schema, issue.path);
    const near = nearestName(wrong.slice(0, 100), known);
    const hint = near ? `did you mean "${near}"?` : `it takes ${known.length > 0 ? known.join(", ") : "none"}.`;
    const where = field === "" ? `The ${part}` : `${field} in the ${part}`;
    throw new GraphkeeperError(
      "INVALID_REQUEST",
      `${where} has no ${part === "query" ? "parameter" : "member"} ${JSON.stringify(wrong.slice(0, 100))}; ${hint}`,
      { field: field === "" ? wrong.slice(0, 100) : `${field}.${wrong.slice(0, 100)}`, nearest: near },
    );
  }
  const where = field === "" ? `The ${part}` : `${field} in the ${part}`;
  throw new GraphkeeperError("INVALID_REQUEST", `${where}: ${issue.message}.`, { field: field || part });
}

function membersAt(schema: z.ZodType, path: PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const step of [...path, null]) {
    while (at instanceof z.ZodOptional || at instanceof z.ZodNullable || at instanceof z.ZodDefault) at = at.unwrap();
    if (step === null) break;
    if (at instanceof z.ZodObject) at = at.shape[String(step)];
    else if (at instanceof z.ZodArray) at = at.element;
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

// Query strings carry text only; these read it. `openapi` is what the contract says instead of the pattern.

export function integer(min: number, max: number) {
  return z
    .string()
    .regex(/^-?\d{1,16}$/, "expected an integer")
    .transform(Number)
    .pipe(z.number().int().min(min).max(max))
    .meta({ openapi: { type: "integer", minimum: min, maximum: max } });
}

export function seconds(max: number) {
  return z
    .string()
    .regex(/^-?\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,3})?$/, "expected a number of seconds")
    .transform(Number)
    .pipe(z.number().min(0).max(max))
    .meta({ openapi: { type: "number", minimum: 0, maximum: max } });
}

export function flag() {
  return z
    .enum(["true", "false", "1", "0"])
    .transform((text) => text === "true" || text === "1")
    .meta({ openapi: { type: "boolean" } });
}

export const restoreFlag = flag()
  .optional()
  .describe("What is deprecated comes back with this; without it, it stays as it is.");
export const againFlag = flag().optional().describe("What was purged before is imported; without it, it stays away.");

/** Some of the names, with commas between them. */
export function names<const N extends string>(known: readonly N[]) {
  const one = `(${known.join("|")})`;
  return z
    .string()
    .max(1_024)
    .transform((list) => list.split(","))
    .pipe(z.array(z.enum(known)))
    .meta({ openapi: { type: "string", pattern: `^${one}(,${one})*$` } });
}

/** Text that people wrote, such as a reason. */
export function text(max: number) {
  return z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed() && !value.includes("\u0000"), "expected well-formed text without NUL");
}

/** A time on the wire: ISO 8601 with a zone; epoch ms inside. */
export function time() {
  return z.iso
    .datetime({ offset: true })
    .transform((iso) => Date.parse(iso))
    .pipe(z.number().min(0).max(253_402_300_799_999))
    .meta({ openapi: { type: "string", format: "date-time" } });
}

export const cursor = () => z.string().min(1).max(4_096);
export const limit = (max = 1_000) => integer(1, max);
export const id = () => z.string().min(1).max(1_024);
