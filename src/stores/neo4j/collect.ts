import type { CollectOptions } from "../../core/ports.ts";
import type { CollectionBatch, CollectionKind, JsonObject } from "../../core/words.ts";
import { expiredFacts, judgeFacts, purgeFacts } from "./collect-edges.ts";
import { expiredEntities, judgeEntities, purgeEntities } from "./collect-entities.ts";
import { moveVectors } from "./collect-vectors.ts";
import { expireDocument } from "./expire-document.ts";
import { type Phase, runPhases, type Tally } from "./phases.ts";
import { reconcilePhases } from "./reconcile.ts";
import { similarityPhase } from "./similarity.ts";
import type { Work } from "./work.ts";

/** One bounded batch. In a dry run the caller rolls the transaction back. */
export async function collectBatch(w: Work, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
  const tally: Tally = { examined: 0, deleted: 0, purged: 0, kept: 0, ids: [], changed: false };
  const cursor = await runPhases(phasesOf(w, kind, options), tally, options, () => w.wroteOutOfOrder);
  const ids = [...new Set(tally.ids)].slice(0, options.limit);
  const { examined, deleted, purged, kept, changed } = tally;
  if (changed) {
    const detail = { examined, deleted, purged, ids } as unknown as JsonObject;
    w.commitChange(options.now, { actor: "collection", action: "collect", ref: kind, detail });
  }
  return { examined, deleted, purged, kept, changed, cursor, ids };
}

function phasesOf(w: Work, kind: CollectionKind, options: CollectOptions): Phase[] {
  const { policy, now } = options;
  const before = now - policy.restoreWindowMs;
  let from = "";
  // What was judged is no candidate any more; nothing else of the kind lies in that range, whose order is the index's.
  const judgedUpTo = (keys: string[]) => {
    const last = keys.at(-1) as string;
    if (from < last) w.send("dropCandidatesUpTo", { kind, after: from, last });
    // Ends in the order of code points but not of UTF-16 units: to Neo4j 2026.08 such a range is empty.
    else w.sendEach("dropCandidates", "ids", keys, { kind });
  };
  const candidates: Phase["keys"] = async (after, limit) => {
    w.flush();
    from = after;
    return (await w.run<{ id: string }>("candidates", { kind, after, limit: w.int(limit) })).map((r) => r.id);
  };
  switch (kind) {
    case "orphan_entities":
      return [
        ...reconcilePhases(w, options),
        {
          name: "documents",
          single: true,
          keys: async (after, limit) =>
            (await w.run<{ id: string }>("expiredDocuments", { before, after, limit: w.int(limit) })).map((d) => d.id),
          judge: (keys, tally) => expireDocument(w, keys[0] as string, tally, options),
        },
        {
          name: "candidates",
          keys: candidates,
          judge: (keys, tally) => {
            judgedUpTo(keys);
            return judgeEntities(w, keys, tally, policy, now);
          },
        },
        {
          name: "expired",
          keys: (after, limit) => expiredEntities(w, before, after, limit),
          judge: (keys, tally) => purgeEntities(w, keys, tally),
        },
      ];
    case "stale_edges":
      return [
        {
          name: "candidates",
          keys: candidates,
          judge: (keys, tally) => {
            judgedUpTo(keys);
            return judgeFacts(w, keys, tally, now);
          },
        },
        similarityPhase(w, options),
        {
          name: "expired",
          keys: (after, limit) => expiredFacts(w, before, after, limit),
          judge: (keys, tally) => purgeFacts(w, keys, tally),
        },
      ];
    case "deprecated_vectors":
      return [
        {
          name: "candidates",
          keys: candidates,
          judge: (keys, tally) => {
            judgedUpTo(keys);
            return moveVectors(w, keys, tally);
          },
        },
      ];
  }
}
