import { createHash } from "node:crypto";
import type { Pool, PoolClient } from "pg";
import type { Db, PgBoss } from "pg-boss";
import { GraphkeeperError } from "../../core/errors.ts";
import type { ActiveRun, ClaimRequest, Hold, JobStore, Run, Settlement } from "../../jobs/ports.ts";
import * as claims from "../sql-jobs/claim.ts";
import { enqueue } from "../sql-jobs/enqueue.ts";
import { failing } from "../sql-jobs/failing.ts";
import * as keys from "../sql-jobs/keys.ts";
import * as ledger from "../sql-jobs/ledger.ts";
import * as schedules from "../sql-jobs/schedules.ts";
import { migrate } from "../sql-jobs/schema.ts";
import { putSetting, setting, takeBack, takeRoom } from "../sql-jobs/settings.ts";
import { command, settle } from "../sql-jobs/settle.ts";
import { POSTGRES, type Steps } from "../sql-jobs/statement.ts";
import { WriteHealth } from "../sql-jobs/write-health.ts";
import { connect, loadDriver } from "./connection.ts";

const QUEUE = "graphkeeper";

export interface PostgresJobsOptions {
  /** postgres://user@host:port/database */
  url: string;
  /** Schema of the tables; pg-boss lives in `<schema>_boss`. Default `graphkeeper`. */
  schema?: string;
  /** Connections of this process; default 10. */
  maxConnections?: number;
  /** Time of the store instead of the database's; for tests. */
  now?: () => number;
}

/**
 * The job store in PostgreSQL, for several processes. The ledger decides who is next (due times, pauses at four levels,
 * turns of groups, the heavy cap: rules that pg-boss has no words for); pg-boss holds the claims: the queue's policy
 * `singleton` with the group as its key lets no group have two active jobs, whatever races. Both change in one
 * transaction, so neither can say something the other does not.
 *
 * pg-boss's own expiry, cron and groupConcurrency are not used: a lease ends by the observer's monotonic clock (see
 * `Reaper`), and groupConcurrency was measured to race (34 violations in 60).
 *
 * @throws GraphkeeperError `INVALID_CONFIG` when the optional packages are not installed, `STORE_UNAVAILABLE`,
 *   `DATA_FROM_NEWER_VERSION`
 */
export async function openPostgresJobs(options: PostgresJobsOptions): Promise<JobStore> {
  const schema = options.schema ?? "graphkeeper";
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(schema)) {
    throw new GraphkeeperError(
      "INVALID_CONFIG",
      "A PostgreSQL schema has 1 to 41 of a-z 0-9 _ and begins with a letter.",
      { field: "schema" },
    );
  }
  const { PgBoss } = await loadDriver();
  const pool = await connect(options.url, schema, options.maxConnections ?? 10);
  const driver = new Driver(pool);
  const boss = new PgBoss({
    db: { executeSql: (text: string, values?: unknown[]) => pool.query(text, values) } as Db,
    schema: `${schema}_boss`,
    supervise: false,
    schedule: false,
    registerInstance: false,
  });
  // An unheard "error" event would end the process; every failed call throws to its caller anyway.
  boss.on("error", () => {});
  try {
    await driver.transaction(() => migrate(POSTGRES));
    await boss.start({ attempts: 5 });
    await boss.createQueue(QUEUE, { policy: "singleton", retryLimit: 0, expireInSeconds: 86_399 });
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => {});
    await pool.end();
    throw wrapped(error);
  }
  return storeOf(driver, boss, options.now);
}

function storeOf(driver: Driver, boss: PgBoss, now: (() => number) | undefined): JobStore {
  const run = <T>(steps: () => Steps<T>) => driver.transaction(steps);
  const release = async (hold: Hold, client: PoolClient) => {
    await boss.deleteJob(QUEUE, claimId(hold.runId, hold.token), { db: within(client) });
  };
  return {
    enqueue: (request) => run(() => enqueue(POSTGRES, request)),
    claim: (request) => claim(driver, boss, request),
    beat: (hold, beat) => run(() => claims.beat(hold, beat)),
    settle: (hold: Hold, settlement: Settlement) =>
      driver.transaction(
        () => settle(hold, settlement),
        async (settled, client) => {
          if (settled) await release(hold, client);
        },
      ),
    active: () => run(() => claims.active()),
    reclaim: (active: ActiveRun, at: number) =>
      driver.transaction(
        () => claims.reclaim(active, at),
        async (taken, client) => {
          if (taken) await release(active, client);
        },
      ),
    command: (runId, name, at) => run(() => command(POSTGRES, runId, name, at)),
    run: (runId) => run(() => ledger.run(runId)),
    runs: (query) => run(() => ledger.runs(query)),
    weeks: (query) => run(() => ledger.weeks(query)),
    summary: (at, groupId) => run(() => ledger.summary(at, groupId)),
    failing: (query) => run(() => failing(query)),
    prune: (retention) => run(() => ledger.prune(retention)),
    schedules: () => run(() => schedules.schedules()),
    putSchedule: (schedule, version) => run(() => schedules.putSchedule(schedule, version)),
    removeSchedule: (id) => run(() => schedules.removeSchedule(id)),
    advance: (schedule, step) => run(() => schedules.advance(schedule, step)),
    occurrences: (query) => run(() => schedules.occurrences(query)),
    pauses: () => run(() => schedules.pauses()),
    setPause: (level, key, pause) => run(() => schedules.setPause(level, key, pause)),
    beginKey: (id, request) => run(() => keys.beginKey(POSTGRES, id, request)),
    finishKey: (id, answer, at) => run(() => keys.finishKey(id, answer, at)),
    setting: (key) => run(() => setting(key)),
    putSetting: (key, value) => run(() => putSetting(key, value)),
    time: async () => (now === undefined ? await driver.time() : now()),
    ping: async () => {
      await driver.time();
      await driver.writes.check(async () => {
        await run(takeRoom);
        await run(takeBack);
      });
    },
    close: async () => {
      await boss.stop({ graceful: false, close: false }).catch(() => {});
      await driver.end();
    },
  };
}

class Conflict extends Error {}

/** Two processes may choose two runs of one group at once; the unique index refuses the slower, which looks again. */
async function claim(driver: Driver, boss: PgBoss, request: ClaimRequest): Promise<Run | null> {
  for (let tries = 0; tries < 10; tries++) {
    try {
      return await driver.transaction(
        () => claims.claim(POSTGRES, request),
        async (run, client) => {
          if (run === null) return;
          const db = within(client);
          const id = claimId(run.id, run.token);
          await boss.send(QUEUE, { run: run.id, kind: run.kind }, { id, singletonKey: run.groupId, db });
          const [job] = await boss.fetch(QUEUE, { db });
          if (job?.id !== id) throw new Conflict();
        },
      );
    } catch (error) {
      if (!(error instanceof Conflict) && (error as { cause?: { code?: string } }).cause?.code !== "23505") throw error;
    }
  }
  return null;
}

/** pg-boss ids are UUIDs: one per claim, from what names the claim. */
function claimId(runId: string, token: number): string {
  const hex = createHash("sha256").update(`${runId}\n${token}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function within(client: PoolClient): Db {
  return { executeSql: (text: string, values?: unknown[]) => client.query(text, values) } as Db;
}

/** disk_full, read_only_sql_transaction (a standby), io_error, data_corrupted, index_corrupted. */
const WRITES_FAIL = new Set(["53100", "25006", "58030", "XX001", "XX002"]);

class Driver {
  readonly writes = new WriteHealth();
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** `finish` works in the same transaction on the result of the steps. A deadlock or serialisation failure is tried again. */
  async transaction<T>(steps: () => Steps<T>, finish?: (result: T, client: PoolClient) => Promise<void>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#once(steps(), finish);
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        if (WRITES_FAIL.has(code ?? "")) this.writes.failed(`PostgreSQL: ${message}`);
        if (tries >= 5 || (code !== "40P01" && code !== "40001")) throw wrapped(error);
      }
    }
  }

  async #once<T>(steps: Steps<T>, finish?: (result: T, client: PoolClient) => Promise<void>): Promise<T> {
    const client = await this.#pool.connect();
    let broken = false;
    try {
      await client.query("BEGIN");
      let step = steps.next();
      while (!step.done) step = steps.next((await client.query(step.value.text, step.value.values)).rows);
      await finish?.(step.value, client);
      await client.query("COMMIT");
      return step.value;
    } catch (error) {
      await client.query("ROLLBACK").catch(() => {
        broken = true;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async time(): Promise<number> {
    try {
      const { rows } = await this.#pool.query("SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now");
      return Number(rows[0].now);
    } catch (error) {
      throw wrapped(error);
    }
  }

  async end(): Promise<void> {
    await this.#pool.end();
  }
}

function wrapped(error: unknown): unknown {
  if (GraphkeeperError.is(error) || error instanceof Conflict) return error;
  return new GraphkeeperError("STORE_UNAVAILABLE", `PostgreSQL: ${(error as Error).message}`, {}, error);
}
