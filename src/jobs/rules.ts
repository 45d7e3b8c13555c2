import { GraphkeeperError } from "../core/errors.ts";
import type { DailyWindow, KindConfig, KindSummary, Run, RunCommand, RunError } from "./ports.ts";

/** Rules that both job stores and the worker share: pure functions, so that two dialects cannot read them differently. */

/** Workers that a run may lose in a row, without a saved batch, before it is no chance any more and waits between attempts. */
export const CHANCE_LOSSES = 3;
/** Runs of a group that die in a row before the group is parked. */
export const POISON_AFTER = 3;

/** `min(last + quiet, first + maxWait)`: each event puts the run off, but never beyond the ceiling. */
export function debouncedRunAt(
  firstAt: number,
  lastAt: number,
  debounce: { quietMs: number; maxWaitMs: number },
): number {
  return Math.min(lastAt + debounce.quietMs, firstAt + debounce.maxWaitMs);
}

/** Exponential, full delay: half of it fixed, half by chance. `failures` counts the one that just happened. */
export function retryDelayMs(failures: number, kind: KindConfig, random: () => number): number {
  const base = kind.backoffMs ?? 5_000;
  const full = Math.min(kind.backoffMaxMs ?? 15 * 60_000, base * 2 ** Math.min(30, failures - 1));
  return Math.round(full / 2 + (full / 2) * random());
}

/**
 * How long a run waits after its worker vanished. A killed, evicted or crashed worker is no failure of the run: it never dies
 * of it, and is tried again for ever. But what kills its worker (a group that does not fit into memory) would do so again at
 * once: from the fourth loss on the wait grows from 30 s to an hour.
 */
export function lossDelayMs(losses: number): number {
  if (losses <= CHANCE_LOSSES) return 0;
  return Math.min(3_600_000, 30_000 * 4 ** Math.min(10, losses - CHANCE_LOSSES - 1));
}

export type Judgement = { retry: true; failure: boolean; delayMs?: number } | { retry: false };

/**
 * What an error of a handler means. The caller's mistakes (4xx) are the same next time; a held or lost lease is nobody's
 * fault and does not count; everything else may pass.
 */
export function judgeError(error: unknown): Judgement {
  if (!GraphkeeperError.is(error)) return { retry: true, failure: true };
  if (error.code === "LEASE_HELD") return { retry: true, failure: false, delayMs: 1_000 };
  if (error.code === "LEASE_LOST") return { retry: true, failure: false, delayMs: 0 };
  if (error.code === "DATA_FROM_NEWER_VERSION" || error.code === "INVALID_CONFIG") return { retry: false };
  return error.status < 500 && error.code !== "CANCELLED" ? { retry: false } : { retry: true, failure: true };
}

/** Never a stack, never the text of an unknown error's cause chain; at most 500 characters. */
export function runError(error: unknown): RunError {
  const message = error instanceof Error ? error.message : String(error);
  return { code: GraphkeeperError.is(error) ? error.code : "RUN_FAILED", message: message.slice(0, 500) };
}

export type CommandEffect =
  | { change: "none" }
  | { change: "request"; flag: "cancel" | "pause" | "resume" }
  | { change: "state"; to: "cancelled" | "paused" | "queued"; fresh: boolean };

/** What a command does to a run in a state. `fresh`: failures and losses start again. */
export function commandEffect(
  run: Pick<Run, "state" | "pauseRequested" | "cancelRequested">,
  command: RunCommand,
): CommandEffect {
  const waiting = run.state === "queued" || run.state === "paused";
  switch (command) {
    case "cancel":
      if (waiting) return { change: "state", to: "cancelled", fresh: false };
      return run.state === "running" ? { change: "request", flag: "cancel" } : { change: "none" };
    case "pause":
      if (run.state === "queued") return { change: "state", to: "paused", fresh: false };
      return run.state === "running" && !run.cancelRequested
        ? { change: "request", flag: "pause" }
        : { change: "none" };
    case "resume":
      if (run.state === "paused") return { change: "state", to: "queued", fresh: false };
      return run.state === "running" && run.pauseRequested ? { change: "request", flag: "resume" } : { change: "none" };
    case "retry":
      return run.state === "failed" || run.state === "dead" || run.state === "cancelled" || run.state === "skipped"
        ? { change: "state", to: "queued", fresh: true }
        : { change: "none" };
  }
}

/** Monday 00:00 UTC of the week of `at`. */
export function weekStart(at: number): number {
  const day = 86_400_000;
  // 1970-01-01 was a Thursday: Monday is three days before.
  return Math.floor((at + 3 * day) / (7 * day)) * 7 * day - 3 * day;
}

/** Whether "HH:MM" windows are well formed; used where schedules come in. */
export function validWindow(window: DailyWindow): boolean {
  const time = /^([01]\d|2[0-3]):[0-5]\d$/;
  const days =
    window.days === undefined ||
    (window.days.length > 0 && window.days.every((d) => Number.isInteger(d) && d >= 0 && d <= 6));
  return time.test(window.from) && time.test(window.to) && window.from !== window.to && days;
}

/** The summary of a kind that never ran. */
export function idleKind(kind: string): KindSummary {
  return {
    kind,
    queued: 0,
    running: 0,
    paused: 0,
    dead: 0,
    oldestDueAt: null,
    lastSuccessAt: null,
    consecutiveFailures: 0,
  };
}
