import { callHash } from "../core/canonical.ts";
import { GraphkeeperError } from "../core/errors.ts";
import { BLAST_RADIUS, checkGroupId, checkId } from "../core/law.ts";
import type { Asked } from "../core/outcomes.ts";
import type { DocumentLifecycle, GroupReader } from "../core/ports.ts";
import type { TraceContext } from "../core/trace.ts";
import type { ImportBlock, Operation, OperationRecord, Verb } from "../core/words.ts";

/** What every lifecycle call may carry beside its documents. */
export interface CallOptions {
  /** Makes the call idempotent; a new one is made up when absent. */
  operationId?: string;
  actor?: string;
  reason?: string;
  /** Passes the blast-radius guard. */
  force?: boolean;
  signal?: AbortSignal;
  /** The trace that the call belongs to; the run that follows it goes on with it. */
  trace?: TraceContext;
  /** After each batch of a large plan. */
  onBatch?: (record: OperationRecord) => void;
}

export interface VerbContext {
  store: DocumentLifecycle & Pick<GroupReader, "group" | "document" | "neighbourhood">;
  clock: () => number;
  newId: () => string;
}

/** What an import or a replace may carry beside. */
export type BlockOptions = CallOptions & Asked;

/** Documents in one call; more go through several calls, or as NDJSON. */
export const MAX_DOCUMENTS_PER_CALL = 1_000;

/**
 * Carries out one lifecycle operation to its end: the first transaction and, for large plans, the batches after it. An
 * abort between batches leaves a committed plan behind, which `resumeUnfinished` or the next call with the same
 * operation id rolls forward.
 */
export async function perform(
  context: VerbContext,
  groupId: string,
  verb: Verb,
  documentIds: string[],
  options: BlockOptions & { successor?: string; block?: ImportBlock; hashOfBlock?: string } = {},
): Promise<OperationRecord> {
  checkGroupId(groupId);
  const ids = [...new Set(documentIds.map((id) => checkId(id, "document id")))];
  if (verb !== "import" && ids.length === 0) {
    throw new GraphkeeperError("INVALID_VALUE", "The call names no document; name at least one.", {
      field: "documents",
    });
  }
  if (ids.length > MAX_DOCUMENTS_PER_CALL) {
    throw new GraphkeeperError(
      "PAYLOAD_TOO_LARGE",
      `One call takes at most ${MAX_DOCUMENTS_PER_CALL} documents; ${ids.length} were given.`,
      {
        field: "documents",
      },
    );
  }
  if (options.successor !== undefined) checkSuccessor(options.successor, ids);
  const call = { groupId, verb, documentIds: ids, successor: options.successor };
  const operation: Operation = {
    ...call,
    id: options.operationId === undefined ? context.newId() : checkId(options.operationId, "operation id"),
    requestHash: callHash(call, options.hashOfBlock ?? null, options),
    at: context.clock(),
    actor: options.actor ?? "local",
    reason: options.reason ?? null,
    trace: options.trace,
  };
  const { block, restore, again } = options;
  const guard = options.force ? null : BLAST_RADIUS;
  const first = await context.store.apply(operation, { block, restore, again, guard });
  const record = await rollForward(context.store, first, options);
  return first.replayed ? { ...record, replayed: true } : record;
}

/** Rolls a committed plan forward to its end. */
export async function rollForward(
  store: DocumentLifecycle,
  record: OperationRecord,
  options: Pick<CallOptions, "signal" | "onBatch"> = {},
): Promise<OperationRecord> {
  let current = record;
  while (current.state === "rolling") {
    options.onBatch?.(current);
    if (options.signal?.aborted) {
      throw new GraphkeeperError(
        "CANCELLED",
        `Operation ${current.id} stopped between two batches; its plan stays and is rolled forward later.`,
        {
          operation: current.id,
        },
      );
    }
    current = await store.advance(current.groupId, current.id);
  }
  return current;
}

/** Rolls forward what a crash left behind. @returns the number of operations that were finished */
export async function resumeUnfinished(store: DocumentLifecycle, signal?: AbortSignal): Promise<number> {
  let finished = 0;
  for (;;) {
    const unfinished = await store.unfinished(100);
    if (unfinished.length === 0) return finished;
    for (const { groupId, operationId } of unfinished) {
      await rollForward(store, await store.advance(groupId, operationId), { signal });
      finished++;
    }
  }
}

function checkSuccessor(successor: string, ids: string[]): void {
  checkId(successor, "successor");
  if (ids.includes(successor)) {
    throw new GraphkeeperError("INVALID_VALUE", `The document ${successor} cannot be its own successor.`, {
      field: "successor",
    });
  }
}
