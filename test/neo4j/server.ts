import neo4j, { type Driver } from "neo4j-driver";
import { afterAll, beforeAll } from "vitest";
import { type Neo4jServer, startNeo4j } from "../servers/neo4j.ts";

/** For graphs of a handful of nodes: plans made once stay, although clearing the graph turns its statistics over. */
export const SMALL_GRAPHS = { "dbms.cypher.min_replan_interval": "1h" };

/** One server for all tests of a file; started before the first and stopped after the last. */
export function useNeo4j(
  options: { version?: string; auth?: boolean; gds?: boolean; settings?: Record<string, string> } = {},
): {
  uri(): string;
  server(): Neo4jServer;
  /** A driver of the test's own, to write and look behind the store's back. */
  run(statement: string, parameters?: Record<string, unknown>): Promise<Record<string, unknown>[]>;
  /** Takes every node away; constraints and indexes stay unless `schema`. */
  clear(options?: { schema?: boolean }): Promise<void>;
} {
  let server: Neo4jServer | null = null;
  let driver: Driver | null = null;
  beforeAll(async () => {
    server = await startNeo4j(options);
    driver = neo4j.driver(server.uri, undefined, { disableLosslessIntegers: true });
  }, 600_000);
  afterAll(async () => {
    await driver?.close();
    await server?.stop();
  }, 60_000);
  const started = () => {
    if (!server) throw new Error("the server is not started yet");
    return server;
  };
  const run = async (statement: string, parameters: Record<string, unknown> = {}) => {
    started();
    const { records } = await (driver as Driver).executeQuery(statement, parameters);
    return records.map((r) => r.toObject());
  };
  return {
    server: started,
    uri: () => started().uri,
    run,
    clear: async ({ schema = false } = {}) => {
      const session = (driver as Driver).session();
      try {
        await session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS");
        if (!schema) return;
        for (const { name } of await run("SHOW CONSTRAINTS YIELD name RETURN name"))
          await session.run(`DROP CONSTRAINT \`${name}\``);
        for (const { name } of await run("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"))
          await session.run(`DROP INDEX \`${name}\``);
      } finally {
        await session.close();
      }
    },
  };
}
