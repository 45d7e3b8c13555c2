import { GraphkeeperError } from "./errors.ts";
import type { Presence } from "./words.ts";

/**
 * The law: who is live. Pure functions that every store shares, so that two engines cannot read it differently.
 */

/** A text unit is live if some owner document is active. */
export function textUnitPresence(activeOwners: number): Presence {
  return activeOwners > 0 ? "live" : "parked";
}

/**
 * An entity is live if some live unit mentions it (a unit that supports a relationship mentions both ends), or if nothing was
 * ever known to mention it and policy keeps such entities (or they are younger than the grace age: an ingest may still be running).
 */
export function entityPresence(
  facts: { liveMentions: number; everMentioned: boolean; ageMs: number },
  policy: { unsupported: "keep" | "collect"; graceAgeMs: number },
): Presence {
  if (facts.liveMentions > 0) return "live";
  if (facts.everMentioned) return "parked";
  return policy.unsupported === "keep" || facts.ageMs < policy.graceAgeMs ? "live" : "parked";
}

/**
 * Whether the text units (or documents) that stand on a relationship prove anything about it. Nothing does a list that is empty,
 * that names only what nobody knows, or that its writer may have cut. `gone`: it was known, and nothing is left of it.
 */
export function isSupportKnown(list: { known: number; cut: boolean; gone: boolean }): boolean {
  return list.gone || (list.known > 0 && !list.cut);
}

/** The text units that a relationship is given as its support; null where it is given none, and its support is unknown. */
export function supportGiven(relationship: { textUnits?: string[] }): string[] | null {
  return relationship.textUnits?.length ? relationship.textUnits : null;
}

/** A relationship is live if both ends are live and its support is unknown or some supporting unit is live. */
export function relationshipPresence(facts: {
  sourceLive: boolean;
  targetLive: boolean;
  supportKnown: boolean;
  liveSupport: number;
}): Presence {
  return facts.sourceLive && facts.targetLive && (!facts.supportKnown || facts.liveSupport > 0) ? "live" : "parked";
}

/** Default blast radius: more than 20 % of the group's live entities and more than 1,000 of them. */
export const BLAST_RADIUS = { share: 0.2, floor: 1_000 } as const;

/** Whether the guard refuses a change that hides `entities` of `liveEntities`. */
export function exceedsBlastRadius(
  entities: number,
  liveEntities: number,
  guard: { share: number; floor: number } = BLAST_RADIUS,
): boolean {
  return entities > guard.floor && entities > guard.share * liveEntities;
}

const GROUP_ID = /^[A-Za-z0-9_][A-Za-z0-9._:@+=-]{0,199}$/;

/** @throws GraphkeeperError `INVALID_GROUP_ID`; exact bytes, nothing is normalised. */
export function checkGroupId(groupId: string): string {
  if (!GROUP_ID.test(groupId)) {
    throw new GraphkeeperError(
      "INVALID_GROUP_ID",
      `The group id ${JSON.stringify(groupId.slice(0, 60))} is not allowed.`,
      {
        field: "group_id",
      },
    );
  }
  return groupId;
}

/** Ids of documents, units, entities and relationships: 1 to 1,024 characters, well-formed, no control characters. */
export function checkId(id: string, field: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (id.length === 0 || id.length > 1_024 || /[\u0000-\u001f\u007f]/.test(id) || !id.isWellFormed()) {
    throw new GraphkeeperError("INVALID_VALUE", `${field} must have 1 to 1,024 characters and no control characters.`, {
      field,
    });
  }
  return id;
}

/**
 * @param dim the dimension that the group's vectors of this kind have; null when it has none yet
 * @throws GraphkeeperError `INVALID_EMBEDDING` with the index of the bad component
 */
export function checkEmbedding(vector: ArrayLike<number>, dim: number | null, owner: string): void {
  if (vector.length === 0 || vector.length > 16_384) {
    throw new GraphkeeperError(
      "INVALID_EMBEDDING",
      `The embedding of ${owner} has ${vector.length} components; 1 to 16,384 are allowed.`,
      {
        owner,
      },
    );
  }
  if (dim !== null && vector.length !== dim) {
    throw new GraphkeeperError(
      "INVALID_EMBEDDING",
      `The embedding of ${owner} has ${vector.length} components; this group's have ${dim}.`,
      {
        owner,
        expected: dim,
        actual: vector.length,
      },
    );
  }
  let zero = true;
  for (let i = 0; i < vector.length; i++) {
    const value = Math.fround(vector[i] as number);
    if (!Number.isFinite(value)) {
      throw new GraphkeeperError(
        "INVALID_EMBEDDING",
        `The embedding of ${owner} is not a finite float32 number at index ${i}.`,
        {
          owner,
          index: i,
        },
      );
    }
    if (value !== 0) zero = false;
  }
  if (zero)
    throw new GraphkeeperError("INVALID_EMBEDDING", `The embedding of ${owner} is all zero (index 0).`, {
      owner,
      index: 0,
    });
}

/** Staleness is a comparison of generations, never a flag. */
export function isStale(generation: number, followed: number | null): boolean {
  return followed === null || generation > followed;
}
