import type * as Neo4j from "neo4j-driver";
import { GraphkeeperError } from "../../core/errors.ts";
import { isContention, isLoss, translated, unavailable } from "./driver-errors.ts";
import { Turns } from "./turns.ts";

export interface ConnectOptions {
  /** `bolt://`, `neo4j://`, or with `+s` for TLS. */
  uri: string;
  username?: string;
  password?: string;
  database?: string;
  /** How long a call waits for a server that does not answer. Default 1,500 ms. */
  patienceMs?: number;
}

export type Row = Record<string, unknown>;
export interface Transaction {
  /** Sends the statement at once: several that do not wait for each other's answers travel in one round trip, in order. */
  run(statement: string, parameters: Row): Promise<Row[]>;
  /** Row by row, for answers that do not fit into memory twice. */
  stream(statement: string, parameters: Row): AsyncIterable<Row>;
}

/** Contended or short of memory: how long we try again, in ms. Connection losses are not waited out, callers are told. */
const CONTENTION_MS = 15_000;

const RECONNECT_MS = 100;

/**
 * Transactions at a time, of readers and of writers each: writers that wait for one group's lock hold up no reader. Both together
 * stay below the driver's pool of 100 connections, whose own queue gives up after the patience, and leave 20 for signs of life
 * and for analyses inside of the server.
 */
const TURNS = 40;

/** The driver, managed transactions and their errors in the product's words. */
export class Connection {
  readonly driver: Neo4j.Driver;
  readonly #api: typeof Neo4j;
  readonly #database: string | undefined;
  readonly #patienceMs: number;
  readonly #turns: Record<"READ" | "WRITE", Turns>;
  #closed = false;

  constructor(api: typeof Neo4j, driver: Neo4j.Driver, options: ConnectOptions) {
    this.#api = api;
    this.driver = driver;
    this.#database = options.database;
    this.#patienceMs = options.patienceMs ?? 1_500;
    // A third of the patience until it is asked, and the patience for the answer: told within 2 s.
    const turns = () => new Turns(TURNS, () => this.ping(), this.#patienceMs / 3);
    this.#turns = { READ: turns(), WRITE: turns() };
  }

  /** An integer for a parameter: the driver sends plain numbers as floats. */
  int(value: number): unknown {
    return this.#api.int(value);
  }

  read<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#managed("READ", work);
  }

  /**
   * A managed transaction. `work` is run again after transient errors and after a lost connection, and so also when only
   * the answer to COMMIT was lost; it must find out by itself that it was done before.
   */
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#managed("WRITE", work);
  }

  #managed<T>(mode: "READ" | "WRITE", work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#turns[mode].take(() => this.#attempts(mode, work));
  }

  async #attempts<T>(mode: "READ" | "WRITE", work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (this.#closed) throw unavailable("The store is closed.");
    const begun = performance.now();
    let own: unknown;
    for (let attempt = 0; ; attempt++) {
      own = undefined;
      const session = this.driver.session({ database: this.#database, defaultAccessMode: mode });
      const run = async (tx: Neo4j.ManagedTransaction): Promise<T> => {
        // Statements sent after one that failed are refused for that reason alone: the first error is the one to tell.
        let first: unknown;
        const failed = (error: unknown): never => {
          first ??= error;
          throw first;
        };
        try {
          return await work({
            run: (statement, parameters) =>
              tx.run(statement, parameters).then(({ records }) => records.map((r) => r.toObject()), failed),
            stream: async function* (statement, parameters) {
              for await (const record of tx.run(statement, parameters)) yield record.toObject();
            },
          });
        } catch (error) {
          own = error;
          throw error;
        }
      };
      try {
        return await (mode === "WRITE" ? session.executeWrite(run) : session.executeRead(run));
      } catch (error) {
        if (own !== undefined && (own as Error).name !== "Neo4jError") throw own;
        if (isContention(error) && performance.now() - begun < CONTENTION_MS) {
          await new Promise((resolve) =>
            setTimeout(resolve, Math.min(50 * 2 ** attempt, 1_000) * (0.5 + Math.random() / 2)),
          );
          continue;
        }
        // A connection that broke is tried once more at once: a restart of the server, or a COMMIT whose answer was lost.
        if (isLoss(error) && attempt === 0 && performance.now() - begun < this.#patienceMs / 2) {
          await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
          continue;
        }
        const told = translated(error);
        if (isLoss(error)) for (const turns of Object.values(this.#turns)) turns.refuse(told);
        throw told;
      } finally {
        await session.close().catch(() => {}); // A broken connection cannot say goodbye.
      }
    }
  }

  /**
   * The rows of a statement that an abort ends at once, also on the server: its session is closed under it, which ends its
   * transaction. Not tried again. In write mode, although it may only read: what such statements work on is in the memory of
   * one server, and in a cluster reads go to any.
   *
   * @param onAbort is given when the server, which may look for an end of its work seconds later, will have ended it
   * @throws the signal's reason
   */
  async *interruptible(
    statement: string,
    parameters: Row,
    signal?: AbortSignal,
    onAbort: (ended: Promise<void>) => void = () => {},
  ): AsyncGenerator<Row, void, undefined> {
    if (this.#closed) throw unavailable("The store is closed.");
    signal?.throwIfAborted();
    const session = this.driver.session({ database: this.#database, defaultAccessMode: "WRITE" });
    let abort = () => {};
    const aborted = new Promise<never>((_, reject) => {
      abort = () => {
        onAbort(session.close().catch(() => {})); // It waits for the server; whoever aborted does not.
        reject(signal?.reason);
      };
    });
    aborted.catch(() => {}); // Nobody may be waiting for a row just now.
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const records = session.run(statement, parameters)[Symbol.asyncIterator]();
      for (;;) {
        const next = records.next();
        next.catch(() => {}); // Fails on its own once the session is closed.
        const { done, value } = await Promise.race([next, aborted]);
        if (done) return;
        yield value.toObject();
      }
    } catch (error) {
      throw signal?.aborted ? signal.reason : translated(error);
    } finally {
      signal?.removeEventListener("abort", abort);
      if (!signal?.aborted) await session.close().catch(() => {});
    }
  }

  /** Schema statements are not part of data transactions. */
  async schema(statement: string): Promise<void> {
    const run = () => this.write((tx) => tx.run(statement, {}));
    try {
      await run();
    } catch (error) {
      // Of two processes that start together one finds, in spite of IF NOT EXISTS, what the other has just made: measured
      // on 5.26 as EquivalentSchemaRuleAlreadyExists. The second time it is seen; a real conflict fails again.
      if (!GraphkeeperError.is(error) || !String(error.details.neo4j).endsWith("AlreadyExists")) throw error;
      await run();
    }
  }

  async ping(): Promise<void> {
    if (this.#closed) throw unavailable("The store is closed.");
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(unavailable(`Neo4j did not answer within ${this.#patienceMs} ms.`)),
          this.#patienceMs,
        );
      });
      // No turn and no statement: it is about the server, not about who else works. A cold one plans its first statement for seconds.
      const alive = this.driver.getServerInfo({ database: this.#database });
      await Promise.race([alive, late]).catch((error: unknown) => {
        throw translated(error);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.driver.close();
  }
}

/** @throws GraphkeeperError `INVALID_CONFIG` when the driver is not installed or the address is not one */
export async function connect(options: ConnectOptions): Promise<Connection> {
  let api: typeof Neo4j;
  try {
    const module = await import("neo4j-driver");
    api = module.default as unknown as typeof Neo4j;
  } catch (error) {
    throw new GraphkeeperError(
      "INVALID_CONFIG",
      "The package neo4j-driver is needed for Neo4j; install it: npm install neo4j-driver",
      { field: "neo4j" },
      error,
    );
  }
  const patience = options.patienceMs ?? 1_500;
  const auth = options.username === undefined ? undefined : api.auth.basic(options.username, options.password ?? "");
  try {
    const driver = api.driver(options.uri, auth, {
      disableLosslessIntegers: true,
      connectionTimeout: patience,
      connectionAcquisitionTimeout: patience,
      // The driver's own retry waits a second first; ours (below) is told apart by what went wrong.
      maxTransactionRetryTime: 0,
      userAgent: "graphkeeper",
    });
    return new Connection(api, driver, options);
  } catch (error) {
    throw new GraphkeeperError(
      "INVALID_CONFIG",
      `The Neo4j address is not usable: ${(error as Error).message}`,
      { field: "neo4j.uri" },
      error,
    );
  }
}
