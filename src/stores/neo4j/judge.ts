import { isSupportKnown, relationshipPresence, textUnitPresence } from "../../core/law.ts";
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
  /** Its mentions are a list that the writer may have cut. */
  cut: boolean;
}
/** What stands on a fact of those that state it. */
export interface Stated {
  support: string[] | null;
  /** The writer may have cut the list. */
  cut: boolean;
}
export interface FactRow extends Handle, Stated {
  sourceLive: boolean;
  targetLive: boolean;
}
export interface ParkedRow extends Record<string, unknown>, Stated {
  id: string;
  source: boolean;
  target: boolean;
  sourceLive: boolean;
  targetLive: boolean;
  parkedAt: number;
}

export function unitIds(r: Reading, units: Iterable<string>): unknown[] {
  return [...new Set(units)].map((id) => keyFromId(r.shapes.key("unit"), id));
}
export function entityKeys(r: Reading, ids: Iterable<string>): unknown[] {
  return [...new Set(ids)].map((id) => keyFromId(r.shapes.key("entity"), id));
}

/** A unit as far as support is concerned. */
export type Supporter = Pick<UnitRow, "handle" | "id" | "owners">;

/** What support names: the units themselves, or their documents. */
export function supportersOf(r: Reading, units: Iterable<Supporter>): Set<string> {
  const byDocuments = r.shapes.profile.relationships.support.by === "documents";
  return new Set([...units].flatMap((u) => (byDocuments ? u.owners.map(idFromKey) : [u.id])));
}

/** Of what facts name as their support: what somebody knows, and what is live. */
export interface Support {
  known: Set<string>;
  live: Set<string>;
}

/** A document that nobody knows is not ours to judge: it counts as live. */
export async function supportOf(r: Reading, facts: Stated[]): Promise<Support> {
  const named = new Set(facts.flatMap((fact) => fact.support ?? []));
  if (r.shapes.profile.relationships.support.by === "documents") {
    const documents = await r.documents(named);
    return { known: named, live: new Set([...named].filter((id) => documents.get(id)?.status !== "deprecated")) };
  }
  const units = await r.each<{ id: unknown; live: boolean }>("unitsById", "ids", unitIds(r, named));
  const ids = (rows: typeof units) => new Set(rows.map((row) => idFromKey(row.id)));
  return { known: ids(units), live: ids(units.filter((row) => row.live)) };
}

/** How the law reads what stands on the fact; `live` where that is to be another set than what is live now. */
export function statedBy(
  r: Reading,
  { support, cut }: Stated,
  { known, live }: Support,
): { supportKnown: boolean; liveSupport: number } {
  const named = support ?? [];
  // In our own shapes an empty list is one of which nothing is left.
  const gone = r.shapes.profile.imports && support?.length === 0;
  return {
    supportKnown: isSupportKnown({ known: named.filter((id) => known.has(id)).length, cut, gone }),
    liveSupport: named.filter((id) => live.has(id)).length,
  };
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

/** Judges facts by the law. `kept`: it lives although nothing of a list is live, because the list is a lower bound. */
export async function judged<T extends Stated & { sourceLive: boolean; targetLive: boolean }>(
  r: Reading,
  facts: T[],
): Promise<{ fact: T; live: boolean; kept: boolean }[]> {
  const support = await supportOf(
    r,
    facts.filter((f) => f.sourceLive && f.targetLive),
  );
  return facts.map((fact) => {
    const stated = statedBy(r, fact, support);
    const live = relationshipPresence({ ...fact, ...stated }) === "live";
    return { fact, live, kept: live && fact.cut && stated.liveSupport === 0 };
  });
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
