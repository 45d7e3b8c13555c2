import { entityPresence, relationshipPresence, textUnitPresence } from "../../core/law.ts";
import type { Policy, Presence } from "../../core/words.ts";
import { type EntityRow, type Group, type RelationshipRow, sortedIds, type TextUnitRow } from "./state.ts";

/** Presence as the law derives it, always counted anew from the rows; and the steps that bring rows in line with it. */

export function activeOwners(group: Group, unit: TextUnitRow): string[] {
  return unit.documents.filter((id) => group.documents.get(id)?.status === "active");
}

export function lawOfTextUnit(group: Group, unit: TextUnitRow): Presence {
  return textUnitPresence(activeOwners(group, unit).length);
}

/** The text units, live or parked, that mention the entity. */
export function mentionsOf(group: Group, entityId: string): TextUnitRow[] {
  return [...group.textUnits.values()].filter((unit) => group.mentions.get(unit.id)?.has(entityId));
}

export function liveMentions(group: Group, entityId: string): number {
  return mentionsOf(group, entityId).filter((unit) => unit.presence === "live").length;
}

export function lawOfEntity(group: Group, entity: EntityRow, policy: Policy, now: number): Presence {
  const facts = {
    liveMentions: liveMentions(group, entity.id),
    everMentioned: entity.everMentioned,
    ageMs: now - entity.createdAt,
  };
  return entityPresence(facts, policy);
}

export function lawOfRelationship(group: Group, relationship: RelationshipRow): Presence {
  return relationshipPresence({
    sourceLive: group.entities.get(relationship.source)?.presence === "live",
    targetLive: group.entities.get(relationship.target)?.presence === "live",
    supportKnown: relationship.textUnits !== null,
    liveSupport: (relationship.textUnits ?? []).filter((id) => group.textUnits.get(id)?.presence === "live").length,
  });
}

export function relationshipsOf(group: Group, entityId: string): RelationshipRow[] {
  return [...group.relationships.values()].filter((r) => r.source === entityId || r.target === entityId);
}

export function supportedBy(group: Group, unitId: string): RelationshipRow[] {
  return [...group.relationships.values()].filter((r) => r.textUnits?.includes(unitId));
}

export function setTextUnit(group: Group, unit: TextUnitRow, presence: Presence): void {
  const place = presence === "live" ? ("searchable" as const) : ("parked" as const);
  group.textUnits.set(unit.id, { ...unit, presence, vector: unit.vector && { values: unit.vector.values, place } });
}

/** Parking an entity leaves its vector to the collection of `deprecated_vectors`; a live one is searchable at once. */
export function setEntity(group: Group, entity: EntityRow, presence: Presence, now: number): void {
  const vector =
    presence === "live" && entity.vector
      ? { values: entity.vector.values, place: "searchable" as const }
      : entity.vector;
  group.entities.set(entity.id, { ...entity, presence, parkedAt: presence === "parked" ? now : null, vector });
}

export function setRelationship(group: Group, relationship: RelationshipRow, presence: Presence, now: number): void {
  group.relationships.set(relationship.id, {
    ...relationship,
    presence,
    parkedAt: presence === "parked" ? now : null,
  });
}

/** What a text unit's parking or deletion may have made obsolete. Call it before the unit's mentions go. */
export function noteLoss(group: Group, unitId: string): void {
  for (const entity of group.mentions.get(unitId) ?? []) group.candidates.orphan_entities.add(entity);
  for (const relationship of supportedBy(group, unitId)) group.candidates.stale_edges.add(relationship.id);
}

/** Brings text units in line with their owners, and at once back to life what lives by those that are live. */
export function settleTextUnits(group: Group, unitIds: Iterable<string>, now: number): void {
  const live: string[] = [];
  for (const id of unitIds) {
    const unit = group.textUnits.get(id);
    if (!unit) continue;
    const presence = lawOfTextUnit(group, unit);
    if (presence !== unit.presence) setTextUnit(group, unit, presence);
    if (presence === "live") live.push(id);
    else if (unit.presence === "live") noteLoss(group, id);
  }
  const entities = new Set(live.flatMap((id) => [...(group.mentions.get(id) ?? [])]));
  const relationships = new Set(live.flatMap((id) => supportedBy(group, id).map((r) => r.id)));
  revive(group, entities, relationships, now);
}

/** Un-hides what the law says is live: of the entities, of what touches those that return, and of the relationships. */
export function revive(
  group: Group,
  entityIds: Iterable<string>,
  relationshipIds: Iterable<string>,
  now: number,
): void {
  const review = new Set(relationshipIds);
  for (const id of sortedIds(entityIds)) {
    const entity = group.entities.get(id);
    if (entity?.presence !== "parked" || liveMentions(group, id) === 0) continue;
    setEntity(group, entity, "live", now);
    for (const relationship of relationshipsOf(group, id)) review.add(relationship.id);
  }
  for (const id of sortedIds(review)) {
    const relationship = group.relationships.get(id);
    if (relationship?.presence === "parked" && lawOfRelationship(group, relationship) === "live") {
      setRelationship(group, relationship, "live", now);
    }
  }
}

export function deleteRelationship(group: Group, id: string): void {
  group.relationships.delete(id);
  group.candidates.stale_edges.delete(id);
}

/** Deletes an entity with everything that touches it or is derived from it, published, replaced or staged. */
export function deleteEntity(group: Group, id: string): { relationships: number } {
  const touching = relationshipsOf(group, id);
  for (const relationship of touching) deleteRelationship(group, relationship.id);
  group.entities.delete(id);
  group.candidates.orphan_entities.delete(id);
  group.candidates.deprecated_vectors.delete(id);
  const named = (row: object | null): boolean => {
    const { a, b, entity } = (row ?? {}) as { a?: string; b?: string; entity?: string };
    return a === id || b === id || entity === id;
  };
  const { similarity, memberships, ranks } = group.published;
  for (const table of [similarity, memberships, ranks] as Map<string, object>[]) {
    for (const [key, row] of table) if (named(row)) table.delete(key);
  }
  group.staged = group.staged.filter(
    (change) => change.table === "communities" || !(JSON.parse(change.key) as unknown[]).includes(id),
  );
  group.replaced = group.replaced.filter(({ row }) => !named(row));
  for (const [community, { hash, members }] of group.acknowledged) {
    if (members.includes(id)) group.acknowledged.set(community, { hash, members: members.filter((m) => m !== id) });
  }
  return { relationships: touching.length };
}
