import { idFromKey, keyFromId } from "./shapes.ts";
import type { Reading } from "./work.ts";

/**
 * What states a fact mentions its ends, whatever the ends' own lists say. Our own import writes these mentions; of other
 * writers' graphs they are derived, for entities without a live mention only.
 */
function derives(r: Reading): boolean {
  const { imports, mentions, relationships } = r.shapes.profile;
  return !imports && mentions.trust === "complete" && relationships.support.by !== "none";
}

type Found = { handle: string; id: string };

/** What states the facts of an entity: ids of text units, or of documents, by the profile. */
export interface Staters {
  live: string[];
  /** Live or parked. */
  known: string[];
}

/** By the entities' handles; without those whose facts nothing known states. */
export async function statersOf(r: Reading, entities: Found[]): Promise<Map<string, Staters>> {
  if (!derives(r) || entities.length === 0) return new Map();
  const key = r.shapes.key("entity");
  const ids = [...new Set(entities.map((e) => e.id))].map((id) => keyFromId(key, id));
  const [shown, parked] = await Promise.all([
    r.each<{ handle: string; supporters: string[] }>(
      "supportAround",
      "handles",
      entities.map((e) => e.handle),
    ),
    r.each<{ id: unknown; supporters: string[] }>("supportOfParked", "ids", ids),
  ]);
  const onShown = new Map(shown.map((row) => [row.handle, row.supporters]));
  const onParked = new Map(parked.map((row) => [idFromKey(row.id), row.supporters]));
  const named = new Map(
    entities.map((e) => [e.handle, [...(onShown.get(e.handle) ?? []), ...(onParked.get(e.id) ?? [])]]),
  );
  const standing = await standingOf(r, new Set([...named.values()].flat()));
  return new Map(
    [...named].flatMap(([handle, all]) => {
      const known = [...new Set(all)].filter((id) => standing.has(id));
      return known.length === 0 ? [] : [[handle, { known, live: known.filter((id) => standing.get(id) === true) }]];
    }),
  );
}

/** Which of the named units or documents are known, and whether they are live. */
async function standingOf(r: Reading, named: Set<string>): Promise<Map<string, boolean>> {
  if (r.shapes.profile.relationships.support.by === "documents") {
    const documents = await r.documents(named);
    return new Map([...documents].map(([id, document]) => [id, document.status === "active"]));
  }
  const keys = [...named].map((id) => keyFromId(r.shapes.key("unit"), id));
  const units = await r.each<{ id: unknown; live: boolean }>("unitsById", "ids", keys);
  return new Map(units.map((row) => [idFromKey(row.id), row.live]));
}

/** The ends of facts, live or parked, that the writer may not have recorded as mentioned. */
export async function endsOf(r: Reading, factIds: string[]): Promise<(Found & { parked: boolean })[]> {
  if (!derives(r) || factIds.length === 0) return [];
  const rows = await Promise.all(
    (["endsOfFacts", "endsOfParked"] as const).map((name) =>
      r.each<{ handle: string; id: unknown; parked: boolean }>(name, "ids", factIds),
    ),
  );
  return rows.flat().map((row) => ({ ...row, id: idFromKey(row.id) }));
}

/** Entities as they stand, with what states their facts counted as a mention of them. */
export async function withStated<T extends Found & { liveMention: boolean; mentioned: boolean }>(
  r: Reading,
  entities: T[],
): Promise<T[]> {
  const staters = await statersOf(
    r,
    entities.filter((e) => !e.liveMention),
  );
  if (staters.size === 0) return entities;
  return entities.map((entity) => {
    const stated = staters.get(entity.handle);
    return stated ? { ...entity, mentioned: true, liveMention: stated.live.length > 0 } : entity;
  });
}
