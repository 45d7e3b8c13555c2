import type { Clock } from "./clock.ts";

export interface ThrottleOptions {
  clock: Clock;
  /** A small query as users send it; the time it takes, in ms. */
  probe: () => Promise<number>;
  /** True lets everything through: the disk is nearly full, or so much garbage waits that working slowly is worse. */
  urgent?: () => boolean;
  /** Latency over baseline at which work slows down, and at which it gives its place away. Defaults 1.5 and 4. */
  busyRatio?: number;
  stopRatio?: number;
  /** Latencies below this are never busy, whatever the baseline: noise of an idle machine. Default 2 ms. */
  floorMs?: number;
  /** Between probes; default 1 s. */
  everyMs?: number;
  /** How long a run that gave its place away waits; default 60 s. */
  postponeMs?: number;
}

export type Advice =
  | { go: true; sleepMs: number; reason: string | null }
  | { go: false; nextAt: number; reason: string };

/** Samples that the baseline is the median of: with one a minute kept, about a week. */
const BASELINE_SAMPLES = 10_080;

/**
 * Makes maintenance yield to users: before each batch a canary query is timed against its own baseline (the median of a
 * week, one sample a minute). Additive increase, multiplicative decrease of an intensity i in [0.05, 1]: after a batch that took d
 * the run sleeps d/i − d, so that it uses the share i of the time. Ten stopping probes in a row: it gives its place away.
 */
export class Throttle {
  readonly #options: ThrottleOptions;
  #intensity = 1;
  #baseline: number[] = [];
  #sampledAt = Number.NEGATIVE_INFINITY;
  #probedAt = Number.NEGATIVE_INFINITY;
  #ratio = 1;
  #stops = 0;

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  /** Share of the time that work takes, and scale for adaptive batch sizes. */
  get intensity(): number {
    return this.#intensity;
  }

  /** @param batchMs how long the batch took that has just ended; 0 before the first */
  async advise(batchMs: number): Promise<Advice> {
    const { clock, urgent } = this.#options;
    if (urgent?.() === true) return { go: true, sleepMs: 0, reason: null };
    if (clock.monotonic() - this.#probedAt >= (this.#options.everyMs ?? 1_000)) await this.#look();
    if (this.#stops >= 10) {
      this.#stops = 0;
      const postponeMs = this.#options.postponeMs ?? 60_000;
      return {
        go: false,
        nextAt: clock.now() + postponeMs,
        reason: `postponed: the canary takes ${this.#ratio.toFixed(1)}× its baseline`,
      };
    }
    const sleepMs = Math.min(30_000, batchMs / this.#intensity - batchMs);
    const reason =
      sleepMs < 1
        ? null
        : `sleeping ${(sleepMs / 1_000).toFixed(1)} s: the canary takes ${this.#ratio.toFixed(1)}× its baseline`;
    return { go: true, sleepMs, reason };
  }

  async #look(): Promise<void> {
    const { clock, probe } = this.#options;
    this.#probedAt = clock.monotonic();
    let latency: number;
    try {
      latency = await probe();
    } catch {
      // No answer is the busiest answer.
      latency = Number.POSITIVE_INFINITY;
    }
    const baseline = median(this.#baseline) ?? latency;
    this.#ratio =
      latency <= (this.#options.floorMs ?? 2)
        ? 1
        : Number.isFinite(latency)
          ? latency / Math.max(baseline, 0.001)
          : 1_000;
    if (this.#ratio >= (this.#options.busyRatio ?? 1.5)) this.#intensity = Math.max(0.05, this.#intensity / 2);
    else this.#intensity = Math.min(1, this.#intensity + 0.1);
    this.#stops = this.#ratio >= (this.#options.stopRatio ?? 4) ? this.#stops + 1 : 0;
    // The first minute samples each look, so that the baseline does not hang on one value.
    if (Number.isFinite(latency) && (this.#baseline.length < 60 || clock.monotonic() - this.#sampledAt >= 60_000)) {
      this.#sampledAt = clock.monotonic();
      this.#baseline.push(latency);
      if (this.#baseline.length > BASELINE_SAMPLES) this.#baseline.shift();
    }
  }
}

function median(values: number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
