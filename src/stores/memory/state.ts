import { EMPTY_HEAD } from "../../core/audit.ts";
import type { Keyring } from "../../core/keyring.ts";
import {
  type CommunityRecord,
  compareIds,
  type MembershipRow,
  type RankRow,
  type SimilarityRow,
  type StoredVector,
} from "../../core/ports.ts";
import type {
  AuditEntry,
  CollectionKind,
  GroupState,
  JsonObject,
  OperationRecord,
  Presence,
  Verb,
} from "../../core/words.ts";

/**
 * What the reference model holds for one group: plain maps from id to row. Rows are never changed in place, a change puts
 * a new row into the map, so that a copy of the maps is a snapshot.
 */

export interface DocumentRow {
  readonly id: string;
  readonly title: string | null;
  readonly contentHash: string;
  readonly metadata: JsonObject | null;
  readonly status: "active" | "deprecated";
  readonly version: number;
  readonly successor: string | null;
  readonly legalHold: boolean;
  readonly deprecatedAt: number | null;
  readonly createdAt: number;
}

export interface TextUnitRow {
  readonly id: string;
  /** Owners, sorted. */
  readonly documents: readonly string[];
  readonly text: string;
  readonly presence: Presence;
  readonly vector: StoredVector | null;
}

export interface EntityRow {
  readonly id: string;
  readonly name: string;
  readonly type: string | null;
  readonly description: string | null;
  readonly presence: Presence;
  readonly parkedAt: number | null;
  readonly vector: StoredVector | null;
  readonly everMentioned: boolean;
  readonly createdAt: number;
}

export interface RelationshipRow {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly description: string | null;
  readonly weight: number;
  /** Sorted; null = support unknown. */
  readonly textUnits: readonly string[] | null;
  readonly presence: Presence;
  readonly parkedAt: number | null;
}

/** What of a committed operation is still to be carried out. */
export interface Plan {
  readonly verb: Extract<Verb, "deprecate" | "restore" | "purge">;
  readonly documents: readonly string[];
  /** Id of the last unit done; null at the beginning. */
  readonly cursor: string | null;
}

export interface OperationRow {
  readonly record: OperationRecord;
  readonly requestHash: string;
  readonly plan: Plan | null;
}

export interface Published {
  similarity: Map<string, SimilarityRow>;
  communities: Map<string, CommunityRecord>;
  memberships: Map<string, MembershipRow>;
  ranks: Map<string, RankRow>;
}
export type AnalyticsTable = keyof Published;
export type AnalyticsRow = SimilarityRow | CommunityRecord | MembershipRow | RankRow;

/** A staged change of one published row; `row` null = remove. */
export interface StagedChange {
  readonly table: AnalyticsTable;
  readonly key: string;
  readonly row: AnalyticsRow | null;
}

export class Group {
  state: GroupState;
  documents = new Map<string, DocumentRow>();
  textUnits = new Map<string, TextUnitRow>();
  entities = new Map<string, EntityRow>();
  relationships = new Map<string, RelationshipRow>();
  /** Text unit to the entities that it mentions. */
  mentions = new Map<string, ReadonlySet<string>>();
  candidates: Record<CollectionKind, Set<string>> = {
    orphan_entities: new Set(),
    stale_edges: new Set(),
    deprecated_vectors: new Set(),
  };
  operations = new Map<string, OperationRow>();
  /** Marks of purged documents that were not imported again. */
  purged = new Set<string>();
  audit: AuditEntry[] = [];
  dimensions: { text_unit: number | null; entity: number | null } = { text_unit: null, entity: null };
  lease: { holder: string; token: number; until: number; untilHere: number } | null = null;
  lastToken = 0;
  published: Published = { similarity: new Map(), communities: new Map(), memberships: new Map(), ranks: new Map() };
  staged: StagedChange[] = [];
  /** Rows that the last publication replaced and that nobody has pruned yet. */
  replaced: { table: AnalyticsTable; row: AnalyticsRow }[] = [];
  analyticsState: Uint8Array | null = null;
  /** What was summarised, by community; without members when that one is not published any more. */
  acknowledged = new Map<string, { readonly hash: string; readonly members: readonly string[] }>();

  /** Hashes of what was acknowledged under an id that stands for something else now; the oldest first. */
  acknowledgedContents = new Set<string>();
  /** The installation's key; null = the audit is chained without one. */
  readonly keyring: Keyring | null;

  constructor(groupId: string, at: number, keyring: Keyring | null) {
    this.state = {
      groupId,
      generation: 0,
      collectedGeneration: 0,
      analyticsGeneration: null,
      analyticsEpoch: 0,
      staleSince: null,
      lastSweepAt: null,
      createdAt: at,
      audit: EMPTY_HEAD,
    };
    this.keyring = keyring;
  }

  clone(): Group {
    const copy = new Group(this.state.groupId, this.state.createdAt, this.keyring);
    copy.state = { ...this.state };
    copy.documents = new Map(this.documents);
    copy.textUnits = new Map(this.textUnits);
    copy.entities = new Map(this.entities);
    copy.relationships = new Map(this.relationships);
    copy.mentions = new Map(this.mentions);
    copy.candidates = {
      orphan_entities: new Set(this.candidates.orphan_entities),
      stale_edges: new Set(this.candidates.stale_edges),
      deprecated_vectors: new Set(this.candidates.deprecated_vectors),
    };
    copy.operations = new Map(this.operations);
    copy.purged = new Set(this.purged);
    copy.audit = [...this.audit];
    copy.dimensions = { ...this.dimensions };
    copy.lease = this.lease && { ...this.lease };
    copy.lastToken = this.lastToken;
    copy.published = {
      similarity: new Map(this.published.similarity),
      communities: new Map(this.published.communities),
      memberships: new Map(this.published.memberships),
      ranks: new Map(this.published.ranks),
    };
    copy.staged = [...this.staged];
    copy.replaced = [...this.replaced];
    copy.analyticsState = this.analyticsState;
    copy.acknowledged = new Map(this.acknowledged);
    copy.acknowledgedContents = new Set(this.acknowledgedContents);
    return copy;
  }
}

export function sortedIds(ids: Iterable<string>): string[] {
  return [...ids].sort(compareIds);
}

/** First `limit` of the ids after `cursor`, and whether there are more. */
export function pageOf(
  ids: Iterable<string>,
  cursor: string | null | undefined,
  limit: number,
): { ids: string[]; more: boolean } {
  const after = sortedIds(ids).filter((id) => cursor == null || compareIds(id, cursor) > 0);
  return { ids: after.slice(0, limit), more: after.length > limit };
}
