import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compose } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/config.ts";
import { library } from "../../src/conformance/index.ts";
import { AUDIT_START, auditHash, canonicalJson, sha256 } from "../../src/core/canonical.ts";
import { verifySignature } from "../../src/core/keyring.ts";
import type { JsonObject } from "../../src/core/words.ts";

/**
 * An insider who can write the data file and knows this source, but has neither the installation's key nor what was anchored
 * outside of the file, rewrites what happened: `verify` must say so.
 */

const folder = mkdtempSync(join(tmpdir(), "graphkeeper-attacks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const original = join(folder, "original.db");
const G = "acme";

const open = (data: string, readOnly = true) =>
  compose(
    loadConfig({
      GRAPHKEEPER_DATA: data,
      GRAPHKEEPER_INSTALLATION_KEY_FILE: `${original}.key`,
      GRAPHKEEPER_AUDIT_ANCHOR_FILE: `${original}.anchors`,
    }),
    { readOnly },
  );

beforeAll(async () => {
  const graphkeeper = await open(original, false);
  for (const group of [G, "other"]) {
    await graphkeeper.importBlock(group, library(), { actor: "alice" });
    for (const reason of ["first", "second", "third"]) {
      await graphkeeper.deprecate(group, ["d1"], { actor: "mallory", reason });
      await graphkeeper.restore(group, ["d1"], { actor: "bob" });
    }
  }
  await graphkeeper.close();
});

let copies = 0;
/** Findings of a copy of the file on which the attack was carried out, while no process had it. */
async function found(attack: (db: DatabaseSync, g: number) => void, restart = false): Promise<string[]> {
  const path = join(folder, `copy-${++copies}.db`);
  copyFileSync(original, path);
  const db = new DatabaseSync(path);
  attack(db, db.prepare("SELECT g FROM groups WHERE id = ?").get(G)!.g as number);
  db.close();
  if (restart) {
    const restarted = await open(path, false);
    await restarted.hold(G, ["d1"]);
    await restarted.close();
  }
  const graphkeeper = await open(path);
  try {
    return (await graphkeeper.verify(G)).map(({ code }) => code);
  } finally {
    await graphkeeper.close();
  }
}

interface AuditRow extends Record<string, string | number> {
  seq: number;
  at: number;
  actor: string;
  action: string;
  ref: string;
  detail: string;
  generation: number;
}

/** Chains what is in the table anew, by the rule that needs no key, and sets head and generation to it. */
function chainAgain(db: DatabaseSync, g: number): void {
  let previous = AUDIT_START;
  let seq = 0;
  let generation = 0;
  for (const row of db.prepare("SELECT * FROM audit WHERE g = ? ORDER BY seq").all(g) as unknown as AuditRow[]) {
    const { at, actor, action, ref } = row;
    generation = row.generation;
    const entry = { seq: ++seq, at, actor, action, ref, detail: JSON.parse(row.detail) as JsonObject, generation };
    previous = auditHash(previous, entry);
    db.prepare("UPDATE audit SET seq = ?, hash = ? WHERE g = ? AND seq = ?").run(seq, previous, g, row.seq);
  }
  db.prepare("UPDATE groups SET audit_seq = ?, audit_hash = ?, generation = ? WHERE g = ?").run(
    seq,
    previous,
    generation,
    g,
  );
}

function truncate(db: DatabaseSync, g: number, entries: number): void {
  const rows = db.prepare("SELECT seq, hash, generation FROM audit WHERE g = ? ORDER BY seq").all(g);
  const last = rows.at(-1 - entries)!;
  db.prepare("DELETE FROM audit WHERE g = ? AND seq > ?").run(g, last.seq!);
  db.prepare("UPDATE groups SET audit_seq = ?, audit_hash = ?, generation = ? WHERE g = ?").run(
    last.seq!,
    last.hash!,
    last.generation!,
    g,
  );
}

test("an untouched file has nothing to find", async () => {
  expect(await found(() => {})).toEqual([]);
  expect(await found(() => {}, true)).toEqual([]);
});

test("a certificate carries the audit's head and is signed by the installation's key", async () => {
  const path = join(folder, "certified.db");
  copyFileSync(original, path);
  const graphkeeper = await open(path, false);
  const { certificate } = await graphkeeper.purge(G, ["d1"], { confirm: "d1" });
  const { hash, signature, ...rest } = certificate!;
  expect(rest.audit).toEqual((await graphkeeper.store.group(G))!.audit);
  expect(sha256(canonicalJson(rest))).toBe(hash);
  const { id, publicKey } = graphkeeper.keyring!.publicKeys[0]!;
  expect(signature).toMatchObject({ keyId: id });
  expect(verifySignature(hash, signature!.signature, publicKey)).toBe(true);
  await graphkeeper.close();
});

test("a chain of 0.1 that nothing is added to is sealed by a start, once", async () => {
  const path = join(folder, "old.db");
  copyFileSync(original, path);
  rmSync(`${path}.key`, { force: true });
  const db = new DatabaseSync(path);
  for (const { g } of db.prepare("SELECT g FROM groups").all()) chainAgain(db, g as number);
  db.close();
  const config = loadConfig({ GRAPHKEEPER_DATA: path, GRAPHKEEPER_AUDIT_ANCHOR_FILE: "none" });
  const graphkeeper = await compose(config);
  expect((await graphkeeper.verify(G)).map(({ code }) => code)).toEqual(["AUDIT_UNSEALED"]);
  expect(await graphkeeper.sealAudits()).toEqual([G, "other"]);
  expect(await graphkeeper.verify(G)).toEqual([]);
  expect(await graphkeeper.sealAudits()).toEqual([]);
  await graphkeeper.close();
});

describe("rewritten and chained again", () => {
  const rewrites: Record<string, string> = {
    "another actor": "UPDATE audit SET actor = 'bob' WHERE g = ? AND actor = 'mallory'",
    "another time": "UPDATE audit SET at = at - 86400000 WHERE g = ?",
    "another detail": "UPDATE audit SET detail = replace(detail, 'second', 'ticket 17') WHERE g = ?",
    "an entry taken out":
      "DELETE FROM audit WHERE g = ? AND seq = 4; UPDATE audit SET generation = generation - 1 WHERE seq > 4",
  };
  for (const [what, sql] of Object.entries(rewrites)) {
    test(what, async () => {
      const attack = (db: DatabaseSync, g: number) => {
        db.exec(sql.replaceAll("?", String(g)));
        chainAgain(db, g);
      };
      expect(await found(attack)).not.toEqual([]);
      expect(await found(attack, true), "nor does the next start take it for an old chain").not.toEqual([]);
    });
  }

  test("the chain of another group put in its place", async () => {
    const attack = (db: DatabaseSync, g: number) => {
      const other = db.prepare("SELECT g, audit_seq, audit_hash, generation FROM groups WHERE id = 'other'").get()!;
      db.prepare("DELETE FROM audit WHERE g = ?").run(g);
      db.prepare("UPDATE audit SET g = ? WHERE g = ?").run(g, other.g!);
      const set = "UPDATE groups SET audit_seq = ?, audit_hash = ?, generation = ? WHERE g = ?";
      db.prepare(set).run(other.audit_seq!, other.audit_hash!, other.generation!, g);
    };
    expect(await found(attack)).toContain("AUDIT_CHAIN");
  });
});

describe("cut off", () => {
  for (const entries of [1, 2, 3, 4, 5]) {
    test(`the last ${entries} entries, with head and generation set back`, async () => {
      const attack = (db: DatabaseSync, g: number) => truncate(db, g, entries);
      expect(await found(attack)).toContain("AUDIT_ANCHOR");
      expect(await found(attack, true), "also when the chain has gone on since").toContain("AUDIT_ANCHOR");
    });
  }

  test("the last entry alone, its generation given to the one before", async () => {
    const attack = (db: DatabaseSync, g: number) => {
      const { generation } = db.prepare("SELECT generation FROM groups WHERE g = ?").get(g)!;
      truncate(db, g, 1);
      db.prepare("UPDATE groups SET generation = ? WHERE g = ?").run(generation!, g);
    };
    expect(await found(attack)).toContain("AUDIT_BEHIND");
  });

  test("the head alone: entries without the group's row, and the other way round", async () => {
    const head = "UPDATE groups SET audit_seq = 0, audit_hash = ? WHERE g = ?";
    expect(await found((db, g) => void db.prepare(head).run(AUDIT_START, g))).toContain("AUDIT_HEAD");
    const last = "DELETE FROM audit WHERE g = ?1 AND seq = (SELECT max(seq) FROM audit WHERE g = ?1)";
    expect(await found((db, g) => void db.prepare(last).run(g))).toContain("AUDIT_HEAD");
  });

  test("all of it", async () => {
    const attack = (db: DatabaseSync, g: number) => {
      db.prepare("DELETE FROM audit WHERE g = ?").run(g);
      db.prepare("UPDATE groups SET audit_seq = 0, audit_hash = ?, generation = 0 WHERE g = ?").run(AUDIT_START, g);
    };
    expect(await found(attack)).toContain("AUDIT_ANCHOR");
  });
});
