/**
 * The words of the product, defined once and used alike in code, API, documentation and page.
 *
 * - **group**: a tenant. Every statement, key, lock, cursor and metric is scoped by its id.
 * - **document**: what a user ingested. Its status is the only fact of the lifecycle; everything else is derived from it.
 * - **text unit**: a piece of documents' text, owned by one or many documents; may carry a vector.
 * - **entity**: mentioned by text units. **relationship**: a fact between two entities, with supporting text units or with
 *   support unknown.
 * - **live / parked / purged**: visible to readers / hidden and exactly restorable / gone.
 * - **generation**: a counter of the group, raised by one in the same transaction as every effective change.
 * - **operation**: one lifecycle call; its id makes it idempotent; its record is written in the transaction of its effect.
 * - **job, run, batch**: a kind of maintenance; one execution of it for one group; one bounded transaction of that run.
 * - **candidate**: a note, written in the transaction of a change, that something may no longer be live.
 *
 * Times are epoch milliseconds inside (`At`, `Ms` at the end of the name) and ISO 8601 on the wire.
 */
import type { TraceContext } from "./trace.ts";

export type DocumentStatus = "active" | "deprecated" | "purged";
export type Presence = "live" | "parked";

/** The kinds of garbage collection, in the order in which they run. */
export const COLLECTION_KINDS = ["orphan_entities", "stale_edges", "deprecated_vectors"] as const;
export type CollectionKind = (typeof COLLECTION_KINDS)[number];
/**
 * How a document is hidden in a graph that others read: a label; also its vectors out of the index; also the labels that
 * readers query swapped for parked ones.
 */
export const PARKING_MODES = ["label", "park", "swap"] as const;
export type ParkingMode = (typeof PARKING_MODES)[number];
/** In what a community differs from what was summarised of it; `new`: nobody has summarised it. */
export const SUMMARY_GRADES = ["new", "members", "edges", "texts"] as const;
export type SummaryGrade = (typeof SUMMARY_GRADES)[number];
/** All job kinds, in the order in which they run. */
export const JOB_KINDS = [...COLLECTION_KINDS, "recompute"] as const;
export type JobKind = (typeof JOB_KINDS)[number];

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface DocumentInput {
  id: string;
  title?: string;
  /** The caller's own hash of the content; without one it is computed from the text units. */
  contentHash?: string;
  metadata?: JsonObject;
  /** Ids under which the group may know the document from before; the import goes on with the first that it knows. */
  earlierIds?: EarlierId[];
}
export interface EarlierId {
  id: string;
  /** Only if all text units of the document under that id are text units of this one. */
  sameText?: boolean;
}
export interface TextUnitInput {
  id: string;
  /** Owner documents; one or many, never none. */
  documents: string[];
  text: string;
  /** All vectors of one kind in a group have one dimension; finite, not zero. */
  embedding?: Float32Array;
}
export interface EntityInput {
  id: string;
  name: string;
  type?: string;
  description?: string;
  embedding?: Float32Array;
}
export interface MentionInput {
  textUnit: string;
  entity: string;
}
export interface RelationshipInput {
  id: string;
  source: string;
  target: string;
  type: string;
  description?: string;
  /** Positive and finite; 1 when absent. */
  weight?: number;
  /** Supporting text units; absent or empty = support unknown. */
  textUnits?: string[];
}

/** What is imported in one transaction: usually one document with all that was extracted from it. */
export interface ImportBlock {
  documents: DocumentInput[];
  textUnits: TextUnitInput[];
  entities: EntityInput[];
  mentions: MentionInput[];
  relationships: RelationshipInput[];
}

export interface DocumentRecord {
  id: string;
  title: string | null;
  contentHash: string;
  metadata: JsonObject | null;
  status: Exclude<DocumentStatus, "purged">;
  /** 1 for the first text under this id; a replace raises it. */
  version: number;
  /** The document that took this one's place, if any. */
  successor: string | null;
  legalHold: boolean;
  deprecatedAt: number | null;
  createdAt: number;
  textUnits: number;
}

export type Verb = "import" | "deprecate" | "restore" | "replace" | "purge" | "hold" | "release" | "readmit";

/** A lifecycle call as a store receives it. */
export interface Operation {
  /** Unique in the group; the same id again has no second effect. */
  id: string;
  groupId: string;
  verb: Verb;
  documentIds: string[];
  /** Fingerprint of the call; the same id with another fingerprint is refused (`OPERATION_ID_REUSED`). */
  requestHash: string;
  at: number;
  actor: string;
  reason: string | null;
  /** deprecate only: the document that takes the place of the deprecated ones. */
  successor?: string;
  /** Of the call; given to the run that follows the operation, not part of its record. */
  trace?: TraceContext;
}

/** Rows that a change touched, by kind. */
export interface Effect {
  documents: number;
  textUnits: number;
  entities: number;
  relationships: number;
  vectors: number;
}

/** What became of each document that an operation names. */
export type Outcome =
  | "imported"
  | "replaced"
  | "deprecated"
  | "restored"
  | "purged"
  | "held"
  | "released"
  | "readmitted"
  | "unchanged"
  /** import only: it is deprecated and stays so, whatever the block says of it; `restore` asks for it. */
  | "deprecated_kept"
  /** import only: it was purged and is not imported; `again` asks for it. */
  | "purged_before"
  | "not_found"
  | "on_hold";

export interface OperationRecord {
  id: string;
  groupId: string;
  verb: Verb;
  /** `rolling`: committed, but batches of its plan are still to be carried out (`advance`). */
  state: "rolling" | "done";
  at: number;
  actor: string;
  reason: string | null;
  outcomes: { id: string; outcome: Outcome }[];
  effect: Effect;
  /** Generation of the group after the (last batch of the) operation. */
  generation: number;
  /** True when this answer repeats an earlier call with the same operation id. */
  replayed: boolean;
}

export interface GroupState {
  groupId: string;
  generation: number;
  /** Generation up to which garbage collection has followed. */
  collectedGeneration: number;
  /** Generation at which the published analytics were read; null before the first recompute. */
  analyticsGeneration: number | null;
  /** Number of the published set of analytics; 0 before the first. */
  analyticsEpoch: number;
  /** Time of the first change that analytics or collection have not followed yet; null when nothing is stale. */
  staleSince: number | null;
  lastSweepAt: number | null;
  createdAt: number;
  /** Where the group's audit chain ends, as its row says. */
  audit: AuditHead;
}

export interface AuditHead {
  /** 0 before the first entry. */
  seq: number;
  hash: string;
}

export interface GroupCounts {
  documents: { active: number; deprecated: number };
  textUnits: { live: number; parked: number };
  entities: { live: number; parked: number };
  relationships: { live: number; parked: number };
  vectors: { searchable: number; parked: number };
  candidates: { orphan_entities: number; stale_edges: number; deprecated_vectors: number };
  similarityEdges: number;
  communities: number;
}

/** Proof that the holder of a group's lease still holds it; checked inside each write transaction of a run. */
export interface Fence {
  groupId: string;
  token: number;
}

export interface Policy {
  /** How long deprecated documents stay restorable, in ms; 0 = purge at the next collection; Infinity = for ever. */
  restoreWindowMs: number;
  /** What to do with entities that nothing was ever known to mention. */
  unsupported: "keep" | "collect";
  /** Age before the sweep may collect such an entity, in ms. */
  graceAgeMs: number;
}

/** One bounded batch of garbage collection, as done. */
export interface CollectionBatch {
  /** Rows looked at. */
  examined: number;
  /** Parked, or derived rows dropped: what is no longer visible to readers because of this batch. */
  deleted: number;
  /** Removed for good. */
  purged: number;
  /** Looked at and left to readers although nothing recorded is live: what is recorded is a lower bound. */
  kept: number;
  /** Whether the batch changed anything, bringing things back included, and so raised the generation. */
  changed: boolean;
  /** Where the next batch goes on; null when the kind is done. */
  cursor: string | null;
  /** The first ids that were (or would be) deleted or purged, at most the batch's limit. */
  ids: string[];
}

/** What an entry of the audit says, before it has its place in a chain. */
export interface AuditDraft {
  at: number;
  actor: string;
  action: string;
  /** Id of the operation, run, key or schedule. */
  ref: string;
  detail: JsonObject;
}

export interface AuditEntry extends AuditDraft {
  seq: number;
  generation: number;
  /** Over the previous hash and this entry's canonical JSON; see `audit.ts` for the rules. */
  hash: string;
}

/** What a preview of a destructive verb says: nothing is changed by it. */
export interface Impact {
  groupId: string;
  verb: "deprecate" | "purge" | "restore";
  documents: { id: string; outcome: Outcome }[];
  /** Ids are the first 1,000 of each kind, sorted; counts are complete. */
  textUnits: { count: number; ids: string[]; shared: number };
  entities: { count: number; ids: string[]; shared: number };
  relationships: { count: number; ids: string[] };
  /** Would lose the last text that is recorded for them, and stay: what is recorded is a lower bound. */
  kept: { entities: number; relationships: number };
  vectors: number;
  /** Communities whose members or texts change. */
  communities: string[];
  liveEntities: number;
  /** True when the blast-radius guard would refuse it. */
  exceedsGuard: boolean;
}

export interface Finding {
  code: string;
  message: string;
  count: number;
  /** At most ten ids. */
  samples: string[];
}
