import { Zone } from "./cron/zone.ts";
import type { DailyWindow, Schedule } from "./ports.ts";

export type Opening = { open: true } | { open: false; nextAt: number | null; reason: string };

const DAY_MS = 86_400_000;
const zones = new Map<string, Zone>();

function zoneOf(timeZone: string): Zone {
  let zone = zones.get(timeZone);
  if (zone === undefined) {
    zone = new Zone(timeZone);
    zones.set(timeZone, zone);
  }
  return zone;
}

/**
 * Whether a schedule's runs may work at `at`: inside one of its windows (if it has any) and in no blackout. When not,
 * `nextAt` is the next time at which both hold, looked for over 8 days; null when there is none.
 */
export function opening(schedule: Pick<Schedule, "windows" | "blackouts" | "timeZone">, at: number): Opening {
  let time = at;
  let reason: string | null = null;
  // Each step passes one closed stretch; blackouts are finite and windows come back every week.
  for (let step = 0; step < 100; step++) {
    const blackout = schedule.blackouts.find((b) => time >= b.fromAt && time < b.toAt);
    if (blackout !== undefined) {
      reason ??= `blackout: ${blackout.reason}`;
      time = blackout.toAt;
      continue;
    }
    const windowAt = nextInWindow(schedule.windows, schedule.timeZone, time);
    if (windowAt === null)
      return { open: false, nextAt: null, reason: reason ?? "no maintenance window within 8 days" };
    if (windowAt === time)
      return time === at ? { open: true } : { open: false, nextAt: time, reason: reason as string };
    reason ??= "outside its maintenance windows";
    time = windowAt;
  }
  return { open: false, nextAt: null, reason: reason ?? "no maintenance window" };
}

/** `at` itself when a window is open then, else the next beginning of one. */
function nextInWindow(windows: DailyWindow[], timeZone: string, at: number): number | null {
  if (windows.length === 0) return at;
  const zone = zoneOf(timeZone);
  const today = Math.floor(zone.local(at) / DAY_MS) * DAY_MS;
  let next: number | null = null;
  for (let day = -1; day <= 8; day++) {
    const midnight = today + day * DAY_MS;
    const weekday = new Date(midnight).getUTCDay();
    for (const window of windows) {
      if (window.days !== undefined && !window.days.includes(weekday)) continue;
      const from = minutes(window.from) * 60_000;
      const to = minutes(window.to) * 60_000;
      const begin = instant(zone, midnight + from);
      const end = instant(zone, midnight + to + (to <= from ? DAY_MS : 0));
      if (begin <= at && at < end) return at;
      if (begin > at && (next === null || begin < next)) next = begin;
    }
    if (next !== null && day >= 1) break;
  }
  return next;
}

function instant(zone: Zone, local: number): number {
  const found = zone.instant(local);
  return "at" in found ? found.at : found.gapEnd;
}

function minutes(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}
