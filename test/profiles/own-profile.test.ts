import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli, workplace } from "../cli/run.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { userDump } from "./user-dump.ts";

/** The writer is neo4j-graphrag with a configuration of its own: other labels and types than the ready profile's. */
const OWN = {
  extends: "neo4j-graphrag",
  name: "passages",
  textUnits: {
    label: "Passage",
    vectors: [{ property: "embedding", index: "passages" }],
    fullText: null,
    owner: { type: "PART_OF" },
  },
  mentions: { type: "SEEN_IN" },
  unfinished: null,
};

const db = useNeo4j({ settings: SMALL_GRAPHS });
let place: Awaited<ReturnType<typeof workplace>>;
let file: string;
beforeAll(async () => {
  place = await workplace();
  file = join(place.folder, "own.json");
  writeFileSync(file, JSON.stringify(OWN));
});
afterAll(() => place.remove());

const passages = (vector: number[]) =>
  db
    .run("CALL db.index.vector.queryNodes('passages', 2, $vector) YIELD node RETURN node.text AS text", { vector })
    .then((rows) => rows.map((r) => r.text));

test("a profile of one's own, and a parking mode, by configuration: each mode hides what it says, and another undoes it or says that it cannot", {
  timeout: 240_000,
}, async () => {
  await db.run(
    "CREATE VECTOR INDEX passages FOR (p:Passage) ON p.embedding OPTIONS {indexConfig: {`vector.dimensions`: 2, `vector.similarity_function`: 'cosine'}}",
  );
  await db.run("CALL db.awaitIndexes(60)");
  await db.run(
    `UNWIND [['a', [1.0, 0.0]], ['b', [0.0, 1.0]]] AS row
     CREATE (d:Document {path: row[0]})<-[:PART_OF]-(p:Passage {text: 'text of ' + row[0], embedding: row[1]})
     CREATE (e:Thing:__Entity__ {name: 'only ' + row[0]})-[:SEEN_IN]->(p)
     MERGE (hub:Thing:__Entity__ {name: 'hub'}) CREATE (hub)-[:SEEN_IN]->(p) CREATE (e)-[:NEAR {how: row[0]}]->(hub)`,
  );
  const before = await userDump(db.run);
  const begun = (mode: string, args: string[]) => {
    const where = { NEO4J_URI: db.uri(), GRAPHKEEPER_GROUP: "default" };
    return place.run(args, { env: { ...where, GRAPHKEEPER_PROFILE: file, GRAPHKEEPER_PARKING: mode } });
  };
  const run = async (mode: string, ...args: string[]) => {
    const ended = await begun(mode, args);
    expect([args, ended.code, ended.err]).toEqual([args, 0, expect.any(String)]);
    return ended.out;
  };
  expect(await run("park", "neo4j", "doctor", "--profile", file)).toContain("profile passages");
  await run("park", "neo4j", "install");

  const seen: Record<string, unknown> = {};
  const hide = async (mode: string) => {
    await run(mode, "deprecate", "a");
    await run(mode, "gc");
    const [labelled] = await db.run("MATCH (p:Passage) RETURN count(p) AS count");
    seen[mode] = [(await passages([1, 0])).includes("text of a"), labelled?.count];
  };
  // Somebody changes the configuration while something is hidden.
  for (const [mode, next] of [
    ["label", "park"],
    ["park", "swap"],
    ["label", "swap"],
    ["park", "label"],
  ] as const) {
    await hide(mode);
    await run(next, "restore", "a");
    await run(next, "gc");
    expect(await userDump(db.run), `${mode}, then ${next}`).toEqual(before);
    expect((await passages([1, 0])).sort()).toEqual(["text of a", "text of b"]);
  }
  await hide("swap");
  expect(seen).toEqual({ label: [true, 2], park: [false, 2], swap: [false, 1] });
  for (const args of [
    ["restore", "a"],
    ["neo4j", "uninstall"],
  ]) {
    const refused = await begun("park", args);
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining("Documents are parked by swap")]);
  }
  await run("swap", "neo4j", "uninstall");
  expect(await userDump(db.run, { ours: true })).toEqual(before);
});

test("a file that is no profile is refused with what is wrong", async () => {
  const wrong = join(place.folder, "wrong.json");
  const refused = async (text: string, env: Record<string, string> = {}) => {
    writeFileSync(wrong, text);
    const ended = await cli(["neo4j", "profiles", wrong, "--json"], { env: { GRAPHKEEPER_DATA: place.data, ...env } });
    expect(ended.code).toBe(2);
    const problem = ended.problem();
    expect(problem.code).toBe("INVALID_CONFIG");
    return String(problem.detail).replace(wrong, "FILE");
  };
  expect(await refused("{")).toContain("The profile FILE: it is not JSON");
  expect(await refused("[]")).toBe("The profile FILE: a profile is a JSON object.");
  expect(await refused('{"extends":1}')).toBe('The profile FILE: "extends" is the name of a ready profile.');
  expect(await refused('{"extends":"mirror"}')).toContain("There is no profile mirror");
  expect(await refused('{"extends":"miro","textUnits":{"lable":"X"}}')).toContain('Unrecognized key: "lable"');
  expect(await refused('{"extends":"miro","textUnits":{"label":"X` DETACH"}}')).toContain("textUnits.label");
  expect(await refused('{"name":"x"}')).toContain("FILE");
  expect(await refused('{"extends":"miro"}', { GRAPHKEEPER_PARKING: "hide" })).toContain("neo4j.parking");
});

test("what a ready profile is can be printed, and is then a profile of one's own", async () => {
  const print = async (name: string) => {
    const ended = await cli(["neo4j", "profiles", name], { env: { GRAPHKEEPER_DATA: place.data } });
    expect(ended.code).toBe(0);
    return ended.out;
  };
  const ready = await print("graphiti+publish");
  const copy = join(place.folder, "copy.json");
  writeFileSync(copy, ready);
  expect(await print(copy)).toBe(ready);
  const own = JSON.parse(await print(file)) as { textUnits: Record<string, unknown>; unfinished?: string };
  expect(own.textUnits).toMatchObject({ label: "Passage", owner: { by: "edge", type: "PART_OF" } });
  expect(own.textUnits.fullText).toBe(undefined);
  expect(own.unfinished).toBe(undefined);
});
