import type { Neighbourhood, NeighbourhoodQuery } from "./neighbourhood.ts";
import type { Asked } from "./outcomes.ts";
import type {
  AuditDraft,
  AuditEntry,
  AuditHead,
  CollectionBatch,
  CollectionKind,
  DocumentRecord,
  DocumentStatus,
  Fence,
  GroupCounts,
  GroupState,
  Impact,
  ImportBlock,
  JsonObject,
  Operation,
  OperationRecord,
  Policy,
  Presence,
} from "./words.ts";

/**
 * What the product asks of a graph store, in words of intent. Each method is one atomic, bounded step unless it says
 * otherwise; each carries the group. Stores share the rules of `law.ts`; the conformance suite holds them to this text.
 *
 * Order of ids is everywhere the order of their Unicode code points (`compareIds`), which is SQLite's BINARY collation.
 */

export interface Page<T> {
  items: T[];
  /** Opaque; null on the last page. */
  nextCursor: string | null;
}

/** Code point order, which is the order of the UTF-8 bytes; JavaScript's own `<` compares UTF-16 units instead. */
export function compareIds(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates (d800-dfff) stand for code points above every other unit.
    const xs = x >= 0xd800 && x <= 0xdfff;
    const ys = y >= 0xd800 && y <= 0xdfff;
    if (xs !== ys) return xs ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

/** A record as a full scan finds it: what dump, export and verify are made of. */
export type StoredRecord =
  | {
      kind: "document";
      id: string;
      title: string | null;
      contentHash: string;
      metadata: JsonObject | null;
      status: Exclude<DocumentStatus, "purged">;
      version: number;
      successor: string | null;
      legalHold: boolean;
    }
  | {
      kind: "text_unit";
      id: string;
      /** Owners, sorted. */
      documents: string[];
      text: string;
      presence: Presence;
      vector: StoredVector | null;
    }
  | {
      kind: "entity";
      id: string;
      name: string;
      type: string | null;
      description: string | null;
      presence: Presence;
      vector: StoredVector | null;
      everMentioned: boolean;
      /** Its mentions are a lower bound: by them it is never collected. */
      kept?: true;
      createdAt: number;
      /** Kinds of collection for which this entity is a recorded candidate. */
      candidate: CollectionKind[];
    }
  | { kind: "mention"; textUnit: string; entity: string }
  | {
      kind: "relationship";
      id: string;
      source: string;
      target: string;
      type: string;
      description: string | null;
      weight: number;
      /**
       * Supporting text units, sorted; null = support unknown. Empty = support was known and is gone. Such as name only units
       * that do not exist leave it unknown.
       */
      textUnits: string[] | null;
      /** Where the writer names documents instead of text units: those that state it, sorted; `textUnits` is null then. */
      documents?: string[];
      /** Its support is a lower bound: it lives as long as its ends. */
      kept?: true;
      presence: Presence;
      candidate: boolean;
    }
  | { kind: "similarity"; a: string; b: string; score: number }
  | { kind: "community"; community: CommunityRecord }
  | { kind: "membership"; level: number; entity: string; community: string }
  | { kind: "rank"; entity: string; score: number; component: string };

export interface StoredVector {
  values: Float32Array;
  /** Searchable: in the index that readers query. Parked: kept outside of it. */
  place: "searchable" | "parked";
}

export interface Hit {
  id: string;
  /** Cosine. */
  score: number;
  /** Text of a unit, name of an entity. */
  text: string;
  /** Active owners of a unit; empty for an entity. */
  documents: string[];
}

export interface GroupReader {
  /** Whether the mentions that follow from facts are stored like all others. Graphs of other writers have no such mentions. */
  readonly storesStatedMentions?: boolean;
  /** Groups by id; the cursor is the id of the last one. `stale`: only those whose analytics or collection lag behind. */
  groups(query: { stale?: boolean; cursor?: string; limit: number }): Promise<Page<GroupState>>;
  group(groupId: string): Promise<GroupState | null>;
  counts(groupId: string): Promise<GroupCounts>;
  document(groupId: string, documentId: string): Promise<DocumentRecord | null>;
  /** By id. A page ends at `limit`, or with the document with which it holds more than `PAGE_SIZE` characters (`takePage`). */
  documents(
    groupId: string,
    query: { status?: Exclude<DocumentStatus, "purged">; cursor?: string; limit: number },
  ): Promise<Page<DocumentRecord>>;
  /**
   * Of the documents: those that were purged from the group and have not been imported again since, in the order given. Only
   * HMACs of purged ids are kept. A group that does not exist remembers nothing.
   */
  purgedBefore(groupId: string, documentIds: string[]): Promise<string[]>;
  /**
   * Exact cosine search as a reader does it: over searchable vectors of live owners only. Best first, ties by id.
   * @throws GraphkeeperError `PAYLOAD_TOO_LARGE` when the texts found have more than `HITS_SIZE` characters
   */
  search(groupId: string, query: { of: "text_unit" | "entity"; vector: Float32Array; k: number }): Promise<Hit[]>;
  /**
   * Every record of the group in one consistent snapshot, in chunks: documents, text units, entities, mentions,
   * relationships, then (unless `facts`) similarity edges, communities, memberships, ranks as published; each kind
   * sorted by its id(s).
   */
  records(groupId: string, options?: { facts?: boolean }): AsyncIterable<StoredRecord[]>;
  operation(groupId: string, operationId: string): Promise<OperationRecord | null>;
  /** What a verb would do, by the law, without doing it. */
  impact(groupId: string, verb: Impact["verb"], documentIds: string[]): Promise<Impact>;
  /** Entries in order of `seq`, which counts 1, 2, 3… within the group; the chain starts from 64 zeros. */
  audit(groupId: string, query: { afterSeq: number; limit: number }): Promise<AuditEntry[]>;
  /**
   * What lies around a document (its text units, what they mention, who else owns them) or an entity (the units that mention
   * it with their owners, the other ends of its relationships), live and parked, with the relationships between all these.
   * Bounded by `limit` and not by the group; which part of more than that is shown is not said.
   * @throws GraphkeeperError `DOCUMENT_NOT_FOUND`, or `NOT_FOUND` for an entity
   */
  neighbourhood(groupId: string, query: NeighbourhoodQuery): Promise<Neighbourhood>;
}

/** `restore` and `again` are of import and replace only. */
export interface ApplyOptions extends Asked {
  /** import and replace only: what is imported. */
  block?: ImportBlock;
  /** Limits of the blast-radius guard; null = forced. Checked in the transaction, for deprecate and purge. */
  guard?: { share: number; floor: number } | null;
  /** Text units per transaction, 10,000 when absent (1,000 on Neo4j, where 5,000 at once took more than 100 MB); what is above becomes a plan that `advance` rolls forward. */
  unitsPerTransaction?: number;
}

export interface DocumentLifecycle {
  /**
   * Carries out an operation, or its first batch. One transaction: operation record, effect, candidates, generation
   * (raised by one if anything changed, else not), audit entry. The same id again returns the first record with
   * `replayed: true`.
   *
   * - import: creates the documents of the block; one that exists with another content hash is replaced, an active one
   *   with the same hash is `unchanged`. A deprecated one stays as it is (`deprecated_kept`, also under legal hold and with
   *   a successor), and what the block says of it alone is left out; with `restore` it comes back (`restored`, or
   *   `replaced` with the new content). One that was purged is left out as well (`purged_before`, also as an owner that only
   *   text units of the block name) unless `again` asks for it.
   *   A text unit that supports a relationship mentions both ends, whether the block says so or not.
   * - replace: one document, which must exist; a deprecated one needs `restore`. Units with the text of an old unit of the document keep that unit's id,
   *   vector and mentions. Units that no document owns any more are removed with their mentions and support.
   * - deprecate / restore: change the status; units follow at once, what becomes live again returns at once (entities and
   *   relationships too), what may have died becomes a candidate.
   * - purge: removes the document, the units that no other document owns (active or not), the entities that then have no
   *   mention left, relationships without an end or without any of their known support, and every derived row of these.
   * - hold / release: legal hold; a held document cannot be replaced or purged (`LEGAL_HOLD` for a single document,
   *   outcome `on_hold` in a bulk of several).
   * - readmit: forgets that documents were purged (`purgedBefore`), so that their ids count again wherever another writer names
   *   them; no row changes by it.
   *
   * Unknown documents: outcome `not_found` in a bulk; `DOCUMENT_NOT_FOUND` when the only one.
   * @throws GraphkeeperError `OPERATION_ID_REUSED`, `BLAST_RADIUS`, `CONFLICT`, `LEGAL_HOLD`, `INVALID_VALUE`,
   *   `INVALID_EMBEDDING`, `DOCUMENT_NOT_FOUND`, `DOCUMENT_DEPRECATED`, `GROUP_NOT_FOUND`
   */
  apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord>;
  /** The next batch of a rolling operation; a no-op on a done one. */
  advance(groupId: string, operationId: string, options?: { unitsPerTransaction?: number }): Promise<OperationRecord>;
  /** Operations that a crash left rolling. */
  unfinished(limit: number): Promise<{ groupId: string; operationId: string }[]>;
}

/**
 * One holder per group across all job kinds. The token grows with each new holder; every write of a run checks inside
 * its transaction that the token is the group's and that the lease has not run out (by the caller's time and the
 * store's own), else `LEASE_LOST` and nothing is written.
 */
export interface Leases {
  /** null when another holder's lease has not run out. */
  acquireLease(groupId: string, holder: string, ttlMs: number, now: number): Promise<Fence | null>;
  /** @throws GraphkeeperError `LEASE_LOST` */
  renewLease(fence: Fence, ttlMs: number, now: number): Promise<void>;
  /** Does nothing when the lease is not held any more. */
  releaseLease(fence: Fence): Promise<void>;
}

export interface CollectOptions {
  cursor: string | null;
  limit: number;
  policy: Policy;
  now: number;
  dryRun: boolean;
}

export interface Collection {
  /**
   * One bounded batch of one kind: ids are collected first, each is judged again by the law inside the transaction, and
   * set to what the law says, in either direction. At most `limit` candidates; tens for hubs.
   *
   * - `orphan_entities`: entities. `deleted` = parked; `purged` = parked longer than the restore window with no mention
   *   left, and entities purged with documents whose window has run out (these documents are purged here, first).
   * - `stale_edges`: relationships, and published similarity edges that touch a parked entity (`deleted` counts both).
   * - `deprecated_vectors`: vectors of parked entities are moved out of the index (`deleted`), and back for live ones.
   */
  collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch>;
  /**
   * One step of the full scan behind the candidates: re-judges entities and relationships in id order and records what
   * lags behind as candidates. Also finds entities that nothing ever mentioned and that are older than the grace age.
   */
  sweep(
    fence: Fence,
    options: { cursor: string | null; limit: number; policy: Policy; now: number },
  ): Promise<{ examined: number; found: number; cursor: string | null }>;
  /** A query of its own, not the batch's bookkeeping: candidates that the law would still change. */
  remaining(groupId: string, kind: CollectionKind, policy: Policy, now: number): Promise<number>;
  /**
   * Compare-and-set: collection followed up to `readGeneration` plus the run's own `ownChanges` (each effective batch
   * raised the generation by one); a change of somebody else in between keeps the group stale.
   */
  finishCollection(
    fence: Fence,
    done: { readGeneration: number; ownChanges: number; sweptAt: number | null; now: number },
  ): Promise<GroupState>;
}

/** The live graph in columns; entity `i` is `ids[i]`. */
export interface LiveGraph {
  groupId: string;
  /** Read in the same snapshot as the rest. */
  generation: number;
  /** Live entities, sorted. */
  ids: string[];
  /** First 8 bytes of the SHA-256 of each entity's name, type and description. */
  entityHashes: BigUint64Array;
  /** 0 when no live entity has a vector. */
  dimension: number;
  /** ids.length × dimension, row-major; zero rows for entities without a vector. */
  vectors: Float32Array;
  /** 1 where the entity has a vector. */
  hasVector: Uint8Array;
  /** Live relationships between live entities: index of source and target, weight, hash of type and description. */
  sources: Uint32Array;
  targets: Uint32Array;
  weights: Float64Array;
  relationshipHashes: BigUint64Array;
}

export interface CommunityRecord {
  /** Stable: survives recomputes while most members stay. */
  id: string;
  /** 0 = finest. */
  level: number;
  parent: string | null;
  size: number;
  memberHash: string;
  edgeHash: string;
  textHash: string;
  /** Generation of the publication in which any of the hashes changed last. */
  changedGeneration: number;
  /** Combined hash that `acknowledgeCommunities` stored; null = never summarised. */
  acknowledgedHash: string | null;
}

/** A community as it is listed to those who write summaries. */
export interface ListedCommunity extends CommunityRecord {
  /**
   * What it consists of now was acknowledged before, perhaps under another id: a summary of it exists. An acknowledgement
   * belongs to this content (`communityHash`); ids come and go with recomputes.
   */
  contentAcknowledged: boolean;
  /** Its parent has no other child: both have the same content, and one summary serves both. */
  sameAsParent: boolean;
}

/** Most hashes of a group that are kept of contents which were acknowledged and which no id stands for any more. */
export const MAX_ACKNOWLEDGED_CONTENTS = 20_000;

/** Hash to acknowledge: of members, edges and texts together. */
export function communityHash(community: Pick<CommunityRecord, "memberHash" | "edgeHash" | "textHash">): string {
  return `${community.memberHash}.${community.edgeHash}.${community.textHash}`;
}

export interface SimilarityRow {
  /** compareIds(a, b) < 0 */
  a: string;
  b: string;
  /** Cosine. */
  score: number;
}
export interface MembershipRow {
  level: number;
  entity: string;
  community: string;
}
export interface RankRow {
  entity: string;
  score: number;
  /** Name of the weakly connected component: the same for all of it, and the same again while its smallest entity stays. */
  component: string;
}
/** An acknowledged community that is published no longer. */
export interface VanishedCommunity {
  id: string;
  /** With which it was acknowledged. */
  hash: string;
  /** The published community that has its content now, the first by id; null when none has. */
  publishedAs: string | null;
}
export type CommunityRow = Omit<CommunityRecord, "acknowledgedHash">;

/** Analytics as published, all of it. */
export interface PublishedAnalytics {
  epoch: number;
  similarity: SimilarityRow[];
  communities: CommunityRecord[];
  memberships: MembershipRow[];
  ranks: RankRow[];
}

/** A bounded part of the difference between what is published and what is to be. Upserts go by key. */
export interface AnalyticsPart {
  upsert: {
    similarity?: SimilarityRow[];
    communities?: CommunityRow[];
    memberships?: MembershipRow[];
    ranks?: RankRow[];
  };
  remove: {
    similarity?: { a: string; b: string }[];
    communities?: string[];
    memberships?: { level: number; entity: string }[];
    ranks?: string[];
  };
}

export interface Analytics {
  /** One consistent snapshot of the live graph. */
  readGraph(groupId: string): Promise<LiveGraph>;
  /** What is published, in parts of bounded size, in any order of the parts; each of a part's lists may be empty. */
  publishedParts(groupId: string): AsyncIterable<PublishedAnalytics>;
  /** State of the incremental algorithms, as it was given to `publishAnalytics`; null when there is none. */
  analyticsState(groupId: string): Promise<Uint8Array | null>;
  /** Takes back whatever an unpublished run staged, at most `limit` rows; 0 when nothing is left to take back. */
  discardStaged(fence: Fence, limit: number, now: number): Promise<number>;
  /** Prepares a part of the next publication; readers see nothing of it until `publishAnalytics`. */
  stageAnalytics(fence: Fence, part: AnalyticsPart, now: number): Promise<void>;
  /**
   * One atomic switch to what was staged, stamped with the generation at which the graph was read. Analytics are fresh
   * if that is still the group's generation. Does not raise the generation.
   */
  publishAnalytics(
    fence: Fence,
    publication: { generation: number; state: Uint8Array | null; detail: JsonObject; now: number },
  ): Promise<GroupState>;
  /** Removes rows that the last publication replaced, at most `limit`; 0 when nothing is left. */
  pruneAnalytics(fence: Fence, limit: number, now: number): Promise<number>;
  /**
   * By level, then id. `unacknowledged`: only those whose hash is not the one that their id was acknowledged with.
   * `since`: changedGeneration > since.
   */
  communities(
    groupId: string,
    query: { level?: number; unacknowledged?: boolean; since?: number; cursor?: string; limit: number },
  ): Promise<Page<ListedCommunity>>;
  /**
   * Names of live members of each of these communities, highest rank first, ties by id, at most `limit` each. In the order of
   * the ids; of a community with more than 10,000 members not all may be looked at.
   */
  memberNames(groupId: string, communityIds: string[], limit: number): Promise<{ id: string; names: string[] }[]>;
  /** Members of one community, sorted, at most `limit` after `cursor`. */
  members(groupId: string, communityId: string, query: { cursor?: string; limit: number }): Promise<Page<string>>;
  /**
   * Stores what was summarised, the hash and the published members; a hash that is not the current one is not stored.
   * The hash is remembered also when its id is acknowledged with another one or vanishes (`contentAcknowledged`); the newest
   * `MAX_ACKNOWLEDGED_CONTENTS` of these are kept, as hashes alone. A vanished community is acknowledged with the hash that
   * `vanishedCommunities` gives, which says that its summary was thrown away: id and content are forgotten. One whose content
   * another community has is forgotten when that one is acknowledged. Returns the number of items stored or forgotten.
   */
  acknowledgeCommunities(groupId: string, items: { id: string; hash: string }[], now: number): Promise<number>;
  /**
   * Members of a published community as of its acknowledgement, sorted; null when it was never summarised, or is not
   * published. Without entities that were purged since: nothing of these stays.
   */
  acknowledgedMembers(groupId: string, communityId: string): Promise<string[] | null>;
  /** Communities that were acknowledged and are published no longer, by id. */
  vanishedCommunities(groupId: string): Promise<VanishedCommunity[]>;
}

/** What an engine outside of this process computed of a live graph; columns over the entities of that graph. */
export interface EngineAnalytics {
  /** Cosines of pairs, each pair once. */
  similarity: { sources: Uint32Array; targets: Uint32Array; scores: Float64Array };
  /** Communities of each entity, finest level first, numbered from 0 up in any order; need not be nested. */
  partitions: Int32Array[];
  /** PageRank, summing to 1. */
  scores: Float64Array;
  /** A number of the weakly connected component, which is the smallest index of its entities. */
  components: Int32Array;
}

/** A store's database that can compute analytics itself; a role of the few stores that have one. */
export interface AnalyticsEngine {
  readonly name: string;
  /** null when it is not installed. */
  version(): Promise<string | null>;
  /**
   * Frees what runs that are over left behind in the engine's memory: of the group, whose only run the caller is, or of all
   * groups whose lease has run out. Returns how much that was.
   */
  dropLeftOvers(groupId: string | null): Promise<number>;
  /**
   * Reads the live graph (without vectors: `dimension` 0) and computes its analytics, both of one generation. Nothing stays
   * behind in the engine, however it ends. Rejects within 2 s of the abort. `check` sees the graph before anything is computed
   * and may refuse it by throwing.
   *
   * @throws GraphkeeperError `CANCELLED`, `OUT_OF_BUDGET` with the estimate before anything is loaded, `RUN_FAILED`
   */
  analyse(
    fence: Fence,
    options: { k: number; cutoff: number; resolution: number; seed: number },
    control: {
      signal?: AbortSignal;
      onPhase?: (phase: string, done: number, total: number) => void;
      check?: (graph: LiveGraph) => void;
    },
  ): Promise<{ graph: LiveGraph; computed: EngineAnalytics }>;
}

export interface GraphStore extends GroupReader, DocumentLifecycle, Leases, Collection, Analytics {
  readonly engine?: AnalyticsEngine;
  /** Appends to the group's audit chain what is not part of another write: a run that ended, an acknowledgement. */
  recordAudit(groupId: string, entry: AuditDraft): Promise<AuditEntry>;
  /** The clock of the database's server, epoch ms; absent where that is this machine's. */
  time?(): Promise<number>;
  /**
   * Takes what was deleted out of the store's own files, such as its log; false when a reader is still in the way. Absent
   * where the database keeps its log itself.
   */
  eraseTraces?(): Promise<boolean>;
  /** @throws GraphkeeperError `STORE_UNAVAILABLE`; with `writes_fail_since` when it answers and takes no writes */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** API keys: the secret itself is never stored. */
export interface StoredKey {
  id: string;
  /** SHA-256 of the secret, hex. */
  secretHash: string;
  role: "reader" | "operator" | "editor" | "eraser" | "admin";
  /** Group ids, prefixes that end in `*`, or `*` alone. */
  groups: string[];
  name: string;
  createdAt: number;
  revokedAt: number | null;
}
export interface KeyStore {
  /** @param actor who makes it; the installation's chain says so in the same transaction */
  addKey(key: StoredKey, actor?: string): Promise<void>;
  findKey(id: string): Promise<StoredKey | null>;
  listKeys(): Promise<StoredKey[]>;
  revokeKey(id: string, at: number, actor?: string): Promise<boolean>;
  /** Appends to the installation's own chain: what concerns all groups, or work instead of data. */
  recordInstallation(draft: AuditDraft): Promise<AuditEntry>;
  /** As `audit` of a group; every entry has generation 0. */
  installationAudit(query: { afterSeq: number; limit: number }): Promise<AuditEntry[]>;
  installationHead(): Promise<AuditHead>;
}
