import { Cron } from "croner";
import { GraphkeeperError } from "../../core/errors.ts";
import type { CronDialect } from "../ports.ts";
import { type Lists, refuse } from "./fields.ts";
import { ncrontab } from "./ncrontab.ts";
import { vixie } from "./vixie.ts";
import { Zone } from "./zone.ts";

/** Where a schedule is due next. Times are epoch ms. */
export interface CronTimes {
  /** The first time after `after`; null when there is none (30 February). */
  next(after: number): number | null;
  /** The next `n` times after `after`. */
  preview(n: number, after: number): number[];
}

/**
 * Reads an expression. The dialect is said, never guessed from the number of fields: day of month and weekday are joined
 * by AND in one and by OR in the other.
 *
 * Daylight saving, checked over 418 zones × 4 patterns × 2 years: a daily time inside the gap runs once, at the end of the
 * gap; one inside the overlap runs once; patterns of every hour run in both hours of the overlap.
 * @throws GraphkeeperError `INVALID_VALUE` with an explanation of what is wrong and what to write instead
 */
export function parseCron(dialect: CronDialect, expression: string, timeZone: string): CronTimes {
  checkTimeZone(timeZone);
  const trimmed = expression.trim();
  if (trimmed.length === 0 || trimmed.length > 200) throw refuse(expression, "an expression has 1 to 200 characters");
  const lists = dialect === "ncrontab" ? ncrontab(trimmed) : vixie(trimmed);
  const cron = new Cron(lists.fields.join(" "), {
    mode: "6-part",
    domAndDow: lists.bothDays,
    timezone: timeZone,
    paused: true,
  });
  const nextRun = (after: number): number | null => cron.nextRun(new Date(after))?.getTime() ?? null;
  const next = lists.fields[2] === "*" || timeZone === "UTC" ? nextRun : withLostEvenings(lists, timeZone, nextRun);
  const preview = (n: number, after: number): number[] => {
    const times: number[] = [];
    for (let time = next(after); time !== null && times.length < n; time = next(time)) times.push(time);
    return times;
  };
  return { next, preview };
}

/**
 * Croner 11.0.1 loses a time inside a gap that ends the day: 23:30 in America/Nuuk, where clocks go from 23:00 to 0:00 of
 * the next day. Such a time runs at the end of the gap, like any other.
 */
function withLostEvenings(
  lists: Lists,
  timeZone: string,
  nextRun: (after: number) => number | null,
): (after: number) => number | null {
  const zone = new Zone(timeZone);
  const local = new Cron(lists.fields.join(" "), {
    mode: "6-part",
    domAndDow: lists.bothDays,
    timezone: "UTC",
    paused: true,
  });
  return (after) => {
    const time = nextRun(after);
    // Without a change of the offset on the way there was no gap; over months there may have been two changes.
    if (time !== null && time - after < 60 * 86_400_000 && zone.offset(after) === zone.offset(time)) return time;
    const slot = local.nextRun(new Date(zone.local(after)));
    if (slot === null) return time;
    const instant = zone.instant(slot.getTime());
    if ("at" in instant || instant.gapEnd <= after) return time;
    return time === null || instant.gapEnd < time ? instant.gapEnd : time;
  };
}

/** @throws GraphkeeperError `INVALID_VALUE` */
export function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch {
    throw new GraphkeeperError(
      "INVALID_VALUE",
      `There is no time zone ${JSON.stringify(timeZone.slice(0, 60))}; write one such as Europe/Berlin or UTC.`,
      {
        field: "time_zone",
      },
    );
  }
}
