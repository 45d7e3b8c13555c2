import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import type { ImportBlock } from "../core/words.ts";
import type { LocatedBlock } from "../documents/import.ts";
import { readLines } from "./lines.ts";

/**
 * The native format: NDJSON, one object a line. A block begins with a document line (or several in a row, for documents
 * that share text units) and ends before the next document line; inside, the order is free.
 */
const LINES = {
  document: z.strictObject({
    kind: z.literal("document"),
    id: z.string(),
    title: z.string().optional(),
    content_hash: z.string().optional(),
    metadata: z.record(z.string(), z.json()).optional(),
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

/**
 * Reads blocks out of native NDJSON.
 *
 * @throws GraphkeeperError `INVALID_LINE` with the line number and what was expected, `INVALID_EMBEDDING` with the line
 *   and the index of the component; nothing of the block that the line belongs to has been handed out
 */
export async function* parseNative(
  source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
): AsyncIterable<LocatedBlock> {
  let located: LocatedBlock = { line: 1, block: emptyBlock() };
  let onlyDocuments = true;
  for await (const { number, text } of readLines(source)) {
    const line = parseLine(text, number);
    if (line.kind === "document" && !onlyDocuments) {
      yield located;
      located = { line: number, block: emptyBlock() };
      onlyDocuments = true;
    } else if (line.kind !== "document") onlyDocuments = false;
    addLine(located.block, line, number);
  }
  const { block } = located;
  if (!onlyDocuments || block.documents.length > 0) yield located;
}

/** A block out of values, as the body of a replace gives them. */
export function nativeBlock(lines: unknown[]): ImportBlock {
  const block = emptyBlock();
  for (const [i, value] of lines.entries()) addLine(block, checkLine(value, i + 1), i + 1);
  return block;
}

export function emptyBlock(): ImportBlock {
  return { documents: [], textUnits: [], entities: [], mentions: [], relationships: [] };
}

function parseLine(text: string, number: number): NativeLine {
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

function checkLine(value: unknown, number: number): NativeLine {
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
const MAX_DEPTH = 64;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
}

function addLine(block: ImportBlock, line: NativeLine, number: number): void {
  switch (line.kind) {
    case "document":
      block.documents.push({
        id: line.id,
        title: line.title,
        contentHash: line.content_hash,
        metadata: line.metadata,
        earlierIds: line.earlier_ids?.map(({ id, same_text }) => ({ id, sameText: same_text })),
      });
      break;
    case "text_unit":
      block.textUnits.push({
        id: line.id,
        documents: line.documents,
        text: line.text,
        embedding: embeddingOf(line.embedding, `text unit ${line.id}`, number),
      });
      break;
    case "entity":
      block.entities.push({
        id: line.id,
        name: line.name,
        type: line.type,
        description: line.description,
        embedding: embeddingOf(line.embedding, `entity ${line.id}`, number),
      });
      break;
    case "mention":
      block.mentions.push({ textUnit: line.text_unit, entity: line.entity });
      break;
    case "relationship":
      block.relationships.push({
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
