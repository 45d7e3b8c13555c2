import type { CollectOptions } from "../../core/ports.ts";
import { noteRetention, readOperation } from "./apply.ts";
import { carryOut, type Plan } from "./documents.ts";
import type { Tally } from "./phases.ts";
import { noEffect, type Work } from "./work.ts";

/** Purges a document whose restore window has ended, a part of it where the batch has no room for all. */
export async function expireDocument(
  w: Work,
  documentId: string,
  tally: Tally,
  options: CollectOptions,
): Promise<boolean> {
  const document = (await w.documents([documentId])).get(documentId);
  const id = `retention:${documentId}:${document?.deprecatedAt}`;
  const known = (await readOperation(w, id))?.plan;
  const plan: Plan = known ?? { verb: "purge", documents: [documentId], cursor: null };
  // A dry run writes nothing to go on from: it counts the document whole.
  const limit = options.dryRun ? Number.POSITIVE_INFINITY : options.limit - tally.examined;
  const before = { ...w.effect };
  const left = await carryOut(w, plan, limit, options.now);
  const effect = noEffect();
  for (const key of Object.keys(effect) as (keyof typeof effect)[]) effect[key] = w.effect[key] - before[key];
  await noteRetention(w, id, documentId, effect, left, options.now);
  tally.examined += Math.min(limit, 1 + effect.textUnits);
  tally.purged += (left === null ? 1 : 0) + effect.textUnits + effect.entities + effect.relationships;
  tally.ids.push(documentId);
  tally.changed = true;
  return left === null;
}
