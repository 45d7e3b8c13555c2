import { expect } from "vitest";
import { library, World } from "../../src/conformance/index.ts";
import { isKeyed } from "../../src/core/audit.ts";
import { Keyring } from "../../src/core/keyring.ts";
import type { GraphStore } from "../../src/core/ports.ts";
import { verifyGroup } from "../../src/maintenance/verify.ts";

export const OLD_KEY = new Uint8Array(32).fill(1);
export const ring = new Keyring([OLD_KEY]);
export const rotated = new Keyring([new Uint8Array(32).fill(2), OLD_KEY]);
export const stranger = new Keyring([new Uint8Array(32).fill(3)]);

export const codes = async (store: GraphStore, group: string, keyring: Keyring | null) =>
  (await verifyGroup(store, group, { keyring })).map(({ code }) => code);

/** A chain that 0.1 began, that a key seals and another key goes on with: on any store, opened again with each. */
export async function sealsAndRotates(reopen: (keyring: Keyring | null) => Promise<GraphStore>): Promise<void> {
  const G = "sealed";
  let store = await reopen(null);
  let world = new World(store);
  await world.import(G, library());
  await world.deprecate(G, "d1");
  const old = await store.audit(G, { afterSeq: 0, limit: 100 });
  expect(old.some(({ hash }) => isKeyed(hash))).toBe(false);
  expect(await codes(store, G, null)).toEqual([]);
  expect(await codes(store, G, ring), "a key is there and nothing is sealed").toEqual(["AUDIT_UNSEALED"]);

  store = await reopen(ring);
  world = new World(store, world.now);
  await store.apply(world.operation(G, "restore", ["d1"], { id: "restore" }));
  const entries = await store.audit(G, { afterSeq: 0, limit: 100 });
  expect(entries.slice(0, old.length)).toEqual(old);
  const seal = entries[old.length]!;
  expect(seal).toMatchObject({ action: "seal", detail: { seq: old.length, hash: old.at(-1)!.hash } });
  expect(entries.map(({ action }) => action)).toEqual(["import", "deprecate", "seal", "restore"]);
  expect(await codes(store, G, ring)).toEqual([]);

  store = await reopen(rotated);
  world = new World(store, world.now);
  await store.apply(world.operation(G, "deprecate", ["d1"], { id: "rotated" }));
  expect(await codes(store, G, rotated)).toEqual([]);
  expect(await codes(store, G, ring), "the new key is not here").toEqual(["AUDIT_KEY"]);
  expect(await codes(store, G, stranger)).toEqual(["AUDIT_KEY"]);
  expect(await codes(store, G, null)).toEqual(["AUDIT_KEY"]);

  // A store without the key cannot go on unseen.
  store = await reopen(null);
  world = new World(store, world.now);
  await store.apply(world.operation(G, "restore", ["d1"], { id: "without" }));
  expect(await codes(store, G, rotated)).toContain("AUDIT_CHAIN");
}
