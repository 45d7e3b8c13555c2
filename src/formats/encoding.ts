import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { GraphkeeperError } from "../core/errors.ts";

type Source = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/** First bytes of kinds of files that are not read; UTF-8 text begins with none of them. */
const OTHER_KINDS: [kind: string, bytes: number[]][] = [
  ["a ZIP archive", [0x50, 0x4b, 0x03, 0x04]],
  ["compressed by Zstandard", [0x28, 0xb5, 0x2f, 0xfd]],
  ["compressed by bzip2", [0x42, 0x5a, 0x68]],
  ["compressed by XZ", [0xfd, 0x37, 0x7a, 0x58]],
  ["a Parquet file", [0x50, 0x41, 0x52, 0x31]],
];
const GZIP = [0x1f, 0x8b];

/**
 * The bytes of a source as UTF-8: compressed by gzip or not, in UTF-8 or in UTF-16 (by its byte order mark, or by the NUL
 * beside its first character, which no text in UTF-8 has).
 *
 * @throws GraphkeeperError `INVALID_LINE` for other kinds of files, by name
 */
export async function* utf8Of(source: Source): AsyncIterable<Uint8Array> {
  const { head, chunks } = await withHead(source);
  const other = OTHER_KINDS.find(([, bytes]) => startsWith(head, bytes));
  if (other) throw unreadable(`The input is ${other[0]}; it is read as text, plain or compressed by gzip.`);
  if (startsWith(head, GZIP)) yield* utf8Of(gunzip(chunks));
  else {
    const encoding = utf16Of(head);
    if (encoding === null) yield* chunks;
    else yield* transcode(chunks, encoding);
  }
}

/** All of a file as text. @throws GraphkeeperError like `utf8Of`, and for bytes that are not UTF-8 */
export async function textOfFile(source: Source): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of utf8Of(source)) parts.push(part);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts));
  } catch (error) {
    throw unreadable("The input is not UTF-8.", error);
  }
}

/** The first four bytes, or all of fewer, and the whole source again. */
async function withHead(source: Source): Promise<{ head: Uint8Array; chunks: AsyncIterable<Uint8Array> }> {
  const iterator =
    Symbol.asyncIterator in source
      ? source[Symbol.asyncIterator]()
      : (source[Symbol.iterator]() as Iterator<Uint8Array>);
  const parts: Uint8Array[] = [];
  let length = 0;
  let done = false;
  while (length < 4 && !done) {
    const next = await iterator.next();
    done = next.done ?? false;
    if (done) break;
    const part = bytesOf(next.value);
    parts.push(part);
    length += part.length;
  }
  async function* chunks() {
    try {
      yield* parts;
      while (!done) {
        const next = await iterator.next();
        if (next.done) return;
        yield bytesOf(next.value);
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head: Buffer.concat(parts), chunks: chunks() };
}

function bytesOf(chunk: Uint8Array | string): Uint8Array {
  return typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}

async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const unzip = createGunzip();
  const done = pipeline(Readable.from(chunks, { objectMode: false }), unzip);
  done.catch(() => {}); // It reaches the reader as well, by the iteration.
  try {
    yield* unzip;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!code.startsWith("Z_")) throw error;
    throw unreadable(`The input is compressed by gzip and damaged: ${(error as Error).message}.`, error);
  }
}

async function* transcode(chunks: AsyncIterable<Uint8Array>, encoding: string): AsyncIterable<Uint8Array> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }));
    yield Buffer.from(decoder.decode());
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw unreadable(`The input begins like ${encoding.toUpperCase()} and is not.`, error);
  }
}

function utf16Of(head: Uint8Array): string | null {
  if (startsWith(head, [0xff, 0xfe]) || (head.length >= 2 && head[0] !== 0 && head[1] === 0)) return "utf-16le";
  if (startsWith(head, [0xfe, 0xff]) || (head.length >= 2 && head[0] === 0 && head[1] !== 0)) return "utf-16be";
  return null;
}

function startsWith(head: Uint8Array, bytes: number[]): boolean {
  return bytes.every((byte, i) => head[i] === byte);
}

function unreadable(message: string, cause?: unknown): GraphkeeperError {
  return new GraphkeeperError("INVALID_LINE", message, {}, cause);
}
