import { describe, expect, test } from "vitest";
import { readPublished } from "../../src/core/published.ts";
import type { EngineName } from "../../src/maintenance/engine.ts";
import { recompute } from "../../src/maintenance/recompute.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { corpus } from "../profiles/fixtures/corpus.ts";
import { FIXTURES } from "../profiles/fixtures/writers.ts";
import { collect, operation } from "../profiles/lifecycle.ts";
import { gdsVersion, whyNoGds } from "../servers/jars.ts";
import { NEO4J_VERSION } from "../servers/neo4j.ts";
import { listen } from "./gds-calls.ts";
import { useNeo4j } from "./server.ts";

/** The adapter on the graphs of other writers, with the real Graph Data Science plugin (see gds.test.ts). */

const GDS_VERSION = gdsVersion(NEO4J_VERSION);
const missing = await whyNoGds(NEO4J_VERSION);
const all = corpus(8);

describe.skipIf(missing !== null)(`Graph Data Science ${GDS_VERSION}`, () => {
  const db = useNeo4j({ gds: true });

  test.each(Object.entries(FIXTURES))(
    "%s: what is live is projected, and both engines agree",
    async (_, fixture) => {
      await db.clear({ schema: true });
      await fixture.build(db.run, all, db.uri());
      const store = await openNeo4jStore({ uri: db.uri(), profile: fixture.profile, patienceMs: 10_000 });
      try {
        await store.apply(operation(fixture, "deprecate", all.documents.slice(0, 2)), { guard: null });
        await collect(store, fixture.group);
        const projected: number[] = [];
        listen(store, async ({ name, parameters }) => {
          if (!/^gds\.(knn\.stream|leiden\.stream)$/.test(name)) return;
          const [row] = await db.run("CALL gds.graph.list($name) YIELD nodeCount RETURN nodeCount", parameters);
          projected.push(row?.nodeCount as number);
        });
        const by = async (name: EngineName) => {
          const fence = await store.acquireLease(fixture.group, name, 600_000, Date.now());
          const result = await recompute(store, fence!, { clock: Date.now, engine: { name, threshold: 0 } });
          await store.releaseLease(fence!);
          return { result, published: await readPublished(store, fixture.group) };
        };
        const [theirs, ours] = [await by("gds"), await by("builtin")];
        expect([theirs.result.engine, ours.result.engine]).toEqual([`gds ${GDS_VERSION}`, "builtin"]);
        const live = (await store.readGraph(fixture.group)).ids;
        expect(projected[0]).toBe(live.length);
        expect(theirs.published.ranks.map((r) => r.entity)).toEqual(live);
        expect(theirs.result.edges).toBe(ours.result.edges);
        expect(theirs.result.modularity).toBeCloseTo(ours.result.modularity, 1);
        const pairs = (rows: { a: string; b: string }[]) => rows.map(({ a, b }) => [a, b]);
        expect(pairs(theirs.published.similarity)).toEqual(pairs(ours.published.similarity));
        for (const [i, row] of theirs.published.ranks.entries()) {
          expect(row.component).toBe(ours.published.ranks[i]!.component);
          expect(row.score / ours.published.ranks[i]!.score).toBeCloseTo(1, 5);
        }
        expect(await db.run("CALL gds.graph.list() YIELD graphName RETURN graphName")).toEqual([]);
      } finally {
        await store.close();
      }
    },
    300_000,
  );
});
