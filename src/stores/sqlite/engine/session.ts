import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { Keyring } from "../../../core/keyring.ts";
import type { TraceContext } from "../../../core/trace.ts";
import { openReadOnly } from "../read-only.ts";

/** How a thread opens its connection. */
export interface SessionOptions {
  path: string;
  readOnly: boolean;
  synchronous: "FULL" | "NORMAL";
  busyTimeoutMs: number;
  cacheKiB: number;
  /** The installation's key; null = audits are chained without one. */
  keyring: Keyring | null;
}

export type Row = Record<string, null | number | string | Uint8Array>;

/** Where a write waits for its turn among the threads of this process; see `gate.ts`. */
export interface Gate {
  enter(): void;
  leave(): void;
}

/** One connection with its statements, prepared once each. */
export class Session {
  readonly db: DatabaseSync;
  readonly options: SessionOptions;
  readonly gate: Gate;
  /** Called at named places of a transaction; does nothing in production. */
  readonly failpoint: (name: string) => void;
  /** Called inside the transaction of each effective lifecycle operation. */
  onEvent: ((db: DatabaseSync, event: { groupId: string; at: number; trace?: TraceContext }) => void) | null = null;
  readonly #statements = new Map<string, StatementSync>();
  #synchronous: "FULL" | "NORMAL" | null = null;

  constructor(options: SessionOptions, gate: Gate, failpoint: (name: string) => void) {
    this.options = options;
    this.gate = gate;
    this.failpoint = failpoint;
    const { path, readOnly, busyTimeoutMs: timeout } = options;
    this.db = readOnly ? openReadOnly(path, timeout) : new DatabaseSync(path, { timeout });
    this.db.exec(`PRAGMA cache_size = -${options.cacheKiB}`);
    if (options.readOnly) return;
    this.db.exec(`PRAGMA synchronous = ${options.synchronous}`);
    this.#synchronous = options.synchronous;
    // Deleted text must not stay readable in free pages of the file.
    this.db.exec("PRAGMA secure_delete = ON");
    // Checkpoints are asked for from outside, on a thread that nobody waits for; this is the bound when that fails.
    this.db.exec("PRAGMA wal_autocheckpoint = 16000");
  }

  sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  get(text: string, ...values: SQLInputValue[]): Row | undefined {
    return this.sql(text).get(...values) as Row | undefined;
  }

  all(text: string, ...values: SQLInputValue[]): Row[] {
    return this.sql(text).all(...values) as Row[];
  }

  /** @returns the number of rows changed */
  run(text: string, ...values: SQLInputValue[]): number {
    return this.sql(text).run(...values).changes as number;
  }

  /** The reads of `fn` see one snapshot. */
  read<T>(fn: () => T): T {
    if (this.db.isTransaction) return fn();
    this.db.exec("BEGIN");
    try {
      return fn();
    } finally {
      this.db.exec("COMMIT");
    }
  }

  /** The write lock is taken at the start, so that nothing read in `fn` can be outdated when it writes. */
  write<T>(fn: () => T): T {
    return this.#transaction(fn, this.options.synchronous);
  }

  /**
   * A step of maintenance that nobody was promised: it outlives this process, but a power cut may take it back together with
   * all that was written since, until the next `write` syncs the log as a whole. Then it is simply done again.
   */
  writeStep<T>(fn: () => T): T {
    return this.#transaction(fn, "NORMAL");
  }

  #transaction<T>(fn: () => T, synchronous: "FULL" | "NORMAL"): T {
    this.gate.enter();
    try {
      if (this.#synchronous !== synchronous) {
        this.db.exec(`PRAGMA synchronous = ${synchronous}`);
        this.#synchronous = synchronous;
      }
      this.db.exec("BEGIN IMMEDIATE");
      try {
        const result = fn();
        this.failpoint("before-commit");
        this.db.exec("COMMIT");
        this.failpoint("after-commit");
        return result;
      } catch (error) {
        if (this.db.isTransaction) this.db.exec("ROLLBACK");
        throw error;
      }
    } finally {
      this.gate.leave();
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.db.isOpen) this.db.close();
  }
}
