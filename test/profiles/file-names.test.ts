import { expect, test } from "vitest";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { SMALL_WRITERS, type SmallWriter } from "./fixtures/small-writers.ts";
import { userDump } from "./user-dump.ts";

const db = useNeo4j({ settings: SMALL_GRAPHS });
const writer = SMALL_WRITERS.lightrag as SmallWriter;

test("lightrag: a purge takes the document's file name off what other documents keep alive", {
  timeout: 150_000,
}, async () => {
  const entity = (name: string, units: string[], files: string[]) =>
    db.run("CREATE (:ws {entity_id: $name, source_id: $units, file_path: $files})", {
      name,
      units: units.map((d) => `${d}-chunk-000`).join("<SEP>"),
      files: files.join("<SEP>"),
    });
  for (const statement of writer.schema) await db.run(statement);
  await entity("only a", ["a"], ["a.md"]);
  await entity("only b", ["b"], ["b.md"]);
  await entity("shared", ["a", "b", "c"], ["a.md", "b.md", "c.md"]);
  // d is nowhere alone; e has no name, as b's neighbour has.
  await entity("with d", ["b", "d"], ["b.md", "d.md"]);
  await entity("unnamed", ["b", "e"], ["b.md", "unknown_source"]);
  await db.run(
    "MATCH (a:ws {entity_id: 'shared'}), (b:ws {entity_id: 'only b'}) CREATE (a)-[:DIRECTED {source_id: 'a-chunk-000<SEP>b-chunk-000', file_path: 'a.md<SEP>b.md'}]->(b)",
  );
  await db.run(
    "MATCH (a:ws {entity_id: 'with d'}), (b:ws {entity_id: 'only a'}) CREATE (a)-[:DIRECTED {source_id: 'a-chunk-000<SEP>d-chunk-000', file_path: 'a.md<SEP>d.md'}]->(b)",
  );
  const store = await openNeo4jStore({ uri: db.uri(), profile: writer.profile });
  const purge = (id: string) =>
    store.apply(
      {
        id: `purge ${id}`,
        groupId: "ws",
        verb: "purge",
        documentIds: [id],
        requestHash: id,
        at: Date.now(),
        actor: "t",
        reason: null,
      },
      { guard: null },
    );
  const lists = async () =>
    Object.fromEntries(
      (await db.run("MATCH (e:ws) RETURN e.entity_id AS name, e.file_path AS files")).map((r) => [r.name, r.files]),
    );
  const edges = async () =>
    (await db.run("MATCH (:ws)-[r:DIRECTED]->(:ws) RETURN r.file_path AS files ORDER BY files")).map((r) => r.files);
  try {
    await purge("a");
    expect(await lists()).toEqual({
      "only a": "", // It stays: d states a fact about it.
      "only b": "b.md",
      shared: "b.md<SEP>c.md",
      "with d": "b.md<SEP>d.md",
      unnamed: "b.md<SEP>unknown_source",
    });
    expect(await edges()).toEqual(["b.md", "d.md"]);
    // Nothing tells which name is d's, but b is known to have another one.
    await purge("d");
    expect((await lists())["with d"]).toBe("b.md");
    await purge("e");
    expect((await lists()).unnamed, "the word for no name is nobody's").toBe("b.md<SEP>unknown_source");
    expect((await userDump(db.run, { ours: true })).filter((line) => line.includes("a.md"))).toEqual([]);
  } finally {
    await store.close();
  }
});
