import { Cron } from "croner";
import { findIana } from "windows-iana";
import { GraphkeeperError } from "../../core/errors.ts";
import type { CronDialect } from "../ports.ts";
import { type Lists, refuse } from "./fields.ts";
import { ncrontab } from "./ncrontab.ts";
import { vixie } from "./vixie.ts";
import { Zone } from "./zone.ts";

/** Where a schedule is due next. Times are epoch ms. */
export interface CronTimes {
  /** The first time after `after`; null when there is none. */
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
  const times = storedCron(dialect, expression, timeZone);
  refuseNever(expression, dialect === "ncrontab" ? ncrontab(expression.trim()) : vixie(expression.trim()));
  return times;
}

/** The same for an expression that is stored: what never fires, and was taken by version 0.1, stops nothing. */
export function storedCron(dialect: CronDialect, expression: string, zoneName: string): CronTimes {
  const timeZone = ianaTimeZone(zoneName);
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

const LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Refuses days that no month has: a schedule of 31 February would wait for ever and look well. Every other day comes, on
 * each weekday: 29 February falls on all seven within 40 years.
 */
function refuseNever(expression: string, { fields, bothDays }: Lists): void {
  const [, , , day, month, weekday] = fields;
  if (day === "*" || (!bothDays && weekday !== "*")) return;
  const first = Math.min(...day.split(",").map(Number));
  const months = month === "*" ? LONGEST.map((_, i) => i + 1) : month.split(",").map(Number);
  if (months.some((number) => first <= LONGEST[number - 1]!)) return;
  const named = months.length === 1 ? `month ${months[0]} has` : `months ${months.join(", ")} have`;
  throw refuse(expression, `it never fires: ${named} no day ${first}`);
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

/**
 * The name of the IANA database for a time zone: Azure Functions and other Windows programs say "Pacific Standard Time",
 * which Node does not know.
 *
 * @throws GraphkeeperError `INVALID_VALUE`
 */
export function ianaTimeZone(timeZone: string): string {
  if (isTimeZone(timeZone)) return timeZone;
  // 001: the zone that stands for the name wherever no country is said.
  const iana = findIana(timeZone, "001")[0];
  if (iana !== undefined && isTimeZone(iana)) return iana;
  throw new GraphkeeperError(
    "INVALID_VALUE",
    `There is no time zone ${JSON.stringify(timeZone.slice(0, 60))}; write one such as Europe/Berlin or UTC, or a name of Windows such as "W. Europe Standard Time".`,
    {
      field: "time_zone",
    },
  );
}

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return true;
  } catch {
    return false;
  }
}
