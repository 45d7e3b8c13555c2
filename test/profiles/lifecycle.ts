import { expect } from "vitest";
import { COLLECTION_KINDS, type CollectionKind, type Fence, type Policy } from "../../src/core/words.ts";
import type { Neo4jStore } from "../../src/stores/neo4j/index.ts";
import type { CorpusDocument } from "./fixtures/corpus.ts";
import type { Fixture } from "./fixtures/fixture.ts";

const DAY = 86_400_000;
export const POLICY: Policy = { restoreWindowMs: 30 * DAY, unsupported: "collect", graceAgeMs: 3_600_000 };
let operations = 0;

export function operation(
  f: Pick<Fixture, "group" | "documentIds">,
  verb: "deprecate" | "restore" | "purge",
  documents: CorpusDocument[],
) {
  const documentIds = [...new Set(documents.flatMap((d) => f.documentIds(d)))];
  return {
    id: `op-${++operations}`,
    groupId: f.group,
    verb,
    documentIds,
    requestHash: `${operations}`,
    at: Date.now(),
    actor: "test",
    reason: null,
  };
}

/** All kinds until they are done. @returns how much was deleted and purged, and whether anything changed */
export async function collect(
  store: Neo4jStore,
  group: string,
  options: { sweep?: boolean; policy?: Policy; limit?: number } = {},
): Promise<{ gone: number; changed: boolean; found: number; kept: Record<CollectionKind, number> }> {
  const { policy = POLICY, limit = 500 } = options;
  const fence = (await store.acquireLease(group, `h${++operations}`, 600_000, Date.now())) as Fence;
  const kept = { orphan_entities: 0, stale_edges: 0, deprecated_vectors: 0 };
  const result = { gone: 0, changed: false, found: 0, kept };
  const kinds = async () => {
    for (const kind of COLLECTION_KINDS) {
      let cursor: string | null = null;
      do {
        const batch = await store.collect(fence, kind, { cursor, limit, policy, now: Date.now(), dryRun: false });
        result.gone += batch.deleted + batch.purged;
        kept[kind] += batch.kept;
        result.changed ||= batch.changed;
        cursor = batch.cursor;
      } while (cursor !== null);
      expect(await store.remaining(group, kind, policy, Date.now())).toBe(0);
    }
  };
  if (options.sweep) {
    let cursor: string | null = null;
    do {
      const step = await store.sweep(fence, { cursor, limit, policy, now: Date.now() });
      result.found += step.found;
      cursor = step.cursor;
    } while (cursor !== null);
  }
  await kinds();
  await store.releaseLease(fence);
  return result;
}
