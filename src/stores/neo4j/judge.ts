import { relationshipPresence, textUnitPresence } from "../../core/law.ts";
import { idFromKey, keyFromId } from "./shapes.ts";
import { endsOf, withStated } from "./stated.ts";
import type { Reading } from "./work.ts";

/** Nodes and relationships as they stand, what hangs on what, and what the law says of them. */

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
export interface FactRow extends Handle {
  sourceLive: boolean;
  targetLive: boolean;
  support: string[] | null;
}
export interface ParkedRow extends Record<string, unknown> {
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
  return withStated(
    r,
    rows.map((row) => ({ ...row, id: idFromKey(row.id) })),
  );
}

/** Of the entities with these ids: those that are parked or have no live mention. */
export async function entityFactsById(r: Reading, ids: Iterable<string>): Promise<EntityFacts[]> {
  const rows = await r.each<EntityFacts>("mentionFactsById", "ids", entityKeys(r, ids));
  return withStated(
    r,
    rows.map((row) => ({ ...row, id: idFromKey(row.id) })),
  );
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
  if (support.by === "list" && !r.shapes.references) {
    const ids = unitIds(
      r,
      units.map((u) => u.id),
    );
    for (const name of ["factsStatedBy", "parkedStatedBy"] as const)
      for (const row of await r.each<{ id: string }>(name, "ids", ids)) found.add(row.id);
    return [...found];
  }
  // Units that we refer to mention both ends of what they support; so do documents, whose stamps are on the ends as well.
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

/** What hangs on units: facts that they support, entities that they mention by themselves or by such a fact. */
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
  const known = new Set(entities.map((e) => e.handle));
  const ends = new Map((await endsOf(r, facts)).filter((e) => !known.has(e.handle)).map((e) => [e.handle, e]));
  return { units, entities: [...entities, ...ends.values()], facts };
}

export async function unitRows(r: Reading, handles: Iterable<string>): Promise<UnitRow[]> {
  const rows = await r.each<UnitRow>("unitRows", "handles", handles);
  return rows.map((row) => ({ ...row, id: idFromKey(row.id) }));
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
