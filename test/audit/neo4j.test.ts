import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { compose } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/config.ts";
import { library } from "../../src/conformance/index.ts";
import { AUDIT_START, auditHash } from "../../src/core/canonical.ts";
import type { AuditEntry, JsonObject } from "../../src/core/words.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { sealsAndRotates } from "./keyed.ts";

const db = useNeo4j({ settings: SMALL_GRAPHS });
const folder = mkdtempSync(join(tmpdir(), "graphkeeper-audit-neo4j-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => db.clear());
const G = "acme";

let data = "";
const open = (readOnly = false) => compose(loadConfig({ GRAPHKEEPER_DATA: data, NEO4J_URI: db.uri() }), { readOnly });

async function findings(): Promise<string[]> {
  const graphkeeper = await open(true);
  try {
    return (await graphkeeper.verify(G)).map(({ code }) => code);
  } finally {
    await graphkeeper.close();
  }
}

describe("an insider with the database", () => {
  beforeEach(async () => {
    // A group that is made anew under the anchors of the old one would be told of, and rightly.
    data = join(mkdtempSync(join(folder, "i-")), "keys.db");
    const graphkeeper = await open();
    await graphkeeper.importBlock(G, library(), { actor: "alice" });
    for (const reason of ["first", "second"]) {
      await graphkeeper.deprecate(G, ["d1"], { actor: "mallory", reason });
      await graphkeeper.restore(G, ["d1"], { actor: "bob" });
    }
    await graphkeeper.close();
    expect(await findings()).toEqual([]);
  });

  test("rewrites and chains again", async () => {
    const rows = await db.run("MATCH (a:GraphkeeperAudit) RETURN properties(a) AS a ORDER BY a.seq");
    let head = { seq: 0, hash: AUDIT_START };
    for (const { a } of rows as { a: Omit<AuditEntry, "detail"> & { detail: string } }[]) {
      const { seq, at, action, ref, generation } = a;
      const actor = a.actor === "mallory" ? "bob" : a.actor;
      const hash = auditHash(head.hash, {
        seq,
        at,
        actor,
        action,
        ref,
        detail: JSON.parse(a.detail) as JsonObject,
        generation,
      });
      head = { seq, hash };
      await db.run("MATCH (a:GraphkeeperAudit {seq: $seq}) SET a.actor = $actor, a.hash = $hash", { seq, actor, hash });
    }
    await db.run("MATCH (g:GraphkeeperGroup) SET g.auditHash = $hash", head);
    expect(await findings()).toEqual(expect.arrayContaining(["AUDIT_ANCHOR", "AUDIT_UNSEALED"]));
  });

  test("cuts off the end and sets the group's node back", async () => {
    await db.run(`MATCH (a:GraphkeeperAudit {seq: 4}), (g:GraphkeeperGroup)
      SET g.auditSeq = a.seq, g.auditHash = a.hash, g.generation = a.generation
      WITH g MATCH (b:GraphkeeperAudit {seq: 5}) DELETE b`);
    expect(await findings()).toEqual(["AUDIT_ANCHOR"]);
  });

  test("takes the head away", async () => {
    await db.run("MATCH (b:GraphkeeperAudit {seq: 5}) DELETE b");
    expect(await findings()).toEqual(expect.arrayContaining(["AUDIT_ANCHOR", "AUDIT_HEAD"]));
  });
});

test("a chain of 0.1 is sealed and goes on; so does one whose key changed", async () => {
  let store: Neo4jStore | null = null;
  await sealsAndRotates(async (keyring) => {
    await store?.close();
    store = await openNeo4jStore({ uri: db.uri(), keyring });
    return store;
  });
  await (store as Neo4jStore | null)?.close();
}, 60_000);
