import { stat } from "node:fs/promises";
import { join } from "node:path";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { GraphkeeperError } from "../core/errors.ts";
import type { ImportBlock } from "../core/words.ts";
import type { LocatedBlock } from "../documents/import.ts";
import { emptyBlock } from "./native.ts";

interface Row {
  [column: string]: unknown;
}
interface TextUnit {
  id: string;
  text: string;
  documents: string[];
}

/**
 * Reads the output folder of Microsoft GraphRAG (Parquet): documents, text units, entities, relationships, and the
 * embeddings of text units and entity descriptions when they are there. Communities and reports are not read: they are
 * computed anew.
 *
 * Entities are known by their title, as its relationships refer to them (ids change with every run of the indexer);
 * documents by their title where it is unique, else by id. Documents that share text units form one block.
 *
 * @throws GraphkeeperError `INVALID_LINE` when a file or column is missing
 */
export async function* parseMsGraphrag(folder: string): AsyncIterable<LocatedBlock> {
  const documents = await readTable(folder, "documents");
  const units = await readTable(folder, "text_units");
  const entities = await readTable(folder, "entities");
  const relationships = await readTable(folder, "relationships");
  const unitVectors = await readVectors(folder, "embeddings.text_unit_text", "embeddings.text_unit.text");
  const entityVectors = await readVectors(folder, "embeddings.entity_description", "embeddings.entity.description");
  const documentIds = publicIds(documents);
  const textUnits = units.map((row): TextUnit => {
    const owners =
      row.document_ids === undefined
        ? [text(row, "document_id", "text_units")]
        : list(row, "document_ids", "text_units");
    return {
      id: text(row, "id", "text_units"),
      text: text(row, "text", "text_units"),
      documents: owners.map((id) => documentIds.get(id) ?? id),
    };
  });
  const blocks = joinBlocks(
    documents.map((row) => documentIds.get(text(row, "id", "documents"))!),
    textUnits,
  );
  const blockOfUnit = new Map<string, ImportBlock>();
  for (const row of documents) {
    const id = documentIds.get(text(row, "id", "documents"))!;
    blocks.get(id)!.documents.push({ id, title: typeof row.title === "string" ? row.title : undefined });
  }
  for (const unit of textUnits) {
    const block = blocks.get(unit.documents[0] ?? "");
    if (!block)
      throw new GraphkeeperError("INVALID_LINE", `text_units.parquet: ${unit.id} names no known document.`, {
        field: "document_ids",
      });
    block.textUnits.push({ ...unit, embedding: unitVectors.get(unit.id) });
    blockOfUnit.set(unit.id, block);
  }
  addEntities(entities, relationships, blockOfUnit, entityVectors);
  for (const block of new Set(blocks.values())) yield { line: 0, block };
}

/** Each block gets the entities that its units mention, and each relationship with the support that lies in it. */
function addEntities(
  entities: Row[],
  relationships: Row[],
  blockOfUnit: Map<string, ImportBlock>,
  vectors: Map<string, Float32Array>,
): void {
  const inputs = new Map(
    entities.map((row) => {
      const title = text(row, "title", "entities");
      const input = {
        id: title,
        name: title,
        type: optional(row.type),
        description: optional(row.description),
        embedding: vectors.get(String(row.id)),
      };
      return [title, input] as const;
    }),
  );
  const present = new Map<ImportBlock, Set<string>>();
  const put = (block: ImportBlock, title: string) => {
    const known = present.get(block) ?? new Set();
    present.set(block, known);
    if (known.has(title)) return;
    known.add(title);
    block.entities.push(inputs.get(title) ?? { id: title, name: title });
  };
  for (const row of entities) {
    const title = text(row, "title", "entities");
    for (const unit of list(row, "text_unit_ids", "entities")) {
      const block = blockOfUnit.get(unit);
      if (!block) continue;
      put(block, title);
      block.mentions.push({ textUnit: unit, entity: title });
    }
  }
  for (const row of relationships) {
    const source = text(row, "source", "relationships");
    const target = text(row, "target", "relationships");
    const support = Map.groupBy(list(row, "text_unit_ids", "relationships"), (unit) => blockOfUnit.get(unit));
    for (const [block, textUnits] of support) {
      if (!block) continue;
      put(block, source);
      put(block, target);
      block.relationships.push({
        id: `${source} → ${target}`,
        source,
        target,
        type: "RELATED",
        description: optional(row.description),
        weight: Number(row.weight ?? 0) > 0 ? Number(row.weight) : undefined,
        textUnits,
      });
    }
  }
}

function publicIds(documents: Row[]): Map<string, string> {
  const titles = Map.groupBy(documents, (row) => row.title);
  return new Map(
    documents.map((row) => {
      const id = text(row, "id", "documents");
      const unique = typeof row.title === "string" && row.title !== "" && titles.get(row.title)!.length === 1;
      return [id, unique ? (row.title as string) : id];
    }),
  );
}

/** One block for each set of documents that share text units, by document. */
function joinBlocks(documents: string[], units: TextUnit[]): Map<string, ImportBlock> {
  const blocks = new Map(documents.map((id) => [id, new Set([id])]));
  for (const unit of units) {
    const sets = new Set(unit.documents.map((id) => blocks.get(id)).filter((set) => set !== undefined));
    const [first, ...others] = sets;
    for (const other of others) {
      for (const id of other) {
        first!.add(id);
        blocks.set(id, first!);
      }
    }
  }
  const made = new Map<Set<string>, ImportBlock>();
  return new Map(
    [...blocks].map(([id, set]) => {
      const block = made.get(set) ?? emptyBlock();
      made.set(set, block);
      return [id, block];
    }),
  );
}

async function readTable(folder: string, name: string): Promise<Row[]> {
  const path = join(folder, `${name}.parquet`);
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) {
    throw new GraphkeeperError(
      "INVALID_LINE",
      `${folder} has no ${name}.parquet; expected the output folder of a Microsoft GraphRAG index.`,
      {
        field: name,
      },
    );
  }
  try {
    return await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
  } catch (error) {
    throw new GraphkeeperError(
      "INVALID_LINE",
      `${path} cannot be read as Parquet: ${(error as Error).message}.`,
      { field: name },
      error,
    );
  }
}

async function readVectors(folder: string, ...names: string[]): Promise<Map<string, Float32Array>> {
  for (const name of names) {
    if (!(await stat(join(folder, `${name}.parquet`)).catch(() => null))) continue;
    const rows = await readTable(folder, name);
    return new Map(rows.filter((row) => row.embedding).map((row) => [text(row, "id", name), vector(row, name)]));
  }
  return new Map();
}

function text(row: Row, column: string, table: string): string {
  const value = row[column];
  if (typeof value === "string") return value;
  throw new GraphkeeperError("INVALID_LINE", `${table}.parquet: the column ${column} must hold text.`, {
    field: column,
  });
}

function list(row: Row, column: string, table: string): string[] {
  const value = row[column];
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.map(String);
  throw new GraphkeeperError("INVALID_LINE", `${table}.parquet: the column ${column} must hold lists.`, {
    field: column,
  });
}

function vector(row: Row, table: string): Float32Array {
  const { embedding } = row;
  if (Array.isArray(embedding) || ArrayBuffer.isView(embedding)) return Float32Array.from(embedding as number[]);
  throw new GraphkeeperError("INVALID_LINE", `${table}.parquet: the column embedding must hold lists of numbers.`, {
    field: "embedding",
  });
}

function optional(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
