import { describe, expect, test } from "vitest";
import { block, World } from "../../src/conformance/index.ts";
import type { GraphkeeperError } from "../../src/core/errors.ts";
import type { EngineName } from "../../src/maintenance/engine.ts";
import { recompute } from "../../src/maintenance/recompute.ts";
import { diagnose } from "../../src/stores/neo4j/doctor.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { useNeo4j } from "../neo4j/server.ts";
import { corpus } from "./fixtures/corpus.ts";
import { FIXTURES } from "./fixtures/writers.ts";
import { userDump } from "./user-dump.ts";

const db = useNeo4j();
const all = corpus(15);

describe.each(Object.entries(FIXTURES))("%s", (name, fixture) => {
  test("the detector names the profile, and the doctor writes nothing", { timeout: 240_000 }, async () => {
    await db.clear({ schema: true });
    await fixture.build(db.run, all);
    const before = await userDump(db.run, { ours: true });
    const schema = await db.run("SHOW INDEXES YIELD name RETURN name");
    const diagnosis = await diagnose({ uri: db.uri() });
    expect(diagnosis.fits[0]?.profile).toBe(name);
    expect(diagnosis.fits[0]?.score).toBeGreaterThan(0.9);
    expect(diagnosis.fits[1]?.score).toBeLessThan(diagnosis.fits[0]?.score ?? 0);
    expect(diagnosis.profile).toBe(name);
    // Before the first install nothing stands for units that are outside of the graph.
    expect(diagnosis.findings.map((f) => f.code)).not.toContain("DEAD_SUPPORT");
    expect(diagnosis.server).toMatchObject({ edition: "community", gds: null });
    expect(await userDump(db.run, { ours: true })).toEqual(before);
    expect(await db.run("SHOW INDEXES YIELD name RETURN name")).toEqual(schema);
  });
});

test("without the Graph Data Science plugin the built-in engine computes for auto, and gds is a plain error", async () => {
  await db.clear({ schema: true });
  const store = await openNeo4jStore({ uri: db.uri(), patienceMs: 10_000 });
  try {
    const w = new World(store);
    await w.import("g", block({ documents: ["d"], units: { u: "d" }, entities: ["a", "b"], mentions: { u: "a b" } }));
    expect(await store.engine.dropLeftOvers(null)).toBe(0);
    const by = (name: EngineName) =>
      w.withLease("g", (fence) => recompute(store, fence, { clock: () => w.now, engine: { name, threshold: 0 } }));
    const error = await by("gds").catch((error: unknown) => error as GraphkeeperError);
    expect(error).toMatchObject({ code: "ENGINE_UNAVAILABLE", remedy: expect.stringContaining("builtin") });
    expect(await by("auto")).toMatchObject({ engine: "builtin", fresh: true, entities: 2 });
    const published = (await store.audit("g", { afterSeq: 0, limit: 100 })).find((a) => a.action === "publish");
    expect(published?.detail.engine).toBe("builtin");
  } finally {
    await store.close();
  }
});

test("a graph of nobody's fits no profile", async () => {
  await db.clear({ schema: true });
  await db.run("CREATE (:Person {name: 'a'})-[:KNOWS]->(:Person {name: 'b'})");
  const diagnosis = await diagnose({ uri: db.uri() });
  expect(diagnosis.profile).toBe(null);
  expect(diagnosis.findings).toEqual([]);
});

test("dirt of every kind is found, with counts and samples", { timeout: 240_000 }, async () => {
  await db.clear({ schema: true });
  await FIXTURES.miro?.build(db.run, all);
  const clean = new Set((await diagnose({ uri: db.uri() })).findings.map((f) => f.code));
  await db.run("UNWIND range(1, 12) AS i CREATE (:Entity {id: 'lost' + i, group_id: 'tenant-1', name: 'lost'})");
  await db.run("CREATE (:Sentence {id: 'stray', group_id: 'tenant-1', text: 'stray'})");
  await db.run(
    "MATCH (d:Document {id: 'doc-0000'}) CREATE (d)<-[:IN_DOCUMENT]-(:Sentence {id: 'twice', group_id: 'tenant-1', text: $text, sentence_embedding: [0.1, 0.2]})",
    { text: all.documents[0]?.chunks[0]?.text },
  );
  await db.run(
    "CREATE (:Document {id: 'hollow', group_id: 'tenant-1'}) CREATE (:Community {id: 'empty', group_id: 'tenant-1'})",
  );
  await db.run(
    "MATCH (a:Entity {group_id: 'tenant-1'}) WITH a LIMIT 1 MATCH (b:Entity {group_id: 'tenant-2'}) CREATE (a)-[:RELATED_TO]->(b)",
  );
  await db.run("CREATE (:Entity {id: 'nobody', name: 'nobody'})");
  const { findings } = await diagnose({ uri: db.uri() });
  const found = Object.fromEntries(findings.map((f) => [f.code, f]));
  expect(found.ORPHAN_ENTITIES?.count).toBe(13);
  expect(found.ORPHAN_ENTITIES?.samples.length).toBe(10);
  expect(found.UNITS_WITHOUT_DOCUMENT?.samples).toEqual(["stray"]);
  expect(found.DUPLICATE_UNITS?.count).toBe(1);
  expect(found.EMPTY_DOCUMENTS?.samples).toEqual(["hollow"]);
  expect(found.EMPTY_COMMUNITIES?.samples).toEqual(["empty"]);
  expect(found.MIXED_DIMENSIONS?.samples).toEqual(["twice"]);
  expect(found.EDGES_ACROSS_GROUPS?.count).toBe(1);
  expect(found.NO_GROUP?.count).toBe(1);
  for (const code of [
    "ORPHAN_ENTITIES",
    "UNITS_WITHOUT_DOCUMENT",
    "DUPLICATE_UNITS",
    "EMPTY_DOCUMENTS",
    "EMPTY_COMMUNITIES",
    "MIXED_DIMENSIONS",
    "EDGES_ACROSS_GROUPS",
    "NO_GROUP",
  ]) {
    expect(clean.has(code), `${code} in the clean graph`).toBe(false);
  }
});
