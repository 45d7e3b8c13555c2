import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import type { ImportBlock } from "../core/words.ts";
import { nativeBlock } from "../formats/native.ts";
import { text } from "./validate.ts";

const embedding = z
  .array(z.unknown())
  .optional()
  .meta({ openapi: { type: "array", items: { type: "number" } } });

/** One document with all that was extracted from it, as JSON: the native lines without `kind`, by kind. */
export const documentBody = z.strictObject({
  title: z.string().optional(),
  content_hash: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  text_units: z
    .array(z.strictObject({ id: z.string(), documents: z.array(z.string()).optional(), text: z.string(), embedding }))
    .describe("Its text; an empty list leaves the document without any."),
  entities: z
    .array(
      z.strictObject({
        id: z.string(),
        name: z.string(),
        type: z.string().optional(),
        description: z.string().optional(),
        embedding,
      }),
    )
    .optional(),
  mentions: z.array(z.strictObject({ text_unit: z.string(), entity: z.string() })).optional(),
  relationships: z
    .array(
      z.strictObject({
        id: z.string(),
        source: z.string(),
        target: z.string(),
        type: z.string(),
        description: z.string().optional(),
        weight: z.number().optional(),
        text_units: z.array(z.string()).optional(),
      }),
    )
    .optional(),
  reason: text(2_000).optional(),
});

/** @throws GraphkeeperError `INVALID_REQUEST`, `INVALID_EMBEDDING` with the place, such as `text_units.2` */
export async function documentBlock(documentId: string, body: z.output<typeof documentBody>): Promise<ImportBlock> {
  const { title, content_hash, metadata } = body;
  const lines: unknown[] = [{ kind: "document", id: documentId, title, content_hash, metadata }];
  const places = ["document"];
  const add = (kind: string, name: string, items: object[] = []) => {
    for (const [i, item] of items.entries()) {
      lines.push({ ...(kind === "text_unit" ? { documents: [documentId] } : {}), ...item, kind });
      places.push(`${name}.${i}`);
    }
  };
  add("text_unit", "text_units", body.text_units);
  add("entity", "entities", body.entities);
  add("mention", "mentions", body.mentions);
  add("relationship", "relationships", body.relationships);
  try {
    return await nativeBlock(lines);
  } catch (error) {
    // What the native format calls a line is a place in the body here.
    if (!GraphkeeperError.is(error) || typeof error.details.line !== "number") throw error;
    const { line, ...details } = error.details;
    const field = places[(line as number) - 1] ?? "body";
    const code = error.code === "INVALID_LINE" ? "INVALID_REQUEST" : error.code;
    const message = error.message.replace(/^Line \d+/, field);
    throw new GraphkeeperError(code, message, { ...details, field }, error);
  }
}
