import { Pool } from "pg";
import { GraphkeeperError } from "../../../src/core/errors.ts";
import { storeClock, systemClock } from "../../../src/jobs/clock.ts";
import type { JobContext, JobHandler, JobStore } from "../../../src/jobs/ports.ts";
import { type JobRole, JobService } from "../../../src/jobs/service.ts";
import { openPostgresJobs } from "../../../src/stores/postgres/jobs.ts";
import { openSqliteJobs } from "../../../src/stores/sqlite/jobs.ts";

/** A process of the product as far as jobs go: started, frozen and killed by the fault tests. Says what it does on stdout. */
export interface ProcessConfig {
  store: { postgres: string; schema: string } | { sqlite: string };
  owner: string;
  roles: JobRole[];
  leaseMs: number;
  concurrency: number;
  heavyCap: number;
  exclusive?: boolean;
  graceMs: number;
  /**
   * `effect`: a short run that notes its beginning and end in the table `effects` and that nobody else works on the group.
   * `batches`: a long run that saves a checkpoint every `batchMs`. `deaf`: never ends and hears no signal.
   */
  handler: "effect" | "batches" | "deaf";
  batchMs?: number;
  batches?: number;
}

const config = JSON.parse(process.argv[2] as string) as ProcessConfig;
const say = (message: Record<string, unknown>) => process.stdout.write(`${JSON.stringify(message)}\n`);
const sleep = (ms: number, signal?: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

const pool = "postgres" in config.store ? new Pool({ connectionString: config.store.postgres, max: 4 }) : null;
pool?.on("error", () => {});

const handlers: Record<ProcessConfig["handler"], JobHandler> = {
  effect: async (ctx: JobContext) => {
    if (pool === null || !("schema" in config.store)) throw new Error("effects need PostgreSQL");
    const { schema } = config.store;
    const { rows } = await pool.query(
      `INSERT INTO ${schema}.effects (run_id, group_id, token, begun_at) VALUES ($1, $2, $3, clock_timestamp()) RETURNING id`,
      [ctx.run.id, ctx.groupId, ctx.token],
    );
    await sleep(2 + Math.random() * 18);
    await pool.query(`UPDATE ${schema}.effects SET ended_at = clock_timestamp() WHERE id = $1`, [rows[0].id]);
    return { examined: 1 };
  },
  batches: async (ctx: JobContext) => {
    let done = (ctx.checkpoint?.done as number | undefined) ?? 0;
    say({ event: "begun", run: ctx.run.id, token: ctx.token, from: done });
    while (done < (config.batches ?? 1_000)) {
      await ctx.breathe();
      await sleep(config.batchMs ?? 50, ctx.signal);
      done++;
      ctx.progress({ done, total: config.batches ?? 1_000, phase: "scan" });
      try {
        // A database ends the session of a process that was frozen inside a transaction: only a second try gets its answer.
        const save = () => ctx.saveCheckpoint({ done, token: ctx.token });
        await save().catch((error: unknown) => {
          if (!GraphkeeperError.is(error, "STORE_UNAVAILABLE")) throw error;
          return save();
        });
      } catch (error) {
        say({ event: "refused", token: ctx.token, code: GraphkeeperError.is(error) ? error.code : String(error) });
        throw error;
      }
    }
    return { examined: done };
  },
  deaf: async () => {
    say({ event: "begun" });
    return await new Promise<never>(() => {});
  },
};

const store: JobStore =
  "postgres" in config.store
    ? await openPostgresJobs({ url: config.store.postgres, schema: config.store.schema, maxConnections: 12 })
    : await openSqliteJobs({ path: config.store.sqlite });
const jobs = new JobService({
  store,
  clock: "postgres" in config.store ? await storeClock(() => store.time()) : systemClock,
  owner: config.owner,
  handler: handlers[config.handler],
  kinds: { light: {}, other: {}, heavy: { heavy: true } },
  targets: async () => [],
  worker: {
    concurrency: config.concurrency,
    heavyCap: config.heavyCap,
    leaseMs: config.leaseMs,
    exclusive: config.exclusive,
    pollMs: 100,
  },
  onError: (error, where) => say({ event: "error", where, message: String(error) }),
});
process.on("SIGTERM", async () => {
  await jobs.stop({ graceMs: config.graceMs });
  await store.close();
  await pool?.end();
  process.exit(0);
});
await jobs.start({ roles: config.roles });
say({ event: "started" });
