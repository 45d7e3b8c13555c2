import { existsSync } from "node:fs";
import type { Command } from "commander";
import { GraphkeeperClient } from "../client/client.ts";
import { compose } from "../compose.ts";
import { type Config, loadConfig } from "../config/config.ts";
import { GraphkeeperError } from "../core/errors.ts";
import { checkGroupId } from "../core/law.ts";
import type { Graphkeeper } from "../service.ts";
import { readLock } from "../stores/sqlite/lock.ts";
import { Output } from "./output.ts";

/** Options that every command takes. */
export interface GlobalOptions {
  data?: string;
  url?: string;
  apiKey?: string;
  group?: string;
  config?: string;
  json?: boolean;
  quiet?: boolean;
}

/** Everything a command needs: configuration, output, and the way to the graph. */
export class CliContext {
  readonly config: Config;
  readonly output: Output;
  readonly #options: GlobalOptions;
  readonly #environment: NodeJS.ProcessEnv;
  /** Aborted by the first Ctrl-C: the work stops after its batch. A second one ends the process. */
  readonly signal: AbortSignal;

  constructor(options: GlobalOptions, environment: NodeJS.ProcessEnv, signal: AbortSignal) {
    this.#options = options;
    this.#environment = environment;
    this.signal = signal;
    this.config = loadConfig(environment, { file: options.config, overrides: { data: options.data } });
    this.output = new Output(options);
    // A wrong group is told of before a file is looked for or a server asked.
    void this.optionalGroup;
  }

  /** The group of the command. @throws GraphkeeperError `GROUP_REQUIRED` */
  get group(): string {
    const group = this.#options.group ?? this.#environment.GRAPHKEEPER_GROUP;
    if (!group) throw new GraphkeeperError("GROUP_REQUIRED", "Which group? Give --group, or set GRAPHKEEPER_GROUP.");
    return checkGroupId(group);
  }

  get optionalGroup(): string | undefined {
    const group = this.#options.group ?? this.#environment.GRAPHKEEPER_GROUP;
    return group ? checkGroupId(group) : undefined;
  }

  /**
   * The server to talk to: the one that was named, or the one that holds the data file and left its address beside it.
   * null when the file is free: the command works on it itself.
   */
  async server(): Promise<GraphkeeperClient | null> {
    const named = this.namedServer();
    if (named) return named;
    const address = readLock(this.config.data)?.address;
    return address ? this.#client(address) : null;
  }

  /** The server that was named by --url or GRAPHKEEPER_URL: then even what only reads goes there, not to a file here. */
  namedServer(): GraphkeeperClient | null {
    const url = this.#options.url ?? this.#environment.GRAPHKEEPER_URL;
    return url ? this.#client(url) : null;
  }

  #client(url: string): GraphkeeperClient {
    return new GraphkeeperClient({ url, apiKey: this.#options.apiKey ?? this.config.auth.apiKey });
  }

  /**
   * Opens the data file itself and closes it after the work. `write` and `create` refuse while another process holds it;
   * only `create` makes a new one, so that a mistyped path is told of and leaves no file behind.
   */
  async locally<T>(mode: "read" | "write" | "create", work: (graphkeeper: Graphkeeper) => Promise<T>): Promise<T> {
    const { data, neo4j } = this.config;
    if (mode !== "create" && neo4j.uri === undefined && !existsSync(data))
      throw new GraphkeeperError("NOT_FOUND", `There is no data file ${data}; the first import makes it.`, { data });
    // Beside a graph in Neo4j the file has keys and runs only; the first command makes it.
    const graphkeeper = await compose(this.config, { readOnly: mode === "read" && existsSync(data) });
    try {
      return await work(graphkeeper);
    } finally {
      await graphkeeper.close();
    }
  }
}

/** The context of a command, out of the options of all its parents. */
export type MakeContext = (command: Command) => CliContext;
