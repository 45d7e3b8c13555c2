import { randomUUID } from "node:crypto";
import {
  type EntityFacts,
  entityFacts,
  entityKeys,
  factRows,
  factRowsById,
  type Handle,
  judged,
  type Loss,
  lossOf,
  type ParkedRow,
  parkedRows,
  type Stated,
  type Supporter,
  supportOf,
  touching,
  type UnitRow,
  unitRows,
  unsettled,
} from "./judge.ts";
import { dropDerived, parkDerived, parkParts, showDerived, showParts } from "./parts.ts";
import { keyFromId } from "./shapes.ts";
import { foldFacts, foldTwins } from "./twins.ts";
import type { Work } from "./work.ts";

/** The steps that bring nodes and relationships in line with the law. */

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
  if (w.shapes.hasSummaries) w.sendEach("emptySummariesOfEntities", "handles", handles);
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
  if (w.shapes.hasSummaries) w.sendEach("emptySummariesOfFacts", "handles", [...handles, ...parked]);
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
  const lessened = <T extends Stated & { id: string }>(facts: T[]) =>
    facts.flatMap((fact) => {
      const named = fact.support;
      const going = named?.filter((unit) => gone.has(unit)) ?? [];
      return going.length === 0 ? [] : [{ ...fact, gone: going, support: named?.filter((u) => !gone.has(u)) ?? [] }];
    });
  const [shown, hidden] = [lessened(live), lessened(parked)];
  w.sendEach(
    "dropSupport",
    "rows",
    shown.map((fact) => ({ handle: fact.handle, gone: fact.gone })),
  );
  w.sendEach(
    "dropParkedSupport",
    "rows",
    hidden.map((fact) => ({ id: fact.id, gone: fact.gone })),
  );
  const all = [...shown, ...hidden];
  // What nobody knows does not keep what was known and is gone; in our own shapes every unit is known.
  const known = w.shapes.profile.imports ? null : (await supportOf(w, all)).known;
  const stands = (fact: Stated) => fact.cut || fact.support?.some((unit) => known === null || known.has(unit));
  return all.flatMap((fact) => (stands(fact) ? [] : [fact.id]));
}
