import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import { MAX_DEPTH, refuseLargeJson } from "../core/json.ts";
import { nearestName } from "../core/names.ts";
import { Turns } from "../core/turns.ts";
import type { ImportBlock, JsonObject } from "../core/words.ts";
import type { LocatedBlock } from "../documents/import.ts";
import { readLines } from "./lines.ts";

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

/**
 * Reads blocks out of native NDJSON.
 *
 * @param large awaited when a block becomes a large one, before more of it is read; called again with false once it has
 *   been taken over
 * @throws GraphkeeperError `INVALID_LINE` with the line number and what was expected, `INVALID_EMBEDDING` with the line
 *   and the index of the component, `PAYLOAD_TOO_LARGE`; nothing of the block that the line belongs to has been handed out
 */
export async function* parseNative(
  source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
  large: (is: boolean) => Promise<void> | void = () => {},
): AsyncIterable<LocatedBlock> {
  let located: LocatedBlock = { line: 1, block: emptyBlock() };
  let onlyDocuments = true;
  let size = 0;
  const turns = new Turns();
  for await (const { number, text } of readLines(source)) {
    const line = parseLine(text, number);
    if (line.kind === "document" && !onlyDocuments) {
      yield located;
      if (size > LARGE_BLOCK) await large(false);
      size = 0;
      located = { line: number, block: emptyBlock() };
      onlyDocuments = true;
    } else if (line.kind !== "document") onlyDocuments = false;
    if (size <= LARGE_BLOCK && size + text.length > LARGE_BLOCK) await large(true);
    size += text.length;
    if (size > MAX_BLOCK) throw tooLargeBlock(located.line);
    addLine(located.block, line, number);
    // Lines that have arrived together would otherwise be read in one turn of the event loop.
    if (turns.over()) await turns.next();
  }
  const { block } = located;
  if (!onlyDocuments || block.documents.length > 0) yield located;
  if (size > LARGE_BLOCK) await large(false);
}

/** Characters of a block that is worth a word before it is read on. */
const LARGE_BLOCK = 1_048_576;
/** A block is held in memory, several times its length, until its transaction is done. */
const MAX_BLOCK = 67_108_864;

function tooLargeBlock(line: number): GraphkeeperError {
  const limit = MAX_BLOCK.toLocaleString("en");
  const message = `The document on line ${line} has, with all that belongs to it, more than ${limit} characters.`;
  return new GraphkeeperError("PAYLOAD_TOO_LARGE", message, { line });
}

/** A block out of values, as the body of a replace gives them. */
export async function nativeBlock(lines: Iterable<unknown>): Promise<ImportBlock> {
  const block = emptyBlock();
  const turns = new Turns();
  let number = 0;
  for (const value of lines) {
    number++;
    addLine(block, checkLine(value, number), number);
    if (turns.over()) await turns.next();
  }
  return block;
}

export function emptyBlock(): ImportBlock {
  return { documents: [], textUnits: [], entities: [], mentions: [], relationships: [] };
}

/** Shorter lines hold no more values than are read in a few milliseconds. */
const LONG_LINE = 65_536;
/** A vector has 16,384 components, a fact that many texts state a support of this many. */
const LINE_LIMITS = { values: 100_000, containers: 20_000, strings: 100_000, members: 10_000 };

function parseLine(text: string, number: number): NativeLine {
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
