import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import { MAX_DEPTH, refuseLargeJson } from "../core/json.ts";
import { nearestName } from "../core/names.ts";
import type { ImportBlock, JsonObject } from "../core/words.ts";

/**
 * The native format: NDJSON, one object a line. A block begins with a document line (or several in a row, for documents
 * that share text units) and ends before the next document line; inside, the order is free.
 */
const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
const LINES = {
  document: z.strictObject({
    kind: z.literal("document"),
    id: z.string(),
    title: z.string().optional(),
    content_hash: z.string().optional(),
    // It comes out of JSON, and is measured with the block: to check it again value by value took 20 s for 500,000 of them.
    metadata: z.custom<JsonObject>(isObject, "expected an object").optional(),
    earlier_ids: z.array(z.strictObject({ id: z.string(), same_text: z.boolean().optional() })).optional(),
  }),
  text_unit: z.strictObject({
    kind: z.literal("text_unit"),
    id: z.string(),
    documents: z.array(z.string()).min(1),
    text: z.string(),
    embedding: z.unknown().optional(),
  }),
  entity: z.strictObject({
    kind: z.literal("entity"),
    id: z.string(),
    name: z.string(),
    type: z.string().optional(),
    description: z.string().optional(),
    embedding: z.unknown().optional(),
  }),
  mention: z.strictObject({ kind: z.literal("mention"), text_unit: z.string(), entity: z.string() }),
  relationship: z.strictObject({
    kind: z.literal("relationship"),
    id: z.string(),
    source: z.string(),
    target: z.string(),
    type: z.string(),
    description: z.string().optional(),
    weight: z.number().optional(),
    text_units: z.array(z.string()).optional(),
  }),
} as const;
type Kind = keyof typeof LINES;
const KINDS = Object.keys(LINES) as Kind[];
export type NativeLine = z.infer<(typeof LINES)[Kind]>;

export function emptyBlock(): ImportBlock {
  return { documents: [], textUnits: [], entities: [], mentions: [], relationships: [] };
}

/** Shorter lines hold no more values than are read in a few milliseconds. */
const LONG_LINE = 65_536;
/** A vector has 16,384 components, a fact that many texts state a support of this many. */
const LINE_LIMITS = { values: 100_000, containers: 20_000, strings: 100_000, members: 10_000 };

export function parseLine(text: string, number: number): NativeLine {
  if (text.length > LONG_LINE) refuseLargeLine(text, number);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new GraphkeeperError(
      "INVALID_LINE",
      `Line ${number} is not JSON: ${(error as Error).message}.`,
      { line: number },
      error,
    );
  }
  return checkLine(value, number);
}

function refuseLargeLine(text: string, line: number): void {
  try {
    refuseLargeJson(text, `Line ${line}`, LINE_LIMITS);
  } catch (error) {
    if (!GraphkeeperError.is(error)) throw error;
    const code = error.code === "INVALID_REQUEST" ? "INVALID_LINE" : error.code;
    throw new GraphkeeperError(code, error.message, { line });
  }
}

export function checkLine(value: unknown, number: number): NativeLine {
  const kind = (value as { kind?: unknown } | null)?.kind;
  if (typeof kind !== "string" || !Object.hasOwn(LINES, kind)) {
    throw new GraphkeeperError(
      "INVALID_LINE",
      `Line ${number}: expected an object whose "kind" is one of ${KINDS.join(", ")}${typeof kind === "string" ? `; found ${JSON.stringify(kind.slice(0, 40))}` : ""}.`,
      { line: number, field: "kind" },
    );
  }
  if (kind === "document" && isDeeper(value, MAX_DEPTH)) {
    throw new GraphkeeperError("INVALID_LINE", `Line ${number}: metadata is nested deeper than ${MAX_DEPTH} levels.`, {
      line: number,
      field: "metadata",
    });
  }
  const parsed = LINES[kind as Kind].safeParse(value);
  if (parsed.success) return parsed.data;
  // A misspelt member is also a missing one; the misspelling is what helps.
  const { issues } = parsed.error;
  const issue = issues.find((i) => i.code === "unrecognized_keys") ?? issues[0]!;
  const field = issue.path.join(".");
  const what = `${kind === "entity" ? "an" : "a"} ${kind}`;
  let message = `"${field}" of ${what}: ${issue.message}`;
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(LINES[kind as Kind].shape);
    const near = nearestName(issue.keys[0]!, known);
    message = `${what} has no member "${issue.keys[0]}"${near ? `; did you mean "${near}"` : `; it has ${known.join(", ")}`}`;
  }
  throw new GraphkeeperError("INVALID_LINE", `Line ${number}: ${message}.`, {
    line: number,
    field: field || issue.code,
  });
}

/** Whoever walks metadata does it by recursion; 100,000 levels fit into a line and into no stack. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
}

export function addLine(block: ImportBlock, line: NativeLine, number: number, place: (item: object) => void): void {
  const add = <T extends object>(items: T[], item: T) => {
    items.push(item);
    place(item);
  };
  switch (line.kind) {
    case "document":
      add(block.documents, {
        id: line.id,
        title: line.title,
        contentHash: line.content_hash,
        metadata: line.metadata,
        earlierIds: line.earlier_ids?.map(({ id, same_text }) => ({ id, sameText: same_text })),
      });
      break;
    case "text_unit":
      add(block.textUnits, {
        id: line.id,
        documents: line.documents,
        text: line.text,
        embedding: embeddingOf(line.embedding, `text unit ${line.id}`, number),
      });
      break;
    case "entity":
      add(block.entities, {
        id: line.id,
        name: line.name,
        type: line.type,
        description: line.description,
        embedding: embeddingOf(line.embedding, `entity ${line.id}`, number),
      });
      break;
    case "mention":
      add(block.mentions, { textUnit: line.text_unit, entity: line.entity });
      break;
    case "relationship":
      add(block.relationships, {
        id: line.id,
        source: line.source,
        target: line.target,
        type: line.type,
        description: line.description,
        weight: line.weight,
        textUnits: line.text_units,
      });
  }
}

/** Dimension and zero are judged with the block; here it is made sure that every component is a finite number. */
export function embeddingOf(value: unknown, owner: string, line: number): Float32Array | undefined {
  if (value === undefined) return undefined;
  const refuse = (message: string, index: number) => {
    throw new GraphkeeperError("INVALID_EMBEDDING", `Line ${line}: the embedding of ${owner} ${message}.`, {
      line,
      owner,
      index,
    });
  };
  if (!Array.isArray(value)) return refuse("is not an array of numbers", 0);
  for (const [index, component] of value.entries()) {
    if (typeof component !== "number" || !Number.isFinite(Math.fround(component))) {
      refuse(`is not a finite number at index ${index}`, index);
    }
  }
  return Float32Array.from(value);
}
