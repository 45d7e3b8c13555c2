import { GraphkeeperError } from "../core/errors.ts";
import type { ImportBlock } from "../core/words.ts";
import type { OnReject, Reject } from "../documents/rejects.ts";
import { utf8Of } from "./encoding.ts";

/** Longest line: 8 MiB, a text unit with a large vector many times over. */
export const MAX_LINE_BYTES = 8 * 1_048_576;
const NEWLINE = 0x0a;

export interface Line {
  /** From 1. */
  number: number;
  text: string;
}

/**
 * Splits a stream of bytes or text into numbered lines; LF or CRLF, a byte order mark is dropped, empty lines are left out.
 * What `utf8Of` reads is read.
 *
 * @param onReject takes a line that is refused; without it the error is thrown
 * @throws GraphkeeperError `PAYLOAD_TOO_LARGE` for a line over the limit, `INVALID_LINE` for bytes that are not UTF-8
 */
export async function* readLines(
  source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
  onReject?: OnReject,
): AsyncIterable<Line> {
  const lines = new LineSplitter(onReject);
  for await (const chunk of utf8Of(source)) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = lines.end(chunk.subarray(start, end));
      start = end + 1;
      if (line) yield line;
    }
    lines.hold(chunk.subarray(start));
  }
  const last = lines.end(new Uint8Array());
  if (last) yield last;
}

/** Puts lines together out of the parts that chunks hold of them. */
class LineSplitter {
  readonly #onReject: OnReject | undefined;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #parts: Uint8Array[] = [];
  #length = 0;
  #number = 0;
  /** The line was refused before its end: the rest of it is let go. */
  #refused = false;

  constructor(onReject: OnReject | undefined) {
    this.#onReject = onReject;
  }

  hold(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length <= MAX_LINE_BYTES) this.#parts.push(part);
    else if (!this.#refused) {
      this.#parts = [];
      this.#refused = true;
      this.#refuse("PAYLOAD_TOO_LARGE", `Line ${this.#number + 1} has more than ${MAX_LINE_BYTES} bytes.`);
    }
  }

  /** The line that ends with this part; null when it is empty or refused. */
  end(part: Uint8Array): Line | null {
    this.hold(part);
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    const refused = this.#refused;
    this.#parts = [];
    this.#length = 0;
    this.#refused = false;
    const number = this.#number + 1;
    let text = "";
    try {
      if (!refused) text = this.#decoder.decode(bytes).trim();
    } catch (error) {
      this.#refuse("INVALID_LINE", `Line ${number} is not UTF-8.`, error);
    }
    this.#number = number;
    return text === "" ? null : { number, text };
  }

  #refuse(code: "PAYLOAD_TOO_LARGE" | "INVALID_LINE", message: string, cause?: unknown): void {
    const line = this.#number + 1;
    if (!this.#onReject) throw new GraphkeeperError(code, message, { line }, cause);
    this.#onReject({ line, place: `line ${line}`, code, reason: message, content: null });
  }
}

/** A reject as lines of the native format, under a line that says where it stood and why it was refused. */
export function rejectLines({ place, code, reason, content }: Reject): string[] {
  const comment = `# ${place}: ${reason} [${code}]`.replaceAll(/\s+/g, " ");
  if (content === null) return [comment];
  return [comment, ...(typeof content === "string" ? content.split("\n") : blockLines(content))];
}

/** A block as lines of the native format. */
export function* blockLines(block: ImportBlock): Iterable<string> {
  const embedding = (vector: Float32Array | undefined) => (vector ? Array.from(vector) : undefined);
  for (const d of block.documents) {
    yield JSON.stringify({
      kind: "document",
      id: d.id,
      title: d.title,
      content_hash: d.contentHash,
      metadata: d.metadata,
      earlier_ids: d.earlierIds?.map(({ id, sameText }) => ({ id, same_text: sameText })),
    });
  }
  for (const u of block.textUnits) {
    yield JSON.stringify({
      kind: "text_unit",
      id: u.id,
      documents: u.documents,
      text: u.text,
      embedding: embedding(u.embedding),
    });
  }
  for (const e of block.entities) {
    yield JSON.stringify({
      kind: "entity",
      id: e.id,
      name: e.name,
      type: e.type,
      description: e.description,
      embedding: embedding(e.embedding),
    });
  }
  for (const m of block.mentions) yield JSON.stringify({ kind: "mention", text_unit: m.textUnit, entity: m.entity });
  for (const r of block.relationships) {
    const { id, source, target, type, description, weight, textUnits } = r;
    yield JSON.stringify({
      kind: "relationship",
      id,
      source,
      target,
      type,
      description,
      weight,
      text_units: textUnits,
    });
  }
}
