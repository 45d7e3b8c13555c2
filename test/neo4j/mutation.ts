import neo4j, { type Driver, type ManagedTransaction, type Session } from "neo4j-driver";
import type { Neo4jStore } from "../../src/stores/neo4j/index.ts";
import type { Shapes } from "../../src/stores/neo4j/shapes.ts";
import { partStatements } from "../../src/stores/neo4j/statements/parts.ts";

/** Statements without what keeps them to their group, and ways to find that out. */

/** Statements that are about all groups; none of a group's own. */
export const OF_ALL_GROUPS: ReadonlySet<string> = new Set(["listGroups", "unfinished"]);

/**
 * The statement with every predicate on the group taken out: of patterns, and of conditions. What is written (`SET x = $group`)
 * stays, the mutant only looks elsewhere. Null where there is none: the statement is about no group, or does nothing here.
 */
export function withoutGroup(statement: string): string | null {
  const property = "(?:`[^`]+`|lc_group)";
  const mutant = statement
    .replace(new RegExp(`\\s*\\{${property}: \\$group\\}`, "g"), "")
    .replace(new RegExp(`\\{${property}: \\$group, `, "g"), "{")
    .replace(new RegExp(`(?<!SET )(?<!, )\\b[a-z]+\\.${property} = \\$group`, "g"), "true");
  return mutant === statement ? null : mutant;
}

/** Every statement of a store by name, those for parts of documents and units among them. */
export function statementsOf(store: Neo4jStore): Map<string, string> {
  const all = new Map<string, string>(Object.entries(store.statements));
  for (const of of ["document", "unit"] as const) {
    for (const part of partStatements(store.shapes as Shapes, of))
      for (const what of ["park", "show", "purge"] as const) all.set(`${what} ${part.label} of ${of}s`, part[what]);
  }
  for (const [name, text] of all)
    if (!text.includes("$group") || /^RETURN \$group AS none$/.test(text)) all.delete(name);
  return all;
}

export interface Probed {
  /** Statements whose mutant was seen to read or write what is another group's. */
  killed: Set<string>;
  /** Seen at least once. */
  seen: Set<string>;
  /** What a true statement did under a foreign group: must be empty. */
  leaks: string[];
}

class Undone extends Error {}

/** A group that exists nowhere. */
const NOBODY = "nobody";
/** A statement is tried so often, until it has something to do. */
const TRIES = 150;

/**
 * Sends each statement of the store, where it is sent for the first time, once more for a group that does not exist, with the
 * ids and handles that it was sent with: the true one finds and changes nothing of others, the one without its group predicate
 * does. What they change is rolled back, and the store's call is made again.
 *
 * @param group whose statements are tried; another one that is further on has its ids already
 * @param only the names of those to try; all when absent
 * @returns the store to work with, and what is found while it works
 */
export function probed(
  store: Neo4jStore,
  group: string,
  only?: ReadonlySet<string>,
): { store: Neo4jStore; found: Probed } {
  const found: Probed = { killed: new Set(), seen: new Set(), leaks: [] };
  const names = Map.groupBy(statementsOf(store), ([, text]) => text);
  const tries = new Map<string, number>();
  const { driver } = store.connection;

  const watch = async (tx: ManagedTransaction) => {
    const { records } = await tx.run(
      `MATCH (n) WHERE NOT any(k IN keys(n) WHERE n[k] STARTS WITH $nobody) OPTIONAL MATCH (n)-[r]->()
       RETURN elementId(n) AS id, labels(n) AS labels, properties(n) AS n, collect([type(r), elementId(endNode(r)), properties(r)]) AS edges`,
      { nobody: NOBODY },
    );
    return records.map((r) => JSON.stringify(r.toObject(), sorted)).sort();
  };
  const probe = async (tx: ManagedTransaction, text: string, parameters: Record<string, unknown>) => {
    const same = names.get(text)?.map(([name]) => name);
    const name = same?.[0];
    if (same === undefined || name === undefined || only?.has(name) === false) return;
    if (OF_ALL_GROUPS.has(name) || parameters.group !== group) return;
    for (const each of same) found.seen.add(each);
    const mutant = withoutGroup(text);
    if (mutant === null || found.killed.has(name) || (tries.get(name) ?? 0) >= TRIES) return;
    tries.set(name, (tries.get(name) ?? 0) + 1);
    const under = async (statement: string, nobody: string) => {
      const { records, summary } = await tx.run(statement, renamed(parameters, group, nobody) as typeof parameters);
      const rows = records.map((r) => JSON.stringify(r.toObject(), sorted).replaceAll(nobody, NOBODY)).sort();
      return { rows, did: summary.counters.updates() };
    };
    const creates = /\b(MERGE|CREATE)\b/.test(text);
    const before = creates ? await watch(tx) : [];
    const truth = await under(text, NOBODY);
    const changed = Object.values(truth.did).some((n) => n !== 0);
    if (creates ? JSON.stringify(before) !== JSON.stringify(await watch(tx)) : changed)
      found.leaks.push(`${name} changes what is another group's`);
    if (truth.rows.some((row) => row.includes(`${group}:`))) found.leaks.push(`${name} shows ${truth.rows.join()}`);
    let refused = false;
    const lie = await under(mutant, `${NOBODY}-2`).catch((error: unknown) => {
      refused = true;
      return { rows: [], did: String(error) };
    });
    if (JSON.stringify(lie) !== JSON.stringify(truth)) for (const each of same) found.killed.add(each);
    // Nothing of it may stay; a refusal has ended the transaction anyhow.
    if (changed || refused || Object.values(lie.did).some((n) => n !== 0)) throw new Undone(name);
  };

  // One after the other, in the order in which they were sent, with the probes between them.
  const probing = (tx: ManagedTransaction) => {
    let last: Promise<unknown> = Promise.resolve();
    const run = (text: string, parameters: Record<string, unknown>) => {
      const answer = last.then(async () => {
        await probe(tx, text, parameters);
        return tx.run(text, parameters);
      });
      last = answer;
      last.catch(() => {}); // Told to whoever waits for it.
      return {
        // biome-ignore lint/suspicious/noThenProperty: the driver's results are both to be awaited and to be iterated over.
        then: answer.then.bind(answer),
        catch: answer.catch.bind(answer),
        async *[Symbol.asyncIterator]() {
          yield* (await answer).records;
        },
      };
    };
    return { run } as unknown as ManagedTransaction;
  };
  const session = driver.session.bind(driver);
  (driver as Driver).session = (config) => {
    const opened = session(config);
    return {
      executeRead: (work: (tx: ManagedTransaction) => Promise<unknown>) =>
        opened.executeWrite((tx) => work(probing(tx))),
      executeWrite: (work: (tx: ManagedTransaction) => Promise<unknown>) =>
        opened.executeWrite((tx) => work(probing(tx))),
      close: () => opened.close(),
    } as unknown as Session;
  };
  return { store: again(store), found };
}

/** The parameters with nobody in the place of the group, wherever it stands. */
function renamed(value: unknown, group: string, nobody: string): unknown {
  if (value === group) return nobody;
  if (Array.isArray(value)) return value.map((item) => renamed(item, group, nobody));
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, renamed(item, group, nobody)]));
}

/** Calls that a probe rolled back are made again. */
function again(store: Neo4jStore): Neo4jStore {
  const connection = store.connection as unknown as Record<string, (work: unknown) => Promise<unknown>>;
  for (const name of ["read", "write"]) {
    const call = (connection[name] as (work: unknown) => Promise<unknown>).bind(connection);
    connection[name] = async (work) => {
      for (;;) {
        try {
          return await call(work);
        } catch (error) {
          if (!(error instanceof Undone)) throw error;
        }
      }
    };
  }
  return store;
}

/** Members in order, integers and vectors as text: the same value is the same JSON. */
const sorted = (_: string, value: unknown): unknown =>
  value !== null && typeof value === "object" && !Array.isArray(value) && !ArrayBuffer.isView(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, v]) => [key, neo4j.isInt(v) ? v.toString() : v]),
      )
    : typeof value === "bigint"
      ? String(value)
      : ArrayBuffer.isView(value)
        ? Array.from(value as Uint8Array, Number)
        : value;
