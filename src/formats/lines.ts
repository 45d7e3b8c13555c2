import { GraphkeeperError } from "../core/errors.ts";

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
  let rest = "";
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
  for await (const chunk of source) {
    rest += typeof chunk === "string" ? chunk : decode(chunk);
    let start = 0;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
      number++;
      const text = rest.slice(start, end).trim();
      start = end + 1;
      refuseLong(text, number);
      if (text !== "") yield { number, text };
    }
    rest = rest.slice(start);
    refuseLong(rest, number + 1);
  }
  rest += decode();
  if (rest.trim() !== "") yield { number: number + 1, text: rest.trim() };
}

function refuseLong(text: string, line: number): void {
  if (text.length > MAX_LINE_BYTES) {
    throw new GraphkeeperError("PAYLOAD_TOO_LARGE", `Line ${line} has more than ${MAX_LINE_BYTES} bytes.`, { line });
  }
}
