import type { JsonObject } from "../core/words.ts";

/**
 * How far this machine's clock may be believed when what it says would purge something for good.
 *
 * Within a process the wall clock is compared with the monotonic one: what it steps ahead is *held*, and restore windows are
 * longer by as much. Between two processes there is no such clock, so that the time at which the last one looked is kept: a
 * gap that maintenance has often enough (a nightly job, a week-end) is believed, a longer one waits an hour after the start, so
 * that somebody can see it; or, where processes live for minutes, until another process sees the same time an hour or
 * more later. The clock of a database that agrees ends each wait.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Less is the work of time servers. */
export const STEP_MS = 5 * MINUTE_MS;
const WAIT_MS = HOUR_MS;

/** A quarter of the restore window, within these: a nightly job must pass, and a week must not be lost. */
export function plausibleGapMs(restoreWindowMs: number): number {
  return Math.min(8 * DAY_MS, Math.max(2 * DAY_MS, restoreWindowMs / 4));
}

export interface TimeSources {
  /** Epoch ms; may jump. */
  wall(): number;
  /** ms from any start; never jumps. */
  monotonic(): number;
  /** The clock of the databases' servers, where there are any; null = there is none but this machine's. */
  database?: () => Promise<number | null>;
}

/** What the next process is told. */
interface Seen {
  /** The time that was believed, and what the clock said. */
  believedAt: number;
  wallAt: number;
  /** Since when, by that clock, processes have found a gap before them that is too long; null = they did not. */
  gapSince: number | null;
}

export interface TrustedTimeOptions {
  sources: TimeSources;
  restoreWindowMs: number;
  load(): Promise<JsonObject | null>;
  save(seen: JsonObject): Promise<void>;
  /** Told once for each step and gap. */
  tell?: (message: string) => void;
}

export class TrustedTime {
  readonly #options: TrustedTimeOptions;
  #wall: number;
  #monotonic: number;
  readonly #begun: number;
  #heldMs = 0;
  #gapSince: number | null = null;
  #loaded = false;
  #reason: string | null = null;

  constructor(options: TrustedTimeOptions) {
    this.#options = options;
    this.#wall = options.sources.wall();
    this.#monotonic = options.sources.monotonic();
    this.#begun = this.#monotonic;
  }

  /** By how much the clock is ahead of what can be believed, in ms: restore windows are longer by it. */
  heldMs(): number {
    const { wall, monotonic } = this.#options.sources;
    const [now, at] = [wall(), monotonic()];
    const step = now - this.#wall - (at - this.#monotonic);
    if (Math.abs(step) < STEP_MS) return this.#heldMs;
    this.#wall = now;
    this.#monotonic = at;
    const held = Math.max(0, this.#heldMs + step);
    this.#heldMs = held < STEP_MS ? 0 : held;
    // A step within the process is no gap before it: the next process begins to wait anew.
    this.#gapSince = null;
    this.#say(
      step > 0
        ? `this machine's clock stepped ${days(step)} ahead`
        : `this machine's clock was set back by ${days(-step)}`,
    );
    return this.#heldMs;
  }

  /** What is wrong with the clock, for people; null = it is believed. */
  reason(): string | null {
    this.heldMs();
    return this.#reason;
  }

  /** Looks whether a wait is over, and leaves the time for the next process. Call it before each collection. */
  async refresh(): Promise<void> {
    this.heldMs();
    if (!this.#loaded) await this.#begin();
    if (this.#heldMs > 0 && ((await this.#databaseAgrees()) || this.#waited())) {
      this.#heldMs = 0;
      this.#gapSince = null;
      this.#reason = null;
    }
    const now = this.#options.sources.wall();
    const seen: Seen = { believedAt: now - this.#heldMs, wallAt: now, gapSince: this.#gapSince };
    await this.#options.save({ ...seen });
  }

  async #begin(): Promise<void> {
    const seen = (await this.#options.load()) as Partial<Seen> | null;
    this.#loaded = true;
    if (typeof seen?.believedAt !== "number") return;
    const { believedAt, wallAt = believedAt, gapSince = null } = seen;
    const now = this.#options.sources.wall();
    const plausible = plausibleGapMs(this.#options.restoreWindowMs);
    if (now < wallAt - STEP_MS) this.#say(`this machine's clock is ${days(wallAt - now)} behind what it was`);
    const gap = now - believedAt;
    if (gap <= plausible) return;
    const sameTime = now >= wallAt - STEP_MS && now - wallAt <= plausible;
    if (gapSince !== null && sameTime && now - gapSince >= WAIT_MS) return;
    this.#heldMs = Math.max(this.#heldMs, gap);
    this.#gapSince = sameTime ? (gapSince ?? now) : now;
    this.#say(`nothing ran for ${days(gap)} by this machine's clock, or the clock is wrong`);
  }

  /** Only a gap before this process ends by waiting. */
  #waited(): boolean {
    return this.#gapSince !== null && this.#options.sources.monotonic() - this.#begun >= WAIT_MS;
  }

  async #databaseAgrees(): Promise<boolean> {
    const { database, wall } = this.#options.sources;
    const time = await database?.().catch(() => null);
    return typeof time === "number" && Math.abs(time - wall()) < STEP_MS;
  }

  #say(what: string): void {
    const holds = this.#heldMs > 0 ? "; what would be purged only because of that is held" : "";
    this.#reason = `${what}${holds}`;
    this.#options.tell?.(this.#reason);
  }
}

function days(ms: number): string {
  return ms >= DAY_MS ? `${(ms / DAY_MS).toFixed(1)} days` : `${(ms / HOUR_MS).toFixed(1)} hours`;
}
