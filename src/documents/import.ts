import { blockHashSteps } from "../core/canonical.ts";
import { GraphkeeperError } from "../core/errors.ts";
import { isEffective, leftOut } from "../core/outcomes.ts";
import { inTurns } from "../core/turns.ts";
import type { ImportBlock, OperationRecord, Outcome } from "../core/words.ts";
import { withStoredIds } from "./earlier-ids.ts";
import { LookAlikes } from "./look-alikes.ts";
import { normaliseSteps } from "./normalise.ts";
import { isRefusal, type LocatedBlock, type OnReject } from "./rejects.ts";
import { Sieve } from "./sieve.ts";
import { type BlockOptions, perform, type VerbContext } from "./verbs.ts";

export type { LocatedBlock } from "./rejects.ts";

export interface ImportProgress {
  blocks: number;
  documents: number;
  textUnits: number;
  entities: number;
  relationships: number;
  outcomes: Partial<Record<Outcome, number>>;
  /** The first 100 documents that were not taken, and why: those that the caller may want to ask for. */
  notTaken: { id: string; outcome: Outcome }[];
  generation: number;
  /** What was imported as it came and may be meant otherwise, in sentences; absent when there is nothing. */
  hints?: string[];
}

/** Documents that are named one by one; of more there is the count. */
const NOT_TAKEN_LISTED = 100;

export interface ImportOptions extends BlockOptions {
  onProgress?: (progress: ImportProgress) => void;
  /** Takes what is refused by itself, so that the rest goes in; without it the first bad block stops the import. */
  onReject?: OnReject;
}

/**
 * Imports blocks one after the other, each in a transaction of its own: a document is there whole or not at all, or, with
 * `onReject`, without what was refused of it. What stands before a bad block stays imported; the same import again goes on
 * from there, since unchanged documents have no effect.
 *
 * @throws GraphkeeperError of the first bad block, with `line` and what was imported so far in the details
 */
export async function importBlocks(
  context: VerbContext,
  groupId: string,
  blocks: AsyncIterable<LocatedBlock> | Iterable<LocatedBlock>,
  options: ImportOptions = {},
): Promise<ImportProgress> {
  const progress: ImportProgress = {
    blocks: 0,
    documents: 0,
    textUnits: 0,
    entities: 0,
    relationships: 0,
    outcomes: {},
    notTaken: [],
    generation: 0,
  };
  const lookAlikes = new LookAlikes();
  let number = 0;
  for await (const located of blocks) {
    number++;
    const { line } = located;
    if (options.signal?.aborted) {
      throw new GraphkeeperError(
        "CANCELLED",
        `The import was cancelled after ${progress.documents} documents; these stay.`,
        { imported: progress },
      );
    }
    try {
      const record = await importLocated(context, groupId, located, {
        ...options,
        // Each block is an operation; its number makes the whole import replayable under one id.
        operationId: options.operationId === undefined ? undefined : `${options.operationId}#${number}`,
      });
      if (record) count(progress, record);
      lookAlikes.watch(located.block);
      if (lookAlikes.hints.length > 0) progress.hints = lookAlikes.hints;
    } catch (error) {
      if (!GraphkeeperError.is(error)) throw error;
      const at = line > 0 ? ` (in the block that begins on line ${line})` : "";
      throw new GraphkeeperError(error.code, error.message + at, { ...error.details, line, imported: progress }, error);
    }
    options.onProgress?.(progress);
  }
  return progress;
}

/** At most so many times a block is tried again without what the group refuses of it. */
const MAX_TRIES = 1_000;

/** @returns null when nothing of the block is left */
async function importLocated(
  context: VerbContext,
  groupId: string,
  located: LocatedBlock,
  options: ImportOptions,
): Promise<OperationRecord | null> {
  const { onReject } = options;
  if (!onReject) return importBlock(context, groupId, located.block, options);
  const sieve = new Sieve(located, onReject);
  let requested = located.block;
  try {
    requested = await inTurns(normaliseSteps(located.block));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await inTurns(sieve.checkEach());
  }
  // Of what was sent, not of what is left of it: the same call again is the same operation.
  const hashOfCall = options.operationId === undefined ? undefined : await inTurns(blockHashSteps(requested));
  for (let tries = 0; !sieve.isEmpty; tries++) {
    try {
      return await importBlock(context, groupId, sieve.block, { ...options, hashOfCall });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (tries === MAX_TRIES || !sieve.refuse(error)) sieve.refuseAll(error);
    }
  }
  return null;
}

/**
 * @param options.restore what is deprecated comes back with this; without it, it stays deprecated and what the block says of
 *   it alone is left out (`deprecated_kept`)
 * @param options.again what was purged before is imported; without it, it is left out (`purged_before`)
 */
export async function importBlock(
  context: VerbContext,
  groupId: string,
  block: ImportBlock,
  options: BlockOptions & { hashOfCall?: string } = {},
): Promise<OperationRecord> {
  const normal = await readied(await withStoredIds(context.store, groupId, await inTurns(normaliseSteps(block))));
  const ids = normal.block.documents.map((d) => d.id);
  const hashOfBlock = options.hashOfCall ?? normal.hashOfBlock;
  return perform(context, groupId, "import", ids, { ...options, block: normal.block, hashOfBlock });
}

/** The block with its hash: of the call, and of the documents whose caller gave none. */
async function readied(block: ImportBlock): Promise<{ block: ImportBlock; hashOfBlock: string }> {
  const hashOfBlock = await inTurns(blockHashSteps(block));
  const documents = block.documents.map((d) => (d.contentHash === undefined ? { ...d, contentHash: hashOfBlock } : d));
  return { block: { ...block, documents }, hashOfBlock };
}

/**
 * Replaces one document by a new version of it: one atomic operation.
 *
 * @throws GraphkeeperError `INVALID_VALUE` when the block is not about exactly that document, `DOCUMENT_DEPRECATED` unless
 *   `options.restore` asks for it to come back
 */
export async function replaceDocument(
  context: VerbContext,
  groupId: string,
  documentId: string,
  block: ImportBlock,
  options: BlockOptions = {},
): Promise<OperationRecord> {
  if (block.documents.length !== 1 || block.documents[0]?.id !== documentId) {
    throw new GraphkeeperError(
      "INVALID_VALUE",
      `The new version must hold exactly one document, with the id ${documentId}.`,
      { field: "documents" },
    );
  }
  return perform(context, groupId, "replace", [documentId], {
    ...options,
    ...(await readied(await inTurns(normaliseSteps(block)))),
  });
}

function count(progress: ImportProgress, record: OperationRecord): void {
  progress.blocks++;
  progress.documents += record.outcomes.length;
  progress.textUnits += record.effect.textUnits;
  progress.entities += record.effect.entities;
  progress.relationships += record.effect.relationships;
  progress.generation = record.generation;
  for (const { outcome } of record.outcomes) progress.outcomes[outcome] = (progress.outcomes[outcome] ?? 0) + 1;
  progress.notTaken.push(...leftOut(record.outcomes).slice(0, NOT_TAKEN_LISTED - progress.notTaken.length));
}

/** Whether anything of the import changed the group. */
export function hasEffective({ outcomes }: ImportProgress): boolean {
  return Object.keys(outcomes).some((outcome) => isEffective(outcome as Outcome));
}
