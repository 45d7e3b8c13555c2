import type { Neo4jStore } from "../../src/stores/neo4j/index.ts";

/** A statement to the Graph Data Science library. */
export interface GdsCall {
  /** Of the procedure or function: `gds.knn.mutate`. */
  name: string;
  /** As they are sent: who changes them in `before` changes what the library is asked. */
  parameters: Record<string, unknown> & { config?: Record<string, unknown> };
}

/**
 * Writes down what a store asks the library, in order, and lets a test do something first: drop the projection that is asked about, ask for
 * what the server has no memory for, change the graph. The statement is then sent, and the real library answers.
 */
export function listen(store: Neo4jStore, before: (call: GdsCall) => Promise<void> | void = () => {}): GdsCall[] {
  const calls: GdsCall[] = [];
  const { connection } = store;
  const original = connection.interruptible.bind(connection);
  connection.interruptible = async function* (statement, parameters, ...control) {
    const name = /gds\.graph\.project(\.estimate)?\b/.exec(statement)?.[0] ?? /gds\.[\w.]+/.exec(statement)?.[0];
    const call = { name: name ?? statement, parameters };
    calls.push(call);
    await before(call);
    yield* original(statement, parameters, ...control);
  };
  return calls;
}
