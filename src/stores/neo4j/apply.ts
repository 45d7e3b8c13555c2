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
import type { Effect, Operation, OperationRecord } from "../../core/words.ts";
import type { Row } from "./connection.ts";
import {
  carryOut,
  checkSuccessor,
  type Foreseen,
  type Outcomes,
  outcomesOf,
  type Plan,
  setStatus,
  unitsOf,
} from "./documents.ts";
import { hiddenEntities } from "./impact.ts";
import { documentsNamed, importBlock } from "./import.ts";
import type { UnitRow } from "./judge.ts";
import { forgetPurged, purgedBefore } from "./purged.ts";
import type { DocumentState, Reading, Work } from "./work.ts";

/**
 * Neo4j keeps what a transaction writes on its heap: measured 27 MB for 1,000 deprecated units with 5 mentions, 2 facts and a
 * small vector each, 36 MB to restore them and 49 MB to purge them; 5,000 at once take 117 and 162 MB.
 */
export const UNITS_PER_TRANSACTION = 1_000;

interface OperationRow {
  record: OperationRecord;
  requestHash: string;
  plan: Plan | null;
}

export async function readOperation(r: Reading, id: string): Promise<OperationRow | null> {
  const [row] = await r.run<{ o: Row }>("readOperation", { id });
  if (!row) return null;
  return {
    record: { ...(JSON.parse(row.o.record as string) as OperationRecord), replayed: false },
    requestHash: row.o.requestHash as string,
    plan: typeof row.o.plan === "string" ? (JSON.parse(row.o.plan) as Plan) : null,
  };
}

function saveOperation(w: Work, row: OperationRow): void {
  w.send("saveOperation", {
    id: row.record.id,
    state: {
      record: JSON.stringify(row.record),
      requestHash: row.requestHash,
      plan: row.plan === null ? null : JSON.stringify(row.plan),
      state: row.record.state,
      at: w.int(row.record.at),
      verb: row.record.verb,
    },
  });
}

/** What every operation asks first, whatever the answers are. */
export interface Ahead {
  known: OperationRow | null;
  documents: Map<string, DocumentState>;
  asked: string[];
  /** One more than the transaction takes; null when the verb does not concern units. */
  units: UnitRow[] | null;
}

export async function readAhead(r: Reading, operation: Operation, options: ApplyOptions): Promise<Ahead> {
  const { verb, documentIds, successor } = operation;
  const { block } = options;
  const asked = [
    ...new Set(
      block ? documentsNamed(block) : [...documentIds, ...(verb === "deprecate" && successor ? [successor] : [])],
    ),
  ];
  const carried = !block && (verb === "deprecate" || verb === "restore" || verb === "purge");
  const [known, documents, units] = await Promise.all([
    readOperation(r, operation.id),
    r.documents(asked),
    carried ? unitsOf(r, [...new Set(documentIds)], null, limitOf(options) + 1) : null,
  ]);
  return { known, documents, asked, units };
}

function limitOf(options: ApplyOptions): number {
  return options.unitsPerTransaction ?? UNITS_PER_TRANSACTION;
}

/** One lifecycle call, or its first batch, inside its transaction. */
export async function applyOperation(
  w: Work,
  operation: Operation,
  options: ApplyOptions,
  ahead: Ahead,
): Promise<OperationRecord> {
  if (ahead.known) return replayOf(ahead.known, operation);
  w.remember(ahead.asked, ahead.documents);
  const { outcomes, plan, changed } = await perform(w, operation, options, ahead.units);
  const record = recordOf(operation, {
    state: plan ? "rolling" : "done",
    outcomes,
    effect: { ...w.effect },
    generation: w.group.generation,
  });
  return store(w, { record, requestHash: operation.requestHash, plan }, changed);
}

async function perform(
  w: Work,
  operation: Operation,
  options: ApplyOptions,
  units: UnitRow[] | null,
): Promise<{ outcomes: Outcomes; plan: Plan | null; changed: boolean }> {
  const { verb } = operation;
  if (verb === "import" || verb === "replace") {
    if (!options.block)
      throw new GraphkeeperError("INVALID_VALUE", `The verb ${verb} needs a block.`, { field: "block" });
    if (!w.shapes.profile.imports) {
      throw new GraphkeeperError(
        "INVALID_VALUE",
        `Graphs of the profile ${w.shapes.profile.name} are written by ${w.shapes.profile.writer}; import there, Graphkeeper follows.`,
        { field: "profile" },
      );
    }
    return { ...(await importBlock(w, operation, options.block, options)), plan: null };
  }
  if (verb === "readmit") {
    const outcomes = readmitOutcomes(operation, await purgedBefore(w, w.group, operation.documentIds));
    const back = outcomes.filter((o) => isEffective(o.outcome)).map((o) => o.id);
    forgetPurged(w, back);
    return { outcomes, plan: null, changed: back.length > 0 };
  }
  const documents = await w.documents(operation.documentIds);
  const outcomes = outcomesOf(documents, operation);
  if (verb === "deprecate") await checkSuccessor(w, operation);
  if (verb === "purge") refuseHeld(outcomes);
  const effective = outcomes.filter((o) => isEffective(o.outcome)).map((o) => o.id);
  // The units that were read ahead are those of all named documents.
  const read = effective.length === outcomes.length ? units : null;
  const foreseen: Foreseen = { units: read };
  if (verb === "deprecate" || verb === "purge") await guard(w, verb, effective, options, foreseen);
  const plan = await setStatus(w, documents, operation, outcomes);
  const left = plan && (await carryOut(w, plan, limitOf(options), operation.at, foreseen));
  return { outcomes, plan: left, changed: effective.length > 0 };
}

async function guard(
  w: Work,
  verb: "deprecate" | "purge",
  documents: string[],
  options: ApplyOptions,
  foreseen: Foreseen,
): Promise<void> {
  const complete = foreseen.units !== null && foreseen.units.length <= limitOf(options) ? foreseen.units : null;
  if (options.guard === null) return;
  const limits = options.guard ?? BLAST_RADIUS;
  const { entities, liveEntities, loss } = await hiddenEntities(w, verb, documents, limits, complete);
  refuseBlastRadius(verb, entities, liveEntities, limits);
  if (complete) foreseen.loss = loss;
}

/** The next batch of a rolling operation. */
export async function advanceOperation(w: Work, operationId: string, limit: number): Promise<OperationRecord> {
  const row = await readOperation(w, operationId);
  if (!row) throw operationNotFound(operationId);
  if (!row.plan) return row.record;
  const plan = await carryOut(w, row.plan, limit, row.record.at);
  const record: OperationRecord = {
    ...row.record,
    state: plan ? "rolling" : "done",
    effect: sumOf(row.record.effect, w.effect),
  };
  return store(w, { ...row, record, plan }, hasEffect(w.effect));
}

function store(w: Work, row: OperationRow, changed: boolean): OperationRecord {
  const { record } = row;
  if (changed) {
    const { at, ...entry } = auditOf(record);
    w.commitChange(at, entry);
    record.generation = w.group.generation;
  }
  saveOperation(w, row);
  return record;
}

/** Notes the purge that a run-out restore window caused as an operation of its own. */
export async function noteRetention(
  w: Work,
  id: string,
  documentId: string,
  effect: Effect,
  plan: Plan | null,
  now: number,
): Promise<void> {
  const known = (await readOperation(w, id))?.record;
  const record: OperationRecord = {
    id,
    groupId: w.groupId,
    verb: "purge",
    state: plan ? "rolling" : "done",
    at: known?.at ?? now,
    actor: "retention",
    reason: null,
    outcomes: [{ id: documentId, outcome: "purged" }],
    effect: known ? sumOf(known.effect, effect) : effect,
    generation: w.group.generation + 1, // The batch that this is part of raises it, once.
    replayed: false,
  };
  saveOperation(w, { record, requestHash: "", plan });
}
