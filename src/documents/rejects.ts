import { type ErrorCode, GraphkeeperError } from "../core/errors.ts";
import type { ImportBlock } from "../core/words.ts";

/** A block with the line (from 1) on which it began, for messages; 0 where the source has no lines. */
export interface LocatedBlock {
  line: number;
  block: ImportBlock;
  /** Where an item of the block stands in the source, for messages: `line 16`, `relationships.parquet, row 3`. */
  placeOf?: (item: object) => string | undefined;
}

/** A part of an import that was refused by itself, so that the rest could go in. */
export interface Reject {
  /** Line of the source, from 1; 0 where the source has no lines. */
  line: number;
  /** Where it stands, for people: `line 16`, `docs.1.extracted_triples.0`, `relationships.parquet, row 3`. */
  place: string;
  code: ErrorCode;
  reason: string;
  /**
   * What was refused, and what was left out because it names that: as a block, to be mended and imported, or as the text of
   * the line where that could not be read. Null where the source has to be mended itself.
   */
  content: ImportBlock | string | null;
}

export type OnReject = (reject: Reject) => void;

/** What a reader of a format does with what it cannot take, and what it says beside its blocks. */
export interface ReadOptions {
  /** Takes what is refused; without it the first thing to refuse stops the import. */
  onReject?: OnReject;
  /** Takes sentences on what the source holds and the import does not read. */
  onNotice?: (notice: string) => void;
}

/** Errors that say that the data is wrong, as opposed to the call, the caller or the store. */
const OF_THE_DATA: ReadonlySet<ErrorCode> = new Set([
  "INVALID_LINE",
  "INVALID_VALUE",
  "INVALID_EMBEDDING",
  "CONFLICT",
  "LEGAL_HOLD",
  "PAYLOAD_TOO_LARGE",
]);

/** Whether the error says that the data is wrong, so that what it names can be refused by itself. */
export function isRefusal(error: unknown): error is GraphkeeperError {
  return GraphkeeperError.is(error) && OF_THE_DATA.has(error.code);
}

/** Things of a block; the count of what was left out is one less than that of a reject's block. */
export function countItems(block: ImportBlock): number {
  return Object.values(block).reduce((sum, items) => sum + items.length, 0);
}
