import type { Timer } from "@azure/functions";

/** Timers fire a little early at times; the schedules lie at least a minute apart. */
const EARLY_MS = 20_000;

/**
 * The occurrence that an invocation stands for. It is the same for every retry of the invocation, and for the host that takes over
 * from another: what an Idempotency-Key is made of.
 *
 * The status that comes with a timer was written after the invocation before: its `next` is the occurrence of now (after an
 * outage the first that was missed), its `last` the one before. Where there is no status (first run, `useMonitor` off),
 * the current minute serves.
 */
export function nominalTime(timer: Pick<Timer, "scheduleStatus">, now: number): Date {
  const status = timer.scheduleStatus as Timer["scheduleStatus"] | null | undefined;
  const times = [status?.next, status?.last]
    .map((text) => Date.parse(text ?? ""))
    // Year 1 is how the host writes "never".
    .filter((time) => time > 0 && time <= now + EARLY_MS);
  const time = times.length > 0 ? Math.max(...times) : Math.floor(now / 60_000) * 60_000;
  return new Date(Math.floor(time / 1_000) * 1_000);
}
