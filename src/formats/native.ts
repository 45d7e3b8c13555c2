import { GraphkeeperError } from "../core/errors.ts";
import { Turns } from "../core/turns.ts";
import type { ImportBlock } from "../core/words.ts";
import type { LocatedBlock } from "../documents/import.ts";
import { isRefusal, type OnReject, type ReadOptions, type Reject } from "../documents/rejects.ts";
import { readLines } from "./lines.ts";
import { addLine, checkLine, emptyBlock, type NativeLine, parseLine } from "./native-lines.ts";

export interface NativeOptions extends ReadOptions {
  /** Awaited when a block becomes a large one, before more of it is read; again with false once it has been taken over. */
  large?: (is: boolean) => Promise<void> | void;
}

/**
 * Reads blocks out of native NDJSON; lines that begin with `#` are comments. With `onReject` a line that is wrong is refused
 * by itself, a vector without what it belongs to, and a document's line with its whole block.
 *
 * @throws GraphkeeperError `INVALID_LINE` with the line number and what was expected, `INVALID_EMBEDDING` with the line
 *   and the index of the component, `PAYLOAD_TOO_LARGE`; nothing of the block that the line belongs to has been handed out
 */
export async function* parseNative(
  source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
  options: NativeOptions = {},
): AsyncIterable<LocatedBlock> {
  const { onReject, large = () => {} } = options;
  let pending = new PendingBlock(1);
  let size = 0;
  const turns = new Turns();
  for await (const { number, text } of readLines(source, onReject)) {
    // A comment, as a file of rejects has them: no line of JSON begins so.
    if (text.startsWith("#")) continue;
    let line: NativeLine | null = null;
    let error: unknown = null;
    try {
      line = parseLine(text, number);
    } catch (reason) {
      if (!onReject || !isRefusal(reason)) throw reason;
      error = reason;
    }
    const isDocument = line ? line.kind === "document" : DOCUMENT_LINE.test(text);
    if (isDocument && !pending.onlyDocuments) {
      const block = pending.finish(onReject);
      if (block) yield block;
      if (size > LARGE_BLOCK) await large(false);
      size = 0;
      pending = new PendingBlock(number);
    }
    if (size <= LARGE_BLOCK && size + text.length > LARGE_BLOCK) await large(true);
    size += text.length;
    if (size > MAX_BLOCK) throw tooLargeBlock(pending.line);
    if (line) pending.add(line, number, text, onReject);
    else pending.refuse(error as GraphkeeperError, number, text, isDocument, onReject!);
    // Lines that have arrived together would otherwise be read in one turn of the event loop.
    if (turns.over()) await turns.next();
  }
  const block = pending.finish(onReject);
  if (block) yield block;
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

/** The beginning of a line that was to be a document, even where it is no JSON. */
const DOCUMENT_LINE = /"kind"\s*:\s*"document"/;

/** A block whose lines are still being read. */
class PendingBlock {
  readonly line: number;
  readonly #block = emptyBlock();
  readonly #places = new Map<object, string>();
  onlyDocuments = true;
  /** The lines of a block that is refused as a whole, since one of its document lines is. */
  #refused: { reject: Reject; lines: string[] } | null = null;
  readonly #documentLines: string[] = [];

  constructor(line: number) {
    this.line = line;
  }

  add(line: NativeLine, number: number, text: string, onReject: OnReject | undefined): void {
    if (line.kind === "document") this.#documentLines.push(text);
    else this.onlyDocuments = false;
    if (this.#refused) {
      this.#refused.lines.push(text);
      return;
    }
    try {
      addLine(this.#block, line, number, this.#placeAt(number, onReject));
    } catch (error) {
      if (!onReject || !isRefusal(error) || !("embedding" in line)) throw error;
      // The vector is refused by itself; what it belongs to goes in.
      onReject(lineReject(error, number, text));
      addLine(this.#block, { ...line, embedding: undefined }, number, this.#placeAt(number, onReject));
    }
  }

  refuse(error: GraphkeeperError, number: number, text: string, isDocument: boolean, onReject: OnReject): void {
    const reject = lineReject(error, number, text);
    if (isDocument) {
      // Without its document line nobody can say what the lines after it belong to.
      this.#refused ??= { reject, lines: [...this.#documentLines] };
      this.#refused.lines.push(text);
      return;
    }
    this.onlyDocuments = false;
    if (this.#refused) this.#refused.lines.push(text);
    else onReject(reject);
  }

  /** The block; null when there is none, or none that is not refused. */
  finish(onReject: OnReject | undefined): LocatedBlock | null {
    if (this.#refused) {
      const { reject, lines } = this.#refused;
      onReject!({ ...reject, content: lines.join("\n") });
      return null;
    }
    if (this.onlyDocuments && this.#block.documents.length === 0) return null;
    const placeOf = (item: object) => this.#places.get(item);
    return { line: this.line, block: this.#block, ...(onReject ? { placeOf } : {}) };
  }

  /** Only where something may be refused: a place costs as much as a mention. */
  #placeAt(number: number, onReject: OnReject | undefined): (item: object) => void {
    return onReject ? (item) => this.#places.set(item, `line ${number}`) : () => {};
  }
}

function lineReject(error: GraphkeeperError, line: number, content: string): Reject {
  return { line, place: `line ${line}`, code: error.code, reason: error.message, content };
}

/** A block out of values, as the body of a replace gives them. */
export async function nativeBlock(lines: Iterable<unknown>): Promise<ImportBlock> {
  const block = emptyBlock();
  const turns = new Turns();
  let number = 0;
  for (const value of lines) {
    number++;
    addLine(block, checkLine(value, number), number, () => {});
    if (turns.over()) await turns.next();
  }
  return block;
}
