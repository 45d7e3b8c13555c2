import { GraphkeeperError } from "../core/errors.ts";
import { checkGroupId } from "../core/law.ts";
import type { JsonObject } from "../core/words.ts";
import type { Clock } from "./clock.ts";
import { ianaTimeZone, parseCron, storedCron } from "./cron/parse.ts";
import type {
  Blackout,
  CatchUp,
  CronDialect,
  DailyWindow,
  JobStore,
  KindConfig,
  Need,
  Occurrence,
  Overlap,
  Pause,
  Schedule,
} from "./ports.ts";
import { validWindow } from "./rules.ts";

/** What a caller says of a schedule; the rest has defaults, or keeps what is stored. */
export interface ScheduleInput {
  kind?: string;
  target?: { groupId: string } | "stale";
  dialect?: CronDialect;
  expression?: string;
  timeZone?: string;
  params?: JsonObject;
  overlap?: Overlap;
  catchUp?: CatchUp;
  catchUpWindowMs?: number;
  spreadMs?: number | null;
  windows?: DailyWindow[];
  blackouts?: Blackout[];
  need?: Need | null;
  enabled?: boolean;
}

const DEFAULTS = {
  target: "stale",
  dialect: "cron",
  timeZone: "UTC",
  params: {},
  overlap: "skip",
  catchUp: { policy: "latest" },
  catchUpWindowMs: 24 * 3_600_000,
  spreadMs: null,
  windows: [],
  blackouts: [],
  need: null,
  enabled: true,
} satisfies ScheduleInput;

/**
 * The schedules of a new installation: those of the specification, staggered so that no two kinds begin together.
 * They are data from then on: visible, changeable, and not made again once an occurrence was decided.
 */
export const DEFAULT_SCHEDULES: Record<string, ScheduleInput> = {
  "orphan-entities-hourly": { kind: "orphan_entities", expression: "0 * * * *", spreadMs: 10 * 60_000 },
  "stale-edges-hourly": { kind: "stale_edges", expression: "15 * * * *", spreadMs: 10 * 60_000 },
  "deprecated-vectors-hourly": { kind: "deprecated_vectors", expression: "30 * * * *", spreadMs: 10 * 60_000 },
  "recompute-daily": { kind: "recompute", expression: "0 2 * * *", spreadMs: 3 * 3_600_000 },
};

/** Schedules as data: list, set, pause, resume, preview, remove. */
export class Schedules {
  readonly #store: JobStore;
  readonly #clock: Clock;
  readonly #kinds: Record<string, KindConfig>;
  readonly #onChange: () => void;

  constructor(store: JobStore, clock: Clock, kinds: Record<string, KindConfig>, onChange: () => void = () => {}) {
    this.#store = store;
    this.#clock = clock;
    this.#kinds = kinds;
    this.#onChange = onChange;
  }

  /** With the pause that holds it, if any, and the next nominal time (null when paused, disabled or never). */
  async list(): Promise<(Schedule & { pause: Pause | null; nextAt: number | null })[]> {
    const pauses = await this.#store.pauses();
    return (await this.#store.schedules()).map((schedule) => {
      const pause = pauses.find((p) => p.level === "schedule" && p.key === schedule.id) ?? null;
      const waits = pause !== null || !schedule.enabled;
      return { ...schedule, pause, nextAt: waits ? null : timesOf(schedule).next(this.#clock.now()) };
    });
  }

  /** @throws GraphkeeperError `NOT_FOUND` */
  async get(id: string): Promise<Schedule> {
    const schedule = (await this.#store.schedules()).find((s) => s.id === id);
    if (schedule === undefined) throw new GraphkeeperError("NOT_FOUND", "There is no such schedule.", { schedule: id });
    return schedule;
  }

  /**
   * Creates or changes a schedule. A changed expression counts from now: times that passed under the old one stay as decided.
   * @throws GraphkeeperError `INVALID_VALUE` with an explanation, `CONFLICT` when somebody else changed it meanwhile
   */
  async set(id: string, input: ScheduleInput): Promise<Schedule> {
    if (!/^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/.test(id)) {
      throw invalid("id", "A schedule's id has 1 to 100 of A-Z a-z 0-9 . _ : - and begins with a letter or digit.");
    }
    const now = this.#clock.now();
    const stored = (await this.#store.schedules()).find((s) => s.id === id);
    const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as ScheduleInput;
    const merged = { ...DEFAULTS, ...stored, ...given } as Schedule;
    const schedule: Schedule = {
      ...merged,
      id,
      timeZone: ianaTimeZone(merged.timeZone),
      cursorAt: stored?.cursorAt ?? now,
      version: stored?.version ?? 0,
      createdAt: stored?.createdAt ?? now,
      updatedAt: now,
    };
    this.#check(schedule);
    const moved =
      stored !== undefined &&
      (stored.expression !== schedule.expression ||
        stored.dialect !== schedule.dialect ||
        stored.timeZone !== schedule.timeZone ||
        stored.enabled !== schedule.enabled);
    if (moved) schedule.cursorAt = now;
    if (!(await this.#store.putSchedule(schedule, schedule.version))) {
      throw new GraphkeeperError("CONFLICT", "The schedule was changed meanwhile; read it again.", { schedule: id });
    }
    this.#onChange();
    return await this.get(id);
  }

  /** @throws GraphkeeperError `NOT_FOUND` */
  async remove(id: string): Promise<void> {
    await this.get(id);
    await this.#store.removeSchedule(id);
  }

  /** Occurrences while it is paused are recorded as skipped. @throws GraphkeeperError `NOT_FOUND` */
  async pause(id: string, reason: string, actor: string): Promise<void> {
    await this.get(id);
    await this.#store.setPause("schedule", id, { reason, actor, at: this.#clock.now(), automatic: false });
  }
  async resume(id: string): Promise<void> {
    await this.get(id);
    await this.#store.setPause("schedule", id, null);
    this.#onChange();
  }

  /** The next `n` (at most 100) nominal times of a stored schedule. */
  async preview(id: string, n: number): Promise<number[]> {
    return timesOf(await this.get(id)).preview(Math.min(100, n), this.#clock.now());
  }
  /** The same for an expression that is not stored. @throws GraphkeeperError `INVALID_VALUE` */
  previewExpression(expression: string, n: number, dialect: CronDialect = "cron", timeZone = "UTC"): number[] {
    return parseCron(dialect, expression, timeZone).preview(Math.min(100, n), this.#clock.now());
  }

  occurrences(query: { scheduleId?: string; beforeAt?: number; limit: number }): Promise<Occurrence[]> {
    return this.#store.occurrences(query);
  }

  /** On a new installation only: once there is a schedule or a decided occurrence, it does nothing. */
  async install(defaults: Record<string, ScheduleInput> = DEFAULT_SCHEDULES): Promise<void> {
    if ((await this.#store.schedules()).length > 0 || (await this.#store.occurrences({ limit: 1 })).length > 0) return;
    for (const [id, input] of Object.entries(defaults)) {
      if (!Object.hasOwn(this.#kinds, input.kind ?? "")) continue;
      // Another process may install at the same time; whoever is first, the schedules are the same.
      await this.set(id, input).catch((error: unknown) => {
        if (!GraphkeeperError.is(error, "CONFLICT")) throw error;
      });
    }
  }

  #check(schedule: Schedule): void {
    if (!Object.hasOwn(this.#kinds, schedule.kind ?? "")) {
      throw invalid(
        "kind",
        `There is no kind of job ${JSON.stringify(schedule.kind ?? null)}; known are ${Object.keys(this.#kinds).join(", ")}.`,
      );
    }
    if (schedule.dialect !== "cron" && schedule.dialect !== "ncrontab")
      throw invalid("dialect", 'The dialect is "cron" or "ncrontab".');
    if (typeof schedule.expression !== "string") throw invalid("expression", "A schedule needs an expression.");
    parseCron(schedule.dialect, schedule.expression, schedule.timeZone);
    if (schedule.target !== "stale") checkGroupId(schedule.target.groupId);
    if (!["skip", "buffer_one", "allow"].includes(schedule.overlap))
      throw invalid("overlap", "overlap is skip, buffer_one or allow.");
    const { catchUp } = schedule;
    if (!["none", "latest", "all"].includes(catchUp.policy))
      throw invalid("catch_up", "catch-up is none, latest or all.");
    if (catchUp.policy === "all" && !(Number.isInteger(catchUp.max) && catchUp.max >= 1 && catchUp.max <= 1_000)) {
      throw invalid("catch_up.max", "catch-up all needs max, 1 to 1,000.");
    }
    if (!(schedule.catchUpWindowMs >= 0))
      throw invalid("catch_up_window", "The catch-up window is a time of 0 or more.");
    if (schedule.spreadMs !== null && !(schedule.spreadMs >= 0))
      throw invalid("spread", "The spread is a time of 0 or more, or null.");
    if (!schedule.windows.every(validWindow))
      throw invalid("windows", 'A window has from and to as "HH:MM", not equal, and days 0 to 6.');
    if (!schedule.blackouts.every((b) => b.fromAt < b.toAt))
      throw invalid("blackouts", "A blackout ends after it begins.");
    const { need } = schedule;
    if (
      need !== null &&
      !(need.base >= 0 && need.scale >= 0 && need.cap >= 0 && (need.maxAgeMs === null || need.maxAgeMs >= 0))
    ) {
      throw invalid("need", "base, scale, cap and max age are 0 or more.");
    }
  }
}

function timesOf(schedule: Schedule) {
  return storedCron(schedule.dialect, schedule.expression, schedule.timeZone);
}

function invalid(field: string, message: string): GraphkeeperError {
  return new GraphkeeperError("INVALID_VALUE", message, { field });
}
