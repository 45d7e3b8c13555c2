import type { GraphStore, KeyStore } from "../../src/core/ports.ts";
import { type EngineOptions, openEngine } from "../../src/stores/sqlite/engine/index.ts";

const STREAMS = ["records", "publishedParts"];

/** The engine as a store, on the thread of the test: failures show where they happen. */
export function openOnThisThread(path: string, options: Partial<EngineOptions> = {}): GraphStore & KeyStore {
  const engine = openEngine(path, { readOnly: false, synchronous: "NORMAL", ...options });
  const methods = engine as unknown as Record<string, (...values: unknown[]) => unknown>;
  return new Proxy({} as GraphStore & KeyStore, {
    get(_, name: string) {
      // Neither a promise nor a database with an engine of its own for analytics.
      if (name === "then" || name === "engine") return undefined;
      if (!STREAMS.includes(name)) return async (...values: unknown[]) => methods[name]?.apply(engine, values);
      return async function* (...values: unknown[]): AsyncGenerator<unknown> {
        // At once: a stream that stays open needs a connection of its own.
        const method = methods[name] as (...values: unknown[]) => Iterable<unknown>;
        yield* [...method.apply(engine, values)];
      };
    },
  });
}
