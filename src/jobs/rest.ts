import type { Clock } from "./clock.ts";

export interface RestOptions {
  /** How long after a user's call its user is taken to be there; default 2 s. */
  presentMs?: number;
  /** Share of the time that runs may take while somebody is there, in (0, 1]; default a third. */
  share?: number;
  /** Longest rest after one run; default 1 s. */
  longestMs?: number;
}

/**
 * A worker's rest between two runs while users change documents. A thousand small groups that are due at once would
 * otherwise keep one core busy without a pause, and whoever calls meanwhile meets a run each time. Long runs give way
 * between their batches; see `Throttle`.
 */
export class Rest {
  readonly #clock: Clock;
  readonly #options: Required<RestOptions>;
  #calledAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, options: RestOptions = {}) {
    this.#clock = clock;
    this.#options = { presentMs: 2_000, share: 1 / 3, longestMs: 1_000, ...options };
  }

  /** A user's call has come. */
  called(): void {
    this.#calledAt = this.#clock.monotonic();
  }

  /** @param tookMs how long the run took that has just ended */
  restMs(tookMs: number): number {
    const { presentMs, share, longestMs } = this.#options;
    if (this.#clock.monotonic() - this.#calledAt > presentMs) return 0;
    return Math.min(longestMs, tookMs / share - tookMs);
  }
}
