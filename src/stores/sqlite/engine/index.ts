import { existsSync, statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Keyring } from "../../../core/keyring.ts";
import type { Neighbourhood, NeighbourhoodQuery } from "../../../core/neighbourhood.ts";
import type {
  AnalyticsPart,
  ApplyOptions,
  CollectOptions,
  Hit,
  ListedCommunity,
  LiveGraph,
  Page,
  PublishedAnalytics,
  StoredKey,
  StoredRecord,
  VanishedCommunity,
} from "../../../core/ports.ts";
import type { TraceContext } from "../../../core/trace.ts";
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
  JsonObject,
  Operation,
  OperationRecord,
  Policy,
} from "../../../core/words.ts";
import { advance, apply } from "./apply.ts";
import * as chain from "./audit.ts";
import { collect } from "./collect.ts";
import {
  acknowledgeCommunities,
  acknowledgedMembers,
  communities,
  memberNames,
  members,
  vanishedCommunities,
} from "./communities.ts";
import { emptyLog } from "./empty-log.ts";
import { finishCollection } from "./finish.ts";
import { impact } from "./impact.ts";
import * as keys from "./keys.ts";
import { acquireLease, releaseLease, renewLease } from "./leases.ts";
import { neighbourhood } from "./neighbourhood.ts";
import { discardStaged, pruneAnalytics, publishAnalytics } from "./publication.ts";
import { purgedBefore } from "./purged.ts";
import { readGraph } from "./read-graph.ts";
import { analyticsState, publishedParts } from "./read-published.ts";
import * as reader from "./reader.ts";
import { records } from "./records.ts";
import { remaining } from "./remaining.ts";
import { MIGRATIONS, migrate } from "./schema.ts";
import { search } from "./search.ts";
import { type Gate, Session } from "./session.ts";
import { stageAnalytics } from "./staging.ts";
import { sweep } from "./sweep.ts";
import { beingMade, checkVersion } from "./version.ts";

export interface EngineOptions {
  readOnly: boolean;
  /** FULL: a commit is on the disk when it returns. NORMAL: after a power cut the last commits may be missing, never half of one. */
  synchronous: "FULL" | "NORMAL";
  /** How long a write waits for another process's. */
  busyTimeoutMs?: number;
  cacheKiB?: number;
  keyring?: Keyring | null;
  /** Where a write waits for its turn among the threads of this process. */
  gate?: Gate;
  /** Called at named places of transactions; for tests that stop there. */
  failpoint?: (name: string) => void;
  /** Called inside the transaction of each effective lifecycle operation. */
  onEvent?: (db: DatabaseSync, event: { groupId: string; at: number; trace?: TraceContext }) => void;
}

const ROOM_BYTES = 262_144;
const NO_GATE: Gate = { enter() {}, leave() {} };

/**
 * Opens a data file on this thread; a writer creates it and brings it to the newest version.
 *
 * @throws GraphkeeperError `DATA_FROM_NEWER_VERSION`, `INVALID_VALUE` when the file belongs to another program,
 *   `STORE_UNAVAILABLE` to a reader that comes before the writer has made the tables
 */
export function openEngine(path: string, options: EngineOptions): Engine {
  const isThere = existsSync(path) && statSync(path).size > 0;
  const version = isThere ? checkVersion(path, MIGRATIONS.length).version : 0;
  if (options.readOnly && version < MIGRATIONS.length) throw beingMade(path);
  const { readOnly, synchronous, busyTimeoutMs = 5_000, cacheKiB = 65_536, keyring = null } = options;
  const failpoint = options.failpoint ?? (() => {});
  const session = new Session(
    { path, readOnly, synchronous, busyTimeoutMs, cacheKiB, keyring },
    options.gate ?? NO_GATE,
    failpoint,
  );
  try {
    if (!readOnly) {
      session.db.exec("PRAGMA journal_mode = WAL");
      migrate(session.db, failpoint);
    }
    session.onEvent = options.onEvent ?? null;
    return new Engine(session);
  } catch (error) {
    session.close();
    throw error;
  }
}

/**
 * The graph store on one connection: the methods of `GraphStore` and `KeyStore`, by the same names and with the same
 * arguments, synchronous. `records` keeps a read transaction open until it is done or returned, so that it needs an engine of
 * its own; everything else may follow one upon the other on one engine.
 */
export class Engine {
  readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  groups(query: { stale?: boolean; cursor?: string; limit: number }): Page<GroupState> {
    return reader.groups(this.session, query);
  }

  group(groupId: string): GroupState | null {
    return reader.group(this.session, groupId);
  }

  counts(groupId: string): GroupCounts {
    return reader.counts(this.session, groupId);
  }

  document(groupId: string, documentId: string): DocumentRecord | null {
    return reader.document(this.session, groupId, documentId);
  }

  documents(
    groupId: string,
    query: { status?: Exclude<DocumentStatus, "purged">; cursor?: string; limit: number },
  ): Page<DocumentRecord> {
    return reader.documents(this.session, groupId, query);
  }

  purgedBefore(groupId: string, documentIds: string[]): string[] {
    return purgedBefore(this.session, groupId, documentIds);
  }

  search(groupId: string, query: { of: "text_unit" | "entity"; vector: Float32Array; k: number }): Hit[] {
    return search(this.session, groupId, query);
  }

  records(groupId: string, options: { facts?: boolean } = {}): Generator<StoredRecord[]> {
    return records(this.session, groupId, options);
  }

  operation(groupId: string, operationId: string): OperationRecord | null {
    return reader.operation(this.session, groupId, operationId);
  }

  impact(groupId: string, verb: Impact["verb"], documentIds: string[]): Impact {
    return impact(this.session, groupId, verb, documentIds);
  }

  audit(groupId: string, query: { afterSeq: number; limit: number }): AuditEntry[] {
    return chain.audit(this.session, groupId, query);
  }

  neighbourhood(groupId: string, query: NeighbourhoodQuery): Neighbourhood {
    return neighbourhood(this.session, groupId, query);
  }

  apply(operation: Operation, options: ApplyOptions = {}): OperationRecord {
    return apply(this.session, operation, options);
  }

  advance(groupId: string, operationId: string, options: { unitsPerTransaction?: number } = {}): OperationRecord {
    return advance(this.session, groupId, operationId, options);
  }

  unfinished(limit: number): { groupId: string; operationId: string }[] {
    return reader.unfinished(this.session, limit);
  }

  acquireLease(groupId: string, holder: string, ttlMs: number, now: number): Fence | null {
    return acquireLease(this.session, groupId, holder, ttlMs, now);
  }

  renewLease(fence: Fence, ttlMs: number, now: number): void {
    renewLease(this.session, fence, ttlMs, now);
  }

  releaseLease(fence: Fence): void {
    releaseLease(this.session, fence);
  }

  collect(fence: Fence, kind: CollectionKind, options: CollectOptions): CollectionBatch {
    return collect(this.session, fence, kind, options);
  }

  sweep(
    fence: Fence,
    options: { cursor: string | null; limit: number; policy: Policy; now: number },
  ): { examined: number; found: number; cursor: string | null } {
    return sweep(this.session, fence, options);
  }

  remaining(groupId: string, kind: CollectionKind, policy: Policy, now: number): number {
    return remaining(this.session, groupId, kind, policy, now);
  }

  finishCollection(
    fence: Fence,
    done: { readGeneration: number; ownChanges: number; sweptAt: number | null; now: number },
  ): GroupState {
    return finishCollection(this.session, fence, done);
  }

  readGraph(groupId: string): LiveGraph {
    return readGraph(this.session, groupId);
  }

  publishedParts(groupId: string): Generator<PublishedAnalytics> {
    return publishedParts(this.session, groupId);
  }

  analyticsState(groupId: string): Uint8Array | null {
    return analyticsState(this.session, groupId);
  }

  discardStaged(fence: Fence, limit: number, now: number): number {
    return discardStaged(this.session, fence, limit, now);
  }

  stageAnalytics(fence: Fence, part: AnalyticsPart, now: number): void {
    stageAnalytics(this.session, fence, part, now);
  }

  publishAnalytics(
    fence: Fence,
    publication: { generation: number; state: Uint8Array | null; detail: JsonObject; now: number },
  ): GroupState {
    return publishAnalytics(this.session, fence, publication);
  }

  pruneAnalytics(fence: Fence, limit: number, now: number): number {
    return pruneAnalytics(this.session, fence, limit, now);
  }

  communities(
    groupId: string,
    query: { level?: number; unacknowledged?: boolean; since?: number; cursor?: string; limit: number },
  ): Page<ListedCommunity> {
    return communities(this.session, groupId, query);
  }

  memberNames(groupId: string, communityIds: string[], limit: number): { id: string; names: string[] }[] {
    return memberNames(this.session, groupId, communityIds, limit);
  }

  members(groupId: string, communityId: string, query: { cursor?: string; limit: number }): Page<string> {
    return members(this.session, groupId, communityId, query);
  }

  acknowledgeCommunities(groupId: string, items: { id: string; hash: string }[], _now: number): number {
    return acknowledgeCommunities(this.session, groupId, items);
  }

  acknowledgedMembers(groupId: string, communityId: string): string[] | null {
    return acknowledgedMembers(this.session, groupId, communityId);
  }

  vanishedCommunities(groupId: string): VanishedCommunity[] {
    return vanishedCommunities(this.session, groupId);
  }

  recordAudit(groupId: string, draft: AuditDraft): AuditEntry {
    return chain.recordAudit(this.session, groupId, draft);
  }

  recordInstallation(draft: AuditDraft): AuditEntry {
    return chain.recordInstallation(this.session, draft);
  }

  installationAudit(query: { afterSeq: number; limit: number }): AuditEntry[] {
    return chain.installationAudit(this.session, query);
  }

  installationHead(): AuditHead {
    return chain.installationHead(this.session);
  }

  addKey(key: StoredKey, actor?: string): void {
    keys.addKey(this.session, key, actor);
  }

  findKey(id: string): StoredKey | null {
    return keys.findKey(this.session, id);
  }

  listKeys(): StoredKey[] {
    return keys.listKeys(this.session);
  }

  revokeKey(id: string, at: number, actor?: string): boolean {
    return keys.revokeKey(this.session, id, at, actor);
  }

  ping(): void {
    this.session.get("SELECT 1");
  }

  /**
   * Writes something and takes it back: whether the disk takes it is what somebody wants to know. A single page would often
   * find room in the log where nothing else does. What is deleted is overwritten, so that it all goes to the disk.
   */
  touch(): void {
    this.session.write(() => {
      this.session.run("INSERT INTO texts (key, g, text) VALUES (-1, -1, zeroblob(?))", ROOM_BYTES);
      this.session.run("DELETE FROM texts WHERE key = -1");
    });
  }

  /** @returns whether the write-ahead log is empty now */
  checkpoint(): boolean {
    return emptyLog(this.session);
  }

  close(): void {
    this.session.close();
  }
}
