import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import neo4j, { type Driver } from "neo4j-driver";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EngineName } from "../../src/maintenance/engine.ts";
import { recompute } from "../../src/maintenance/recompute.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { corpus } from "../profiles/fixtures/corpus.ts";
import { FIXTURES } from "../profiles/fixtures/writers.ts";
import { collect, operation } from "../profiles/lifecycle.ts";
import { type Neo4jServer, startNeo4j } from "../servers/neo4j.ts";
import { installStandIn } from "./gds-stand-in/build.ts";

/** The adapter on the graphs of other writers, with the stand-in for Graph Data Science (see gds.test.ts). */

let home: string;
let server: Neo4jServer;
let driver: Driver;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "graphkeeper-gds-"));
  await installStandIn(home);
  server = await startNeo4j({ home });
  driver = neo4j.driver(server.uri, undefined, { disableLosslessIntegers: true });
}, 600_000);
afterAll(async () => {
  await driver?.close();
  await server?.stop();
  await rm(home, { recursive: true, force: true });
}, 60_000);

const run = async (statement: string, parameters: Record<string, unknown> = {}) =>
  (await driver.executeQuery(statement, parameters)).records.map((r) => r.toObject());

async function clear(): Promise<void> {
  await run("MATCH (n) DETACH DELETE n");
  for (const { name } of await run("SHOW CONSTRAINTS YIELD name RETURN name")) await run(`DROP CONSTRAINT \`${name}\``);
  for (const { name } of await run("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"))
    await run(`DROP INDEX \`${name}\``);
  await run("CALL standin.reset()");
}

const all = corpus(8);

test.each(Object.entries(FIXTURES))(
  "%s: what is live is projected, and both engines agree",
  async (_, fixture) => {
    await clear();
    await fixture.build(run, all, server.uri);
    const store = await openNeo4jStore({ uri: server.uri, profile: fixture.profile, patienceMs: 10_000 });
    try {
      await store.apply(operation(fixture, "deprecate", all.documents.slice(0, 2)), { guard: null });
      await collect(store, fixture.group);
      const by = async (name: EngineName) => {
        const fence = await store.acquireLease(fixture.group, name, 600_000, Date.now());
        const result = await recompute(store, fence!, { clock: Date.now, engine: { name, threshold: 0 } });
        await store.releaseLease(fence!);
        return { result, published: await store.readPublished(fixture.group) };
      };
      const [theirs, ours] = [await by("gds"), await by("builtin")];
      expect([theirs.result.engine, ours.result.engine]).toEqual(["gds 2.13.10", "builtin"]);
      const live = (await store.readGraph(fixture.group)).ids;
      const [projected] = await run("CALL standin.projected() YIELD nodes RETURN nodes LIMIT 1");
      expect(projected!.nodes).toHaveLength(live.length);
      expect(theirs.published.ranks.map((r) => r.entity)).toEqual(live);
      expect(theirs.result.edges).toBe(ours.result.edges);
      const pairs = (rows: { a: string; b: string }[]) => rows.map(({ a, b }) => [a, b]);
      expect(pairs(theirs.published.similarity)).toEqual(pairs(ours.published.similarity));
      for (const [i, row] of theirs.published.ranks.entries()) {
        expect(row.component).toBe(ours.published.ranks[i]!.component);
        expect(row.score / ours.published.ranks[i]!.score).toBeCloseTo(1, 5);
      }
      expect(await run("CALL gds.graph.list() YIELD graphName RETURN graphName")).toEqual([]);
    } finally {
      await store.close();
    }
  },
  300_000,
);
