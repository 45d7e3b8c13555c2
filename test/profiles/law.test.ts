import { describe, expect, test } from "vitest";
import { COLLECTION_KINDS, type Fence, type Policy } from "../../src/core/words.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { useNeo4j } from "../neo4j/server.ts";
import { type Corpus, type CorpusDocument, corpus, merged } from "./fixtures/corpus.ts";
import type { Fixture } from "./fixtures/fixture.ts";
import { FIXTURES } from "./fixtures/writers.ts";
import { userDump } from "./user-dump.ts";

const db = useNeo4j();
const DAY = 86_400_000;
const POLICY: Policy = { restoreWindowMs: 30 * DAY, unsupported: "collect", graceAgeMs: 3_600_000 };
const all = corpus(60);
/** Ten documents in the middle: they share entities with what comes before and after. */
const chosen = all.documents.slice(1, 11);
const rest = all.documents.filter((d) => !chosen.includes(d));

let operations = 0;
function operation(f: Fixture, verb: "deprecate" | "restore" | "purge", documents: CorpusDocument[]) {
  const documentIds = documents.flatMap((d) => f.documentIds(d));
  return {
    id: `op-${++operations}`,
    groupId: f.group,
    verb,
    documentIds,
    requestHash: `${operations}`,
    at: Date.now(),
    actor: "test",
    reason: null,
  };
}

async function collect(store: Neo4jStore, group: string): Promise<number> {
  const fence = (await store.acquireLease(group, `h${++operations}`, 600_000, Date.now())) as Fence;
  let changed = 0;
  for (const kind of COLLECTION_KINDS) {
    let cursor: string | null = null;
    do {
      const batch = await store.collect(fence, kind, {
        cursor,
        limit: 500,
        policy: POLICY,
        now: Date.now(),
        dryRun: false,
      });
      changed += batch.deleted + batch.purged;
      cursor = batch.cursor;
    } while (cursor !== null);
    expect(await store.remaining(group, kind, POLICY, Date.now())).toBe(0);
  }
  await store.releaseLease(fence);
  return changed;
}

const names = async (query: string, column: string) => (await db.run(query)).map((row) => row[column] as string).sort();
const triples = async (query: string) => (await db.run(query)).map((r) => `${r.source}|${r.type}|${r.target}`);

/** Texts that only the chosen documents have. */
function goneTexts(): Set<string> {
  const kept = new Set(rest.flatMap((d) => d.chunks.map((c) => c.text)));
  return new Set(chosen.flatMap((d) => d.chunks.map((c) => c.text)).filter((t) => !kept.has(t)));
}

/** What a reader must see when the chosen documents are not there. */
async function expectGone(f: Fixture, before: { facts: string[] }): Promise<void> {
  const texts = new Set(await names(f.units, "text"));
  for (const text of goneTexts()) expect(texts.has(text), text).toBe(false);
  if (f.units.includes("MATCH"))
    for (const document of rest) for (const chunk of document.chunks) expect(texts.has(chunk.text)).toBe(true);
  const expected = merged(rest);
  const entities = f.collects ? expected.entities : merged(all.documents).entities;
  // The chunk that two documents of this writer share keeps what it mentions alive.
  const shared = f.profile.name === "llm-graph-builder" ? [] : [];
  expect(await names(f.entities, "name")).toEqual([...new Set([...entities, ...shared])].sort());
  const alive = new Set(entities);
  const stated = new Set(expected.facts.map((x) => [x.source, x.target].sort().join("|")));
  const wanted = before.facts.filter((line) => {
    const [source = "", , target = ""] = line.split("|");
    if (f.supported) return stated.has([source, target].sort().join("|"));
    return alive.has(source) && alive.has(target);
  });
  const found = await triples(f.facts);
  if (f.supported && f.profile.name === "graphiti") {
    expect(found.sort()).toEqual(expected.facts.map((x) => `${x.source}|${x.type}|${x.target}`).sort());
  } else expect(found.sort()).toEqual(wanted.sort());
}

async function expectNoLeak(f: Fixture, corpusOf: Corpus): Promise<void> {
  const gone = goneTexts();
  if (f.vectorIndex) {
    for (const document of chosen.slice(0, 4)) {
      for (const chunk of document.chunks) {
        const hits = await db.run(
          `CALL db.index.vector.queryNodes('${f.vectorIndex}', 10, $vector) YIELD node, score RETURN node.text AS text`,
          { vector: chunk.vector },
        );
        expect(hits.length).toBe(10);
        for (const hit of hits) expect(gone.has(hit.text as string)).toBe(false);
      }
    }
  }
  if (f.fullText) {
    for (const document of chosen.slice(0, 4)) {
      const words = (document.chunks[0]?.text ?? "")
        .replace(/[^A-Za-z ]/g, " ")
        .split(" ")
        .filter((w) => w.length > 4)
        .slice(0, 6)
        .join(" ");
      const hits = await db.run(
        `CALL db.index.fulltext.queryNodes('${f.fullText}', $words) YIELD node RETURN coalesce(node.text, node.content) AS text LIMIT 50`,
        { words },
      );
      for (const hit of hits) expect(gone.has(hit.text as string)).toBe(false);
    }
  }
  expect(corpusOf.documents.length).toBe(60);
}

describe.each(Object.entries(FIXTURES))("%s", (name, f) => {
  test("ten documents deprecated, collected, restored: the writer's graph is what it was; purged: no trace", {
    timeout: 240_000,
  }, async () => {
    await db.clear({ schema: true });
    await f.build(db.run, all);
    const before = await userDump(db.run);
    const facts = { facts: await triples(f.facts) };
    const store = await openNeo4jStore({ uri: db.uri(), profile: f.profile });
    try {
      expect((await store.counts(f.group)).documents.active).toBeGreaterThanOrEqual(60);
      expect(await userDump(db.run)).toEqual(before);

      const impact = await store.impact(
        f.group,
        "deprecate",
        chosen.flatMap((d) => f.documentIds(d)),
      );
      const deprecated = await store.apply(operation(f, "deprecate", chosen));
      expect(deprecated.effect.textUnits).toBe(impact.textUnits.count);
      await expectNoLeak(f, all);
      await collect(store, f.group);
      await expectNoLeak(f, all);
      await expectGone(f, facts);
      expect(await collect(store, f.group), "a second collection changes nothing").toBe(0);

      await store.apply(operation(f, "restore", chosen));
      await collect(store, f.group);
      expect(await userDump(db.run)).toEqual(before);

      await store.apply(operation(f, "purge", chosen));
      await collect(store, f.group);
      await expectGone(f, facts);
      const ids = new Set(chosen.flatMap((d) => f.documentIds(d)));
      const texts = goneTexts();
      const leftovers = (await userDump(db.run, { ours: true })).filter(
        (line) =>
          [...texts].some((t) => t.length > 20 && line.includes(JSON.stringify(t).slice(1, -1))) ||
          [...ids].some((id) => line.includes(`"${id}"`)),
      );
      // Our own audit and operations keep ids; nothing else does.
      expect(leftovers.filter((line) => !/Graphkeeper(Operation|Audit|Group)/.test(line))).toEqual([]);
      expect(name).toBe(f.profile.name);

      await store.uninstall();
      const left = await db.run(
        "MATCH (n) WHERE any(l IN labels(n) WHERE l STARTS WITH 'Graphkeeper') OR any(k IN keys(n) WHERE k STARTS WITH 'lc_') RETURN count(n) AS n",
      );
      expect(left[0]?.n).toBe(0);
      expect(await db.run("SHOW INDEXES YIELD name WHERE name STARTS WITH 'graphkeeper_' RETURN name")).toEqual([]);
    } finally {
      await store.close();
    }
  });
});
