/** Wall clock of a time zone against UTC. */
export class Zone {
  readonly #format: Intl.DateTimeFormat;

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  /** Local minus UTC, in ms, at an instant. */
  offset(at: number): number {
    // "11/24/2026, 10:15:07": far cheaper than formatToParts.
    const [month, day, year, hour, minute, second] = (this.#format.format(at).match(/\d+/g) as string[]).map(
      Number,
    ) as [number, number, number, number, number, number];
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000;
  }

  /** Local date and time, written as if it were UTC. */
  local(at: number): number {
    return at + this.offset(at);
  }

  /**
   * The instant of a local time: the first of two in an overlap; `gapEnd` instead when clocks skipped it.
   */
  instant(local: number): { at: number } | { gapEnd: number } {
    const before = this.offset(local - 86_400_000);
    const after = this.offset(local + 86_400_000);
    for (const offset of before > after ? [before, after] : [after, before]) {
      if (this.local(local - offset) === local) return { at: local - offset };
    }
    let low = local - Math.max(before, after);
    let high = local - Math.min(before, after);
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offset(middle) === before) low = middle;
      else high = middle;
    }
    return { gapEnd: high };
  }
}
