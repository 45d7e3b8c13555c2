import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import type { ProfileInput } from "../../src/profiles/format.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { hasMusique, MUSIQUE } from "../data/graphs.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { collect } from "./lifecycle.ts";
import { userDump } from "./user-dump.ts";

const db = useNeo4j({ settings: SMALL_GRAPHS });

/** A graph of somebody's own making: mentions by one extraction, facts with a list of passages by another. */
const OWN: ProfileInput = {
  name: "own",
  version: 1,
  title: "Passages and what they state",
  writer: "a script",
  tenant: { by: "database", group: "own" },
  documents: { as: "node", label: "Doc", key: { property: "id" } },
  textUnits: {
    as: "node",
    label: "Passage",
    key: { property: "id" },
    text: "text",
    vectors: [],
    owner: { by: "edge", type: "PART_OF", direction: "to_document" },
  },
  entities: { label: "Thing", key: { property: "name" }, name: "name", vectors: [] },
  mentions: { by: "edge", type: "MENTIONS", direction: "from_unit", trust: "complete" },
  relationships: {
    types: { only: ["STATES"] },
    key: "id",
    type: "label",
    support: { by: "list", property: "passages", trust: "complete" },
  },
  parking: { mode: "swap" },
};

interface Passage {
  id: string;
  text: string;
  things: string[];
  facts: [string, string, string][];
}

/** Real passages with what an LLM extracted: four of ten names stand in facts alone. */
function passages(count: number): Passage[] {
  const { docs } = JSON.parse(readFileSync(MUSIQUE, "utf8")) as {
    docs: { text: string; extracted_entities: string[]; extracted_triples: string[][] }[];
  };
  const name = (text: string) => text.trim().toLowerCase();
  return docs.slice(0, count).map((doc, i) => ({
    id: `p${i}`,
    text: doc.text,
    things: [...new Set(doc.extracted_entities.map(name))],
    facts: doc.extracted_triples.filter((t) => t.length === 3).map((t) => t.map(name) as [string, string, string]),
  }));
}

/** What must be there while these passages are: by the lists as they were extracted, with nothing of ours. */
function right(live: Passage[]): { things: string[]; facts: string[] } {
  const things = live.flatMap((p) => [...p.things, ...p.facts.flatMap(([source, , target]) => [source, target])]);
  const facts = live.flatMap((p) => p.facts.map((fact) => fact.join(" | ")));
  return { things: [...new Set(things)].sort(), facts: [...new Set(facts)].sort() };
}

async function build(all: Passage[]): Promise<void> {
  const facts = new Map<string, { fact: string[]; passages: string[] }>();
  for (const p of all)
    for (const fact of p.facts) {
      const known = facts.get(fact.join(" | ")) ?? { fact, passages: [] };
      facts.set(fact.join(" | "), { fact, passages: [...new Set([...known.passages, p.id])] });
    }
  await db.run("CREATE INDEX things FOR (t:Thing) ON (t.name)");
  await db.run("CALL db.awaitIndexes(60)");
  await db.run("UNWIND $names AS name CREATE (:Thing {name: name})", { names: right(all).things });
  await db.run(
    `UNWIND $all AS p CREATE (:Doc {id: 'of ' + p.id})<-[:PART_OF]-(u:Passage {id: p.id, text: p.text})
     WITH u, p UNWIND p.things AS name MATCH (t:Thing {name: name}) CREATE (u)-[:MENTIONS]->(t)`,
    { all },
  );
  await db.run(
    `UNWIND $facts AS f MATCH (a:Thing {name: f.fact[0]}) MATCH (b:Thing {name: f.fact[2]})
     CREATE (a)-[:STATES {id: f.id, label: f.fact[1], passages: f.passages}]->(b)`,
    { facts: [...facts].map(([id, f]) => ({ id, ...f })) },
  );
}

async function seen(): Promise<{ things: string[]; facts: string[] }> {
  const things = await db.run("MATCH (t:Thing) RETURN t.name AS name");
  const facts = await db.run("MATCH (:Thing)-[r:STATES]->(:Thing) RETURN r.id AS id");
  return { things: things.map((r) => r.name as string).sort(), facts: facts.map((r) => r.id as string).sort() };
}

test.skipIf(!hasMusique)(
  "a fact keeps its ends while a live text states it, whatever the ends' own lists say",
  {
    timeout: 300_000,
  },
  async () => {
    const all = passages(86);
    const chosen = all.filter((_, i) => i % 8 === 3).slice(0, 10);
    const rest = all.filter((p) => !chosen.includes(p));
    await build(all);
    const before = await userDump(db.run);
    const store = await openNeo4jStore({ uri: db.uri(), profile: OWN });
    const documentIds = chosen.map((p) => `of ${p.id}`);
    const call = (verb: "deprecate" | "restore" | "purge") =>
      store.apply(
        { id: verb, groupId: "own", verb, documentIds, requestHash: verb, at: Date.now(), actor: "test", reason: null },
        { guard: null },
      );
    try {
      const lost = (was: string[], is: string[]) => was.filter((id) => !is.includes(id)).sort();
      const impact = await store.impact("own", "deprecate", documentIds);
      await call("deprecate");
      await collect(store, "own");
      expect(await seen()).toEqual(right(rest));
      expect(impact.entities.ids.toSorted()).toEqual(lost(right(all).things, right(rest).things));
      expect(impact.relationships.ids.toSorted()).toEqual(lost(right(all).facts, right(rest).facts));
      expect(await verifyGroup(store, "own")).toEqual([]);
      expect((await collect(store, "own", { sweep: true })).changed, "a sweep finds nothing").toBe(false);

      const back = await store.impact("own", "restore", documentIds);
      expect([back.entities.count, back.relationships.count]).toEqual([
        impact.entities.count,
        impact.relationships.count,
      ]);
      await call("restore");
      expect(await seen(), "at once").toEqual(right(all));
      await collect(store, "own");
      expect(await userDump(db.run)).toEqual(before);

      const purge = await store.impact("own", "purge", documentIds);
      expect(purge.entities.count).toBe(impact.entities.count);
      await call("purge");
      await collect(store, "own", { sweep: true });
      expect(await seen()).toEqual(right(rest));
      expect(await verifyGroup(store, "own")).toEqual([]);
    } finally {
      await store.close();
    }
  },
);
