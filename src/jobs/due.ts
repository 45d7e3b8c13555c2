import { hash64 } from "../core/canonical.ts";
import type { CronTimes } from "./cron/parse.ts";
import type { CatchUp, Need, Schedule } from "./ports.ts";

/** Nominal times that a tick within this time after them still meets: later ones are late and catch-up decides. */
export const GRACE_MS = 60_000;
/** Room that each further group of an occurrence adds to the spread: a few groups need no spreading. */
export const SLOT_MS = 5_000;
/** Most nominal times that one tick decides one by one; what lies before is recorded as one. */
const MAX_TIMES = 1_000;

export interface Due {
  /** To be fired, oldest first. `missed`: earlier times that it stands for. */
  fire: { nominalAt: number; missed: number }[];
  missed: { nominalAt: number; reason: string }[];
  /** Cursor after this: all up to here is decided. */
  toAt: number;
}

/** Which nominal times in (cursorAt, now] are due, and which were missed, by the catch-up policy. null: none. */
export function dueTimes(
  schedule: Pick<Schedule, "cursorAt" | "catchUp" | "catchUpWindowMs">,
  times: CronTimes,
  now: number,
): Due | null {
  const missed: Due["missed"] = [];
  let after = schedule.cursorAt;
  const windowAt = now - schedule.catchUpWindowMs;
  let time = times.next(after);
  if (time === null || time > now) return null;
  if (time < windowAt) {
    const until = new Date(windowAt).toISOString();
    missed.push({ nominalAt: time, reason: `missed with all times up to ${until}: older than the catch-up window` });
    after = windowAt - 1;
    time = times.next(after);
  }
  const found: number[] = [];
  for (; time !== null && time <= now && found.length < MAX_TIMES; time = times.next(time)) found.push(time);
  const toAt = found.at(-1) ?? after;
  // More than one tick decides: only the last of these ticks fires, or an outage would end in a burst.
  if (time !== null && time <= now) {
    return {
      fire: [],
      missed: [...missed, ...found.map((nominalAt) => ({ nominalAt, reason: "missed: too many at once" }))],
      toAt,
    };
  }
  return { ...byPolicy(found, schedule.catchUp, now, missed), toAt };
}

function byPolicy(found: number[], catchUp: CatchUp, now: number, missed: Due["missed"]): Omit<Due, "toAt"> {
  const last = found.at(-1);
  if (last === undefined) return { fire: [], missed };
  if (catchUp.policy === "none") {
    for (const nominalAt of found)
      if (now - nominalAt > GRACE_MS) missed.push({ nominalAt, reason: "missed: catch-up is off" });
    return { fire: found.filter((t) => now - t <= GRACE_MS).map((nominalAt) => ({ nominalAt, missed: 0 })), missed };
  }
  const keep = catchUp.policy === "latest" ? 1 : catchUp.max;
  const dropped = found.slice(0, Math.max(0, found.length - keep));
  const kept = found.slice(dropped.length);
  const caughtUp = new Date(kept[0] as number).toISOString();
  for (const nominalAt of dropped) missed.push({ nominalAt, reason: `missed: caught up by the run of ${caughtUp}` });
  return { fire: kept.map((nominalAt, i) => ({ nominalAt, missed: i === 0 ? dropped.length : 0 })), missed };
}

/** How late a group starts after the nominal time: always the same for a schedule and a group, and below the next nominal time. */
export function spreadMs(
  schedule: Pick<Schedule, "id" | "spreadMs">,
  groupId: string,
  groups: number,
  intervalMs: number,
): number {
  const wanted = schedule.spreadMs ?? Math.min(0.6 * intervalMs, 6 * 3_600_000);
  const spread = Math.floor(Math.min(wanted, intervalMs - 1, SLOT_MS * (groups - 1)));
  return spread <= 0 ? 0 : Number(hash64(`${schedule.id}\n${groupId}`) % BigInt(spread));
}

export interface GroupNeed {
  /** Changes that the kind has not followed yet. */
  changes: number;
  /** Size of the group in the unit of the changes. */
  size: number;
  /** Time of the oldest of these changes; null when there is none. */
  since: number | null;
}

/** Autovacuum's rule: due when changes > base + scale × size, at most cap, or when the oldest waits longer than maxAge. */
export function needed(need: Need, group: GroupNeed, now: number): { due: boolean; reason: string } {
  const threshold = Math.min(need.cap, need.base + need.scale * group.size);
  if (group.changes > threshold)
    return { due: true, reason: `${group.changes} changes, over ${Math.floor(threshold)}` };
  if (need.maxAgeMs !== null && group.since !== null && now - group.since > need.maxAgeMs) {
    return { due: true, reason: "its oldest change waits too long" };
  }
  return { due: false, reason: `no need: ${group.changes} changes, not over ${Math.floor(threshold)}` };
}
