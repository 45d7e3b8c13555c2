import { GraphkeeperError } from "./errors.ts";
import type { Hit } from "./ports.ts";
import type { JsonObject } from "./words.ts";

/** Answers are bounded by what they hold as well as by their count: a thousand documents may carry a gigabyte of metadata. */

/** Characters of text after which a page ends. */
export const PAGE_SIZE = 4_194_304;
/** Of all texts that a search finds. */
export const HITS_SIZE = 16_777_216;

/** The first of some rows: at most `limit`, and none after the one with which they hold more than `PAGE_SIZE`. */
export class PageTaker<T> {
  readonly rows: T[] = [];
  more = false;
  #size = 0;
  readonly #limit: number;
  readonly #sizeOf: (row: T) => number;

  constructor(limit: number, sizeOf: (row: T) => number) {
    this.#limit = limit;
    this.#sizeOf = sizeOf;
  }

  /** @returns false when the row belongs on the next page */
  take(row: T): boolean {
    this.more = this.rows.length >= this.#limit || this.#size > PAGE_SIZE;
    if (this.more) return false;
    this.rows.push(row);
    this.#size += this.#sizeOf(row);
    return true;
  }
}

export function takePage<T>(rows: Iterable<T>, limit: number, sizeOf: (row: T) => number): PageTaker<T> {
  const page = new PageTaker<T>(limit, sizeOf);
  for (const row of rows) if (!page.take(row)) break;
  return page;
}

/** @param metadata as stored, or its JSON text */
export function documentSize(title: string | null, metadata: JsonObject | string | null): number {
  const text = typeof metadata === "string" || metadata === null ? metadata : JSON.stringify(metadata);
  return (title?.length ?? 0) + (text?.length ?? 0);
}

/** Counts the texts of hits. @throws GraphkeeperError `PAYLOAD_TOO_LARGE` as soon as they are too much */
export function hitMeter(): (hit: Hit) => Hit {
  let size = 0;
  return (hit) => {
    size += hit.text.length;
    if (size <= HITS_SIZE) return hit;
    throw new GraphkeeperError(
      "PAYLOAD_TOO_LARGE",
      `The texts that were found have more than ${HITS_SIZE.toLocaleString("en")} characters; ask for fewer of them.`,
      { field: "k" },
    );
  };
}
