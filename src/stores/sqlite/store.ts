import { closeSync, existsSync, openSync } from "node:fs";
import { GraphkeeperError } from "../../core/errors.ts";
import type { Keyring } from "../../core/keyring.ts";
import type { Neighbourhood, NeighbourhoodQuery } from "../../core/neighbourhood.ts";
import type {
  AnalyticsPart,
  ApplyOptions,
  CollectOptions,
  GraphStore,
  Hit,
  KeyStore,
  ListedCommunity,
  LiveGraph,
  Page,
  PublishedAnalytics,
  StoredKey,
  StoredRecord,
  VanishedCommunity,
} from "../../core/ports.ts";
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
} from "../../core/words.ts";
import { WriteHealth } from "../sql-jobs/write-health.ts";
import type { AfterEvents } from "./events.ts";
import { gateMemory, type Turnstile, turnstileOf } from "./gate.ts";
import { type Cargo, Lane } from "./lane.ts";
import { type DataLock, realDataPath, takeLock } from "./lock.ts";
import type { Method, ThreadData } from "./messages.ts";
import { writeFailure } from "./write-failure.ts";

export interface SqliteStoreOptions {
  /** Path of the data file; created when missing, readable by its owner only. */
  path: string;
  /** Reads beside whoever writes; takes no lock, creates nothing. */
  readOnly?: boolean;
  /** Says in the lock file where this process answers. */
  serve?: { address?: string };
  /**
   * `full` (default): an acknowledged change survives a power cut. `normal`: it survives the end of the process; after a power
   * cut the last ones may be missing, never half of one.
   */
  synchronous?: "full" | "normal";
  /** A run of the jobs in the same file that each effective lifecycle operation asks for, in its own transaction. */
  afterEvents?: AfterEvents;
  /**
   * The installation's key, with which audits are chained. Without one anybody can make the chain again; a chain that has
   * keyed entries must be opened with a key, else `verify` finds what was appended.
   */
  keyring?: Keyring | null;
}

/** A checkpoint of the write-ahead log is asked for at most this often, while there are writes. */
const CHECKPOINT_MS = 1_000;

/**
 * Opens the embedded store: one SQLite file in WAL mode, worked on by threads of its own.
 *
 * @throws GraphkeeperError `STORE_LOCKED` with `pid` and `address` of the process that holds the file,
 *   `DATA_FROM_NEWER_VERSION` (the file is left as it is), `INVALID_VALUE` when it is not a data file, `NOT_FOUND` when
 *   `readOnly` and there is none, `STORE_UNAVAILABLE`
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { readOnly = false, synchronous = "full", afterEvents, keyring } = options;
  const path = realDataPath(options.path);
  if (readOnly && !existsSync(path)) {
    throw new GraphkeeperError("NOT_FOUND", `There is no data file ${options.path}.`, { path: options.path });
  }
  let lock: DataLock | null = null;
  try {
    if (!readOnly) lock = takeLock(path, options.serve?.address ?? null);
    // Before SQLite does it: its log and index files take over the mode.
    if (!readOnly && !existsSync(path)) closeSync(openSync(path, "a", 0o600));
    const store = new SqliteStore(path, { readOnly, synchronous, afterEvents, secrets: keyring?.secrets }, lock);
    await store.begin();
    return store;
  } catch (error) {
    lock?.release();
    if (GraphkeeperError.is(error)) throw error;
    const { message } = error as Error;
    throw new GraphkeeperError("STORE_UNAVAILABLE", `The data file cannot be opened: ${message}`, { path }, error);
  }
}

/**
 * The embedded store as the main thread sees it. Four threads, each started when first needed and with a connection of its
 * own: the writer carries out lifecycle calls; the reader answers short questions, beside whatever is written; the scanner
 * those that go through much (search, impact, streams of records), so that the short ones need not wait for them; the keeper
 * does collection and analytics, and gives way to the writer between two batches.
 */
export class SqliteStore implements GraphStore, KeyStore {
  readonly storesStatedMentions = true;
  readonly path: string;
  /** For whoever else in this process writes to the file. */
  readonly turnstile: Turnstile;
  /** Shared with them, since a full disk is the same for all. */
  readonly writes = new WriteHealth();
  readonly #lock: DataLock | null;
  readonly #writer: Lane;
  readonly #reader: Lane;
  readonly #scanner: Lane;
  readonly #keeper: Lane;
  readonly #readOnly: boolean;
  #checkpoint: NodeJS.Timeout | null = null;
  #closing: Promise<void> | null = null;

  constructor(
    path: string,
    options: Pick<ThreadData, "readOnly" | "synchronous" | "afterEvents" | "secrets">,
    lock: DataLock | null,
  ) {
    this.path = path;
    this.#lock = lock;
    this.#readOnly = options.readOnly;
    const gate = gateMemory();
    const shared = { path, ...options, gate };
    this.turnstile = turnstileOf(gate, 5);
    this.#writer = new Lane("writer", { ...shared, thread: 1, urgent: true });
    this.#reader = new Lane("reader", { ...shared, thread: 2, urgent: true, readOnly: true });
    this.#scanner = new Lane("scanner", { ...shared, thread: 3, urgent: true, readOnly: true });
    this.#keeper = new Lane("keeper", { ...shared, thread: 4, urgent: false });
  }

  /** Opens the file on a first thread, so that what is wrong with it shows now. */
  async begin(): Promise<void> {
    try {
      await (this.#readOnly ? this.#reader : this.#writer).call("ping", []);
    } catch (error) {
      await this.#closeLanes();
      throw error;
    }
  }

  /** Where this process answers, for those whom the lock refuses. */
  setAddress(address: string | null): void {
    this.#lock?.setAddress(address);
  }

  groups(query: { stale?: boolean; cursor?: string; limit: number }): Promise<Page<GroupState>> {
    return this.#reader.call("groups", [query]);
  }

  group(groupId: string): Promise<GroupState | null> {
    return this.#reader.call("group", [groupId]);
  }

  counts(groupId: string): Promise<GroupCounts> {
    return this.#reader.call("counts", [groupId]);
  }

  document(groupId: string, documentId: string): Promise<DocumentRecord | null> {
    return this.#reader.call("document", [groupId, documentId]);
  }

  documents(
    groupId: string,
    query: { status?: Exclude<DocumentStatus, "purged">; cursor?: string; limit: number },
  ): Promise<Page<DocumentRecord>> {
    return this.#reader.call("documents", [groupId, query]);
  }

  purgedBefore(groupId: string, documentIds: string[]): Promise<string[]> {
    return this.#reader.call("purgedBefore", [groupId, documentIds]);
  }

  search(groupId: string, query: { of: "text_unit" | "entity"; vector: Float32Array; k: number }): Promise<Hit[]> {
    return this.#scanner.call("search", [groupId, { ...query, vector: query.vector.slice() }]);
  }

  records(groupId: string, options?: { facts?: boolean }): AsyncIterable<StoredRecord[]> {
    return this.#scanner.stream<StoredRecord[]>("records", [groupId, options]);
  }

  operation(groupId: string, operationId: string): Promise<OperationRecord | null> {
    return this.#reader.call("operation", [groupId, operationId]);
  }

  impact(groupId: string, verb: Impact["verb"], documentIds: string[]): Promise<Impact> {
    return this.#scanner.call("impact", [groupId, verb, documentIds]);
  }

  audit(groupId: string, query: { afterSeq: number; limit: number }): Promise<AuditEntry[]> {
    return this.#reader.call("audit", [groupId, query]);
  }

  neighbourhood(groupId: string, query: NeighbourhoodQuery): Promise<Neighbourhood> {
    return this.#scanner.call("neighbourhood", [groupId, query]);
  }

  apply(operation: Operation, options: ApplyOptions = {}): Promise<OperationRecord> {
    const { block, ...others } = options;
    return this.#write(this.#writer, "apply", [operation, others], { block });
  }

  advance(groupId: string, operationId: string, options?: { unitsPerTransaction?: number }): Promise<OperationRecord> {
    return this.#write(this.#writer, "advance", [groupId, operationId, options]);
  }

  unfinished(limit: number): Promise<{ groupId: string; operationId: string }[]> {
    return this.#reader.call("unfinished", [limit]);
  }

  acquireLease(groupId: string, holder: string, ttlMs: number, now: number): Promise<Fence | null> {
    return this.#write(this.#writer, "acquireLease", [groupId, holder, ttlMs, now]);
  }

  renewLease(fence: Fence, ttlMs: number, now: number): Promise<void> {
    return this.#write(this.#writer, "renewLease", [fence, ttlMs, now]);
  }

  releaseLease(fence: Fence): Promise<void> {
    return this.#write(this.#writer, "releaseLease", [fence]);
  }

  collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    return this.#write(this.#keeper, "collect", [fence, kind, options]);
  }

  sweep(
    fence: Fence,
    options: { cursor: string | null; limit: number; policy: Policy; now: number },
  ): Promise<{ examined: number; found: number; cursor: string | null }> {
    return this.#write(this.#keeper, "sweep", [fence, options]);
  }

  remaining(groupId: string, kind: CollectionKind, policy: Policy, now: number): Promise<number> {
    return this.#keeper.call("remaining", [groupId, kind, policy, now]);
  }

  finishCollection(
    fence: Fence,
    done: { readGeneration: number; ownChanges: number; sweptAt: number | null; now: number },
  ): Promise<GroupState> {
    return this.#write(this.#keeper, "finishCollection", [fence, done]);
  }

  readGraph(groupId: string): Promise<LiveGraph> {
    return this.#keeper.gather("readGraph", [groupId]);
  }

  publishedParts(groupId: string): AsyncIterable<PublishedAnalytics> {
    return this.#keeper.stream<PublishedAnalytics>("publishedParts", [groupId]);
  }

  analyticsState(groupId: string): Promise<Uint8Array | null> {
    return this.#keeper.call("analyticsState", [groupId]);
  }

  discardStaged(fence: Fence, limit: number, now: number): Promise<number> {
    return this.#write(this.#keeper, "discardStaged", [fence, limit, now]);
  }

  stageAnalytics(fence: Fence, part: AnalyticsPart, now: number): Promise<void> {
    return this.#write(this.#keeper, "stageAnalytics", [fence, part, now]);
  }

  publishAnalytics(
    fence: Fence,
    publication: { generation: number; state: Uint8Array | null; detail: JsonObject; now: number },
  ): Promise<GroupState> {
    const state = publication.state?.slice() ?? null;
    return this.#write(this.#keeper, "publishAnalytics", [fence, { ...publication, state }], {
      transfer: state && state.byteLength > 0 ? [state.buffer] : [],
    });
  }

  pruneAnalytics(fence: Fence, limit: number, now: number): Promise<number> {
    return this.#write(this.#keeper, "pruneAnalytics", [fence, limit, now]);
  }

  communities(
    groupId: string,
    query: { level?: number; unacknowledged?: boolean; since?: number; cursor?: string; limit: number },
  ): Promise<Page<ListedCommunity>> {
    return this.#reader.call("communities", [groupId, query]);
  }

  memberNames(groupId: string, communityIds: string[], limit: number): Promise<{ id: string; names: string[] }[]> {
    return this.#reader.call("memberNames", [groupId, communityIds, limit]);
  }

  members(groupId: string, communityId: string, query: { cursor?: string; limit: number }): Promise<Page<string>> {
    return this.#reader.call("members", [groupId, communityId, query]);
  }

  acknowledgeCommunities(groupId: string, items: { id: string; hash: string }[], now: number): Promise<number> {
    return this.#write(this.#writer, "acknowledgeCommunities", [groupId, items, now]);
  }

  acknowledgedMembers(groupId: string, communityId: string): Promise<string[] | null> {
    return this.#reader.call("acknowledgedMembers", [groupId, communityId]);
  }

  vanishedCommunities(groupId: string): Promise<VanishedCommunity[]> {
    return this.#reader.call("vanishedCommunities", [groupId]);
  }

  recordAudit(groupId: string, draft: AuditDraft): Promise<AuditEntry> {
    return this.#write(this.#writer, "recordAudit", [groupId, draft]);
  }

  addKey(key: StoredKey, actor?: string): Promise<void> {
    return this.#write(this.#writer, "addKey", [key, actor]);
  }

  findKey(id: string): Promise<StoredKey | null> {
    return this.#reader.call("findKey", [id]);
  }

  listKeys(): Promise<StoredKey[]> {
    return this.#reader.call("listKeys", []);
  }

  revokeKey(id: string, at: number, actor?: string): Promise<boolean> {
    return this.#write(this.#writer, "revokeKey", [id, at, actor]);
  }

  recordInstallation(draft: AuditDraft): Promise<AuditEntry> {
    return this.#write(this.#writer, "recordInstallation", [draft]);
  }

  installationAudit(query: { afterSeq: number; limit: number }): Promise<AuditEntry[]> {
    return this.#reader.call("installationAudit", [query]);
  }

  installationHead(): Promise<AuditHead> {
    return this.#reader.call("installationHead", []);
  }

  eraseTraces(): Promise<boolean> {
    return this.#keeper.call("checkpoint", []);
  }

  async ping(): Promise<void> {
    await this.#reader.call("ping", []);
    if (!this.#readOnly) await this.writes.check(() => this.#write(this.#writer, "touch", []));
  }

  /** Waits for what is under way; calls made afterwards are refused with `STORE_UNAVAILABLE`. */
  close(): Promise<void> {
    this.#closing ??= this.#closeLanes().finally(() => this.#lock?.release());
    return this.#closing;
  }

  async #closeLanes(): Promise<void> {
    if (this.#checkpoint) clearTimeout(this.#checkpoint);
    // The writer goes last: the last connection that may write empties the log into the file and removes it.
    const lanes = [this.#scanner, this.#reader, this.#keeper, this.#writer];
    for (const lane of lanes) lane.refuse();
    for (const lane of lanes) await lane.close();
  }

  async #write<T>(lane: Lane, method: Method, args: unknown[], cargo?: Cargo): Promise<T> {
    if (this.#readOnly) {
      throw new GraphkeeperError("FORBIDDEN", `The data file ${this.path} is open for reading only.`, {
        path: this.path,
      });
    }
    try {
      return await lane.call<T>(method, args, cargo);
    } catch (error) {
      this.#noteFailure(error);
      throw error;
    } finally {
      this.#checkpointSoon();
    }
  }

  #noteFailure(error: unknown): void {
    const reason = writeFailure(error);
    if (reason !== null) this.writes.failed(reason);
  }

  /**
   * Emptying the log takes many writes to the disk: on the keeper's thread nobody waits for them. As long as a reader is in
   * the way it is tried again, because what was purged can be read in the log until then.
   */
  #checkpointSoon(): void {
    if (this.#checkpoint || this.#closing) return;
    const checkpoint = async () => {
      this.#checkpoint = null;
      const empty = await this.#keeper.call<boolean>("checkpoint", []).catch((error) => this.#noteFailure(error));
      if (empty === false) this.#checkpointSoon();
    };
    this.#checkpoint = setTimeout(checkpoint, CHECKPOINT_MS).unref();
  }
}
