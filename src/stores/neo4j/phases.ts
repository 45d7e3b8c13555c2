import { type CollectOptions, compareIds } from "../../core/ports.ts";

/** How a kind of collection goes over what it looks at: phase by phase, in bounded batches, from a cursor on. */

export interface Tally {
  examined: number;
  deleted: number;
  purged: number;
  kept: number;
  ids: string[];
  changed: boolean;
}

/** A part of a kind: what it looks at, in order of its keys, and how it judges a batch of these. */
export interface Phase {
  name: string;
  keys(after: string, limit: number): Promise<string[]>;
  /** @returns false when it is not done with the last key and the next batch has to go on there */
  judge(keys: string[], tally: Tally): Promise<boolean>;
  single?: boolean;
}

/**
 * Such an id stands elsewhere in an index while its row is not committed: Neo4j (5.26) keeps rows of the own transaction in
 * order of UTF-16 units, all others in order of code points, and the two differ between surrogates and U+E000 to U+FFFF.
 */
export const ORDERED_OTHERWISE = /[\uD800-\uFFFF]/;

/**
 * The cursor is the phase and the last key judged in it. A batch ends before the next phase if that one would page over rows
 * of this transaction whose order is not that of the cursor: `wroteOutOfOrder` says so of what was written beside the keys.
 */
export async function runPhases(
  phases: Phase[],
  tally: Tally,
  options: CollectOptions,
  wroteOutOfOrder: () => boolean,
): Promise<string | null> {
  const [from, ...rest] = (options.cursor ?? "").split(" ");
  const first =
    options.cursor === null
      ? 0
      : Math.max(
          0,
          phases.findIndex(({ name }) => name === from),
        );
  let outOfOrder = false;
  for (let i = first; i < phases.length; i++) {
    const phase = phases[i] as Phase;
    if (outOfOrder || wroteOutOfOrder()) return `${phase.name} `;
    let last = i === first && options.cursor !== null ? rest.join(" ") : "";
    for (;;) {
      const room = options.limit - tally.examined;
      const keys = await phase.keys(last, (phase.single ? 1 : Math.max(room, 0)) + 1);
      if (keys.length === 0) break;
      if (room <= 0) return `${phase.name} ${last}`;
      const batch = keys.slice(0, phase.single ? 1 : room);
      if (!(await phase.judge(batch, tally))) return `${phase.name} ${last}`;
      outOfOrder ||= batch.some((key) => ORDERED_OTHERWISE.test(key));
      last = batch.at(-1) as string;
      if (keys.length <= batch.length) break;
      if (tally.examined >= options.limit) return `${phase.name} ${last}`;
    }
  }
  return null;
}

export function pageOf(ids: string[], after: string, limit: number): string[] {
  return ids
    .sort(compareIds)
    .filter((id) => compareIds(id, after) > 0)
    .slice(0, limit);
}
