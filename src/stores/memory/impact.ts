import { exceedsBlastRadius } from "../../core/law.ts";
import type { Impact } from "../../core/words.ts";
import { lawOfRelationship, liveMentions, setEntity } from "./derive.ts";
import { carryOut, outcomesOf, setStatus } from "./documents.ts";
import { type Group, sortedIds } from "./state.ts";

const MAX_IDS = 1_000;

/** Does it on a copy, judges the copy by the law, and tells the difference. */
export function impactOf(group: Group, verb: Impact["verb"], documentIds: string[]): Impact {
  const { groupId } = group.state;
  const call = { id: "", groupId, verb, documentIds, requestHash: "", at: 0, actor: "", reason: null };
  const outcomes = outcomesOf(group, call);
  const before = verb === "restore" ? group : lawful(group);
  const copy = group.clone();
  const plan = setStatus(copy, call, outcomes);
  if (plan) carryOut(copy, plan, Number.POSITIVE_INFINITY, 0);
  const after = verb === "restore" ? copy : lawful(copy);

  const textUnits = changed(before.textUnits, after.textUnits, verb);
  const entities = changed(before.entities, after.entities, verb);
  const relationships = changed(before.relationships, after.relationships, verb);
  const documents = new Set(plan?.documents ?? []);
  const owned = [...group.textUnits.values()].filter((unit) => unit.documents.some((id) => documents.has(id)));
  const mentioned = new Set(textUnits.flatMap((id) => [...(group.mentions.get(id) ?? [])]));
  const touched = new Set([...mentioned, ...entities]);
  const communities = [...group.published.memberships.values()]
    .filter((m) => touched.has(m.entity))
    .map((m) => m.community);
  const liveEntities = [...group.entities.values()].filter((entity) => entity.presence === "live").length;
  const vectors =
    textUnits.filter((id) => group.textUnits.get(id)?.vector).length +
    entities.filter((id) => group.entities.get(id)?.vector).length;
  return {
    groupId,
    verb,
    documents: outcomes,
    textUnits: { ...listed(textUnits), shared: owned.filter(({ id }) => !textUnits.includes(id)).length },
    entities: { ...listed(entities), shared: [...mentioned].filter((id) => !entities.includes(id)).length },
    relationships: listed(relationships),
    kept: { entities: 0, relationships: 0 }, // What Graphkeeper records itself is complete.
    vectors,
    communities: sortedIds(new Set(communities)),
    liveEntities,
    exceedsGuard: verb !== "restore" && exceedsBlastRadius(entities.length, liveEntities),
  };
}

/** The group as it is once collection has followed: entities without a live mention and what hung on them are parked. */
function lawful(group: Group): Group {
  const copy = group.clone();
  for (const entity of [...copy.entities.values()]) {
    if (entity.everMentioned && liveMentions(copy, entity.id) === 0) setEntity(copy, entity, "parked", 0);
  }
  for (const relationship of [...copy.relationships.values()]) {
    copy.relationships.set(relationship.id, { ...relationship, presence: lawOfRelationship(copy, relationship) });
  }
  return copy;
}

type Rows = Map<string, { presence: string }>;

/** Rows that the verb hides (deprecate), shows (restore) or deletes (purge). */
function changed(before: Rows, after: Rows, verb: Impact["verb"]): string[] {
  return sortedIds(before.keys()).filter((id) => {
    const was = before.get(id)?.presence;
    const is = after.get(id)?.presence;
    if (verb === "purge") return is === undefined;
    return verb === "deprecate" ? was === "live" && is === "parked" : was === "parked" && is === "live";
  });
}

function listed(ids: string[]): { count: number; ids: string[] } {
  return { count: ids.length, ids: ids.slice(0, MAX_IDS) };
}
