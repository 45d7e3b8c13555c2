import type { ImportBlock } from "../../core/words.ts";

/** Rows, and bytes of vectors and text, that one message takes to another thread: more would hold up the event loop. */
const PART_ROWS = 1_000;
const PART_BYTES = 1 << 20;

export interface BlockPart {
  block: ImportBlock;
  /** Of the embeddings: moved, not copied. */
  memory: ArrayBuffer[];
}

/** Takes a block apart, in order; a block of ordinary size is one part. */
export function* blockParts(block: ImportBlock): Generator<BlockPart> {
  let part = emptyBlock();
  let rows = 0;
  let bytes = 0;
  for (const list of LISTS) {
    for (const item of block[list]) {
      (part[list] as unknown[]).push(item);
      rows++;
      bytes += sizeOf(item);
      if (rows < PART_ROWS && bytes < PART_BYTES) continue;
      yield packed(part);
      part = emptyBlock();
      rows = 0;
      bytes = 0;
    }
  }
  if (rows > 0) yield packed(part);
}

export function joinParts(parts: readonly ImportBlock[]): ImportBlock {
  const block = emptyBlock();
  for (const part of parts) {
    for (const list of LISTS) for (const item of part[list]) (block[list] as unknown[]).push(item);
  }
  return block;
}

const LISTS = [
  "documents",
  "textUnits",
  "entities",
  "mentions",
  "relationships",
] as const satisfies (keyof ImportBlock)[];

function emptyBlock(): ImportBlock {
  return { documents: [], textUnits: [], entities: [], mentions: [], relationships: [] };
}

function sizeOf(item: ImportBlock[(typeof LISTS)[number]][number]): number {
  const text = "text" in item ? item.text.length : "description" in item ? (item.description?.length ?? 0) : 0;
  return 2 * text + ("embedding" in item ? (item.embedding?.byteLength ?? 0) : 0);
}

/**
 * Copies the embeddings into one piece of memory that can be moved: copying each with all that lies around it (a caller's
 * vectors may be rows of one large matrix) would take as long as the matrix is large.
 */
function packed(block: ImportBlock): BlockPart {
  let length = 0;
  for (const { embedding } of block.textUnits) length += embedding?.length ?? 0;
  for (const { embedding } of block.entities) length += embedding?.length ?? 0;
  if (length === 0) return { block, memory: [] };
  const memory = new Float32Array(length);
  let offset = 0;
  const pack = <T extends { embedding?: Float32Array }>(item: T): T => {
    if (item.embedding === undefined) return item;
    const embedding = memory.subarray(offset, offset + item.embedding.length);
    embedding.set(item.embedding);
    offset += embedding.length;
    return { ...item, embedding };
  };
  return {
    block: { ...block, textUnits: block.textUnits.map(pack), entities: block.entities.map(pack) },
    memory: [memory.buffer],
  };
}
