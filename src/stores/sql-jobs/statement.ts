/**
 * The job store is written once for both SQL dialects: each method is a generator of statements, which SQLite drives
 * synchronously (nothing can come between two statements of a transaction on its one connection) and PostgreSQL drives
 * with an await for each. Parameters are `$1`, `$2`… in both.
 */
export type Value = string | number | null;
export type Row = Record<string, unknown>;
export interface Statement {
  text: string;
  values: Value[];
}
export type Steps<T> = Generator<Statement, T, Row[]>;

export function* rows(text: string, ...values: Value[]): Steps<Row[]> {
  return yield { text, values };
}
export function* first(text: string, ...values: Value[]): Steps<Row | null> {
  const found = yield { text, values };
  return found[0] ?? null;
}

/** What differs between the dialects. */
export interface Dialect {
  /** Column type of a growing row number. */
  serial: string;
  /** After a SELECT of rows that the transaction goes on to change. */
  forUpdate: string;
  skipLocked: string;
  /** Serialises transactions on a name until they end; null where every write transaction is alone. */
  lock: string | null;
  /** SELECT of the next fencing token, as `token`. */
  nextToken: string;
  /** Own statements of the schema. */
  schema: string[];
}

export const SQLITE: Dialect = {
  serial: "INTEGER PRIMARY KEY AUTOINCREMENT",
  forUpdate: "",
  skipLocked: "",
  lock: null,
  nextToken: "UPDATE job_meta SET value = CAST(value AS bigint) + 1 WHERE key = 'token' RETURNING value AS token",
  schema: ["INSERT INTO job_meta (key, value) VALUES ('token', '0') ON CONFLICT DO NOTHING"],
};

export const POSTGRES: Dialect = {
  serial: "bigserial PRIMARY KEY",
  forUpdate: "FOR UPDATE",
  skipLocked: "FOR UPDATE OF r SKIP LOCKED",
  lock: "SELECT pg_advisory_xact_lock(hashtextextended($1, 7061))",
  nextToken: "SELECT nextval('job_token') AS token",
  schema: ["CREATE SEQUENCE IF NOT EXISTS job_token"],
};

export function* lock(dialect: Dialect, name: string): Steps<void> {
  if (dialect.lock !== null) yield { text: dialect.lock, values: [name] };
}
