import { DatabaseSync, type StatementSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { GraphkeeperError } from "../../core/errors.ts";
import type { Enqueue, JobStore } from "../../jobs/ports.ts";
import * as claims from "../sql-jobs/claim.ts";
import { enqueue } from "../sql-jobs/enqueue.ts";
import { failing } from "../sql-jobs/failing.ts";
import * as keys from "../sql-jobs/keys.ts";
import * as ledger from "../sql-jobs/ledger.ts";
import * as schedules from "../sql-jobs/schedules.ts";
import { migrate } from "../sql-jobs/schema.ts";
import { putSetting, setting, takeBack, takeRoom } from "../sql-jobs/settings.ts";
import { command, settle } from "../sql-jobs/settle.ts";
import { type Row, SQLITE, type Steps, type Value } from "../sql-jobs/statement.ts";
import { WriteHealth } from "../sql-jobs/write-health.ts";
import type { Turnstile } from "./gate.ts";
import { openReadOnly } from "./read-only.ts";
import { writeFailure } from "./write-failure.ts";

/** The store waits by itself, on the event loop; SQLite's own wait would block it. */
const NO_WAIT = 0;
/** Another process may hold the file's write lock this long before the job store gives up. */
const BUSY_MS = 10_000;
/** A thread of this process is known to be at work: a document of 300,000 text units is one transaction of a minute. */
const OWN_BUSY_MS = 300_000;

export interface SqliteJobsOptions {
  /** Path of the data file, shared with the graph store; created when missing. */
  path: string;
  now?: () => number;
  /** Of the graph store that this process has open on the same file: writes take turns with its threads. */
  turnstile?: Turnstile;
  /** Reads beside whoever writes, and changes nothing. */
  readOnly?: boolean;
  /** Of the same store: whether the disk takes writes. */
  writes?: WriteHealth;
}

/**
 * The job store in SQLite (WAL): tables `job_*` in the same file as the graph, on a connection of its own. Statements are
 * short and run on the caller's thread; while another connection writes, it waits without blocking the event loop.
 *
 * @throws GraphkeeperError `DATA_FROM_NEWER_VERSION`, `STORE_UNAVAILABLE`
 */
export async function openSqliteJobs(options: SqliteJobsOptions): Promise<JobStore> {
  const { turnstile, writes = new WriteHealth(), readOnly = false } = options;
  const db = readOnly ? openTables(options.path) : new DatabaseSync(options.path, { timeout: NO_WAIT });
  const driver = new Driver(db, writes, turnstile);
  try {
    // Of a reader only what stands in for tables that are not there is made.
    if (!readOnly) await driver.retry(() => db.exec("PRAGMA journal_mode = WAL"));
    if (!readOnly || db.location() === null) await driver.write(migrate(SQLITE), { once: true });
  } catch (error) {
    db.close();
    throw error;
  }
  const write = <T>(steps: Steps<T>) => driver.write(steps);
  // What a power cut may take back: the run is then carried out again, as after any crash. A fsync for each heartbeat
  // and batch would only make the writers of the graph wait for the disk.
  const soft = <T>(steps: Steps<T>) => driver.write(steps, { durable: false });
  const read = <T>(steps: Steps<T>) => driver.read(steps);
  const now = options.now ?? Date.now;
  return {
    enqueue: (request) => write(enqueue(SQLITE, request)),
    claim: async (request) =>
      (await read(claims.anyDue(request.at))) ? await soft(claims.claim(SQLITE, request)) : null,
    beat: (hold, beat) => soft(claims.beat(hold, beat)),
    settle: (hold, settlement) => soft(settle(hold, settlement)),
    active: () => read(claims.active()),
    reclaim: (run, at) => soft(claims.reclaim(run, at)),
    command: (runId, name, at) => write(command(SQLITE, runId, name, at)),
    run: (runId) => read(ledger.run(runId)),
    runs: (query) => read(ledger.runs(query)),
    weeks: (query) => read(ledger.weeks(query)),
    summary: (at, groupId) => read(ledger.summary(at, groupId)),
    failing: (query) => read(failing(query)),
    prune: (retention) => write(ledger.prune(retention)),
    schedules: () => read(schedules.schedules()),
    putSchedule: (schedule, version) => write(schedules.putSchedule(schedule, version)),
    removeSchedule: (id) => write(schedules.removeSchedule(id)),
    advance: (schedule, step) => write(schedules.advance(schedule, step)),
    occurrences: (query) => read(schedules.occurrences(query)),
    pauses: () => read(schedules.pauses()),
    setPause: (level, key, pause) => write(schedules.setPause(level, key, pause)),
    beginKey: (id, request) => write(keys.beginKey(SQLITE, id, request)),
    finishKey: (id, answer, at) => write(keys.finishKey(id, answer, at)),
    setting: (key) => read(setting(key)),
    putSetting: (key, value) => write(putSetting(key, value)),
    time: async () => now(),
    ping: async () => {
      db.prepare("SELECT 1").get();
      await writes.check(async () => {
        await write(takeRoom());
        await write(takeBack());
      });
    },
    close: async () => {
      if (db.isOpen) db.close();
    },
  };
}

/**
 * Puts a run into the queue inside a transaction that the caller has open on the same file, such as that of a lifecycle
 * operation: both are committed, or neither. The job tables must exist (`createJobTables`).
 */
export function enqueueInTransaction(
  db: DatabaseSync,
  request: Enqueue,
): { runId: string; outcome: "created" | "joined" | "replayed" } {
  const enqueued = drive(enqueue(SQLITE, request), (text, values) => db.prepare(text).all(named(values)) as Row[]);
  return { runId: enqueued.run.id, outcome: enqueued.outcome };
}

/** The file as a reader opens it; tables in memory, where nothing has run yet, for a file that never had any. */
function openTables(path: string): DatabaseSync {
  const db = openReadOnly(path, NO_WAIT);
  const found = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'job_runs'").get();
  if (found !== undefined) return db;
  db.close();
  return new DatabaseSync(":memory:");
}

/** Creates or upgrades the job tables inside a transaction that the caller has open. */
export function createJobTables(db: DatabaseSync): void {
  drive(migrate(SQLITE), (text, values) => db.prepare(text).all(named(values)) as Row[]);
}

function named(values: Value[]): Record<string, Value> {
  return Object.fromEntries(values.map((value, i) => [`$${i + 1}`, value]));
}

function drive<T>(steps: Steps<T>, run: (text: string, values: Value[]) => Row[]): T {
  let step = steps.next();
  while (!step.done) step = steps.next(run(step.value.text, step.value.values));
  return step.value;
}

class Driver {
  readonly #db: DatabaseSync;
  readonly #writes: WriteHealth;
  readonly #turnstile: Turnstile | undefined;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync, writes: WriteHealth, turnstile?: Turnstile) {
    this.#db = db;
    this.#writes = writes;
    this.#turnstile = turnstile;
  }

  /**
   * Durable: an acknowledged request survives a power cut too, not only a killed process. `once`: statements that are not
   * worth keeping prepared.
   */
  write<T>(steps: Steps<T>, options: { durable?: boolean; once?: boolean } = {}): Promise<T> {
    return this.retry(() => {
      if (this.#turnstile?.tryEnter() === false) throw NOT_YET;
      try {
        this.#db.exec(options.durable === false ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
        return this.#transaction("BEGIN IMMEDIATE", steps, options.once === true);
      } catch (error) {
        const reason = writeFailure(error);
        if (reason !== null) this.#writes.failed(reason);
        throw error;
      } finally {
        this.#turnstile?.leave();
      }
    });
  }

  read<T>(steps: Steps<T>): Promise<T> {
    return this.retry(() => this.#transaction("BEGIN", steps, false));
  }

  /** Begins, drives and ends a transaction without an await in between, so that calls on this connection cannot mix. */
  #transaction<T>(begin: string, steps: Steps<T>, once: boolean): T {
    this.#db.exec(begin);
    try {
      const result = drive(steps, (text, values) => this.#run(text, values, once));
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw wrapped(error);
    }
  }

  /** A busy file shows at BEGIN, before any step was taken: trying again repeats nothing. */
  async retry<T>(action: () => T): Promise<T> {
    const start = performance.now();
    for (let wait = 1; ; wait = Math.min(25, wait * 2)) {
      try {
        return action();
      } catch (error) {
        if (!busy(error)) throw wrapped(error);
        const patienceMs = error === NOT_YET ? OWN_BUSY_MS : BUSY_MS;
        if (performance.now() - start > patienceMs) {
          throw new GraphkeeperError(
            "STORE_UNAVAILABLE",
            `The data file was locked for ${patienceMs / 1_000} s.`,
            {},
            error,
          );
        }
      }
      await delay(wait);
    }
  }

  #run(text: string, values: Value[], once: boolean): Row[] {
    if (once) return this.#db.prepare(text).all(named(values)) as Row[];
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#db.prepare(text);
      // Lists of kinds and states make texts of their own; a bound keeps the cache from growing with them.
      if (this.#statements.size < 200) this.#statements.set(text, statement);
    }
    return statement.all(named(values)) as Row[];
  }
}

/** Another thread of this process writes: the same as a busy file, without asking it. */
const NOT_YET = Object.assign(new Error("another thread writes"), { errcode: 5 });

/** SQLITE_BUSY (5) and SQLITE_LOCKED (6), with their extended codes. */
function busy(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode;
  return code !== undefined && ((code & 0xff) === 5 || (code & 0xff) === 6);
}

function wrapped(error: unknown): unknown {
  if (GraphkeeperError.is(error) || (error as { code?: string }).code !== "ERR_SQLITE_ERROR") return error;
  return new GraphkeeperError("STORE_UNAVAILABLE", `The job store failed: ${(error as Error).message}`, {}, error);
}
