import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";

/** What is held in memory before it goes to the file, sorted, as a run. */
const RUN_BYTES = 8 << 20;
/** What is read back at a time, of each run that is merged. */
const BLOCK_BYTES = 64 << 10;
const CHUNK_ROWS = 500;
const CHUNK_BYTES = 1 << 20;

interface Block {
  at: number;
  length: number;
}
interface Section<T> {
  order: (a: T, b: T) => number;
  runs: Block[][];
  rows: T[];
}

/**
 * Rows that are read in one go, in any order, and handed out sorted, however many there are: in memory up to 8 MB, above that
 * sorted by merging from a file. The file has no name any more once it is open, so that nothing of it stays behind, whatever
 * becomes of the process.
 */
export class Spool<T extends object> {
  readonly #sections: Section<T>[] = [];
  #file: FileHandle | null = null;
  #end = 0;
  #held = 0;
  #size = 0;

  /** Rows that were read. */
  get size(): number {
    return this.#size;
  }

  /** Reads rows that follow, in this order, those that were read before. */
  async read(rows: AsyncIterable<T>, order: (a: T, b: T) => number): Promise<void> {
    const section: Section<T> = { order, runs: [], rows: [] };
    this.#sections.push(section);
    for await (const row of rows) {
      section.rows.push(row);
      this.#size++;
      this.#held += weight(row);
      if (this.#held > RUN_BYTES) await this.#spill();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T[], void, undefined> {
    let chunk: T[] = [];
    let bytes = 0;
    for (const section of this.#sections) {
      for await (const rows of this.#sorted(section)) {
        for (const row of rows) {
          chunk.push(row);
          bytes += weight(row);
          if (chunk.length < CHUNK_ROWS && bytes < CHUNK_BYTES) continue;
          yield chunk;
          chunk = [];
          bytes = 0;
        }
      }
    }
    if (chunk.length > 0) yield chunk;
  }

  async close(): Promise<void> {
    this.#sections.length = 0;
    await this.#file?.close();
    this.#file = null;
  }

  async #spill(): Promise<void> {
    this.#file ??= await namelessFile();
    for (const section of this.#sections) {
      if (section.rows.length === 0) continue;
      const run: Block[] = [];
      for (const block of blocksOf(section.rows.splice(0).sort(section.order))) {
        const data = serialize(block);
        await this.#file.write(data, 0, data.length, this.#end);
        run.push({ at: this.#end, length: data.length });
        this.#end += data.length;
      }
      section.runs.push(run);
    }
    this.#held = 0;
  }

  async *#load(run: Block[]): AsyncGenerator<T[], void, undefined> {
    for (const { at, length } of run) {
      const data = Buffer.allocUnsafe(length);
      const { bytesRead } = await (this.#file as FileHandle).read(data, 0, length, at);
      if (bytesRead !== length)
        throw new Error(`The temporary file of a snapshot ends ${length - bytesRead} bytes early.`);
      yield deserialize(data) as T[];
    }
  }

  /** The rows of a section in order, in parts of any size. */
  async *#sorted({ order, runs, rows }: Section<T>): AsyncGenerator<T[], void, undefined> {
    rows.sort(order);
    if (runs.length === 0) {
      yield rows;
      return;
    }
    const heads: Head<T>[] = [];
    for (const run of runs) await enter(heads, { rows: [], next: 0, more: this.#load(run) }, order);
    await enter(heads, { rows, next: 0, more: null }, order);
    for (let head = heads[0]; head !== undefined; head = heads[0]) {
      // As far as the first run is ahead of the second, of what is in memory.
      const limit = heads[1] && rowOf(heads[1]);
      const from = head.next;
      while (head.next < head.rows.length && (limit === undefined || order(rowOf(head), limit) <= 0)) head.next++;
      yield head.rows.slice(from, head.next);
      heads.shift();
      await enter(heads, head, order);
    }
  }
}

interface Head<T> {
  rows: T[];
  next: number;
  more: AsyncGenerator<T[], void, undefined> | null;
}

const rowOf = <T>(head: Head<T>): T => head.rows[head.next] as T;

/** Puts a run among the others by the row that it would give next; one that is at its end is left out. */
async function enter<T>(heads: Head<T>[], head: Head<T>, order: (a: T, b: T) => number): Promise<void> {
  while (head.next === head.rows.length) {
    const next = await head.more?.next();
    if (next === undefined || next.done) return;
    head.rows = next.value;
    head.next = 0;
  }
  let [low, high] = [0, heads.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order(rowOf(heads[middle] as Head<T>), rowOf(head)) < 0) low = middle + 1;
    else high = middle;
  }
  heads.splice(low, 0, head);
}

function* blocksOf<T extends object>(rows: T[]): Generator<T[]> {
  let block: T[] = [];
  let bytes = 0;
  for (const row of rows) {
    block.push(row);
    bytes += weight(row);
    if (bytes < BLOCK_BYTES) continue;
    yield block;
    block = [];
    bytes = 0;
  }
  if (block.length > 0) yield block;
}

/** About what a row takes in memory, in bytes. */
function weight(value: unknown): number {
  if (typeof value === "string") return 16 + 2 * value.length;
  if (typeof value !== "object" || value === null) return 8;
  if (ArrayBuffer.isView(value)) return 64 + value.byteLength;
  let bytes = 32;
  for (const key in value) bytes += weight(value[key as never]);
  return bytes;
}

async function namelessFile(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), "graphkeeper-"));
  try {
    return await open(join(folder, "snapshot"), "wx+", 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
