import type { AnalyticsPart, MembershipRow, RankRow, SimilarityRow } from "../../core/ports.ts";
import type { JsonObject } from "../../core/words.ts";
import { forgetIds } from "./acknowledged.ts";
import type { Row } from "./connection.ts";
import type { GroupRow } from "./group-row.ts";
import { entitiesById } from "./judge.ts";
import { mirror } from "./mirror.ts";
import type { Reading, Work } from "./work.ts";

/**
 * Analytics are rows of ours with the epochs from which and until which they are published: staging costs what changed,
 * and the switch is one property of the group's node.
 */

type Kind = "similarity" | "community" | "membership" | "rank";

const keyOf = (...parts: (string | number)[]) => JSON.stringify(parts);

async function* published(r: Reading, kind: Kind, epoch: number): AsyncGenerator<Row> {
  for await (const row of r.stream("publishedRows", { kind, epoch: r.int(epoch) })) yield row.r as Row;
}

export async function* publishedSimilarity(r: Reading, epoch: number): AsyncGenerator<SimilarityRow> {
  for await (const row of published(r, "similarity", epoch))
    yield { a: row.lc_a as string, b: row.lc_b as string, score: row.score as number };
}

export async function* publishedMemberships(r: Reading, epoch: number): AsyncGenerator<MembershipRow> {
  for await (const row of published(r, "membership", epoch))
    yield { level: row.level as number, entity: row.lc_a as string, community: row.community as string };
}

export async function* publishedRanks(r: Reading, epoch: number): AsyncGenerator<RankRow> {
  for await (const row of published(r, "rank", epoch))
    yield { entity: row.lc_a as string, score: row.score as number, component: row.component as string };
}

/** Prepares a part of the next publication. */
export async function stage(w: Work, part: AnalyticsPart): Promise<void> {
  const { upsert, remove } = part;
  await unstage(
    w,
    "similarity",
    (remove.similarity ?? []).map((s) => keyOf(s.a, s.b)),
  );
  await unstage(
    w,
    "community",
    (remove.communities ?? []).map((id) => keyOf(id)),
  );
  await unstage(
    w,
    "membership",
    (remove.memberships ?? []).map((m) => keyOf(m.level, m.entity)),
  );
  await unstage(
    w,
    "rank",
    (remove.ranks ?? []).map((id) => keyOf(id)),
  );
  // Purged between reading and publishing: a row of it must not come back.
  const named = [
    ...(upsert.similarity ?? []).flatMap((s) => [s.a, s.b]),
    ...(upsert.memberships ?? []).map((m) => m.entity),
    ...(upsert.ranks ?? []).map((k) => k.entity),
  ];
  const known = await entitiesById(w, named);
  const there = (id: string) => known.has(id);
  // Parked between reading and publishing: collection drops the edge once it is published.
  const waiting = (upsert.similarity ?? []).flatMap((s) => [s.a, s.b]).filter((id) => known.get(id)?.live === false);
  w.sendEach(
    "addCandidates",
    "rows",
    [...new Set(waiting)].map((id) => ({ kind: "similarity", id })),
  );
  await put(
    w,
    "similarity",
    (upsert.similarity ?? [])
      .filter((s) => there(s.a) && there(s.b))
      .map((s) => ({ key: keyOf(s.a, s.b), state: { lc_a: s.a, lc_b: s.b, score: s.score } })),
  );
  await put(
    w,
    "community",
    (upsert.communities ?? []).map((c) => ({ key: keyOf(c.id), state: { ...c } })),
  );
  await put(
    w,
    "membership",
    (upsert.memberships ?? [])
      .filter((m) => there(m.entity))
      .map((m) => ({
        key: keyOf(m.level, m.entity),
        state: { lc_a: m.entity, lc_b: m.community, level: m.level, community: m.community },
      })),
  );
  await put(
    w,
    "rank",
    (upsert.ranks ?? [])
      .filter((k) => there(k.entity))
      .map((k) => ({ key: keyOf(k.entity), state: { lc_a: k.entity, score: k.score, component: k.component } })),
  );
}

async function put(w: Work, kind: Kind, rows: { key: string; state: Row }[]): Promise<void> {
  const next = w.int(w.group.analyticsEpoch + 1);
  await w.each("stageRows", "rows", rows, { kind, next });
  await w.each(
    "endRows",
    "keys",
    rows.map((row) => row.key),
    { kind, next },
  );
}

async function unstage(w: Work, kind: Kind, keys: string[]): Promise<void> {
  const next = w.int(w.group.analyticsEpoch + 1);
  await w.each("dropStagedRows", "keys", keys, { kind, next });
  await w.each("endRows", "keys", keys, { kind, next });
}

export async function discard(w: Work, limit: number): Promise<number> {
  const next = w.int(w.group.analyticsEpoch + 1);
  const [rows] = await w.run<{ count: number }>("discardStaged", { next, limit: w.int(limit) });
  const left = limit - (rows?.count ?? 0);
  if (left <= 0) return rows?.count ?? 0;
  const [ends] = await w.run<{ count: number }>("discardEnds", { next, limit: w.int(left) });
  return (rows?.count ?? 0) + (ends?.count ?? 0);
}

export async function publish(
  w: Work,
  publication: { generation: number; state: Uint8Array | null; detail: JsonObject; now: number },
): Promise<void> {
  const epoch = w.group.analyticsEpoch + 1;
  await forgetIds(w, epoch);
  if (publication.state === null) await w.run("deleteState");
  else await w.run("writeState", { data: new Int8Array(publication.state.slice().buffer) });
  w.set({ analyticsEpoch: epoch, analyticsGeneration: publication.generation });
  settleStaleness(w);
  const fresh = publication.generation === w.group.generation;
  if (fresh && w.shapes.profile.published?.stale)
    await w.run("markStale", { stale: false, now: new Date(publication.now).toISOString() });
  await w.audit(publication.now, {
    actor: "analytics",
    action: "publish",
    ref: String(epoch),
    detail: publication.detail,
  });
}

/** Forgets since when the group is stale, if it no longer is. */
export function settleStaleness(w: { group: GroupRow; set(state: { staleSince: null }): void }): void {
  const { generation, collectedGeneration, analyticsGeneration } = w.group;
  if (generation <= collectedGeneration && analyticsGeneration != null && generation <= analyticsGeneration)
    w.set({ staleSince: null });
}

export async function prune(w: Work, limit: number): Promise<number> {
  // The writer's shapes follow first; rows that were replaced tell what to take away there.
  const mirrored = await mirror(w, limit);
  if (mirrored > 0) return mirrored;
  const [rows] = await w.run<{ count: number }>("pruneRows", {
    epoch: w.int(w.group.analyticsEpoch),
    limit: w.int(limit),
  });
  return rows?.count ?? 0;
}
