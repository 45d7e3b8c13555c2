import assert from "node:assert/strict";
import { ChainCheck, EMPTY_HEAD, INSTALLATION_CHAIN } from "../../core/audit.ts";
import type { KeyStore, StoredKey } from "../../core/ports.ts";
import type { TestFunction } from "./suite.ts";

const key = (id: string, more: Partial<StoredKey> = {}): StoredKey => ({
  id,
  secretHash: "ab".repeat(32),
  role: "operator",
  groups: ["alpha", "team-*"],
  name: `key ${id} ä`,
  createdAt: 1_700_000_000_000,
  revokedAt: null,
  ...more,
});

/** Holds a store of API keys to `KeyStore`. */
export function keyStoreSuite({ test, open }: { test: TestFunction; open: () => Promise<KeyStore> }): void {
  test("keys: what was added is found, whole, by id", async () => {
    const store = await open();
    assert.equal(await store.findKey("one"), null);
    assert.deepEqual(await store.listKeys(), []);
    await store.addKey(key("two", { role: "admin", groups: ["*"] }));
    await store.addKey(key("one"));
    assert.deepEqual(await store.findKey("one"), key("one"));
    assert.deepEqual(
      (await store.listKeys()).map(({ id }) => id),
      ["one", "two"],
    );
  });
  test("keys: an id is given once", async () => {
    const store = await open();
    await store.addKey(key("one"));
    await assert.rejects(store.addKey(key("one", { role: "admin" })));
    assert.deepEqual(await store.findKey("one"), key("one"));
  });
  test("keys: a revoked key stays, with the time of its first revocation", async () => {
    const store = await open();
    await store.addKey(key("one"));
    assert.equal(await store.revokeKey("one", 5), true);
    assert.equal(await store.revokeKey("one", 6), false);
    assert.equal(await store.revokeKey("missing", 6), false);
    assert.deepEqual(await store.findKey("one"), key("one", { revokedAt: 5 }));
  });
  test("keys: the installation's chain says who made and who revoked a key, and nothing of what had no effect", async () => {
    const store = await open();
    assert.deepEqual(await store.installationHead(), EMPTY_HEAD);
    await store.addKey(key("one"), "key:ops");
    await assert.rejects(store.addKey(key("one"), "key:ops"));
    await store.revokeKey("one", 5, "cli");
    await store.revokeKey("one", 6, "cli");
    const draft = { at: 7, actor: "key:ops", action: "pause", ref: "all", detail: { reason: "upgrade ä" } };
    const written = await store.recordInstallation(draft);
    const entries = await store.installationAudit({ afterSeq: 0, limit: 10 });
    const told = entries.map(({ seq, at, actor, action, ref }) => [seq, at, actor, action, ref]);
    assert.deepEqual(told, [
      [1, 1_700_000_000_000, "key:ops", "key.create", "one"],
      [2, 5, "cli", "key.revoke", "one"],
      [3, 7, "key:ops", "pause", "all"],
    ]);
    assert.deepEqual(entries[2], written);
    assert.ok(!JSON.stringify(entries).includes(key("one").secretHash));
    const check = new ChainCheck(INSTALLATION_CHAIN, null);
    for (const entry of entries) assert.notEqual(check.next(entry), "broken");
    assert.deepEqual(await store.installationHead(), check.head);
    assert.deepEqual(await store.installationAudit({ afterSeq: 1, limit: 1 }), [entries[1]]);
  });
}
