import { type CollectOptions, compareIds } from "../../core/ports.ts";

/** How a kind of collection goes over what it looks at: phase by phase, in bounded batches, from a cursor on. */

export interface Tally {
  examined: number;
  deleted: number;
  purged: number;
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

/** The cursor is the phase and the last key judged in it. */
export async function runPhases(phases: Phase[], tally: Tally, options: CollectOptions): Promise<string | null> {
  const [from, ...rest] = (options.cursor ?? "").split(" ");
  const first =
    options.cursor === null
      ? 0
      : Math.max(
          0,
          phases.findIndex(({ name }) => name === from),
        );
  for (let i = first; i < phases.length; i++) {
    const phase = phases[i] as Phase;
    let last = i === first && options.cursor !== null ? rest.join(" ") : "";
    for (;;) {
      const room = options.limit - tally.examined;
      const keys = await phase.keys(last, (phase.single ? 1 : Math.max(room, 0)) + 1);
      if (keys.length === 0) break;
      if (room <= 0) return `${phase.name} ${last}`;
      const batch = keys.slice(0, phase.single ? 1 : room);
      if (!(await phase.judge(batch, tally))) return `${phase.name} ${last}`;
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
