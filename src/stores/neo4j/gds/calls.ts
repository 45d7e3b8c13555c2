import { randomUUID } from "node:crypto";
import { GraphkeeperError } from "../../../core/errors.ts";
import type { Connection, Row } from "../connection.ts";
import type { gdsStatements } from "../statements/gds.ts";

export type GdsStatements = ReturnType<typeof gdsStatements>;

/** How often the library is asked how far it is. */
const PROGRESS_MS = 1_000;

/** Statements of one run to the library: an abort ends them at once, and what goes wrong there is told in our words. */
export class GdsCalls {
  readonly connection: Connection;
  readonly #statements: GdsStatements;
  readonly #signal: AbortSignal | undefined;
  /** When the server will have ended what was aborted. */
  ended: Promise<void> = Promise.resolve();
  readonly #onPhase: ((phase: string, done: number, total: number) => void) | undefined;

  constructor(
    connection: Connection,
    statements: GdsStatements,
    control: { signal?: AbortSignal; onPhase?: (phase: string, done: number, total: number) => void },
  ) {
    this.connection = connection;
    this.#statements = statements;
    this.#signal = control.signal;
    this.#onPhase = control.onPhase;
  }

  async *stream(name: keyof GdsStatements, parameters: Row): AsyncGenerator<Row, void, undefined> {
    try {
      yield* this.connection.interruptible(this.#statements[name], parameters, this.#signal, (ended) => {
        this.ended = ended;
      });
    } catch (error) {
      throw this.#signal?.aborted ? stopped(this.#signal.reason) : told(error);
    }
  }

  async run<T extends Row>(name: keyof GdsStatements, parameters: Row): Promise<T[]> {
    const rows: T[] = [];
    for await (const row of this.stream(name, parameters)) rows.push(row as T);
    return rows;
  }

  /**
   * Shows the progress of the library's job while `work` lasts. No two jobs have one id: that of a projection which was aborted
   * counts as running until the server ends, and another of its id is refused.
   *
   * @param name of the projection
   */
  async during<T>(phase: string, name: string, work: (job: string) => Promise<T>): Promise<T> {
    const job = `${name}-${phase}-${randomUUID()}`;
    this.#onPhase?.(phase, 0, 100);
    let asking = false;
    const ask = async () => {
      if (asking) return;
      asking = true;
      const parameters = { job };
      const rows = await this.connection
        .read((tx) => tx.run(this.#statements.gdsProgress, parameters))
        .catch(() => clearInterval(timer)); // Not every edition lists it; the run goes on without.
      const percent = Number.parseFloat(String(rows?.[0]?.progress));
      if (Number.isFinite(percent)) this.#onPhase?.(phase, Math.round(percent), 100);
      asking = false;
    };
    const timer = setInterval(() => void ask(), PROGRESS_MS);
    try {
      return await work(job);
    } finally {
      clearInterval(timer);
    }
  }
}

function stopped(reason: unknown): unknown {
  if (GraphkeeperError.is(reason)) return reason;
  return new GraphkeeperError("CANCELLED", "The recompute was cancelled; nothing of it was published.");
}

/** The library checks before each call whether it fits into what is free just then; all else it refuses is a failed run. */
function told(error: unknown): unknown {
  if (GraphkeeperError.is(error, "OUT_OF_BUDGET")) {
    return new GraphkeeperError(
      "OUT_OF_BUDGET",
      "Handing the graph to the Graph Data Science library needs more memory than Neo4j allows a transaction.",
      { engine: "gds", field: "dbms.memory.transaction.total.max" },
      error,
    );
  }
  if (!GraphkeeperError.is(error, "INTERNAL")) return error;
  const { message } = error;
  if (/exceeds (available|current free) memory/.test(message)) {
    return new GraphkeeperError(
      "OUT_OF_BUDGET",
      `The Graph Data Science library has too little free memory: ${message}`,
      { engine: "gds", field: "server.memory.heap.max_size" },
      error,
    );
  }
  return new GraphkeeperError("RUN_FAILED", `The Graph Data Science library failed: ${message}`, error.details, error);
}
