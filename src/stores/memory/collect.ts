import type { CollectOptions } from "../../core/ports.ts";
import type { CollectionBatch, CollectionKind, JsonObject, Policy } from "../../core/words.ts";
import { noteRetention } from "./apply.ts";
import {
  deleteEntity,
  deleteRelationship,
  lawOfEntity,
  lawOfRelationship,
  mentionsOf,
  relationshipsOf,
  setEntity,
  setRelationship,
} from "./derive.ts";
import { carryOut } from "./documents.ts";
import { appendAudit, raiseGeneration } from "./effect.ts";
import { type Group, type Plan, pageOf, sortedIds } from "./state.ts";

/** What one batch did so far. */
interface Tally {
  examined: number;
  deleted: number;
  purged: number;
  ids: string[];
  changed: boolean;
}

/** A part of a kind: what it looks at, in order of its keys, and how it judges one. */
interface Phase {
  name: string;
  keys(): Iterable<string>;
  /** @returns false when it is not done with this key and the next batch has to go on there */
  judge(key: string, tally: Tally): boolean;
}

/** One bounded batch on a draft of the group. In a dry run the caller throws the draft away. */
export function collectBatch(draft: Group, kind: CollectionKind, options: CollectOptions): CollectionBatch {
  const tally: Tally = { examined: 0, deleted: 0, purged: 0, ids: [], changed: false };
  const cursor = runPhases(phasesOf(draft, kind, options), tally, options);
  const ids = [...new Set(tally.ids)].slice(0, options.limit);
  const { examined, deleted, purged, changed } = tally;
  if (changed) {
    raiseGeneration(draft, options.now);
    const detail = { examined, deleted, purged, ids } as unknown as JsonObject;
    appendAudit(draft, { at: options.now, actor: "collection", action: "collect", ref: kind, detail });
  }
  return { examined, deleted, purged, kept: 0, changed, cursor, ids };
}

/** The cursor is the phase and the last key judged in it. */
function runPhases(phases: Phase[], tally: Tally, options: CollectOptions): string | null {
  const [from, ...rest] = (options.cursor ?? "").split(" ");
  const first = options.cursor === null ? 0 : phases.findIndex(({ name }) => name === from);
  for (let i = first; i < phases.length; i++) {
    const phase = phases[i] as Phase;
    let last = i === first && options.cursor !== null ? rest.join(" ") : "";
    for (const key of pageOf(phase.keys(), last, Number.POSITIVE_INFINITY).ids) {
      if (tally.examined >= options.limit) return `${phase.name} ${last}`;
      if (!phase.judge(key, tally)) return `${phase.name} ${last}`;
      last = key;
    }
  }
  return null;
}

function phasesOf(group: Group, kind: CollectionKind, options: CollectOptions): Phase[] {
  const { policy, now } = options;
  switch (kind) {
    case "orphan_entities":
      return [
        {
          name: "documents",
          keys: () => expiredDocuments(group, policy, now),
          judge: (id, t) => purgeExpired(group, id, t, options),
        },
        {
          name: "candidates",
          keys: () => group.candidates.orphan_entities,
          judge: (id, t) => judgeEntity(group, id, t, policy, now),
        },
        {
          name: "expired",
          keys: () => expiredEntities(group, policy, now),
          judge: (id, t) => purgeEntity(group, id, t),
        },
      ];
    case "stale_edges":
      return [
        {
          name: "candidates",
          keys: () => group.candidates.stale_edges,
          judge: (id, t) => judgeRelationship(group, id, t, now),
        },
        { name: "similarity", keys: () => staleSimilarity(group), judge: (key, t) => dropSimilarity(group, key, t) },
        {
          name: "expired",
          keys: () => expiredRelationships(group, policy, now),
          judge: (id, t) => purgeRelationship(group, id, t),
        },
      ];
    case "deprecated_vectors":
      return [
        {
          name: "candidates",
          keys: () => group.candidates.deprecated_vectors,
          judge: (id, t) => moveVector(group, id, t),
        },
      ];
  }
}

export function isExpired(parkedAt: number | null, policy: Policy, now: number): boolean {
  return parkedAt !== null && parkedAt + policy.restoreWindowMs <= now; // Infinity never runs out.
}

export function expiredDocuments(group: Group, policy: Policy, now: number): string[] {
  return [...group.documents.values()]
    .filter((d) => d.status === "deprecated" && !d.legalHold && isExpired(d.deprecatedAt, policy, now))
    .map(({ id }) => id);
}

export function expiredEntities(group: Group, policy: Policy, now: number): string[] {
  return [...group.entities.values()]
    .filter(
      (e) => e.presence === "parked" && isExpired(e.parkedAt, policy, now) && mentionsOf(group, e.id).length === 0,
    )
    .map(({ id }) => id);
}

export function expiredRelationships(group: Group, policy: Policy, now: number): string[] {
  return [...group.relationships.values()]
    .filter((r) => r.presence === "parked" && r.textUnits?.length === 0 && isExpired(r.parkedAt, policy, now))
    .map(({ id }) => id);
}

/** Keys of published similarity edges with an end that is not live. */
export function staleSimilarity(group: Group): string[] {
  const live = (id: string) => group.entities.get(id)?.presence === "live";
  return [...group.published.similarity].filter(([, row]) => !live(row.a) || !live(row.b)).map(([key]) => key);
}

function purgeExpired(group: Group, documentId: string, tally: Tally, options: CollectOptions): boolean {
  const before = group.clone();
  const id = `retention:${documentId}:${group.documents.get(documentId)?.deprecatedAt}`;
  const known = group.operations.get(id)?.plan;
  const plan: Plan = known ?? { verb: "purge", documents: [documentId], cursor: null };
  // A dry run writes nothing to go on from: it counts the document whole.
  const limit = options.dryRun ? Number.POSITIVE_INFINITY : options.limit - tally.examined;
  const left = carryOut(group, plan, limit, options.now);
  noteRetention(before, group, id, documentId, left, options.now);
  const gone = (rows: "documents" | "textUnits" | "entities" | "relationships") =>
    sortedIds([...before[rows].keys()].filter((key) => !group[rows].has(key)));
  const purged = [...gone("documents"), ...gone("textUnits"), ...gone("entities"), ...gone("relationships")];
  tally.examined += Math.min(limit, 1 + gone("textUnits").length);
  tally.purged += purged.length;
  tally.ids.push(...purged);
  tally.changed = true;
  return left === null;
}

function judgeEntity(group: Group, id: string, tally: Tally, policy: Policy, now: number): boolean {
  tally.examined++;
  group.candidates.orphan_entities.delete(id);
  const entity = group.entities.get(id);
  if (!entity) return true;
  const presence = lawOfEntity(group, entity, policy, now);
  if (presence === entity.presence) return true;
  setEntity(group, entity, presence, now);
  for (const relationship of relationshipsOf(group, id)) group.candidates.stale_edges.add(relationship.id);
  tally.changed = true;
  if (presence === "live") return true;
  if (entity.vector?.place === "searchable") group.candidates.deprecated_vectors.add(id);
  tally.deleted++;
  tally.ids.push(id);
  return true;
}

function purgeEntity(group: Group, id: string, tally: Tally): boolean {
  tally.examined++;
  tally.purged += 1 + deleteEntity(group, id).relationships;
  tally.ids.push(id);
  tally.changed = true;
  return true;
}

function judgeRelationship(group: Group, id: string, tally: Tally, now: number): boolean {
  tally.examined++;
  group.candidates.stale_edges.delete(id);
  const relationship = group.relationships.get(id);
  if (!relationship) return true;
  const presence = lawOfRelationship(group, relationship);
  if (presence === relationship.presence) return true;
  setRelationship(group, relationship, presence, now);
  tally.changed = true;
  if (presence === "live") return true;
  tally.deleted++;
  tally.ids.push(id);
  return true;
}

function dropSimilarity(group: Group, key: string, tally: Tally): boolean {
  tally.examined++;
  group.published.similarity.delete(key);
  tally.deleted++;
  tally.ids.push(key);
  tally.changed = true;
  return true;
}

function purgeRelationship(group: Group, id: string, tally: Tally): boolean {
  tally.examined++;
  deleteRelationship(group, id);
  tally.purged++;
  tally.ids.push(id);
  tally.changed = true;
  return true;
}

function moveVector(group: Group, id: string, tally: Tally): boolean {
  tally.examined++;
  group.candidates.deprecated_vectors.delete(id);
  const entity = group.entities.get(id);
  if (!entity?.vector) return true;
  const place = entity.presence === "live" ? ("searchable" as const) : ("parked" as const);
  if (place === entity.vector.place) return true;
  group.entities.set(id, { ...entity, vector: { values: entity.vector.values, place } });
  tally.changed = true;
  if (place === "searchable") return true;
  tally.deleted++;
  tally.ids.push(id);
  return true;
}
