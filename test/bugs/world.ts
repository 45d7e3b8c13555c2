import { afterAll, beforeAll } from "vitest";
import { block, type Sketch } from "../../src/conformance/index.ts";
import type { StoredRecord } from "../../src/core/ports.ts";
import type { Graphkeeper } from "../../src/service.ts";
import { temporaryGraphkeeper } from "../data/graphs.ts";

/** The embedded product for the tests of one file; each takes groups of its own. */
export function useGraphkeeper(overrides: Record<string, unknown> = {}): {
  keeper(): Graphkeeper;
  newGroup(): string;
  write(group: string, sketch: Sketch): Promise<unknown>;
  /** Confirmed, and past the guard. */
  purge(group: string, ids: string[]): Promise<unknown>;
  run(kind: "gc_all" | "recompute", group: string, params?: Record<string, boolean>): Promise<Record<string, unknown>>;
  records<K extends StoredRecord["kind"]>(group: string, kind: K): Promise<Extract<StoredRecord, { kind: K }>[]>;
} {
  let world: Awaited<ReturnType<typeof temporaryGraphkeeper>> | null = null;
  let groups = 0;
  beforeAll(async () => {
    world = await temporaryGraphkeeper(overrides);
  });
  afterAll(() => world?.close());
  const open = () => {
    if (world === null) throw new Error("not open yet");
    return world;
  };
  return {
    keeper: () => open().graphkeeper,
    newGroup: () => `group-${++groups}`,
    write: (group, sketch) => open().graphkeeper.importBlock(group, block(sketch)),
    purge: (group, ids) => open().graphkeeper.purge(group, ids, { force: true, confirm: ids.join(",") }),
    run: (kind, group, params) => open().run(kind, group, params),
    records: async (group, kind) => {
      const all: StoredRecord[] = [];
      for await (const chunk of open().graphkeeper.store.records(group)) all.push(...chunk);
      return all.filter((r): r is Extract<StoredRecord, { kind: typeof kind }> => r.kind === kind);
    },
  };
}

/** A document with one unit that mentions the entities, with facts from the first to each other one. */
export function one(id: string, entities: string): Sketch {
  const ids = entities.split(" ");
  return {
    documents: [id],
    units: { [`${id}/u`]: id },
    entities: ids,
    mentions: { [`${id}/u`]: entities },
    relationships: Object.fromEntries(ids.slice(1).map((e) => [`${ids[0]}-${e}`, [`${ids[0]} ${e}`, `${id}/u`]])),
  };
}
