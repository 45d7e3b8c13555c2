import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { block, library, World } from "../../src/conformance/index.ts";
import { openEngine } from "../../src/stores/sqlite/engine/index.ts";
import { MIGRATIONS, migrate } from "../../src/stores/sqlite/engine/schema.ts";
import { openSqliteJobs, openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { openOnThisThread } from "./engine.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-file-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
let files = 0;
/** A data file in a folder of its own. */
async function newPath(): Promise<string> {
  return join(await mkdtemp(join(folder, `${++files}-`)), "graph.db");
}

/** Every file beside a data file, byte for byte. */
function bytesBeside(path: string): Record<string, string> {
  const parent = join(path, "..");
  return Object.fromEntries(readdirSync(parent).map((name) => [name, readFileSync(join(parent, name), "latin1")]));
}

describe("the version of a data file", () => {
  test("a file of a newer version is refused, and not a byte of it changes", async () => {
    const path = await newPath();
    const store = openOnThisThread(path);
    await new World(store).import("alpha", library());
    await store.close();
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    db.close();
    const before = readFileSync(path, "latin1");
    const refusal = {
      code: "DATA_FROM_NEWER_VERSION",
      details: { version: MIGRATIONS.length + 1, known: MIGRATIONS.length },
    };
    await expect(openSqliteStore({ path })).rejects.toMatchObject(refusal);
    await expect(openSqliteStore({ path, readOnly: true })).rejects.toMatchObject(refusal);
    expect(readFileSync(path, "latin1")).toBe(before);
  });

  test("so is one whose newer version stands only in the log of a process that was killed", async () => {
    const path = await newPath();
    const store = openOnThisThread(path);
    await store.close();
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    // The files as a kill would leave them: the log not yet brought into the data file.
    const killed = join(await newPath(), "..", "graph.db");
    for (const end of ["", "-wal"]) await writeFile(killed + end, readFileSync(path + end));
    db.close();
    const before = readFileSync(killed, "latin1");
    expect(() => openEngine(killed, { readOnly: false, synchronous: "NORMAL" })).toThrowError(
      expect.objectContaining({ code: "DATA_FROM_NEWER_VERSION" }),
    );
    expect(readFileSync(killed, "latin1")).toBe(before);
  });

  test("files that are not ours are refused, said so, and left alone", async () => {
    const foreign = await newPath();
    const db = new DatabaseSync(foreign);
    db.exec("PRAGMA application_id = 12345; CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
    db.close();
    const unnamed = await newPath();
    const other = new DatabaseSync(unnamed);
    other.exec("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
    other.close();
    const text = await newPath();
    await writeFile(text, "This is a letter, not a database. ".repeat(100));
    for (const path of [foreign, unnamed, text]) {
      const before = bytesBeside(path);
      for (const readOnly of [false, true]) {
        const message = expect.stringContaining(`${path} is not a Graphkeeper data file: `);
        const refusal = { name: "GraphkeeperError", code: "INVALID_VALUE", details: { field: "data" }, message };
        await expect(openSqliteStore({ path, readOnly })).rejects.toMatchObject(refusal);
      }
      expect(bytesBeside(path)).toEqual(before);
    }
  });

  test("a file in which only the job store was is ours; one in the making tells a reader to come again", async () => {
    const path = await newPath();
    await (await openSqliteJobs({ path })).close();
    const soon = { code: "STORE_UNAVAILABLE", details: expect.objectContaining({ retry_after: 1 }) };
    await expect(openSqliteStore({ path, readOnly: true })).rejects.toMatchObject(soon);
    // The writer has made the file, and is about to commit the tables.
    const made = await newPath();
    const reading: Promise<unknown>[] = [];
    let steps = 0;
    const engine = openEngine(made, {
      readOnly: false,
      synchronous: "NORMAL",
      failpoint: (name) => {
        if (name === "migrate:before-commit")
          expect(() => openEngine(made, { readOnly: true, synchronous: "NORMAL" })).toThrowError(
            expect.objectContaining(soon),
          );
        if (name === "migrate:after-commit" && ++steps === MIGRATIONS.length)
          reading.push(openSqliteStore({ path: made, readOnly: true }));
      },
    });
    expect(reading).toHaveLength(1);
    for (const store of await Promise.all(reading)) await (store as { close(): Promise<void> }).close();
    engine.close();
    const store = await openSqliteStore({ path });
    await new World(store).import("alpha", library());
    await store.close();
  });

  test("a step that fails leaves the version before it; the next opening does it once", async () => {
    const path = await newPath();
    const steps = ["CREATE TABLE one (x)", "CREATE TABLE two (x); INSERT INTO two VALUES (1)"];
    const db = new DatabaseSync(path);
    let commits = 0;
    const failSecond = (name: string) => {
      if (name === "migrate:before-commit" && ++commits === 2) throw new Error("killed here");
    };
    expect(() => migrate(db, failSecond, steps)).toThrowError("killed here");
    const tables = () =>
      db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .all()
        .map((row) => row.name);
    expect(tables()).toEqual(["one"]);
    for (let again = 0; again < 2; again++) migrate(db, () => {}, steps);
    expect(tables()).toEqual(["one", "two"]);
    expect(db.prepare("SELECT count(*) AS n FROM two").get()).toEqual({ n: 1 });
    db.close();
  });
});

/** The rows of a data file, in a file as version 0.1 made it. */
function inFirstVersion(path: string, to: string): void {
  const db = new DatabaseSync(to);
  db.exec(MIGRATIONS[0] as string);
  db.exec(`PRAGMA application_id = ${0x474b5052}; PRAGMA user_version = 1; ATTACH '${path}' AS newer`);
  const tables = db.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
  for (const { name } of tables.all()) {
    const columns = db.prepare(`SELECT group_concat(name) AS list FROM pragma_table_info('${name}', 'main')`).get();
    db.exec(`DELETE FROM main.${name}; INSERT INTO main.${name} SELECT ${columns?.list} FROM newer.${name}`);
  }
  db.close();
}

test("a file of 0.1 in which a unit states a fact without mentioning its ends: what was hidden for want of that returns", async () => {
  const path = await newPath();
  const store = openOnThisThread(path);
  const w = new World(store);
  const sketch = { documents: ["d1", "d2"], units: { u1: "d1", u2: "d2" }, entities: ["anna", "acme"] };
  await w.import(
    "alpha",
    block({ ...sketch, mentions: { u1: "anna", u2: "acme" }, relationships: { runs: ["anna acme", "u2"] } }),
  );
  const before = await w.dump("alpha");
  const db = new DatabaseSync(path);
  db.exec(`DELETE FROM mentions WHERE unit = (SELECT key FROM text_units WHERE id = 'u2')
    AND entity = (SELECT key FROM entities WHERE id = 'anna')`);
  db.close();
  await w.deprecate("alpha", "d1");
  await w.collect("alpha");
  expect((await store.counts("alpha")).entities).toEqual({ live: 1, parked: 1 });
  await store.close();

  const old = await newPath();
  inFirstVersion(path, old);
  const migrated = openOnThisThread(old);
  const after = new World(migrated, w.now);
  expect((await migrated.groups({ stale: true, limit: 10 })).items.map((group) => group.groupId)).toEqual(["alpha"]);
  await after.collect("alpha");
  const { entities, relationships } = await migrated.counts("alpha");
  expect([entities, relationships]).toEqual([
    { live: 2, parked: 0 },
    { live: 1, parked: 0 },
  ]);
  await migrated.apply(after.operation("alpha", "restore", ["d1"], { id: "restored" }));
  expect(await after.dump("alpha")).toEqual(before);
  await migrated.close();
});

describe("what was purged", () => {
  const text = "Nobody may read this sentence any more.";
  const secret = block({
    documents: ["d1", "d2"],
    units: { u1: { documents: "d1", text }, u2: "d2" },
    entities: { a: "Name of somebody who asked to be forgotten", c: "Another" },
    mentions: { u1: "a", u2: "c" },
  });
  const found = (path: string, what: string) =>
    Object.entries(bytesBeside(path))
      .filter(([, bytes]) => bytes.includes(what))
      .map(([name]) => name);

  test("is in no byte of the data file or its log once the log is emptied", async () => {
    const path = await newPath();
    const engine = openEngine(path, { readOnly: false, synchronous: "NORMAL" });
    const operation = { groupId: "alpha", requestHash: "", at: 1, actor: "test", reason: null };
    engine.apply({ ...operation, id: "1", verb: "import", documentIds: ["d1", "d2"] }, { block: secret });
    engine.apply({ ...operation, id: "2", verb: "purge", documentIds: ["d1"] }, { guard: null });
    // The check would be worth nothing if it could not find it where it is.
    expect(found(path, text)).toEqual(["graph.db-wal"]);
    const reader = openEngine(path, { readOnly: true, synchronous: "NORMAL" });
    const stream = reader.records("alpha");
    stream.next();
    engine.apply({ ...operation, id: "3", verb: "deprecate", documentIds: ["d2"] }, { guard: null });
    expect(engine.checkpoint(), "while somebody reads").toBe(false);
    stream.return([]);
    reader.close();
    expect(engine.checkpoint()).toBe(true);
    for (const what of [text, "asked to be forgotten"]) expect(found(path, what)).toEqual([]);
    engine.close();
    expect(found(path, text)).toEqual([]);
  });

  test("nor while the store stays open, as soon as nobody reads any more", { timeout: 20_000 }, async () => {
    const path = await newPath();
    const store = await openSqliteStore({ path });
    const w = new World(store);
    await w.import("alpha", secret);
    const records = store.records("alpha")[Symbol.asyncIterator]();
    await records.next();
    await w.call("alpha", "purge", "d1");
    expect(found(path, text)).toEqual(["graph.db-wal"]);
    await records.return?.();
    await expect.poll(() => found(path, text), { timeout: 15_000, interval: 100 }).toEqual([]);
    await store.close();
  });
});
