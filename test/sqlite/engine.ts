import type { GraphStore, KeyStore, StoredRecord } from "../../src/core/ports.ts";
import { type EngineOptions, openEngine } from "../../src/stores/sqlite/engine/index.ts";

/** The engine as a store, on the thread of the test: failures show where they happen. */
export function openOnThisThread(path: string, options: Partial<EngineOptions> = {}): GraphStore & KeyStore {
  const engine = openEngine(path, { readOnly: false, synchronous: "NORMAL", ...options });
  const methods = engine as unknown as Record<string, (...values: unknown[]) => unknown>;
  return new Proxy({} as GraphStore & KeyStore, {
    get(_, name: string) {
      if (name === "then") return undefined;
      if (name !== "records") return async (...values: unknown[]) => methods[name]?.apply(engine, values);
      return async function* (groupId: string, more?: { facts?: boolean }): AsyncGenerator<StoredRecord[]> {
        // At once: a stream that stays open needs a connection of its own.
        yield* [...engine.records(groupId, more)];
      };
    },
  });
}
