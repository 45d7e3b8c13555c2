import { describe, expect, test } from "vitest";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { useNeo4j } from "../neo4j/server.ts";
import { corpus, merged } from "./fixtures/corpus.ts";
import { type DirtyFixture, dirty, pairOf } from "./fixtures/dirty.ts";
import { FIXTURES } from "./fixtures/writers.ts";
import { expectNoUnits, goneTexts } from "./leak-probe.ts";
import { collect, operation } from "./lifecycle.ts";
import { userDump } from "./user-dump.ts";

const db = useNeo4j();
const all = corpus(60);
/** Ten documents in the middle: they share entities with what comes before and after. */
const chosen = all.documents.slice(1, 11);
const rest = all.documents.filter((d) => !chosen.includes(d));

const names = async (query: string, column: string) => (await db.run(query)).map((row) => row[column] as string).sort();
const triples = async (query: string) => (await db.run(query)).map((r) => `${r.source}|${r.type}|${r.target}`);

/** What a reader must see when the chosen documents are not there. */
async function expectGone(f: DirtyFixture, before: { facts: string[] }): Promise<void> {
  const texts = new Set(await names(f.units, "text"));
  for (const text of goneTexts(chosen, rest)) expect(texts.has(text), text).toBe(false);
  if (f.units.includes("MATCH"))
    for (const document of rest) for (const chunk of document.chunks) expect(texts.has(chunk.text)).toBe(true);
  const expected = merged(rest);
  const entities = [...(f.collects ? expected.entities : merged(all.documents).entities), ...f.made];
  expect(await names(f.entities, "name")).toEqual([...new Set(entities)].sort());
  const alive = new Set(entities);
  const stated = new Set(expected.facts.map((x) => pairOf(x.source, x.target)));
  const wanted = before.facts.filter((line) => {
    const [source = "", , target = ""] = line.split("|");
    if (f.supported && !f.kept.has(pairOf(source, target))) return stated.has(pairOf(source, target));
    return alive.has(source) && alive.has(target);
  });
  const found = await triples(f.facts);
  if (f.supported && f.profile.name !== "lightrag") {
    const lines = wanted.filter((line) => f.kept.has(pairOf(line.split("|")[0] ?? "", line.split("|")[2] ?? "")));
    expect(found.sort()).toEqual([...expected.facts.map((x) => `${x.source}|${x.type}|${x.target}`), ...lines].sort());
  } else expect(found.sort()).toEqual(wanted.sort());
}

describe.each(Object.entries(FIXTURES))("%s", (name, tidy) => {
  const f = dirty(tidy, all, chosen);
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
      const first = await collect(store, f.group, { sweep: true });
      expect([first.found, first.changed], "the first collection after the install has nothing to do").toEqual([
        0,
        false,
      ]);
      expect(await userDump(db.run)).toEqual(before);
      const dirt = await verifyGroup(store, f.group);

      const impact = await store.impact(
        f.group,
        "deprecate",
        chosen.flatMap((d) => f.documentIds(d)),
      );
      const deprecated = await store.apply(operation(f, "deprecate", chosen));
      expect(deprecated.effect.textUnits).toBe(impact.textUnits.count);
      const readers = { run: db.run, fixture: f, mode: "swap" as const };
      await expectNoUnits(readers, chosen, rest);
      await collect(store, f.group);
      await expectNoUnits(readers, chosen, rest);
      await expectGone(f, facts);
      expect(await verifyGroup(store, f.group), "what is found is what was there before").toEqual(dirt);
      expect((await collect(store, f.group)).changed, "a second collection changes nothing").toBe(false);

      await store.apply(operation(f, "restore", chosen));
      await collect(store, f.group);
      expect(await userDump(db.run)).toEqual(before);

      await store.apply(operation(f, "purge", chosen));
      await collect(store, f.group);
      await expectGone(f, facts);
      const ids = new Set(chosen.flatMap((d) => f.documentIds(d)));
      const texts = goneTexts(chosen, rest);
      const leftovers = (await userDump(db.run, { ours: true })).filter(
        (line) =>
          [...texts].some((t) => t.length > 20 && line.includes(JSON.stringify(t).slice(1, -1))) ||
          // As a value, or as a part of one.
          [...ids].some((id) => [`"${id}"`, `:${id}"`, `:${id}:`, `run of ${id}"`].some((x) => line.includes(x))),
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
