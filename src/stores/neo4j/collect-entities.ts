import { entityPresence } from "../../core/law.ts";
import type { Policy } from "../../core/words.ts";
import { deleteEntities, showEntities } from "./derive.ts";
import { type EntityFacts, entitiesById, entityFacts, entityFactsById, touching } from "./judge.ts";
import { parkDerived } from "./parts.ts";
import { pageOf, type Tally } from "./phases.ts";
import { idFromKey } from "./shapes.ts";
import { statersOf } from "./stated.ts";
import { foldTwins } from "./twins.ts";
import type { Reading, Work } from "./work.ts";

/** Parked for longer than the restore window, and no mention left. */
export async function expiredEntities(r: Reading, before: number, after: string, limit: number): Promise<string[]> {
  if (r.shapes.profile.mentions.trust !== "complete") return [];
  // Composite keys have no order of their own in the database.
  const ordered = !("properties" in r.shapes.key("entity"));
  const most = ordered ? limit : 100_000;
  const ids: string[] = [];
  for (let from: string | null = ordered ? after : null; ; ) {
    const found = await r.run<{ id: unknown; handle: string }>("expiredEntities", {
      before,
      after: from,
      limit: r.int(most),
    });
    const rows = found.map(({ id, handle }) => ({ id: idFromKey(id), handle }));
    const staters = await statersOf(r, rows);
    ids.push(...rows.filter((row) => !staters.has(row.handle)).map((row) => row.id));
    if (!ordered) return pageOf(ids, after, limit);
    if (ids.length >= limit || rows.length < most) return ids.slice(0, limit);
    from = rows.at(-1)?.id ?? null;
  }
}

export async function judgeEntities(
  w: Work,
  ids: string[],
  tally: Tally,
  policy: Policy,
  now: number,
): Promise<boolean> {
  tally.examined += ids.length;
  const facts = await entitiesOnce(w, ids, now);
  const park: EntityFacts[] = [];
  const show: EntityFacts[] = [];
  for (const entity of facts) {
    if (!entity.liveMention && entity.mentioned && isLowerBound(w, entity)) tally.kept++;
    const presence = lawOf(w, entity, policy, now);
    if (presence === "parked" && !entity.parked) park.push(entity);
    if (presence === "live" && entity.parked) show.push(entity);
  }
  if (park.length + show.length === 0) return true;
  w.sendEach(
    "parkEntities",
    "handles",
    park.map((e) => e.handle),
    { now: w.int(now) },
  );
  parkDerived(
    w,
    park.map((e) => e.handle),
  );
  w.effect.entities += park.length;
  showEntities(w, show);
  const facing = await touching(w, [...park, ...show]);
  w.note("stale_edges", [...facing.live.map((f) => f.id), ...facing.parked.map((p) => p.id)]);
  w.note(
    "deprecated_vectors",
    park.filter((e) => e.vector).map((e) => e.id),
  );
  w.sendEach(
    "noteSimilarity",
    "ids",
    park.map((e) => e.id),
  );
  tally.changed = true;
  tally.deleted += park.length;
  tally.ids.push(...ids.filter((id) => park.some((e) => e.id === id)));
  return true;
}

/** Whether more may mention the entity than is recorded: then nothing is collected. */
function isLowerBound(r: Reading, entity: EntityFacts): boolean {
  return r.shapes.profile.mentions.trust !== "complete" || entity.cut;
}

/** The entity's presence by the law, as far as the profile's provenance can prove anything. */
export function lawOf(r: Reading, entity: EntityFacts, policy: Policy, now: number): "live" | "parked" {
  const { imports } = r.shapes.profile;
  if (isLowerBound(r, entity)) return "live";
  return entityPresence(
    {
      liveMentions: entity.liveMention ? 1 : 0,
      everMentioned: entity.everMentioned ?? entity.mentioned,
      // Other writers keep no age; what nothing ever mentioned there is not ours to judge, unless parked by us before.
      ageMs:
        entity.createdAt !== null
          ? now - entity.createdAt
          : imports || entity.parked
            ? Number.POSITIVE_INFINITY
            : Number.NEGATIVE_INFINITY,
    },
    policy,
  );
}

type Ends = Record<"source" | "target", { id: string; live: boolean }>;

/** Ends of facts, live as the law says now, collected or not. */
export async function lawfulEnds(r: Reading, handles: string[]): Promise<Map<string, Ends>> {
  const rows = await r.each<{ handle: string; source: string; target: string }>(
    "factEnds",
    "handles",
    new Set(handles),
  );
  const facts = await entityFacts(
    r,
    rows.flatMap((row) => [row.source, row.target]),
  );
  const byHandle = new Map(
    facts.map((e) => [
      e.handle,
      { id: e.id, live: e.liveMention || (!e.parked && (isLowerBound(r, e) || !(e.everMentioned ?? e.mentioned))) },
    ]),
  );
  const none = { id: "", live: false };
  return new Map(
    rows.map((row) => [
      row.handle,
      { source: byHandle.get(row.source) ?? none, target: byHandle.get(row.target) ?? none },
    ]),
  );
}

/** The entities that may have to change; one that is there twice, parked and written again, is made one. */
async function entitiesOnce(w: Work, ids: string[], now: number): Promise<EntityFacts[]> {
  const facts = await entityFactsById(w, ids);
  const parked = facts.filter((e) => e.parked);
  // Our own ids are unique by a constraint, and element ids by nature.
  const unique = w.shapes.profile.imports || "elementId" in w.shapes.key("entity");
  if (parked.length === 0 || unique) return facts;
  const folded = await foldTwins(
    w,
    "entity",
    parked.map((row) => row.handle),
    now,
  );
  if (folded.size === 0) return facts;
  const handles = facts.map((row) => row.handle);
  return entityFacts(w, new Set(handles.map((handle) => folded.get(handle) ?? handle)));
}

export async function purgeEntities(w: Work, ids: string[], tally: Tally): Promise<boolean> {
  tally.examined += ids.length;
  const known = await entitiesById(w, ids);
  const entities = ids.flatMap((id) =>
    known.has(id) ? [{ id, handle: (known.get(id) as { handle: string }).handle }] : [],
  );
  const facts = await deleteEntities(w, entities);
  tally.purged += entities.length + facts.length;
  tally.ids.push(...entities.map((e) => e.id));
  tally.changed = true;
  return true;
}
