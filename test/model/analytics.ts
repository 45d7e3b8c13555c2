import { sha256 } from "../../src/core/canonical.ts";
import {
  type AnalyticsPart,
  type CommunityRow,
  compareIds,
  type LiveGraph,
  type PublishedAnalytics,
} from "../../src/core/ports.ts";

type Made = Omit<PublishedAnalytics, "epoch" | "communities"> & { communities: CommunityRow[] };

/** Not analytics, but rows of their shape that depend on the graph alone. */
export function madeUpAnalytics(graph: LiveGraph): Made {
  const { ids, generation } = graph;
  const similarity = ids.slice(1).map((b, i) => ({ a: ids[i] as string, b, score: (i + 1) / 8 }));
  const of = (i: number) => `community ${Math.floor(i / 2)}`;
  const communities = [...new Set(ids.map((_, i) => of(i)))].map((id): CommunityRow => {
    const members = ids.filter((_, i) => of(i) === id);
    const memberHash = sha256(members.join(" ")).slice(0, 16);
    return {
      id,
      level: 0,
      parent: null,
      size: members.length,
      memberHash,
      edgeHash: "e",
      textHash: "t",
      changedGeneration: generation,
    };
  });
  return {
    similarity: similarity.filter(({ a, b }) => compareIds(a, b) < 0),
    communities,
    memberships: ids.map((entity, i) => ({ level: 0, entity, community: of(i) })),
    ranks: ids.map((entity) => ({ entity, score: 1 / ids.length, component: entity })),
  };
}

/** What has to be staged so that `wanted` is published next. */
export function differenceTo(published: PublishedAnalytics, wanted: Made): AnalyticsPart {
  const changed = <T extends object>(old: T[], rows: T[]) => {
    const known = new Set(old.map((row) => JSON.stringify(row)));
    return rows.filter((row) => !known.has(JSON.stringify(row)));
  };
  const gone = <T>(old: T[], rows: T[], key: (row: T) => string) => {
    const keys = new Set(rows.map(key));
    return old.filter((row) => !keys.has(key(row)));
  };
  const communities = published.communities.map(({ acknowledgedHash: _, ...row }): CommunityRow => row);
  return {
    upsert: {
      similarity: changed(published.similarity, wanted.similarity),
      communities: changed(communities, wanted.communities),
      memberships: changed(published.memberships, wanted.memberships),
      ranks: changed(published.ranks, wanted.ranks),
    },
    remove: {
      similarity: gone(published.similarity, wanted.similarity, ({ a, b }) => JSON.stringify([a, b])),
      communities: gone(communities, wanted.communities, ({ id }) => id).map(({ id }) => id),
      memberships: gone(published.memberships, wanted.memberships, ({ level, entity }) =>
        JSON.stringify([level, entity]),
      ),
      ranks: gone(published.ranks, wanted.ranks, ({ entity }) => entity).map(({ entity }) => entity),
    },
  };
}
