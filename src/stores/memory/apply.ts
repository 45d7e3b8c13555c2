import { GraphkeeperError } from "../../core/errors.ts";
import { BLAST_RADIUS } from "../../core/law.ts";
import {
  auditOf,
  hasEffect,
  isEffective,
  operationNotFound,
  readmitOutcomes,
  recordOf,
  refuseBlastRadius,
  refuseHeld,
  replayOf,
  sumOf,
} from "../../core/outcomes.ts";
import type { ApplyOptions } from "../../core/ports.ts";
import type { Operation, OperationRecord } from "../../core/words.ts";
import { carryOut, checkSuccessor, markOf, type Outcomes, outcomesOf, purgedAmong, setStatus } from "./documents.ts";
import { appendAudit, effectOf, NO_EFFECT, raiseGeneration } from "./effect.ts";
import { impactOf } from "./impact.ts";
import { importBlock } from "./import.ts";
import type { Group, OperationRow, Plan } from "./state.ts";

export const UNITS_PER_TRANSACTION = 10_000;

/** One lifecycle call on a draft of the group; `before` is the group as it was. */
export function applyOperation(
  before: Group,
  draft: Group,
  operation: Operation,
  options: ApplyOptions,
): OperationRecord {
  const known = draft.operations.get(operation.id);
  if (known) return replayOf(known, operation);
  const { outcomes, plan, changed } = perform(before, draft, operation, options);
  const effect = effectOf(before, draft, operation.verb);
  const record = recordOf(operation, {
    state: plan ? "rolling" : "done",
    outcomes,
    effect: effect,
    generation: draft.state.generation,
  });
  return store(draft, { record, requestHash: operation.requestHash, plan }, changed);
}

function perform(
  before: Group,
  draft: Group,
  operation: Operation,
  options: ApplyOptions,
): { outcomes: Outcomes; plan: Plan | null; changed: boolean } {
  const { verb } = operation;
  if (verb === "import" || verb === "replace") {
    if (!options.block)
      throw new GraphkeeperError("INVALID_VALUE", `The verb ${verb} needs a block.`, { field: "block" });
    return { ...importBlock(draft, operation, options.block, options), plan: null };
  }
  if (verb === "readmit") {
    const outcomes = readmitOutcomes(operation, purgedAmong(draft, operation.documentIds));
    for (const { id } of outcomes) draft.purged.delete(markOf(draft, id));
    return { outcomes, plan: null, changed: outcomes.some(({ outcome }) => isEffective(outcome)) };
  }
  const outcomes = outcomesOf(draft, operation);
  if (verb === "deprecate") checkSuccessor(draft, operation);
  if (verb === "purge") refuseHeld(outcomes);
  if (verb === "deprecate" || verb === "purge") guard(before, verb, operation, options);
  const plan = setStatus(draft, operation, outcomes);
  const left = plan && carryOut(draft, plan, options.unitsPerTransaction ?? UNITS_PER_TRANSACTION, operation.at);
  const changed = outcomes.some(({ outcome }) => isEffective(outcome));
  return { outcomes, plan: left, changed };
}

function guard(group: Group, verb: "deprecate" | "purge", operation: Operation, options: ApplyOptions): void {
  if (options.guard === null) return;
  const limits = options.guard ?? BLAST_RADIUS;
  const { entities, liveEntities } = impactOf(group, verb, operation.documentIds);
  refuseBlastRadius(verb, entities.count, liveEntities, limits);
}

/** The next batch of a rolling operation. */
export function advanceOperation(before: Group, draft: Group, operationId: string, limit: number): OperationRecord {
  const row = draft.operations.get(operationId);
  if (!row) throw operationNotFound(operationId);
  if (!row.plan) return row.record;
  const plan = carryOut(draft, row.plan, limit, row.record.at);
  const effect = effectOf(before, draft, row.record.verb);
  const record = {
    ...row.record,
    state: plan ? ("rolling" as const) : ("done" as const),
    effect: sumOf(row.record.effect, effect),
  };
  return store(draft, { ...row, record, plan }, hasEffect(effect));
}

function store(draft: Group, row: OperationRow, changed: boolean): OperationRecord {
  const { record } = row;
  if (changed) {
    raiseGeneration(draft, record.at);
    record.generation = draft.state.generation;
    appendAudit(draft, auditOf(record));
  }
  draft.operations.set(record.id, row);
  return structuredClone(record);
}

/** Notes the purge that a run-out restore window caused as an operation of its own. */
export function noteRetention(
  before: Group,
  draft: Group,
  id: string,
  documentId: string,
  plan: Plan | null,
  now: number,
): void {
  const known = draft.operations.get(id)?.record;
  const record: OperationRecord = {
    id,
    groupId: draft.state.groupId,
    verb: "purge",
    state: plan ? "rolling" : "done",
    at: known?.at ?? now,
    actor: "retention",
    reason: null,
    outcomes: [{ id: documentId, outcome: "purged" }],
    effect: sumOf(known?.effect ?? NO_EFFECT, effectOf(before, draft, "purge")),
    generation: draft.state.generation + 1, // The batch that this is part of raises it, once.
    replayed: false,
  };
  draft.operations.set(id, { record, requestHash: "", plan });
}
