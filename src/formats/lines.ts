import { GraphkeeperError } from "../core/errors.ts";
import type { ImportBlock } from "../core/words.ts";

/** Longest line: 8 MiB, a text unit with a large vector many times over. */
export const MAX_LINE_BYTES = 8 * 1_048_576;

/**
 * Splits a stream of bytes or text into numbered lines (from 1); LF or CRLF, a byte order mark at the start is dropped,
 * empty lines are left out.
 *
 * @throws GraphkeeperError `PAYLOAD_TOO_LARGE` for a line over the limit, `INVALID_LINE` for bytes that are not UTF-8
 */
export async function* readLines(
  source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
): AsyncIterable<{ number: number; text: string }> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  /** Of the line that has begun: joined once, when its end has come. */
  let pieces: string[] = [];
  let length = 0;
  let number = 0;
  const decode = (chunk?: Uint8Array) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (error) {
      throw new GraphkeeperError(
        "INVALID_LINE",
        `Line ${number + 1} or one after it is not UTF-8.`,
        { line: number + 1 },
        error,
      );
    }
  };
  const add = (piece: string) => {
    pieces.push(piece);
    length += piece.length;
    if (length > MAX_LINE_BYTES) throw tooLong(number + 1);
  };
  const take = () => {
    const text = pieces.join("").trim();
    pieces = [];
    length = 0;
    number++;
    return text;
  };
  for await (const chunk of source) {
    const part = typeof chunk === "string" ? chunk : decode(chunk);
    let start = 0;
    for (let end = part.indexOf("\n"); end >= 0; end = part.indexOf("\n", start)) {
      add(part.slice(start, end));
      start = end + 1;
      const text = take();
      if (text !== "") yield { number, text };
    }
    if (start < part.length) add(part.slice(start));
  }
  add(decode());
  const text = take();
  if (text !== "") yield { number, text };
}

function tooLong(line: number): GraphkeeperError {
  return new GraphkeeperError("PAYLOAD_TOO_LARGE", `Line ${line} has more than ${MAX_LINE_BYTES} bytes.`, { line });
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
