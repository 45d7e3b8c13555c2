import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { GraphkeeperError } from "../core/errors.ts";
import type { JsonObject } from "../core/words.ts";

export interface Row {
  [column: string]: unknown;
}

/** The tables of an output folder, whatever version of Microsoft GraphRAG wrote it. */
export interface Tables {
  documents: Row[];
  textUnits: Row[];
  entities: Row[];
  relationships: Row[];
  /** By the id of the text unit and of the entity's row. */
  textUnitVectors: Map<string, Float32Array>;
  entityVectors: Map<string, Float32Array>;
  /** Names of the collections of vectors that lie beside the tables in LanceDB, which is not read. */
  lance: string[];
}

/**
 * Versions 2 and 3 write `documents.parquet`; versions 0 and 1 write `create_final_documents.parquet`, and version 0 has
 * other columns: `raw_content` for `text`, `name` for `title`, and vectors in the tables themselves.
 *
 * @throws GraphkeeperError `INVALID_LINE` when a table or column is missing
 */
export async function readTables(folder: string): Promise<Tables> {
  const documents = await readTable(folder, "documents", ["id"]);
  const textUnits = await readTable(folder, "text_units", ["id", "text"]);
  const entities = (await readTable(folder, "entities", ["text_unit_ids"])).map(
    (row): Row => (row.title === undefined ? { ...row, title: row.name } : row),
  );
  const relationships = await readTable(folder, "relationships", ["source", "target", "text_unit_ids"]);
  return {
    documents,
    textUnits,
    entities,
    relationships,
    textUnitVectors: await readVectors(folder, textUnits, "text_embedding", ["text_unit_text", "text_unit.text"]),
    entityVectors: await readVectors(folder, entities, "description_embedding", [
      "entity_description",
      "entity.description",
    ]),
    lance: await lanceCollections(folder),
  };
}

async function readTable(folder: string, name: string, columns: string[]): Promise<Row[]> {
  const path = (await fileAt(folder, name)) ?? (await fileAt(folder, `create_final_${name}`));
  if (path === null) throw await missingTable(folder, name);
  const rows = await readParquet(path, name);
  const absent = columns.find((column) => rows.length > 0 && rows[0]![column] === undefined);
  if (absent === undefined) return rows;
  throw new GraphkeeperError(
    "INVALID_LINE",
    `${path} has no column ${absent}; its columns are ${Object.keys(rows[0]!).join(", ")}. ` +
      "Tables of Microsoft GraphRAG 0.x, 1.x, 2.x and 3.x are read.",
    { field: absent },
  );
}

async function readParquet(path: string, field: string): Promise<Row[]> {
  try {
    return await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
  } catch (error) {
    const message = `${path} cannot be read as Parquet: ${(error as Error).message}.`;
    throw new GraphkeeperError("INVALID_LINE", message, { field }, error);
  }
}

async function fileAt(folder: string, name: string): Promise<string | null> {
  const path = join(folder, `${name}.parquet`);
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? path : null;
}

/** Names what the folder holds instead, as far as that is known: tables as CSV, or another folder of the same index. */
async function missingTable(folder: string, name: string): Promise<GraphkeeperError> {
  const refuse = (message: string) => new GraphkeeperError("INVALID_LINE", `${folder} ${message}`, { field: name });
  const foundCsv = await stat(join(folder, `${name}.csv`)).catch(() => null);
  if (foundCsv) {
    return refuse(
      `has ${name}.csv and no ${name}.parquet; only tables in Parquet are read. Let the index write them ` +
        "(table_provider: type: parquet).",
    );
  }
  const nearest = await folderOfTables(folder, name);
  return refuse(
    `has no ${name}.parquet; expected the output folder of a Microsoft GraphRAG index` +
      `${nearest === null ? "" : `, such as ${nearest}`}.`,
  );
}

/** People name the folder of the project, whose tables are in `output`; version 0 wrote `output/<time>/artifacts`. */
async function folderOfTables(folder: string, name: string): Promise<string | null> {
  const output = join(folder, "output");
  const times = [...(await readdir(output).catch(() => [])), ...(await readdir(folder).catch(() => []))]
    .sort()
    .reverse();
  const folders = [
    output,
    ...times.flatMap((time) => [join(output, time, "artifacts"), join(folder, time, "artifacts")]),
  ];
  for (const candidate of [...folders, join(folder, "artifacts")]) {
    const found = (await fileAt(candidate, name)) ?? (await fileAt(candidate, `create_final_${name}`));
    if (found !== null) return candidate;
  }
  return null;
}

/** Vectors of a table of their own, else those of a column. */
async function readVectors(
  folder: string,
  owners: Row[],
  column: string,
  tables: string[],
): Promise<Map<string, Float32Array>> {
  for (const table of tables) {
    const path = await fileAt(folder, `embeddings.${table}`);
    if (path !== null) return vectorsOf(await readParquet(path, table), "embedding", path);
  }
  return vectorsOf(owners, column, folder);
}

function vectorsOf(rows: Row[], column: string, path: string): Map<string, Float32Array> {
  const vectors = new Map<string, Float32Array>();
  for (const row of rows) {
    const value = row[column];
    if (value === undefined || value === null) continue;
    if (!Array.isArray(value) && !ArrayBuffer.isView(value)) {
      throw new GraphkeeperError("INVALID_LINE", `${path}: the column ${column} must hold lists of numbers.`, {
        field: column,
      });
    }
    vectors.set(String(row.id), Float32Array.from(value as number[]));
  }
  return vectors;
}

async function lanceCollections(folder: string): Promise<string[]> {
  for (const path of [join(folder, "lancedb"), join(folder, "..", "lancedb")]) {
    const entries = await readdir(path).catch(() => []);
    const names = entries.filter((entry) => entry.endsWith(".lance")).map((entry) => entry.slice(0, -".lance".length));
    if (names.length > 0) return names.sort();
  }
  return [];
}

/** Text of a cell; ids that are numbers (of a table of the user's) count as text. Null for anything else. */
export function textOf(value: unknown): string | null {
  if (typeof value === "bigint" || typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : null;
}

/** A cell that holds a list of ids; version 0 may join them with commas. */
export function listOf(value: unknown): string[] {
  if (value === null || value === undefined || value === "") return [];
  if (Array.isArray(value)) return value.filter((id) => id !== null && id !== undefined).map(String);
  return String(value).split(",");
}

/** Metadata of a document: a structure, or JSON as text. Whole numbers become numbers, times ISO 8601. */
export function metadataOf(row: Row): JsonObject | undefined {
  const { metadata } = row;
  if (metadata === null || metadata === undefined || metadata === "") return undefined;
  let value: unknown = metadata;
  if (typeof metadata === "string") {
    try {
      value = JSON.parse(metadata);
    } catch {
      return { metadata };
    }
  }
  const plain = (_name: string, member: unknown) => (typeof member === "bigint" ? Number(member) : member);
  const json = JSON.parse(JSON.stringify(value, plain)) as unknown;
  return typeof json === "object" && json !== null && !Array.isArray(json)
    ? (json as JsonObject)
    : { metadata: json as JsonObject[string] };
}
