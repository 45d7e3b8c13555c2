import type { ErrorCode } from "../core/errors.ts";

/** A part of an import that was refused by itself, so that the rest could go in. */
export interface Reject {
  /** Line of the source, from 1; 0 where the source has no lines. */
  line: number;
  /** Where it stands, for people: `line 16`, `docs.1.extracted_triples.0`, `relationships.parquet, row 3`. */
  place: string;
  code: ErrorCode;
  reason: string;
  /**
   * What was refused, and after it what was left out because it names that: lines of the native format, to be mended and
   * imported. A line that could not be read stands as it came; empty where the source has no such line.
   */
  lines: string[];
}

export type OnReject = (reject: Reject) => void;

/** What a reader of a format says beside its blocks. */
export interface ReadOptions {
  /** Takes what is refused; without it the first thing to refuse stops the import. */
  onReject?: OnReject;
  /** Takes sentences on what the source holds and the import does not read. */
  onNotice?: (notice: string) => void;
}
