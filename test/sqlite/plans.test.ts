import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, test } from "vitest";
import { runCase } from "../../src/conformance/graph/case.ts";
import { GRAPH_STORE_CASES } from "../../src/conformance/graph/suite.ts";
import type { GraphStore } from "../../src/core/ports.ts";
import { MIGRATIONS } from "../../src/stores/sqlite/engine/schema.ts";
import { Session } from "../../src/stores/sqlite/engine/session.ts";
import { openOnThisThread } from "./engine.ts";

/**
 * What a change costs follows what it touches: no statement of a lifecycle call or of a collection may read a whole table, or
 * all of a group. The statements are those that the conformance cases make the engine prepare, by method.
 */

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-plans-"));
afterAll(() => rm(folder, { recursive: true }));

/** Methods whose statements must be bounded. Left out are those that read a group as a whole, which is what they are for. */
const BOUNDED = [
  ["apply", "advance", "unfinished", "operation", "impact", "document", "documents", "audit", "counts", "group"],
  ["neighbourhood"],
  ["acquireLease", "renewLease", "releaseLease", "collect", "sweep", "remaining", "finishCollection"],
  ["stageAnalytics", "discardStaged", "publishAnalytics", "pruneAnalytics", "analyticsState", "recordAudit"],
  ["members", "acknowledgeCommunities", "acknowledgedMembers"],
].flat();

/** Few rows at most: hubs of a group, the 20,000 of acknowledged contents, operations that a crash left rolling, the one row of the sequence. */
const SMALL =
  /^(SCAN o USING INDEX operations_rolling|SEARCH (hubs|h) USING PRIMARY KEY \(g=\?\)|SCAN sequence|SEARCH k USING COVERING INDEX acknowledged_contents_by_age \(g=\?\)|SCAN CONSTANT ROW)/;

const statements = new Map<string, Set<string>>();
let method = "";
const prepare = Session.prototype.sql;
Session.prototype.sql = function sql(text: string) {
  const known = statements.get(method);
  if (known) known.add(text);
  else statements.set(method, new Set([text]));
  return prepare.call(this, text);
};
afterAll(() => {
  Session.prototype.sql = prepare;
});

let files = 0;
async function open(): Promise<GraphStore> {
  const store = openOnThisThread(join(folder, `${++files}.db`));
  return new Proxy(store, {
    get(target, name: string) {
      if (name === "then") return undefined;
      const call = target[name as keyof GraphStore] as (...values: unknown[]) => unknown;
      return (...values: unknown[]) => {
        method = name;
        return call(...values);
      };
    },
  });
}

function planOf(db: DatabaseSync, sql: string): string[] {
  return (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]).map(({ detail }) => detail);
}

/** A step that reads a table from end to end, or all rows of a group in it. */
function isUnbounded(step: string, sql: string): boolean {
  if (SMALL.test(step)) return false;
  // Of the first rows that a subquery found.
  if (/^SCAN [ms]$/.test(step) && sql.includes("ORDER BY unit LIMIT 32)")) return false;
  return /^SCAN /.test(step) || /\((g=\?|g=\? AND live=\?)\)$/.test(step);
}

test("no statement of a change or a collection reads a whole table or group", { timeout: 120_000 }, async () => {
  for (const graphCase of GRAPH_STORE_CASES) await runCase(graphCase, open);
  const db = new DatabaseSync(":memory:");
  for (const step of MIGRATIONS) db.exec(step);
  const found: string[] = [];
  for (const name of BOUNDED) {
    const known = statements.get(name);
    expect(known, `the cases call ${name}`).toBeDefined();
    for (const sql of known ?? []) {
      for (const step of planOf(db, sql))
        if (isUnbounded(step, sql)) found.push(`${name}: ${step} -- ${sql.replace(/\s+/g, " ")}`);
    }
  }
  expect(found).toEqual([]);
});

test("a statement that reads a whole group is told", () => {
  const db = new DatabaseSync(":memory:");
  for (const step of MIGRATIONS) db.exec(step);
  const told = (sql: string) => planOf(db, sql).some((step) => isUnbounded(step, sql));
  expect(told("SELECT id FROM entities WHERE g = 1 AND live = 0")).toBe(true);
  expect(told("SELECT id FROM entities WHERE name = 'a'")).toBe(true);
  expect(told("SELECT score FROM similarity WHERE g = ? AND b = ?")).toBe(true);
  expect(told("SELECT count(*) FROM mentions WHERE entity = 1")).toBe(true);
  expect(told("SELECT id FROM entities WHERE g = 1 AND id > 'a' ORDER BY id LIMIT 10")).toBe(false);
  expect(told("SELECT entity FROM mentions WHERE g = 1 AND unit = 2")).toBe(false);
});
