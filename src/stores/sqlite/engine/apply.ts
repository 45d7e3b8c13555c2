import { GraphkeeperError } from "../../../core/errors.ts";
import { BLAST_RADIUS } from "../../../core/law.ts";
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
} from "../../../core/outcomes.ts";
import type { ApplyOptions } from "../../../core/ports.ts";
import type { Operation, OperationRecord } from "../../../core/words.ts";
import {
  appendAudit,
  beginChange,
  type Change,
  createGroup,
  findGroup,
  needGroup,
  raiseGeneration,
  saveGroup,
} from "./change.ts";
import {
  checkSuccessor,
  type DocumentRow,
  type NamedDocument,
  nameDocuments,
  type Outcomes,
  setActive,
  setHold,
} from "./documents.ts";
import { countHidden } from "./impact.ts";
import { importBlock } from "./import.ts";
import { findOperation, insertOperation, type Plan, updateOperation } from "./operations.ts";
import { carryOut } from "./plan.ts";
import { forgetPurged, purgedAmong } from "./purged.ts";
import type { Session } from "./session.ts";

export const UNITS_PER_TRANSACTION = 10_000;

/** Carries out an operation, or its first batch: record, effect, candidates, generation and audit in one transaction. */
export function apply(session: Session, operation: Operation, options: ApplyOptions = {}): OperationRecord {
  return session.write(() => {
    const isImport = operation.verb === "import";
    const found = isImport ? findGroup(session, operation.groupId) : needGroup(session, operation.groupId);
    const group = found ?? createGroup(session, operation.groupId, operation.at);
    const known = findOperation(session, group.g, group.id, operation.id);
    if (known) return replayOf(known, operation);
    const change = beginChange(session, group, operation.at);
    const { outcomes, plan, changed } = perform(change, operation, options);
    session.failpoint("apply:performed");
    const record = recordOf(operation, {
      state: plan ? "rolling" : "done",
      outcomes,
      effect: change.effect,
      generation: group.generation,
    });
    if (changed) follow(change, record);
    insertOperation(session, group.g, operation, record, plan);
    session.failpoint("apply:recorded");
    saveGroup(change);
    if (changed) session.onEvent?.(session.db, { groupId: group.id, at: operation.at, trace: operation.trace });
    return record;
  });
}

/** The next batch of a rolling operation. */
export function advance(
  session: Session,
  groupId: string,
  operationId: string,
  options: { unitsPerTransaction?: number } = {},
): OperationRecord {
  return session.write(() => {
    const group = needGroup(session, groupId);
    const known = findOperation(session, group.g, group.id, operationId);
    if (!known) throw operationNotFound(operationId);
    if (!known.plan) return known.record;
    const change = beginChange(session, group, known.record.at);
    const plan = carryOut(change, known.plan, options.unitsPerTransaction ?? UNITS_PER_TRANSACTION);
    const record: OperationRecord = {
      ...known.record,
      state: plan ? "rolling" : "done",
      effect: sumOf(known.record.effect, change.effect),
    };
    if (hasEffect(change.effect)) follow(change, record);
    updateOperation(session, group.g, known.key, record, plan);
    session.failpoint("advance:recorded");
    saveGroup(change);
    return record;
  });
}

/** Generation and audit entry of an effective transaction. */
function follow(change: Change, record: OperationRecord): void {
  raiseGeneration(change);
  record.generation = change.group.generation;
  appendAudit(change, auditOf(record));
}

function perform(
  change: Change,
  operation: Operation,
  options: ApplyOptions,
): { outcomes: Outcomes; plan: Plan | null; changed: boolean } {
  const { verb } = operation;
  if (verb === "import" || verb === "replace") {
    if (!options.block)
      throw new GraphkeeperError("INVALID_VALUE", `The verb ${verb} needs a block.`, { field: "block" });
    return { ...importBlock(change, operation, options.block, options), plan: null };
  }
  if (verb === "readmit") {
    const outcomes = readmitOutcomes(operation, purgedAmong(change.session, change.group, operation.documentIds));
    for (const { id } of outcomes) forgetPurged(change, id);
    return { outcomes, plan: null, changed: outcomes.some(({ outcome }) => isEffective(outcome)) };
  }
  const named = nameDocuments(change.session, change.g, operation);
  if (verb === "deprecate") checkSuccessor(change, operation);
  if (verb === "purge") refuseHeld(named);
  if (verb === "deprecate" || verb === "purge") guard(change, verb, named, options);
  const affected = named.filter(({ outcome }) => isEffective(outcome)).map(({ row }) => row as DocumentRow);
  const outcomes = named.map(({ id, outcome }) => ({ id, outcome }));
  if (affected.length === 0) return { outcomes, plan: null, changed: false };
  for (const document of affected) {
    if (verb === "hold" || verb === "release") setHold(change, document, verb === "hold");
    if (verb === "restore") setActive(change, document, true, operation.at, null);
    if (verb === "deprecate") setActive(change, document, false, operation.at, operation.successor ?? null);
  }
  change.session.failpoint("apply:status");
  if (verb === "hold" || verb === "release") return { outcomes, plan: null, changed: true };
  const plan: Plan = { verb, documents: affected.map((d) => d.key), index: 0, after: 0 };
  return {
    outcomes,
    plan: carryOut(change, plan, options.unitsPerTransaction ?? UNITS_PER_TRANSACTION),
    changed: true,
  };
}

function guard(change: Change, verb: "deprecate" | "purge", named: NamedDocument[], options: ApplyOptions): void {
  if (options.guard === null) return;
  const limits = options.guard ?? BLAST_RADIUS;
  const liveEntities = change.group.entities_live;
  const entities = countHidden(
    change.session,
    change.g,
    verb,
    named,
    Math.max(limits.floor, limits.share * liveEntities),
  );
  refuseBlastRadius(verb, entities, liveEntities, limits);
}
