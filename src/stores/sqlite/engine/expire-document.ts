import { sumOf } from "../../../core/outcomes.ts";
import type { Effect, OperationRecord } from "../../../core/words.ts";
import { type Batch, roomOf } from "./batch.ts";
import { findOperation, insertOperation, type Plan, updateOperation } from "./operations.ts";
import { carryOut } from "./plan.ts";
import { UNBOUNDED } from "./remove.ts";
import type { Row } from "./session.ts";

/**
 * Purges a document whose restore window has run out, as an operation of its own, as far as the batch has room.
 *
 * @param document its key, id and deprecated_at
 * @returns false when units are left for the next batch
 */
export function purgeExpiredDocument(batch: Batch, document: Row): boolean {
  const { change, options } = batch;
  const { session, g, group, gone } = change;
  const id = `retention:${document.id}:${document.deprecated_at}`;
  const known = findOperation(session, g, group.id, id);
  const plan: Plan = known?.plan ?? { verb: "purge", documents: [document.key as number], index: 0, after: 0 };
  const before = { ...change.effect };
  const units = change.unitsPurged;
  const lists = [gone.documents, gone.textUnits, gone.entities, gone.relationships];
  const lengths = lists.map((list) => list.length);
  // A dry run writes nothing to go on from: it counts the document whole.
  const left = carryOut(change, plan, options.dryRun ? UNBOUNDED : roomOf(batch));
  const purged = lists.flatMap((list, i) => list.slice(lengths[i]));
  batch.examined += Math.min(roomOf(batch), 1 + change.unitsPurged - units);
  batch.purged += purged.length;
  batch.ids.push(...purged.slice(0, options.limit));
  batch.changed = true;
  const record: OperationRecord = {
    id,
    groupId: group.id,
    verb: "purge",
    state: left ? "rolling" : "done",
    at: known?.record.at ?? options.now,
    actor: "retention",
    reason: null,
    outcomes: [{ id: document.id as string, outcome: "purged" }],
    effect: known ? sumOf(known.record.effect, since(before, change.effect)) : since(before, change.effect),
    // The batch that this is part of raises it, once.
    generation: group.generation + 1,
    replayed: false,
  };
  if (known) updateOperation(session, g, known.key, record, left);
  else insertOperation(session, g, { requestHash: "" }, record, left);
  return left === null;
}

function since(before: Effect, now: Effect): Effect {
  return {
    documents: now.documents - before.documents,
    textUnits: now.textUnits - before.textUnits,
    entities: now.entities - before.entities,
    relationships: now.relationships - before.relationships,
    vectors: now.vectors - before.vectors,
  };
}
