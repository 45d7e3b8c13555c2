import type { CollectOptions } from "../../core/ports.ts";
import { entitiesById } from "./judge.ts";
import { type Phase, pageOf, type Tally } from "./phases.ts";
import type { Reading, Work } from "./work.ts";

/**
 * Similarity edges that touch a parked entity. What waits is the entity, as a candidate of a kind of its own: its edges are
 * found by either end and dropped at once, which writes each of them once.
 */

/** Entities looked at together: few enough that not many are looked at twice when a batch is full. */
const LOOK = 250;
const PAGE = 1_000;
const kind = "similarity";

export function similarityPhase(w: Work, options: CollectOptions): Phase {
  const { analyticsEpoch } = w.group;
  const dropped = (tally: Tally, keys: string[]) => {
    tally.deleted += keys.length;
    tally.ids.push(...keys);
    if (keys.length > 0) tally.changed = true;
  };
  if (options.dryRun) {
    // What is dropped comes back with the next batch's transaction: the keys themselves are paged.
    return {
      name: kind,
      keys: async (after, limit) => pageOf([...(await staleSimilarity(w, analyticsEpoch))], after, limit),
      judge: async (keys, tally) => {
        tally.examined += keys.length;
        dropped(tally, keys);
        return true;
      },
    };
  }
  return {
    name: kind,
    keys: (after, limit) => waiting(w, after, limit),
    judge: async (ids, tally) => {
      for (let i = 0; i < ids.length; i += LOOK) {
        const room = options.limit - tally.examined;
        if (room <= 0) return false;
        const some = ids.slice(i, i + LOOK);
        const parameters = { ids: await notLive(w, some), epoch: w.int(analyticsEpoch), limit: w.int(room) };
        const rows = await w.run<{ key: string; published: boolean }>("dropSimilarityOf", parameters);
        tally.examined += Math.min(room, Math.max(rows.length, some.length));
        dropped(
          tally,
          rows.filter((row) => row.published).map((row) => row.key),
        );
        if (rows.length === room) return false;
        w.sendEach("dropCandidates", "ids", some, { kind });
      }
      return true;
    },
  };
}

/** Keys of the published similarity edges with an end that is not live. */
export async function staleSimilarity(r: Reading, epoch: number): Promise<Set<string>> {
  const keys = new Set<string>();
  for (let after = ""; ; ) {
    const ids = await waiting(r, after, PAGE);
    const gone = await notLive(r, ids);
    for (const row of await r.each<{ key: string }>("similarityOf", "ids", gone, { epoch: r.int(epoch) }))
      keys.add(row.key);
    if (ids.length < PAGE) return keys;
    after = ids.at(-1) as string;
  }
}

async function waiting(r: Reading, after: string, limit: number): Promise<string[]> {
  return (await r.run<{ id: string }>("candidates", { kind, after, limit: r.int(limit) })).map((row) => row.id);
}

async function notLive(r: Reading, ids: string[]): Promise<string[]> {
  const known = await entitiesById(r, ids);
  return ids.filter((id) => known.get(id)?.live !== true);
}
