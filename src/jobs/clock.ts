import { setTimeout as delay } from "node:timers/promises";

/** Time as the jobs room sees it; injected, so that tests need no sleep. */
export interface Clock {
  /** Wall clock, epoch ms: for due times and the ledger. May jump. */
  now(): number;
  /** Never jumps, ms from an arbitrary start: for leases, time-outs and pauses between looks. */
  monotonic(): number;
  /** Resolves after `ms` of monotonic time, or at once when the signal is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal, ref: true }).catch(() => {}),
};

/**
 * A wall clock that follows the store's time by the monotonic clock, so that a jump of this machine's clock moves no due
 * time. `read` is asked at the start and then at most every `everyMs`.
 */
export async function storeClock(
  read: () => Promise<number>,
  everyMs = 30_000,
  base: Clock = systemClock,
): Promise<Clock> {
  let offset = 0;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading = false;
  const sync = async () => {
    reading = true;
    try {
      const before = base.monotonic();
      const time = await read();
      offset = time - (before + base.monotonic()) / 2;
      readAt = base.monotonic();
    } finally {
      reading = false;
    }
  };
  await sync();
  return {
    now: () => {
      // A store that does not answer leaves the offset as it was: monotonic time alone drifts by less than 1 s a day.
      if (!reading && base.monotonic() - readAt > everyMs) sync().catch(() => {});
      return Math.round(base.monotonic() + offset);
    },
    monotonic: base.monotonic,
    sleep: base.sleep,
  };
}
