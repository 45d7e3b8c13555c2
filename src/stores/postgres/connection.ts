import type { Pool } from "pg";
import type { PgBoss } from "pg-boss";
import { GraphkeeperError } from "../../core/errors.ts";

/** pg and pg-boss are optional: who keeps the jobs in SQLite does not install them. @throws `INVALID_CONFIG` */
export async function loadDriver(): Promise<{ Pool: typeof Pool; PgBoss: typeof PgBoss }> {
  try {
    const [pg, boss] = await Promise.all([import("pg"), import("pg-boss")]);
    return { Pool: pg.default.Pool, PgBoss: boss.PgBoss };
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new GraphkeeperError(
      "INVALID_CONFIG",
      "Jobs in PostgreSQL need the packages pg and pg-boss: npm install pg pg-boss@12",
      { missing: ["pg", "pg-boss"] },
      error,
    );
  }
}

/**
 * A pool whose sessions see the schema first. A process that is frozen inside a transaction would hold its locks for ever:
 * the server ends such a session after 10 s.
 * @throws GraphkeeperError `STORE_UNAVAILABLE`
 */
export async function connect(url: string, schema: string, max: number): Promise<Pool> {
  const { Pool } = await loadDriver();
  const pool = new Pool({
    connectionString: url,
    max,
    application_name: "graphkeeper-jobs",
    options: `-c search_path=${schema} -c idle_in_transaction_session_timeout=10000 -c lock_timeout=15000 -c statement_timeout=60000`,
    connectionTimeoutMillis: 10_000,
  });
  // A connection that breaks while idle is replaced by the next call; without a listener the event would end the process.
  pool.on("error", () => {});
  // The same while the pool lets its connections go: by then it listens no more.
  pool.on("connect", (client) => client.on("error", () => {}));
  try {
    await pool.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  } catch (error) {
    // Two processes that start together may both try; the one that loses finds the schema there.
    const code = (error as { code?: string }).code;
    if (code !== "23505" && code !== "42P06") {
      await pool.end();
      throw new GraphkeeperError(
        "STORE_UNAVAILABLE",
        `PostgreSQL does not answer: ${(error as Error).message}`,
        {},
        error,
      );
    }
  }
  return pool;
}
