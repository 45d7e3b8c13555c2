import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type AnalyticsPart,
  compareIds,
  type LiveGraph,
  type MembershipRow,
  type PublishedAnalytics,
  type RankRow,
  type SimilarityRow,
} from "../../src/core/ports.ts";
import type { ComputedAnalytics } from "../../src/maintenance/community-hashes.ts";
import { publicationOf } from "../../src/maintenance/publication.ts";
import { PublishedColumns } from "../../src/maintenance/published-columns.ts";

const NAMES = ["a", "b", "c", "d", "\uFFFD", "\u{1F642}"].sort(compareIds);
const COMMUNITIES = ["0-0", "0-1", "0-2"];
const COMPONENTS = ["x", "y"];

/** Analytics of some of the entities: each at every level, with a rank; similarity edges between some. */
const analytics = fc
  .record({
    ids: fc.subarray(NAMES),
    levels: fc.nat({ max: 2 }),
    numbers: fc.array(fc.nat({ max: 5 }), { minLength: 60, maxLength: 60 }),
  })
  .map(({ ids, levels, numbers }) => {
    let at = 0;
    const pick = <T>(of: T[]) => of[numbers[at++ % numbers.length]! % of.length]!;
    const similarity: SimilarityRow[] = [];
    for (const [i, a] of ids.entries())
      for (const b of ids.slice(i + 1))
        if (pick([true, false])) similarity.push({ a, b, score: pick([0.7, 0.8, 0.9]) });
    const memberships: MembershipRow[] = [];
    for (let level = 0; level < levels; level++)
      for (const entity of ids) memberships.push({ level, entity, community: pick(COMMUNITIES) });
    const ranks = ids.map((entity): RankRow => ({ entity, score: pick([0.1, 0.2]), component: pick(COMPONENTS) }));
    const communities = COMMUNITIES.filter(() => pick([true, true, false])).map((id) => ({
      id,
      level: 0,
      parent: pick([null, "1-0"]),
      size: 1,
      memberHash: pick(["m", "n"]),
      edgeHash: "e",
      textHash: "t",
    }));
    return { ids, levels, similarity, memberships, ranks, communities };
  });
type Analytics = typeof analytics extends fc.Arbitrary<infer T> ? T : never;

const published = ({ similarity, memberships, ranks, communities }: Analytics): PublishedAnalytics => ({
  epoch: 1,
  similarity,
  memberships,
  ranks,
  communities: communities.map((c) => ({ ...c, changedGeneration: 1, acknowledgedHash: null })),
});

function computed({ ids, levels, similarity, memberships, ranks, communities }: Analytics): ComputedAnalytics {
  const column = (names: string[], values: string[]) => ({
    names,
    of: Int32Array.from(values, (v) => names.indexOf(v)),
  });
  const index = (id: string) => ids.indexOf(id);
  return {
    similarity: {
      // The larger end first, as an edge may have its ends in any order.
      sources: Uint32Array.from(similarity, ({ b }) => index(b)),
      targets: Uint32Array.from(similarity, ({ a }) => index(a)),
      scores: Float64Array.from(similarity, ({ score }) => score),
    },
    memberships: Array.from({ length: levels }, (_, level) =>
      column(
        COMMUNITIES,
        memberships.filter((m) => m.level === level).map((m) => m.community),
      ),
    ),
    communities,
    scores: Float64Array.from(ranks, ({ score }) => score),
    components: column(
      COMPONENTS,
      ranks.map(({ component }) => component),
    ),
  };
}

const KEYS = {
  similarity: (row: { a: string; b: string }) => `${row.a} ${row.b}`,
  communities: (row: { id: string } | string) => (typeof row === "string" ? row : row.id),
  memberships: (row: { level: number; entity: string }) => `${row.level} ${row.entity}`,
  ranks: (row: { entity: string } | string) => (typeof row === "string" ? row : row.entity),
} as const;
type Table = keyof typeof KEYS;
const TABLES = Object.keys(KEYS) as Table[];
type Tables = Record<Table, Record<string, object>>;

function tablesOf(analytics: PublishedAnalytics): Tables {
  const table = (of: Table) =>
    Object.fromEntries((analytics[of] as object[]).map((row) => [KEYS[of](row as never), row]));
  return Object.fromEntries(TABLES.map((of) => [of, table(of)])) as Tables;
}

/** As a store does it. */
function apply(tables: Tables, { upsert, remove }: AnalyticsPart): void {
  for (const table of TABLES) {
    for (const row of remove[table] ?? []) {
      expect(tables[table]).toHaveProperty([KEYS[table](row as never)]);
      delete tables[table][KEYS[table](row as never)];
    }
    for (const row of upsert[table] ?? []) {
      const key = KEYS[table](row as never);
      const { acknowledgedHash } = (tables[table][key] ?? { acknowledgedHash: null }) as { acknowledgedHash?: null };
      tables[table][key] = table === "communities" ? { ...(row as object), acknowledgedHash } : (row as object);
    }
  }
}

test("whatever was published in whatever parts, the difference turns it into what was computed, and says no more", () => {
  fc.assert(
    fc.property(analytics, analytics, fc.integer({ min: 1, max: 4 }), (before, after, rowsPerPart) => {
      const graph = { ids: after.ids, generation: 2 } as LiveGraph;
      const columns = new PublishedColumns(after.ids);
      const old = published(before);
      for (const table of TABLES)
        for (let from = 0; from < old[table].length; from += rowsPerPart) {
          const part = { epoch: 1, similarity: [], communities: [], memberships: [], ranks: [] };
          columns.add({ ...part, [table]: old[table].slice(from, from + rowsPerPart) });
        }
      columns.seal();
      const publication = publicationOf(graph, computed(after), columns);
      const tables = tablesOf(structuredClone(old));
      let rows = 0;
      let parts = 0;
      for (const part of publication.parts) {
        parts++;
        for (const rowsOf of [...Object.values(part.upsert), ...Object.values(part.remove)]) rows += rowsOf.length;
        apply(tables, part);
      }
      expect([rows, parts]).toEqual([publication.rows, publication.partCount]);
      const wanted = tablesOf(published(after));
      const changedGeneration = (id: string) => (publication.changed.includes(id) ? 2 : 1);
      for (const [id, row] of Object.entries(wanted.communities))
        wanted.communities[id] = { ...row, changedGeneration: changedGeneration(id) };
      expect(tables).toEqual(wanted);
      expect(publication.removed).toEqual(
        before.communities.map((c) => c.id).filter((id) => !after.communities.some((c) => c.id === id)),
      );
      const differing = TABLES.flatMap((table) => {
        const [was, is] = [tablesOf(old)[table], tables[table]];
        const keys = new Set([...Object.keys(was), ...Object.keys(is)]);
        return [...keys].filter((key) => JSON.stringify(was[key]) !== JSON.stringify(is[key]));
      });
      expect(rows).toBe(differing.length);
    }),
    { numRuns: 500 },
  );
});

test("a rank that is less than a thousandth off what is published is left as it is; one that is further off is written", () => {
  const ids = ["a", "b"];
  const columns = new PublishedColumns(ids);
  const ranks = ids.map((entity) => ({ entity, score: 0.5, component: "x" }));
  columns.add({ epoch: 1, similarity: [], communities: [], memberships: [], ranks });
  columns.seal();
  const none = { ids, levels: 0, similarity: [], memberships: [], communities: [] };
  const moved = computed({
    ...none,
    ranks: [
      { ...ranks[0]!, score: 0.5004 },
      { ...ranks[1]!, score: 0.5006 },
    ],
  });
  const { parts, rows } = publicationOf({ ids, generation: 2 } as LiveGraph, moved, columns);
  expect(rows).toBe(1);
  expect([...parts]).toEqual([{ upsert: { ranks: [{ entity: "b", score: 0.5006, component: "x" }] }, remove: {} }]);
});
