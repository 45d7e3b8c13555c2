import { expect, test } from "vitest";
import type { LocatedBlock } from "../../src/documents/import.ts";
import { dumpOf, hasMusique, largeGraph, temporaryGraphkeeper } from "../data/graphs.ts";
import { useNeo4j } from "./server.ts";

const db = useNeo4j();
/** Minutes: with GRAPHKEEPER_LONG=1 only; GRAPHKEEPER_DOCUMENTS takes a part of the graph. */
const LONG = process.env.GRAPHKEEPER_LONG === "1";
const DOCUMENTS = Number(process.env.GRAPHKEEPER_DOCUMENTS ?? 1_890);

async function* first(blocks: AsyncIterable<LocatedBlock>, count: number): AsyncIterable<LocatedBlock> {
  let taken = 0;
  for await (const block of blocks) {
    if (taken++ === count) return;
    yield block;
  }
}

test.skipIf(!LONG)(
  "the round trip on MuSiQue in Neo4j: deprecate 100 documents, collect, restore, collect: the dump is that of before (P9)",
  {
    timeout: 3_600_000,
  },
  async () => {
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
      const every = Math.floor(ids.length / 100);
      const documents = ids.filter((_, i) => i % every === 0).slice(0, 100);
      expect(documents).toHaveLength(100);
      last = performance.now();
      const { effect } = await graphkeeper.deprecate("large", documents, { force: true });
      lap("deprecate");
      expect(effect).toMatchObject({ documents: 100, textUnits: 100, vectors: 100 });
      expect(await graphkeeper.verify("large")).toEqual([]);
      last = performance.now();
      const collected = await run("gc_all", "large");
      lap("collect");
      expect(collected.deleted).toBeGreaterThan(500);
      expect(await graphkeeper.verify("large")).toEqual([]);
      expect(await run("gc_all", "large")).toMatchObject({ deleted: 0, purged: 0, fresh: true }); // P5
      expect((await graphkeeper.store.counts("large")).entities.parked).toBeGreaterThan(100);

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
  },
);
