import assert from "node:assert/strict";
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
}
