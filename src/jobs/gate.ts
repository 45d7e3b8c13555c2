import type { Clock } from "./clock.ts";
import type { Run, Schedule, ScheduleBook } from "./ports.ts";
import type { Throttle } from "./throttle.ts";
import { opening } from "./windows.ts";

export type GateAnswer = { open: true } | { open: false; nextAt: number; reason: string };
/** Asked before each batch. `batchMs`: how long the last one took; `waiting` is shown as the run's reason. */
export type Gate = (
  run: Run,
  batchMs: number,
  signal: AbortSignal,
  waiting: (reason: string | null) => void,
) => Promise<GateAnswer>;

/** The maintenance windows of the run's schedule first, then the throttle. Runs asked for by hand know no windows. */
export function createGate(book: ScheduleBook, clock: Clock, throttle: Throttle | null): Gate {
  let schedules: Schedule[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  const scheduleOf = async (run: Run): Promise<Schedule | undefined> => {
    if (run.scheduleId === null) return undefined;
    // A window that was changed is seen within 5 s: a read for each batch would cost more than it says.
    if (clock.monotonic() - readAt > 5_000) {
      schedules = await book.schedules();
      readAt = clock.monotonic();
    }
    return schedules.find((s) => s.id === run.scheduleId);
  };
  return async (run, batchMs, signal, waiting) => {
    const schedule = await scheduleOf(run);
    if (schedule !== undefined) {
      const now = clock.now();
      const state = opening(schedule, now);
      if (!state.open) return { open: false, nextAt: state.nextAt ?? now + 3_600_000, reason: state.reason };
    }
    if (throttle === null) return { open: true };
    const advice = await throttle.advise(batchMs);
    if (!advice.go) return { open: false, nextAt: advice.nextAt, reason: advice.reason };
    if (advice.sleepMs >= 1) {
      waiting(advice.reason);
      await clock.sleep(advice.sleepMs, signal);
      waiting(null);
    }
    return { open: true };
  };
}
