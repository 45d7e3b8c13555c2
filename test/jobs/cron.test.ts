import { describe, expect, test } from "vitest";
import { ianaTimeZone, parseCron, storedCron } from "../../src/jobs/cron/parse.ts";

const iso = (times: number[]) => times.map((t) => new Date(t).toISOString().replace(".000Z", "Z"));
const at = (text: string) => Date.parse(text);

describe("NCRONTAB", () => {
  test.each([
    ["0 0 * * * *", ["2026-11-24T11:00:00Z", "2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z"]],
    ["0 */15 * * * *", ["2026-11-24T10:15:00Z", "2026-11-24T10:30:00Z", "2026-11-24T10:45:00Z"]],
    ["0 0 */6 * * *", ["2026-11-24T12:00:00Z", "2026-11-24T18:00:00Z", "2026-11-25T00:00:00Z"]],
    ["0 0 2 * * *", ["2026-11-25T02:00:00Z", "2026-11-26T02:00:00Z", "2026-11-27T02:00:00Z"]],
    ["0 0 2 * * 0", ["2026-11-29T02:00:00Z", "2026-12-06T02:00:00Z", "2026-12-13T02:00:00Z"]],
  ])("the specification's %s", (expression, times) => {
    expect(iso(parseCron("ncrontab", expression, "UTC").preview(3, at("2026-11-24T10:00:07Z")))).toEqual(times);
  });

  test("Azure's own rules", () => {
    const next = (expression: string, after: string) =>
      iso(parseCron("ncrontab", expression, "UTC").preview(2, at(after)));
    // Reversed ranges are swapped: 22-2 is 2 to 22.
    expect(next("0 0 22-2 * * *", "2026-11-24T22:30:00Z")).toEqual(["2026-11-25T02:00:00Z", "2026-11-25T03:00:00Z"]);
    // Day of month AND weekday: Friday the 13th.
    expect(next("0 0 0 13 * 5", "2026-01-01T00:00:00Z")).toEqual(["2026-02-13T00:00:00Z", "2026-03-13T00:00:00Z"]);
    // a/n runs from a to the end.
    expect(next("0 50/5 * * * *", "2026-11-24T00:00:00Z")).toEqual(["2026-11-24T00:50:00Z", "2026-11-24T00:55:00Z"]);
    // Names by prefix.
    expect(next("0 0 0 * Feb Mon-Fri", "2026-01-01T00:00:00Z")).toEqual([
      "2026-02-02T00:00:00Z",
      "2026-02-03T00:00:00Z",
    ]);
    expect(next("30 0 0 * D Sunday", "2026-01-01T00:00:00Z")).toEqual(["2026-12-06T00:00:30Z", "2026-12-13T00:00:30Z"]);
    // Five fields: second 0.
    expect(next("*/20 * * * *", "2026-11-24T00:00:01Z")).toEqual(["2026-11-24T00:20:00Z", "2026-11-24T00:40:00Z"]);
  });

  test.each([
    ["0 0 0 * * 7", /Sunday is 0, not 7/],
    ["@daily", /no @ names/],
    ["24:00:00", /24 days/],
    ["00:05:00", /TimeSpan/],
    ["0 0 0 L * *", /no L/],
    ["0 0 0 ? * *", /no \?/],
    ["0 60 * * * *", /"60" is not a minute \(0 to 59\)/],
    ["0 0 * * * * 2026", /this has 7/],
    ["0 0/x * * * *", /not a step/],
    ["", /1 to 200/],
    ["0 0 0 * Foo *", /not a month/],
  ])("refuses %s with an explanation", (expression, why) => {
    expect(() => parseCron("ncrontab", expression, "UTC")).toThrow(why);
  });

  test("400 random expressions agree with a brute force", () => {
    let seed = 20_261_124;
    const random = (n: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * n);
    };
    let found = 0;
    for (let i = 0; i < 400; i++) {
      const { text, matches } = randomExpression(random);
      const start = at("2026-01-01T00:00:00Z") + random(365 * 86_400) * 1_000;
      const expected = bruteForce(matches, start, 3);
      const actual = parseCron("ncrontab", text, "UTC").preview(3, start).slice(0, expected.length);
      expect(iso(actual), text).toEqual(iso(expected));
      found += expected.length;
    }
    expect(found).toBeGreaterThan(600);
  });
});

/** Written from the text of the rules, sharing no code with the normaliser: a set of values per field. */
function randomExpression(random: (n: number) => number): { text: string; matches: Set<number>[] } {
  const shapes = [
    [0, 59],
    [0, 59],
    [0, 23],
    [1, 31],
    [1, 12],
    [0, 6],
  ] as const;
  const months = ["Jan", "February", "Mar", "Ap", "May", "June", "Jul", "Au", "S", "O", "N", "D"];
  const days = ["Sun", "M", "Tue", "W", "Thursday", "F", "Sat"];
  const texts: string[] = [];
  const matches: Set<number>[] = [];
  shapes.forEach(([min, max], place) => {
    const set = new Set<number>();
    const items: string[] = [];
    const write = (n: number) => {
      const names = place === 4 ? months : place === 5 ? days : undefined;
      return names !== undefined && random(3) === 0 ? (names[n - min] as string) : String(n);
    };
    const fill = (from: number, to: number, step: number) => {
      for (let v = min; v <= max; v++) if (v >= from && v <= to && (v - from) % step === 0) set.add(v);
    };
    // Seconds and the days are mostly open, else three times within the brute force's reach would be rare.
    const open = place >= 3 ? random(10) < 7 : random(10) < 3;
    const count = open ? 1 : 1 + random(3);
    for (let k = 0; k < count; k++) {
      const value = min + random(max - min + 1);
      const other = min + random(max - min + 1);
      const step = 1 + random(7);
      const shape = open ? 0 : 1 + random(5);
      if (shape === 0) {
        items.push("*");
        fill(min, max, 1);
      } else if (shape === 1) {
        items.push(write(value));
        set.add(value);
      } else if (shape === 2) {
        items.push(`${write(value)}-${write(other)}`);
        fill(Math.min(value, other), Math.max(value, other), 1);
      } else if (shape === 3) {
        items.push(`*/${step}`);
        fill(min, max, step);
      } else if (shape === 4) {
        items.push(`${write(value)}/${step}`);
        fill(value, max, step);
      } else {
        items.push(`${write(value)}-${write(other)}/${step}`);
        fill(Math.min(value, other), Math.max(value, other), step);
      }
    }
    texts.push(items.join(","));
    matches.push(set);
  });
  return { text: texts.join(" "), matches };
}

/** Day by day, then second by second: at most 500 days. */
function bruteForce(matches: Set<number>[], after: number, n: number): number[] {
  const [seconds, minutes, hours, days, months, weekdays] = matches as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  const times: number[] = [];
  const dayMs = 86_400_000;
  for (let day = Math.floor(after / dayMs) * dayMs, i = 0; i < 500 && times.length < n; i++, day += dayMs) {
    const date = new Date(day);
    if (!days.has(date.getUTCDate()) || !months.has(date.getUTCMonth() + 1) || !weekdays.has(date.getUTCDay()))
      continue;
    for (let hour = 0; hour < 24; hour++) {
      if (!hours.has(hour)) continue;
      for (let minute = 0; minute < 60; minute++) {
        if (!minutes.has(minute)) continue;
        for (let second = 0; second < 60; second++) {
          const time = day + ((hour * 60 + minute) * 60 + second) * 1_000;
          if (seconds.has(second) && time > after && times.length < n) times.push(time);
        }
      }
    }
  }
  return times;
}

describe("five-field cron", () => {
  const next = (expression: string, after: string, n = 2) =>
    iso(parseCron("cron", expression, "UTC").preview(n, at(after)));

  test("names, steps, Sunday as 0 and 7, @ names", () => {
    expect(next("0 9 * * mon-fri", "2026-11-27T10:00:00Z")).toEqual(["2026-11-30T09:00:00Z", "2026-12-01T09:00:00Z"]);
    expect(next("0 0 * * 7", "2026-11-24T00:00:00Z")).toEqual(next("0 0 * * 0", "2026-11-24T00:00:00Z"));
    expect(next("*/20 1 * * *", "2026-11-24T00:00:00Z")).toEqual(["2026-11-24T01:00:00Z", "2026-11-24T01:20:00Z"]);
    expect(next("@daily", "2026-11-24T05:00:00Z")).toEqual(["2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"]);
    expect(next("@weekly", "2026-11-24T05:00:00Z")).toEqual(["2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"]);
  });

  test("day of month OR weekday, but AND when one begins with a star", () => {
    expect(next("0 0 13 * 5", "2026-11-24T00:00:00Z", 3)).toEqual([
      "2026-11-27T00:00:00Z",
      "2026-12-04T00:00:00Z",
      "2026-12-11T00:00:00Z",
    ]);
    expect(next("0 0 13 * *", "2026-11-24T00:00:00Z", 1)).toEqual(["2026-12-13T00:00:00Z"]);
    // crontab(5): */2 begins with a star, so both must match: odd days that are Mondays.
    expect(next("0 0 */2 * 1", "2026-11-01T00:00:00Z", 3)).toEqual([
      "2026-11-09T00:00:00Z",
      "2026-11-23T00:00:00Z",
      "2026-12-07T00:00:00Z",
    ]);
  });

  test("30 February has no runs", () => {
    // Of a stored schedule; a new one is refused.
    expect(storedCron("cron", "0 0 30 2 *", "UTC").next(at("2026-01-01T00:00:00Z"))).toBe(null);
  });

  test.each([
    ["0 0 2 * * *", /6 fields are NCRONTAB/],
    ["0 0 * *", /this has 4/],
    ["5/10 * * * *", /needs a range/],
    ["0 22-2 * * *", /reversed; write two, such as "22-23,0-2"/],
    ["*/0 * * * *", /never moves on/],
    ["@reboot", /reboots/],
    ["@fortnightly", /known are @yearly/],
    ["0 0 L * *", /no L/],
    ["0 24 * * *", /24 is not a hour|24 is not an hour/],
    ["0 0 * * monday", /"monday" is not a weekday/],
  ])("refuses %s with an explanation", (expression, why) => {
    expect(() => parseCron("cron", expression, "UTC")).toThrow(why);
  });

  test("refuses an unknown zone", () => {
    expect(() => parseCron("cron", "@daily", "Europe/Atlantis")).toThrow(/no time zone/);
  });
});

describe("daylight saving", () => {
  const zones = Intl.supportedValuesOf("timeZone");
  const patterns: [string, string][] = [
    ["0 0 * * *", "midnight"],
    ["30 1 * * *", "half past one"],
    ["15 2 * * *", "a quarter past two"],
    ["30 23 * * *", "half past eleven"],
  ];
  // 418 in the ICU of Node 24.21 without the aliases that it lists beside; every zone it knows is swept.
  test(`every local date exactly once: ${zones.length} zones × 4 patterns × 2 years`, { timeout: 240_000 }, () => {
    expect(zones.length).toBeGreaterThanOrEqual(400);
    const start = at("2026-01-01T00:00:00Z");
    const end = at("2028-01-01T00:00:00Z");
    const anomalies: string[] = [];
    for (const zone of zones) {
      const format = new Intl.DateTimeFormat("en-CA", {
        timeZone: zone,
        year: "numeric",
        month: "2-digit",
        day: "2-digit",
      });
      for (const [pattern] of patterns) {
        const times = parseCron("cron", pattern, zone);
        const dates: string[] = [];
        for (let t = times.next(start); t !== null && t < end; t = times.next(t)) {
          // A time that fell into a gap at the end of its day runs at 0:00 of the next; it stands for the day before.
          dates.push(format.format(pattern === "0 0 * * *" ? t : t - 1));
        }
        for (let i = 1; i < dates.length; i++) {
          const before = Date.parse(dates[i - 1] as string);
          if (Date.parse(dates[i] as string) - before !== 86_400_000)
            anomalies.push(`${zone} ${pattern}: ${dates[i - 1]} then ${dates[i]}`);
        }
        if (dates.length < 729) anomalies.push(`${zone} ${pattern}: ${dates.length} dates`);
      }
    }
    expect(anomalies).toEqual([]);
  });

  test("the gap, the overlap, Lord Howe", () => {
    const next = (expression: string, zone: string, after: string, n: number) =>
      iso(parseCron("cron", expression, zone).preview(n, at(after)));
    // 02:30 does not exist on 29 March 2026 in Berlin: it runs at 03:00 local (01:00 UTC).
    expect(next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2)[0]).toBe("2026-03-29T01:00:00Z");
    expect(next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2)).toEqual([
      "2026-10-25T00:30:00Z",
      "2026-10-26T01:30:00Z",
    ]);
    expect(next("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 4)).toEqual([
      "2026-10-25T00:00:00Z",
      "2026-10-25T01:00:00Z",
      "2026-10-25T02:00:00Z",
      "2026-10-25T03:00:00Z",
    ]);
    // A gap of 30 minutes: 02:15 runs at 02:30 local (UTC+11 from then on).
    expect(next("15 2 * * *", "Australia/Lord_Howe", "2026-10-02T20:00:00Z", 2)).toEqual([
      "2026-10-03T15:30:00Z",
      "2026-10-04T15:15:00Z",
    ]);
    // 23:00 to 0:00 in Nuuk: 23:30 of 28 March runs at 0:00 of the 29th.
    expect(next("30 23 * * *", "America/Nuuk", "2026-03-27T12:00:00Z", 3)).toEqual([
      "2026-03-28T01:30:00Z",
      "2026-03-29T01:00:00Z",
      "2026-03-30T00:30:00Z",
    ]);
  });
});

test("days that no month has are refused as never firing, in both dialects; every other day is taken", () => {
  for (const [dialect, expression] of [
    ["cron", "0 0 31 2 *"],
    ["cron", "0 0 30,31 FEB *"],
    ["cron", "0 0 31 4,6,9,11 *"],
    ["ncrontab", "0 0 0 31 2 *"],
    ["ncrontab", "0 0 0 30 2 1"],
  ] as const)
    expect(() => parseCron(dialect, expression, "UTC"), expression).toThrow(
      /it never fires: months? .* ha(s|ve) no day 3[01]/,
    );
  for (const [dialect, expression] of [
    ["cron", "0 0 29 2 *"],
    ["cron", "0 0 31 2,3 *"],
    // Either of both days is enough here.
    ["cron", "0 0 31 2 1"],
    ["ncrontab", "0 0 0 29 2 1"],
  ] as const)
    expect(parseCron(dialect, expression, "UTC").next(Date.UTC(2026, 0, 1)), expression).not.toBeNull();
});

test("names of time zones that Windows has are understood, as Azure Functions takes them", () => {
  const next = (zone: string) => parseCron("ncrontab", "0 30 9 * * *", zone).next(Date.UTC(2026, 6, 1));
  expect(next("Pacific Standard Time")).toBe(Date.UTC(2026, 6, 1, 16, 30));
  expect(next("W. Europe Standard Time")).toBe(Date.UTC(2026, 6, 1, 7, 30));
  expect(ianaTimeZone("Tokyo Standard Time")).toBe("Asia/Tokyo");
  expect([ianaTimeZone("UTC"), ianaTimeZone("Europe/Berlin")]).toEqual(["UTC", "Europe/Berlin"]);
  expect(() => ianaTimeZone("Mars Standard Time")).toThrow(/There is no time zone "Mars Standard Time"/);
});
