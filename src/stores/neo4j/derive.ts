import { randomUUID } from "node:crypto";
import { relationshipPresence, textUnitPresence } from "../../core/law.ts";
import { dropDerived, parkDerived, parkParts, showDerived, showParts } from "./parts.ts";
import { idFromKey, keyFromId } from "./shapes.ts";
import { foldFacts, foldTwins } from "./twins.ts";
import type { Reading, Work } from "./work.ts";

/** Presence as the law derives it, and the steps that bring nodes and relationships in line with it. */

export interface UnitRow extends Record<string, unknown> {
  handle: string;
  id: string;
  parked: boolean;
  owners: unknown[];
  vector: boolean;
  parkedVector: boolean;
}
export interface Handle extends Record<string, unknown> {
  handle: string;
  id: string;
}
export interface EntityFacts extends Handle {
  parked: boolean;
  parkedAt: number | null;
  createdAt: number | null;
  everMentioned: boolean | null;
  vector: boolean;
  parkedVector: boolean;
  liveMention: boolean;
  mentioned: boolean;
}
interface FactRow extends Handle {
  sourceLive: boolean;
  targetLive: boolean;
  support: string[] | null;
}
interface ParkedRow extends Record<string, unknown> {
  id: string;
  source: boolean;
  target: boolean;
  sourceLive: boolean;
  targetLive: boolean;
  support: string[] | null;
  parkedAt: number;
}

export function unitIds(r: Reading, units: Iterable<string>): unknown[] {
  return [...new Set(units)].map((id) => keyFromId(r.shapes.key("unit"), id));
}
export function entityKeys(r: Reading, ids: Iterable<string>): unknown[] {
  return [...new Set(ids)].map((id) => keyFromId(r.shapes.key("entity"), id));
}

/** Which of the units are live, by id. */
async function liveUnits(r: Reading, ids: Iterable<string>): Promise<Set<string>> {
  const rows = await r.each<{ id: unknown; live: boolean }>("unitsById", "ids", unitIds(r, ids));
  return new Set(rows.filter((row) => row.live).map((row) => idFromKey(row.id)));
}

/** A unit as far as support is concerned. */
export type Supporter = Pick<UnitRow, "handle" | "id" | "owners">;

/** What support names: the units themselves, or their documents. */
export function supportersOf(r: Reading, units: Iterable<Supporter>): Set<string> {
  const byDocuments = r.shapes.profile.relationships.support.by === "documents";
  return new Set([...units].flatMap((u) => (byDocuments ? u.owners.map(idFromKey) : [u.id])));
}

/** What of the named support is live. A document that nobody knows is not ours to judge. */
export async function liveSupport(r: Reading, ids: Iterable<string>): Promise<Set<string>> {
  if (r.shapes.profile.relationships.support.by !== "documents") return liveUnits(r, ids);
  const named = new Set(ids);
  const known = await r.documents(named);
  return new Set([...named].filter((id) => known.get(id)?.status !== "deprecated"));
}

/** Entities that the units mention. */
export async function mentionedBy(
  r: Reading,
  unitHandles: Iterable<string>,
): Promise<(Handle & { parked: boolean })[]> {
  const rows = await r.each<Handle & { parked: boolean }>("mentionedBy", "handles", unitHandles);
  return [...new Map(rows.map((row) => [row.handle, { ...row, id: idFromKey(row.id) }])).values()];
}

export async function entityFacts(r: Reading, handles: Iterable<string>): Promise<EntityFacts[]> {
  const rows = await r.each<EntityFacts>("mentionFacts", "handles", new Set(handles));
  return rows.map((row) => ({ ...row, id: idFromKey(row.id) }));
}

/** Of the entities with these ids: those that are parked or have no live mention. */
export async function entityFactsById(r: Reading, ids: Iterable<string>): Promise<EntityFacts[]> {
  const rows = await r.each<EntityFacts>("mentionFactsById", "ids", entityKeys(r, ids));
  return rows.map((row) => ({ ...row, id: idFromKey(row.id) }));
}

/** Where the vectors of entities are. */
export async function entityVectors(
  r: Reading,
  ids: Iterable<string>,
): Promise<Pick<EntityFacts, "handle" | "id" | "parked" | "vector" | "parkedVector">[]> {
  const rows = await r.each<EntityFacts>("vectorsById", "ids", entityKeys(r, ids));
  return rows.map((row) => ({ ...row, id: idFromKey(row.id) }));
}

export async function entitiesById(
  r: Reading,
  ids: Iterable<string>,
): Promise<Map<string, { handle: string; live: boolean }>> {
  const rows = await r.each<{ id: unknown; handle: string; live: boolean }>("entitiesById", "ids", entityKeys(r, ids));
  return new Map(rows.map((row) => [idFromKey(row.id), row]));
}

/** Ids of the facts, live or parked, that the units support. */
export async function supportedBy(r: Reading, units: Supporter[], mentioned?: Promise<Handle[]>): Promise<string[]> {
  const { support } = r.shapes.profile.relationships;
  if (support.by === "none" || units.length === 0) return [];
  const handles = units.map((u) => u.handle);
  const found = new Set<string>();
  if (support.by === "list" && support.reverse !== undefined) {
    for (const row of await r.each<{ id: string }>("supportsOf", "handles", handles)) found.add(row.id);
    return [...found];
  }
  // Without a list on the unit: a unit mentions both ends of what it supports.
  const ids = supportersOf(r, units);
  const entities = await (mentioned ?? mentionedBy(r, handles));
  const { live, parked } = await touching(r, entities);
  const facts = await Promise.all([
    factRows(
      r,
      live.map((f) => f.handle),
    ),
    parkedRows(
      r,
      parked.map((p) => p.id),
    ),
  ]);
  for (const fact of facts.flat()) if (fact.support?.some((id) => ids.has(id))) found.add(fact.id);
  return [...found];
}

/** Facts, live and parked, of which an entity is an end. */
export async function touching(r: Reading, entities: Handle[]): Promise<{ live: Handle[]; parked: { id: string }[] }> {
  const [live, parked] = await Promise.all([
    r.each<Handle>(
      "factsTouching",
      "handles",
      entities.map((e) => e.handle),
    ),
    r.each<{ id: string }>(
      "parkedTouching",
      "ids",
      entityKeys(
        r,
        entities.map((e) => e.id),
      ),
    ),
  ]);
  return { live, parked };
}

export function factRows(r: Reading, handles: Iterable<string>): Promise<FactRow[]> {
  return r.each<FactRow>("factFacts", "handles", new Set(handles));
}
export function factRowsById(r: Reading, ids: Iterable<string>): Promise<FactRow[]> {
  return r.each<FactRow>("factFactsById", "ids", new Set(ids));
}
export function parkedRows(r: Reading, ids: Iterable<string>): Promise<ParkedRow[]> {
  return r.each<ParkedRow>("parkedFacts", "ids", new Set(ids));
}

/** Judges facts by the law. */
export async function judged<T extends { sourceLive: boolean; targetLive: boolean; support: string[] | null }>(
  r: Reading,
  facts: T[],
): Promise<{ fact: T; live: boolean }[]> {
  const live = await liveSupport(
    r,
    facts.flatMap((f) => (f.sourceLive && f.targetLive ? (f.support ?? []) : [])),
  );
  return facts.map((fact) => ({
    fact,
    live:
      relationshipPresence({
        sourceLive: fact.sourceLive,
        targetLive: fact.targetLive,
        supportKnown: fact.support !== null,
        liveSupport: (fact.support ?? []).filter((id) => live.has(id)).length,
      }) === "live",
  }));
}

/** What hangs on units: entities that they mention, facts that they support. */
export interface Loss {
  units: { handle: string }[];
  entities: (Handle & { parked: boolean })[];
  facts: string[];
}

export async function lossOf(r: Reading, units: Supporter[]): Promise<Loss> {
  const mentioned = mentionedBy(
    r,
    units.map((u) => u.handle),
  );
  const [entities, facts] = await Promise.all([mentioned, supportedBy(r, units, mentioned)]);
  return { units, entities, facts };
}

/** What the units' parking or deletion may have made obsolete. Call it before their mentions go. */
export async function noteLoss(
  w: Work,
  units: Supporter[],
  foreseen?: Loss,
): Promise<{ entities: Handle[]; facts: string[] }> {
  const same = foreseen?.units.length === units.length && units.every((u, i) => u.handle === foreseen.units[i]?.handle);
  const { entities, facts } = same ? foreseen : await lossOf(w, units);
  w.note(
    "orphan_entities",
    entities.map((e) => e.id),
  );
  w.note("stale_edges", facts);
  return { entities, facts };
}

/** Which units are not as the law says, by the state of their owners. */
export async function unsettled(r: Reading, units: UnitRow[]): Promise<{ park: UnitRow[]; show: UnitRow[] }> {
  const documents = await r.documents(units.flatMap((u) => u.owners.map(idFromKey)));
  const park: UnitRow[] = [];
  const show: UnitRow[] = [];
  for (const unit of units) {
    const owners = unit.owners.map(idFromKey);
    // A unit whose document nobody knows is not ours to judge.
    if (!owners.some((id) => documents.has(id))) continue;
    const active = owners.filter((id) => documents.get(id)?.status === "active").length;
    const presence = textUnitPresence(active);
    if (presence === "parked" && !unit.parked) park.push(unit);
    if (presence === "live" && unit.parked) show.push(unit);
  }
  return { park, show };
}

/** The units, with those folded that their writer made again while they were parked. */
async function withoutTwins(w: Work, units: UnitRow[], now: number): Promise<UnitRow[]> {
  // Where the label stays, a writer finds what is parked; twins of one document show by their ids.
  const twice = new Set(units.map((u) => u.id)).size < units.length;
  if (w.shapes.profile.imports || !(twice || w.shapes.mode === "swap")) return units;
  const handles = units.map((u) => u.handle);
  const folded = await foldTwins(w, "unit", handles, now);
  if (folded.size === 0) return units;
  return unitRows(w, new Set(handles.map((handle) => folded.get(handle) ?? handle)));
}

export async function unitRows(r: Reading, handles: Iterable<string>): Promise<UnitRow[]> {
  const rows = await r.each<UnitRow>("unitRows", "handles", handles);
  return rows.map((row) => ({ ...row, id: idFromKey(row.id) }));
}

/** Brings units in line with their owners, and back to life at once what lives by those that return. */
export async function settleUnits(w: Work, units: UnitRow[], now: number, foreseen?: Loss): Promise<void> {
  const { park, show } = await unsettled(w, await withoutTwins(w, units, now));
  if (park.length > 0) {
    const handles = park.map((u) => u.handle);
    w.sendEach("parkUnits", "handles", handles, { now: w.int(now) });
    w.effect.textUnits += park.length;
    if (w.shapes.mode !== "label") w.countVectors(park.filter((u) => u.vector).map((u) => u.handle));
    await noteLoss(w, park, foreseen);
    await parkParts(w, "unit", handles, now);
    parkDerived(w, handles);
  }
  if (show.length > 0) {
    const handles = show.map((u) => u.handle);
    w.sendEach("showUnits", "handles", handles, { now: w.int(now) });
    w.effect.textUnits += show.length;
    w.countVectors(show.filter((u) => u.parkedVector).map((u) => u.handle));
    await showParts(w, "unit", handles);
    showDerived(w, handles);
    const { entities, facts } = await lossOf(w, show);
    // A writer that finds what is parked may have taken our marks away: then it only looks as if it were live.
    const unmarked = w.shapes.mode !== "swap" && !w.shapes.profile.imports;
    const parked = entities.filter((e) => unmarked || e.parked).map((e) => e.handle);
    if (unmarked) w.sendEach("rememberEntity", "handles", parked, { now: w.int(now) });
    await revive(w, parked, facts, now);
  }
}

/** Un-hides what the law says is live: of the entities, of what touches those that return, and of the facts. */
export async function revive(
  w: Work,
  entityHandles: string[],
  factIds: Iterable<string>,
  now?: number,
): Promise<{ entities: string[]; facts: string[] }> {
  // Where the label stays, a writer that merges by a key finds what is parked.
  const unseen = w.shapes.mode === "swap" || "elementId" in w.shapes.key("entity");
  if (unseen && !w.shapes.profile.imports) await foldTwins(w, "entity", entityHandles, now);
  const back = (await entityFacts(w, entityHandles)).filter((e) => e.parked && e.liveMention);
  showEntities(w, back);
  const returning = await w.each<{ id: string }>(
    "parkedTouching",
    "ids",
    entityKeys(
      w,
      back.map((e) => e.id),
    ),
  );
  const facts = await showFacts(w, new Set([...factIds, ...returning.map((t) => t.id)]), now);
  return { entities: back.map((e) => e.id), facts };
}

export function showEntities(w: Work, entities: EntityFacts[]): void {
  if (entities.length === 0) return;
  w.sendEach(
    "showEntities",
    "handles",
    entities.map((e) => e.handle),
  );
  showDerived(
    w,
    entities.map((e) => e.handle),
  );
  w.effect.entities += entities.length;
  w.countVectors(entities.filter((e) => e.parkedVector).map((e) => e.handle));
}

/** Brings parked facts back that the law wants live. @returns their ids */
export async function showFacts(w: Work, ids: Iterable<string>, now?: number): Promise<string[]> {
  return showLawful(w, await parkedRows(w, ids), now);
}

export async function showLawful(w: Work, parked: ParkedRow[], now?: number): Promise<string[]> {
  const back = (await judged(w, parked)).filter((j) => j.live).map((j) => j.fact.id);
  if (back.length === 0) return [];
  const folded = await foldFacts(w, await maybeTwins(w, back), now);
  w.sendEach(
    "showFacts",
    "ids",
    back.filter((id) => !folded.has(id)),
  );
  retell(w, back);
  w.effect.relationships += back.length;
  return back;
}

/** Facts with a key of their own have a twin only where the key's index finds one; without, each end has to be looked at. */
async function maybeTwins(w: Work, ids: string[]): Promise<string[]> {
  const { key, types } = w.shapes.profile.relationships;
  if (key === undefined || !("only" in types) || types.only.length > 1) return ids;
  const live = await w.each<Handle>("factsById", "ids", ids);
  return [...new Set(live.map((f) => f.id))];
}

export function parkFacts(w: Work, facts: Handle[], now: number): void {
  const keyed = w.shapes.profile.relationships.key !== undefined;
  // An element id may be given to another relationship once this one is gone: the record gets an id of its own.
  const rows = facts.map((f) => ({ handle: f.handle, id: keyed && f.id !== f.handle ? f.id : randomUUID() }));
  w.sendEach("parkFacts", "rows", rows, { now: w.int(now) });
  retell(
    w,
    rows.map((row) => row.id),
  );
  w.effect.relationships += facts.length;
}

/** Deletes entities with everything that touches them or is derived from them. @returns ids of the facts that went */
export async function deleteEntities(w: Work, entities: Handle[]): Promise<string[]> {
  if (entities.length === 0) return [];
  const ids = entities.map((e) => e.id);
  const handles = entities.map((e) => e.handle);
  const [{ live: facts, parked }, states] = await Promise.all([touching(w, entities), entityFacts(w, handles)]);
  const gone = [...new Set([...facts.map((f) => f.id), ...parked.map((p) => p.id)])];
  await forget(
    w,
    gone,
    facts.map((f) => f.handle),
    parked.map((p) => p.id),
  );
  w.sendEach("deleteParked", "ids", new Set(parked.map((p) => p.id)));
  if (tellsFacts(w)) w.sendEach("dropTexts", "ids", entityKeys(w, ids));
  w.sendEach("rowsOfEntities", "ids", ids);
  w.sendEach("forgetMembers", "ids", ids);
  w.forget("orphan_entities", ids);
  w.forget("deprecated_vectors", ids);
  w.forget("stale_edges", gone);
  w.sendEach("dropCandidates", "ids", ids, { kind: "similarity" });
  dropDerived(w, handles);
  w.sendEach("deleteEntities", "handles", handles);
  w.effect.entities += entities.length;
  w.effect.relationships += gone.length;
  w.countVectors(states.filter((e) => e.vector || e.parkedVector).map((e) => e.handle));
  return gone;
}

/** Deletes facts, live or parked, by id. @returns ids of those that were there */
export async function deleteFacts(w: Work, ids: Iterable<string>): Promise<string[]> {
  const all = [...new Set(ids)];
  const [live, parked] = await Promise.all([w.each<Handle>("factsById", "ids", all), parkedRows(w, all)]);
  const gone = [...new Set([...live.map((f) => f.id), ...parked.map((p) => p.id)])];
  await forget(
    w,
    gone,
    live.map((f) => f.handle),
    parked.map((p) => p.id),
  );
  w.sendEach(
    "deleteFacts",
    "handles",
    live.map((f) => f.handle),
  );
  w.sendEach(
    "deleteParked",
    "ids",
    parked.map((p) => p.id),
  );
  w.forget("stale_edges", gone);
  w.effect.relationships += gone.length;
  return gone;
}

const tellsFacts = (w: Work) => w.shapes.profile.rebuildable.some((text) => text.on === "entity");

/** Texts that are joined from facts say what those say that are not parked. */
export function retell(w: Work, factIds: Iterable<string>): void {
  if (tellsFacts(w)) w.sendEach("retell", "ids", factIds);
}

/** Takes deleted facts out of the lists that surviving units keep of what they support, and out of texts of entities. */
async function forget(w: Work, ids: string[], handles: string[], parked: string[]): Promise<void> {
  if (tellsFacts(w)) w.sendEach("forgetLines", "ids", ids);
  const { support } = w.shapes.profile.relationships;
  if (support.by !== "list" || support.reverse === undefined || ids.length === 0) return;
  const units = new Map<string, string[]>();
  for (const fact of (await Promise.all([factRows(w, handles), parkedRows(w, parked)])).flat()) {
    for (const unit of fact.support ?? []) units.set(unit, [...(units.get(unit) ?? []), fact.id]);
  }
  w.sendEach(
    "forgetSupports",
    "rows",
    [...units].map(([unit, facts]) => ({ unit: keyFromId(w.shapes.key("unit"), unit), facts })),
  );
}

/** Takes deleted units out of the support of facts; documents are out of it already. @returns ids of facts whose known support is now empty */
export async function dropSupport(w: Work, factIds: string[], units: Iterable<string>): Promise<string[]> {
  const { support } = w.shapes.profile.relationships;
  if (support.by === "none") return [];
  const ids = new Set(factIds);
  const [live, parked] = await Promise.all([factRowsById(w, ids), parkedRows(w, ids)]);
  if (support.by === "documents")
    return [...live, ...parked].filter((fact) => fact.support?.length === 0).map((fact) => fact.id);
  const gone = new Set(units);
  const write = (list: string[]) => (support.separator === undefined ? list : list.join(support.separator));
  const empty: string[] = [];
  const lessen = <T extends { id: string; support: string[] | null }>(facts: T[]) =>
    facts.flatMap((fact) => {
      if (!fact.support?.some((unit) => gone.has(unit))) return [];
      const left = fact.support.filter((unit) => !gone.has(unit));
      if (left.length === 0) empty.push(fact.id);
      return [{ fact, support: write(left) }];
    });
  w.sendEach(
    "dropSupport",
    "rows",
    lessen(live).map((l) => ({ handle: l.fact.handle, support: l.support })),
  );
  w.sendEach(
    "dropParkedSupport",
    "rows",
    lessen(parked).map((p) => ({ id: p.fact.id, support: p.support })),
  );
  return empty;
}
