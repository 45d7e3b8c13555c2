import type { Clock } from "./clock.ts";
import { type CronTimes, storedCron } from "./cron/parse.ts";
import { dueTimes, type GroupNeed, needed, spreadMs } from "./due.ts";
import type { JobStore, KindConfig, OccurrenceDraft, Pause, Schedule } from "./ports.ts";
import { opening } from "./windows.ts";

export interface SchedulerOptions {
  store: JobStore;
  clock: Clock;
  kinds: Record<string, KindConfig>;
  newId: () => string;
  /** Groups that a kind has work in: what a schedule with target `stale` runs for. */
  targets: (kind: string) => Promise<string[]>;
  /** How much work waits; without it every target is due. */
  need?: (kind: string, groupId: string) => Promise<GroupNeed>;
  /** Runs were put into the queue. */
  onFired?: () => void;
  onError?: (error: unknown, where: string) => void;
  /** Longest sleep between looks, so that changed schedules and jumped clocks are seen; default 1 s. */
  pollMs?: number;
}

/**
 * Decides what is due. Any number of processes may do it at once: the cursor in the store lets exactly one of them decide
 * each nominal time. Every decision is recorded as an occurrence, with the reason when nothing ran.
 *
 * It never dies and never blocks: an error of one schedule is reported and the others go on.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #times = new Map<string, CronTimes>();
  #stopping = new AbortController();
  #wake = new AbortController();
  #loop: Promise<void> | null = null;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#loop !== null) return;
    this.#stopping = new AbortController();
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    this.#loop = null;
  }

  /** A schedule was changed: look again. */
  wake(): void {
    this.#wake.abort();
  }

  /** One look at every schedule; returns when the next one is due, by the wall clock. Public for tests. */
  async tick(): Promise<number | null> {
    const { store, clock, onError } = this.#options;
    const schedules = (await store.schedules()).filter((schedule) => schedule.enabled);
    const pauses = schedules.length === 0 ? [] : await store.pauses();
    let next: number | null = null;
    for (const schedule of schedules) {
      try {
        const times = this.#timesOf(schedule);
        await this.#decide(schedule, times, pauses);
        const time = times.next(clock.now());
        if (time !== null && (next === null || time < next)) next = time;
      } catch (error) {
        onError?.(error, `schedule ${schedule.id}`);
      }
    }
    return next;
  }

  async #run(): Promise<void> {
    const { clock, onError, pollMs } = this.#options;
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController();
      let next: number | null = null;
      try {
        next = await this.tick();
      } catch (error) {
        onError?.(error, "schedules");
      }
      const wait = Math.min(
        pollMs ?? 1_000,
        next === null ? Number.POSITIVE_INFINITY : Math.max(1, next - clock.now()),
      );
      await clock.sleep(wait, AbortSignal.any([this.#wake.signal, this.#stopping.signal]));
    }
  }

  async #decide(schedule: Schedule, times: CronTimes, pauses: Pause[]): Promise<void> {
    const { store, clock, kinds, onFired } = this.#options;
    const now = clock.now();
    const due = dueTimes(schedule, times, now);
    if (due === null) return;
    const occurrences: OccurrenceDraft[] = due.missed.map(({ nominalAt, reason }) => ({
      nominalAt,
      outcome: "missed",
      reason,
      runs: [],
      skips: [],
    }));
    const paused = pauses.find(
      (p) =>
        p.level === "all" ||
        (p.level === "kind" && p.key === schedule.kind) ||
        (p.level === "schedule" && p.key === schedule.id),
    );
    const groups = paused !== undefined || due.fire.length === 0 ? null : await this.#groups(schedule, pauses, now);
    for (const { nominalAt, missed } of due.fire) {
      if (groups === null) {
        const reason = `paused (${paused?.level}): ${paused?.reason}`;
        occurrences.push({ nominalAt, outcome: "skipped", reason, runs: [], skips: [] });
      } else {
        occurrences.push(this.#draft(schedule, times, nominalAt, missed, groups));
      }
    }
    const kind = kinds[schedule.kind] ?? {};
    const step = {
      at: now,
      fromAt: schedule.cursorAt,
      toAt: due.toAt,
      occurrences,
      heavy: kind.heavy === true,
      maxAttempts: kind.maxAttempts ?? 5,
    };
    if ((await store.advance(schedule, step)) && occurrences.some((o) => o.runs.length > 0)) onFired?.();
  }

  async #groups(
    schedule: Schedule,
    pauses: Pause[],
    now: number,
  ): Promise<{ due: string[]; skips: OccurrenceDraft["skips"] }> {
    const { targets, need } = this.#options;
    const all = schedule.target === "stale" ? await targets(schedule.kind) : [schedule.target.groupId];
    const parked = new Map(pauses.filter((p) => p.level === "group").map((p) => [p.key, p.reason]));
    const due: string[] = [];
    const skips: OccurrenceDraft["skips"] = [];
    for (const groupId of new Set(all)) {
      const pause = parked.get(groupId);
      if (pause !== undefined) skips.push({ groupId, reason: `paused (group): ${pause}` });
      else if (schedule.need === null || need === undefined) due.push(groupId);
      else {
        const judged = needed(schedule.need, await need(schedule.kind, groupId), now);
        if (judged.due) due.push(groupId);
        else skips.push({ groupId, reason: judged.reason });
      }
    }
    return { due, skips };
  }

  #draft(
    schedule: Schedule,
    times: CronTimes,
    nominalAt: number,
    missed: number,
    groups: { due: string[]; skips: OccurrenceDraft["skips"] },
  ): OccurrenceDraft {
    const { clock, newId } = this.#options;
    const next = times.next(nominalAt);
    const intervalMs = next === null ? Number.MAX_SAFE_INTEGER : next - nominalAt;
    const draft: OccurrenceDraft = { nominalAt, outcome: "fired", reason: null, runs: [], skips: [...groups.skips] };
    for (const groupId of groups.due) {
      const offset = spreadMs(schedule, groupId, groups.due.length, intervalMs);
      let runAt = Math.max(nominalAt + offset, nominalAt);
      const state = opening(schedule, Math.max(runAt, clock.now()));
      if (!state.open) {
        if (state.nextAt === null) {
          draft.skips.push({ groupId, reason: state.reason });
          continue;
        }
        draft.outcome = "postponed";
        draft.reason = `${state.reason}; until ${new Date(state.nextAt).toISOString()}`;
        // The spread holds after an opening too, or all groups would begin in its first second.
        runAt = opening(schedule, state.nextAt + offset).open ? state.nextAt + offset : state.nextAt;
      }
      draft.runs.push({ id: newId(), groupId, runAt, missed });
    }
    return draft;
  }

  #timesOf(schedule: Schedule): CronTimes {
    const key = `${schedule.dialect}\n${schedule.expression}\n${schedule.timeZone}`;
    let times = this.#times.get(key);
    if (times === undefined) {
      times = storedCron(schedule.dialect, schedule.expression, schedule.timeZone);
      if (this.#times.size > 1_000) this.#times.clear();
      this.#times.set(key, times);
    }
    return times;
  }
}
