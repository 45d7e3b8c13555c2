import { expect, test } from "vitest";
import type { LocatedBlock } from "../../src/documents/import.ts";
import { dumpOf, hasMusique, largeGraph, temporaryGraphkeeper } from "../data/graphs.ts";
import { useNeo4j } from "./server.ts";

const db = useNeo4j();
/** All of the graph takes minutes: with GRAPHKEEPER_LONG=1. GRAPHKEEPER_DOCUMENTS says how much of it else. */
const LONG = process.env.GRAPHKEEPER_LONG === "1";
const DOCUMENTS = Number(process.env.GRAPHKEEPER_DOCUMENTS ?? (LONG ? 1_890 : 150));
/** As many as in the long form, but no more than every tenth. */
const DEPRECATED = Math.min(100, Math.floor(DOCUMENTS / 10));

async function* first(blocks: AsyncIterable<LocatedBlock>, count: number): AsyncIterable<LocatedBlock> {
  let taken = 0;
  for await (const block of blocks) {
    if (taken++ === count) return;
    yield block;
  }
}

test("the round trip on MuSiQue in Neo4j: deprecate a part, collect, restore, collect: the dump is that of before (P9)", {
  timeout: LONG ? 3_600_000 : 900_000,
}, async () => {
  const { graphkeeper, run, close } = await temporaryGraphkeeper({
    "neo4j.uri": db.uri(),
    "maintenance.throttle": "off",
  });
  const took: string[] = [];
  let last = performance.now();
  const lap = (what: string) => {
    took.push(`${what} ${((performance.now() - last) / 1_000).toFixed(1)} s`);
    last = performance.now();
  };
  try {
    const progress = await graphkeeper.importBlocks("large", first(largeGraph(), DOCUMENTS));
    expect(progress.documents).toBe(DOCUMENTS);
    lap("import");
    const counts = await graphkeeper.store.counts("large");
    if (hasMusique && DOCUMENTS === 1_890) expect(counts.entities.live).toBeGreaterThan(19_000);
    const before = await dumpOf(graphkeeper, "large");
    lap("dump");
    expect(await graphkeeper.verify("large")).toEqual([]);
    lap("verify");

    const ids: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await graphkeeper.documents("large", { limit: 1_000, cursor });
      ids.push(...page.items.map((d) => d.id));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    const every = Math.floor(ids.length / DEPRECATED);
    const documents = ids.filter((_, i) => i % every === 0).slice(0, DEPRECATED);
    expect(documents).toHaveLength(DEPRECATED);
    last = performance.now();
    const { effect } = await graphkeeper.deprecate("large", documents, { force: true });
    lap("deprecate");
    expect(effect).toMatchObject({ documents: DEPRECATED, textUnits: DEPRECATED, vectors: DEPRECATED });
    expect(await graphkeeper.verify("large")).toEqual([]);
    last = performance.now();
    const collected = await run("gc_all", "large");
    lap("collect");
    expect(collected.deleted).toBeGreaterThan(5 * DEPRECATED);
    expect(await graphkeeper.verify("large")).toEqual([]);
    expect(await run("gc_all", "large")).toMatchObject({ deleted: 0, purged: 0, fresh: true }); // P5
    expect((await graphkeeper.store.counts("large")).entities.parked).toBeGreaterThan(DEPRECATED);

    last = performance.now();
    await graphkeeper.restore("large", documents);
    lap("restore");
    await run("gc_all", "large");
    lap("collect again");
    expect(await dumpOf(graphkeeper, "large")).toBe(before);
    expect(await graphkeeper.store.counts("large")).toEqual(counts);
    expect(await graphkeeper.verify("large")).toEqual([]);
    console.info(`${counts.entities.live} entities, ${counts.relationships.live} facts: ${took.join(", ")}`);
  } finally {
    await close();
  }
});
