import { exceedsBlastRadius, relationshipPresence } from "../../core/law.ts";
import { isEffective } from "../../core/outcomes.ts";
import { compareIds } from "../../core/ports.ts";
import type { Impact } from "../../core/words.ts";
import { lawfulEnds } from "./collect-entities.ts";
import { outcomesOf, unitsOf } from "./documents.ts";
import {
  entitiesById,
  entityKeys,
  factRows,
  type Handle,
  type Loss,
  lossOf,
  mentionedBy,
  parkedRows,
  statedBy,
  supportedBy,
  supportersOf,
  supportOf,
  type UnitRow,
} from "./judge.ts";
import { idFromKey } from "./shapes.ts";
import { endsOf, statersOf } from "./stated.ts";
import type { Reading } from "./work.ts";

const MAX_IDS = 1_000;

interface Total extends Handle {
  parked: boolean;
  vector: boolean;
  /** Its mentions are a list that the writer may have cut. */
  cut: boolean;
  live: number;
  total: number;
}

/** The units that a verb changes, and the others of the same documents. */
async function unitsChanged(
  r: Reading,
  verb: Impact["verb"],
  documents: string[],
  read: UnitRow[] | null = null,
): Promise<{ changed: UnitRow[]; shared: number }> {
  if (documents.length === 0) return { changed: [], shared: 0 };
  const units = read ?? (await unitsOf(r, documents, null, Number.POSITIVE_INFINITY));
  const named = new Set(documents);
  const states = await r.documents(units.flatMap((u) => u.owners.map(idFromKey)));
  const changed = units.filter((unit) => {
    const others = unit.owners.map(idFromKey).filter((id) => !named.has(id));
    if (verb === "purge") return others.length === 0;
    if (verb === "restore") return unit.parked;
    return !unit.parked && !others.some((id) => states.get(id)?.status === "active");
  });
  return { changed, shared: units.length - changed.length };
}

/**
 * Entities that lose their last mention (`purge`) or their last live one (`deprecate`), of those the units mention, and how
 * many of these are kept because what is recorded is a lower bound.
 */
async function entitiesLost(
  r: Reading,
  verb: "deprecate" | "purge",
  units: UnitRow[],
): Promise<{ lost: Total[]; kept: number; mentioned: number }> {
  const within = new Map<string, number>();
  const relevant = verb === "purge" ? units : units.filter((u) => !u.parked);
  for (const row of await r.each<{ handle: string; within: number }>(
    "mentionsWithin",
    "handles",
    relevant.map((u) => u.handle),
  )) {
    within.set(row.handle, (within.get(row.handle) ?? 0) + row.within);
  }
  for (const end of await endsOf(r, await supportedBy(r, relevant)))
    if (!within.has(end.handle)) within.set(end.handle, 0);
  const totals = await r.each<Total>("mentionTotals", "handles", within.keys());
  const unmentioned = totals
    .filter((t) => (verb === "purge" ? t.total : t.live) === within.get(t.handle))
    .map((t) => ({ ...t, id: idFromKey(t.id) }));
  const staters = await statersOf(r, unmentioned);
  const going = supportersOf(r, relevant);
  const states = (t: Total) => staters.get(t.handle)?.[verb === "purge" ? "known" : "live"] ?? [];
  const unstated = unmentioned.filter((t) => states(t).every((id) => going.has(id)));
  const trusted = r.shapes.profile.mentions.trust === "complete";
  const lost = unstated.filter((t) => trusted && !t.cut);
  return { lost, kept: unstated.length - lost.length, mentioned: totals.length };
}

/**
 * What the blast-radius guard asks; cheap when the documents cannot reach its floor. `read` are the units of the documents
 * where they are known already; then `loss` is what hangs on those that change, for whoever carries the operation out.
 */
export async function hiddenEntities(
  r: Reading,
  verb: "deprecate" | "purge",
  documents: string[],
  guard: { share: number; floor: number },
  read: UnitRow[] | null,
): Promise<{ entities: number; liveEntities: number; loss?: Loss }> {
  const { changed } = await unitsChanged(r, verb, documents, read);
  const handles = changed.map((u) => u.handle);
  const loss = read ? await lossOf(r, changed) : undefined;
  if (guard.floor > 0) {
    const { length } = loss?.entities ?? (await mentionedBy(r, handles));
    if (length <= guard.floor) return { entities: length, liveEntities: Number.POSITIVE_INFINITY, loss };
  }
  const { lost } = await entitiesLost(r, verb, changed);
  return {
    entities: lost.length,
    liveEntities: await countLiveEntities(r, Math.ceil(lost.length / guard.share)),
    loss,
  };
}

/** Counts no further than `enough`: a guard need not know how much larger than that the group is. */
async function countLiveEntities(r: Reading, enough = Number.MAX_SAFE_INTEGER): Promise<number> {
  const [row] = await r.run<{ count: number }>("countLiveEntities", {
    enough: r.int(Math.min(enough, Number.MAX_SAFE_INTEGER)),
  });
  return row?.count ?? 0;
}

/** What a verb would do, by the law, without doing it. */
export async function impactOf(
  r: Reading,
  verb: Impact["verb"],
  documentIds: string[],
  epoch: number,
): Promise<Impact> {
  const states = await r.documents(documentIds);
  const outcomes = outcomesOf(states, { groupId: r.groupId, verb, documentIds });
  const documents = outcomes.filter((o) => isEffective(o.outcome)).map((o) => o.id);
  const { changed, shared } = await unitsChanged(r, verb, documents);
  const { entities, mentioned, facts, kept } =
    verb === "restore" ? await restored(r, changed) : await removed(r, verb, changed);
  const ids = entities.map((e) => e.id);
  const touched = new Set([
    ...(
      await mentionedBy(
        r,
        changed.map((u) => u.handle),
      )
    ).map((e) => e.id),
    ...ids,
  ]);
  const communities = await r.each<{ community: string }>("communitiesOfEntities", "ids", touched, {
    epoch: r.int(epoch),
  });
  const liveEntities = await countLiveEntities(r);
  return {
    groupId: r.groupId,
    verb,
    documents: outcomes,
    textUnits: { ...listed(changed.map((u) => u.id)), shared },
    entities: { ...listed(ids), shared: mentioned - ids.length },
    relationships: listed(facts),
    kept,
    vectors: changed.filter((u) => u.vector || u.parkedVector).length + entities.filter((e) => e.vector).length,
    communities: sorted(communities.map((c) => c.community)),
    liveEntities,
    exceedsGuard: verb !== "restore" && exceedsBlastRadius(ids.length, liveEntities),
  };
}

interface Changed {
  entities: Total[];
  mentioned: number;
  facts: string[];
  kept: Impact["kept"];
}

async function removed(r: Reading, verb: "deprecate" | "purge", units: UnitRow[]): Promise<Changed> {
  const { lost, mentioned, kept } = await entitiesLost(r, verb, units);
  // What hung on entities that collection has not followed yet counts as gone before.
  const entities = verb === "deprecate" ? lost.filter((e) => !e.parked) : lost;
  const lostIds = new Set(lost.map((e) => e.id));
  const touching = await r.each<Handle>(
    "factsTouching",
    "handles",
    lost.map((e) => e.handle),
  );
  const supported = await supportedBy(r, units);
  const byId = await r.each<Handle>("factsById", "ids", supported);
  const live = await factRows(
    r,
    [...touching, ...byId].map((f) => f.handle),
  );
  const parkedTouching = await r.each<{ id: string }>("parkedTouching", "ids", entityKeys(r, lostIds));
  const parked = await parkedRows(r, [...parkedTouching.map((p) => p.id), ...supported]);
  const hidden = supportersOf(r, units);
  if (verb === "purge") {
    const { known } = await supportOf(r, [...live, ...parked]);
    const emptied = [...live, ...parked].filter(({ support }) => {
      const named = support?.filter((u) => known.has(u)) ?? [];
      return named.length > 0 && named.every((u) => hidden.has(u));
    });
    const going = new Set([...touching.map((f) => f.id), ...parkedTouching.map((f) => f.id)]);
    const cut = emptied.filter((f) => f.cut && !going.has(f.id)).length;
    for (const fact of emptied) if (!fact.cut) going.add(fact.id);
    return { entities, mentioned, facts: sorted(going), kept: { entities: kept, relationships: cut } };
  }
  const lawful = await lawfulEnds(
    r,
    live.map((f) => f.handle),
  );
  const before = await supportOf(r, live);
  const after = { known: before.known, live: new Set([...before.live].filter((id) => !hidden.has(id))) };
  const unsupported = new Set<string>();
  const parkedNow = live.filter((fact) => {
    const ends = lawful.get(fact.handle);
    if (!ends) return false;
    const presence = (lost: Set<string>, support: typeof before) =>
      relationshipPresence({
        sourceLive: ends.source.live && !lost.has(ends.source.id),
        targetLive: ends.target.live && !lost.has(ends.target.id),
        ...statedBy(r, fact, support),
      });
    const [was, is] = [presence(new Set(), before), presence(lostIds, after)];
    const [had, has] = [statedBy(r, fact, before).liveSupport, statedBy(r, fact, after).liveSupport];
    if (is === "live" && fact.cut && had > 0 && has === 0) unsupported.add(fact.id);
    return was === "live" && is === "parked";
  });
  return {
    entities,
    mentioned,
    facts: sorted(parkedNow.map((f) => f.id)),
    kept: { entities: kept, relationships: unsupported.size },
  };
}

async function restored(r: Reading, units: UnitRow[]): Promise<Changed> {
  const { entities: all, facts: supported } = await lossOf(r, units);
  const returning = await r.each<Total>(
    "mentionTotals",
    "handles",
    all.filter((e) => e.parked).map((e) => e.handle),
  );
  const entities = returning.map((e) => ({ ...e, id: idFromKey(e.id) }));
  const back = new Set(entities.map((e) => e.id));
  const touching = await r.each<{ id: string }>("parkedTouching", "ids", entityKeys(r, back));
  const parked = await parkedRows(r, [...touching.map((t) => t.id), ...supported]);
  const ends = await r.each<{ id: string; source: unknown; target: unknown }>(
    "parkedEnds",
    "ids",
    parked.map((p) => p.id),
  );
  const endsOf = new Map(ends.map((e) => [e.id, [idFromKey(e.source), idFromKey(e.target)]]));
  const known = await entitiesById(r, [...endsOf.values()].flat());
  const support = await supportOf(r, parked);
  for (const id of supportersOf(r, units)) support.live.add(id);
  const facts = parked.filter((fact) => {
    const [source = "", target = ""] = endsOf.get(fact.id) ?? [];
    return (
      relationshipPresence({
        sourceLive: back.has(source) || known.get(source)?.live === true,
        targetLive: back.has(target) || known.get(target)?.live === true,
        ...statedBy(r, fact, support),
      }) === "live"
    );
  });
  return {
    entities,
    mentioned: all.length,
    facts: sorted(facts.map((f) => f.id)),
    kept: { entities: 0, relationships: 0 },
  };
}

function sorted(ids: Iterable<string>): string[] {
  return [...new Set(ids)].sort(compareIds);
}

function listed(ids: string[]): { count: number; ids: string[] } {
  const all = sorted(ids);
  return { count: all.length, ids: all.slice(0, MAX_IDS) };
}
