import { GraphkeeperError } from "../core/errors.ts";
import type { DocumentInput, ImportBlock, RelationshipInput, TextUnitInput } from "../core/words.ts";
import type { LocatedBlock } from "../documents/import.ts";
import type { ReadOptions } from "../documents/rejects.ts";
import { documentIdentities } from "./msgraphrag-ids.ts";
import { listOf, metadataOf, type Row, readTables, type Tables, textOf } from "./msgraphrag-tables.ts";
import { emptyBlock } from "./native-lines.ts";

/**
 * Reads the output folder of Microsoft GraphRAG (Parquet; versions 0 to 3): documents, text units, entities,
 * relationships, and the embeddings of text units and entity descriptions when they are there. Communities and reports are
 * not read: they are computed anew.
 *
 * Entities are known by their title, as its relationships refer to them (ids change with every run of the indexer);
 * documents by title and content (`documentIdentities`). A text unit's id is a hash of its text: rows of one id are one
 * unit of all their documents. Documents that share text units form one block.
 *
 * @throws GraphkeeperError `INVALID_LINE` when a file or column is missing, or without `onReject` a cell
 */
export async function* parseMsGraphrag(folder: string, options: ReadOptions = {}): AsyncIterable<LocatedBlock> {
  const tables = await readTables(folder);
  if (tables.lance.length > 0) {
    options.onNotice?.(
      `The vectors in LanceDB (${tables.lance.join(", ")}) are not read: text units and entities come without them. ` +
        "Let the index write them beside the tables (snapshots: embeddings: true).",
    );
  }
  const places = new Map<object, string>();
  const reader = new RowReader(options, places);
  const documents = readDocuments(tables, reader);
  const textUnits = readTextUnits(tables, documents, reader);
  const blocks = joinBlocks(documents, textUnits);
  const blockOfUnit = new Map<string, ImportBlock>();
  for (const unit of textUnits.values()) {
    // An owner that no row describes is the import's to refuse; the block is that of the first one that is described.
    const block = unit.documents.map((id) => blocks.get(id)).find((found) => found !== undefined)!;
    block.textUnits.push(unit);
    blockOfUnit.set(unit.id, block);
  }
  addEntities(tables, blockOfUnit, reader);
  for (const block of new Set(blocks.values())) yield { line: 0, block, placeOf: (item) => places.get(item) };
}

/** Reads rows one by one: a row that cannot be read is refused by itself, or stops the import. */
class RowReader {
  readonly #options: ReadOptions;
  readonly #places: Map<object, string>;

  constructor(options: ReadOptions, places: Map<object, string>) {
    this.#options = options;
    this.#places = places;
  }

  each(rows: Row[], table: string, read: (row: Row, place: <T extends object>(item: T) => T) => void): void {
    for (const [i, row] of rows.entries()) {
      const where = `${table}.parquet, row ${i}`;
      const place = <T extends object>(item: T): T => {
        this.#places.set(item, where);
        return item;
      };
      try {
        read(row, place);
      } catch (error) {
        if (!GraphkeeperError.is(error)) throw error;
        const { code, message, details } = error;
        if (!this.#options.onReject) throw new GraphkeeperError(code, `${where}: ${message}`, details, error);
        this.#options.onReject({ line: 0, place: where, code, reason: message, content: null });
      }
    }
  }
}

/** By the id that they have here; each with the ids of its row. */
type Documents = Map<string, { input: DocumentInput; rowId: string; textUnits: string[] }>;

function readDocuments({ documents: rows }: Tables, reader: RowReader): Documents {
  const identities = documentIdentities(rows.map((row) => ({ id: textOf(row.id) ?? "", title: textOf(row.title) })));
  const documents: Documents = new Map();
  reader.each(rows, "documents", (row, place) => {
    const rowId = needed(row, "id");
    const title = textOf(row.title) ?? undefined;
    const { id, earlierIds } = identities({ id: rowId, title: title ?? null });
    // The same file twice, in two folders: nothing tells the two apart.
    if (documents.has(id)) return;
    const input = place({ id, title, metadata: metadataOf(row), earlierIds });
    documents.set(id, { input, rowId, textUnits: listOf(row.text_unit_ids) });
  });
  return documents;
}

function readTextUnits(tables: Tables, documents: Documents, reader: RowReader): Map<string, TextUnitInput> {
  const byRow = Map.groupBy(documents.values(), ({ rowId }) => rowId);
  const units = new Map<string, TextUnitInput>();
  reader.each(tables.textUnits, "text_units", (row, place) => {
    const id = needed(row, "id");
    const text = typeof row.text === "string" ? row.text : "";
    const rowIds = row.document_ids === undefined ? [needed(row, "document_id")] : listOf(row.document_ids);
    if (!rowIds.some((rowId) => byRow.has(rowId))) throw refusal("document_ids", `${id} names no known document.`);
    const owners = rowIds.flatMap((rowId) => byRow.get(rowId)?.map(({ input }) => input.id) ?? [rowId]);
    const known = units.get(id);
    if (known && known.text !== text) throw refusal("id", `${id} stands in the table with another text before.`);
    if (known) known.documents = [...new Set([...known.documents, ...owners])];
    else units.set(id, place({ id, text, documents: owners, embedding: tables.textUnitVectors.get(id) }));
  });
  for (const { input, textUnits } of documents.values()) {
    for (const id of textUnits) {
      const unit = units.get(id);
      if (unit && !unit.documents.includes(input.id)) unit.documents.push(input.id);
    }
  }
  return units;
}

/** Each block gets the entities that its units mention, and each relationship with the support that lies in it. */
function addEntities(tables: Tables, blockOfUnit: Map<string, ImportBlock>, reader: RowReader): void {
  const inputs = new Map<string, ImportBlock["entities"][number]>();
  reader.each(tables.entities, "entities", (row, place) => {
    const title = needed(row, "title");
    const { type, description, id } = row;
    const embedding = tables.entityVectors.get(String(id));
    const texts = { type: textOf(type) ?? undefined, description: textOf(description) ?? undefined };
    inputs.set(title, place({ id: title, name: title, ...texts, embedding }));
  });
  const present = new Map<ImportBlock, Set<string>>();
  const put = (block: ImportBlock, title: string) => {
    const known = present.get(block) ?? new Set();
    present.set(block, known);
    if (known.has(title)) return;
    known.add(title);
    block.entities.push(inputs.get(title) ?? { id: title, name: title });
  };
  for (const row of tables.entities) {
    const title = textOf(row.title);
    if (title === null) continue;
    for (const unit of listOf(row.text_unit_ids)) {
      const block = blockOfUnit.get(unit);
      if (!block) continue;
      put(block, title);
      block.mentions.push({ textUnit: unit, entity: title });
    }
  }
  reader.each(tables.relationships, "relationships", (row, place) => {
    const source = needed(row, "source");
    const target = needed(row, "target");
    const support = Map.groupBy(listOf(row.text_unit_ids), (unit) => blockOfUnit.get(unit));
    for (const [block, textUnits] of support) {
      if (!block) continue;
      put(block, source);
      put(block, target);
      const relationship: RelationshipInput = {
        id: `${source} → ${target}`,
        source,
        target,
        type: "RELATED",
        description: textOf(row.description) ?? undefined,
        // A weight of 0, or one that is no number, is the import's to refuse: it is not a weight of 1.
        weight: row.weight === null || row.weight === undefined ? undefined : Number(row.weight),
        textUnits,
      };
      block.relationships.push(place(relationship));
    }
  });
}

/** One block for each set of documents that share text units, by document. */
function joinBlocks(documents: Documents, units: Map<string, TextUnitInput>): Map<string, ImportBlock> {
  const sets = new Map([...documents.keys()].map((id) => [id, new Set([id])]));
  for (const unit of units.values()) {
    const shared = new Set(unit.documents.map((id) => sets.get(id)).filter((set) => set !== undefined));
    const [first, ...others] = [...shared].sort((a, b) => b.size - a.size);
    for (const other of others) {
      for (const id of other) {
        first!.add(id);
        sets.set(id, first!);
      }
    }
  }
  const made = new Map<Set<string>, ImportBlock>();
  return new Map(
    [...sets].map(([id, set]) => {
      const block = made.get(set) ?? emptyBlock();
      made.set(set, block);
      block.documents.push(documents.get(id)!.input);
      return [id, block];
    }),
  );
}

function needed(row: Row, column: string): string {
  const value = textOf(row[column]);
  if (value === null) throw refusal(column, `the column ${column} must hold text.`);
  return value;
}

function refusal(field: string, message: string): GraphkeeperError {
  return new GraphkeeperError("INVALID_LINE", message, { field });
}
