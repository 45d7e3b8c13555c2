import type { CollectionKind, Policy } from "../../core/words.ts";
import { expiredDocuments, expiredEntities, expiredRelationships, staleSimilarity } from "./collect.ts";
import { lawOfEntity, lawOfRelationship } from "./derive.ts";
import { type EntityRow, type Group, pageOf, type RelationshipRow } from "./state.ts";

/** One step of the full scan: entities, then relationships, in order of their ids. */
export function sweepStep(
  group: Group,
  options: { cursor: string | null; limit: number; policy: Policy; now: number },
): { examined: number; found: number; cursor: string | null } {
  const keys = [
    ...pageOf(group.entities.keys(), null, Number.POSITIVE_INFINITY).ids.map((id) => `e ${id}`),
    ...pageOf(group.relationships.keys(), null, Number.POSITIVE_INFINITY).ids.map((id) => `r ${id}`),
  ];
  const page = pageOf(keys, options.cursor, options.limit);
  let found = 0;
  const note = (kind: CollectionKind, id: string) => {
    if (group.candidates[kind].has(id)) return;
    group.candidates[kind].add(id);
    found++;
  };
  for (const key of page.ids) {
    const id = key.slice(2);
    if (key.startsWith("e")) {
      const entity = group.entities.get(id) as EntityRow;
      if (lawOfEntity(group, entity, options.policy, options.now) !== entity.presence) note("orphan_entities", id);
      else if (isMisplaced(entity)) note("deprecated_vectors", id);
    } else {
      const relationship = group.relationships.get(id) as RelationshipRow;
      if (lawOfRelationship(group, relationship) !== relationship.presence) note("stale_edges", id);
    }
  }
  return { examined: page.ids.length, found, cursor: page.more ? (page.ids.at(-1) as string) : null };
}

function isMisplaced(entity: EntityRow): boolean {
  return entity.vector !== null && (entity.vector.place === "searchable") !== (entity.presence === "live");
}

/** What a run of the kind would still change, counted anew from the rows. */
export function remainingOf(group: Group, kind: CollectionKind, policy: Policy, now: number): number {
  const count = <T>(rows: Map<string, T>, ids: Iterable<string>, lags: (row: T) => boolean) =>
    [...ids].filter((id) => rows.has(id) && lags(rows.get(id) as T)).length;
  switch (kind) {
    case "orphan_entities":
      return (
        expiredDocuments(group, policy, now).length +
        expiredEntities(group, policy, now).length +
        count(group.entities, group.candidates[kind], (e) => lawOfEntity(group, e, policy, now) !== e.presence)
      );
    case "stale_edges":
      return (
        staleSimilarity(group).length +
        expiredRelationships(group, policy, now).length +
        count(group.relationships, group.candidates[kind], (r) => lawOfRelationship(group, r) !== r.presence)
      );
    case "deprecated_vectors":
      return count(group.entities, group.candidates[kind], isMisplaced);
  }
}
