import { randomUUID } from "node:crypto";
import { auditEntryOf } from "../../core/audit.ts";
import { GraphkeeperError } from "../../core/errors.ts";
import type { Keyring } from "../../core/keyring.ts";
import { checkEmbedding, checkGroupId } from "../../core/law.ts";
import type { Neighbourhood, NeighbourhoodQuery } from "../../core/neighbourhood.ts";
import { byLevelAndId } from "../../core/order.ts";
import { documentSize, PageTaker } from "../../core/page.ts";
import {
  type AnalyticsPart,
  type ApplyOptions,
  type CollectOptions,
  communityHash,
  type GraphStore,
  type Hit,
  type ListedCommunity,
  type LiveGraph,
  type Page,
  type PublishedAnalytics,
  type StoredRecord,
  type VanishedCommunity,
} from "../../core/ports.ts";
import { nothingPublished, publishedPart } from "../../core/published.ts";
import type {
  AuditDraft,
  AuditEntry,
  CollectionBatch,
  CollectionKind,
  DocumentRecord,
  Fence,
  GroupCounts,
  GroupState,
  Impact,
  JsonObject,
  Operation,
  OperationRecord,
  ParkingMode,
  Policy,
} from "../../core/words.ts";
import { checkProfile, type ProfileInput } from "../../profiles/format.ts";
import { native } from "../../profiles/native.ts";
import * as acknowledged from "./acknowledged.ts";
import * as analytics from "./analytics.ts";
import { advanceOperation, applyOperation, readAhead, readOperation, UNITS_PER_TRANSACTION } from "./apply.ts";
import { collectBatch } from "./collect.ts";
import { type Connection, type ConnectOptions, connect, type Row, type Transaction } from "./connection.ts";
import { install, uninstall } from "./footprint.ts";
import { GdsEngine } from "./gds/engine.ts";
import { checkLayout, type GroupRow, groupNotFound, groupState, type LockedGroup, newGroup } from "./group-row.ts";
import { impactOf } from "./impact.ts";
import { readGraph } from "./live-graph.ts";
import { neighbourhoodOf } from "./neighbourhood.ts";
import { forgetMarks, purgedBefore } from "./purged.ts";
import { countsOf, documentRecords, documentStates, search } from "./reader.ts";
import { readAnalytics, readRecords } from "./records.ts";
import { referAll } from "./references.ts";
import { remainingOf } from "./remaining.ts";
import { PARKED_OTHER, quoted, Shapes } from "./shapes.ts";
import { showEverything } from "./show-everything.ts";
import { Spool } from "./spool.ts";
import { type Statements, statementsFor } from "./statements/index.ts";
import { sweepStep } from "./sweep.ts";
import { type DocumentState, Reading, Work } from "./work.ts";
import {
  acknowledgeWritten,
  lookOnceMore,
  memberNames,
  noticeSummaries,
  outdatedCommunities,
  WRITTEN,
} from "./written-summaries.ts";

export interface Neo4jStoreOptions extends ConnectOptions {
  /** How the graph is laid out; Graphkeeper's own shapes when absent. */
  profile?: ProfileInput;
  /** Overrides the profile's parking mode. */
  parking?: ParkingMode;
  /** The store's own time for leases; the database server's clock when absent. */
  clock?: () => number;
  /** The installation's key, with which audits are chained; every process on this database needs the same. */
  keyring?: Keyring | null;
  /** False = create no constraints and indexes (they must be there). */
  install?: boolean;
}

/** A dry run does its work and takes it back. */
class RolledBack extends Error {
  readonly result: unknown;
  constructor(result: unknown) {
    super("rolled back");
    this.result = result;
  }
}

/** The lifecycle of documents in a Neo4j database, on Graphkeeper's own shapes or on those of another writer's profile. */
export class Neo4jStore implements GraphStore {
  readonly connection: Connection;
  readonly shapes: Shapes;
  readonly storesStatedMentions: boolean;
  readonly statements: Statements;
  readonly engine: GdsEngine;
  readonly #clock: (() => number) | null;
  readonly #keyring: Keyring | null;
  readonly #referred = new Set<string>();

  constructor(connection: Connection, shapes: Shapes, options: Pick<Neo4jStoreOptions, "clock" | "keyring">) {
    this.connection = connection;
    this.shapes = shapes;
    this.storesStatedMentions = shapes.profile.imports;
    this.statements = statementsFor(shapes);
    this.#clock = options.clock ?? null;
    this.#keyring = options.keyring ?? null;
    this.engine = new GdsEngine(this);
  }

  install(): Promise<void> {
    return install(this.connection, this.shapes);
  }

  /** Shows what is parked, then takes every node, property, constraint and index of ours away. */
  uninstall(): Promise<void> {
    return uninstall(this.connection, this.shapes, () => showEverything(this));
  }

  /** A reading transaction. The group may be one that the graph has and we have not touched yet. */
  async read<T>(groupId: string, work: (r: Reading, group: GroupRow) => Promise<T>): Promise<T> {
    if (this.shapes.references) await this.#refer(groupId);
    return this.connection.read(async (tx) => {
      const r = new Reading(this.connection, tx, this.statements, this.shapes, groupId);
      return work(r, await this.#groupOf(r));
    });
  }

  /** Units that the graph only refers to get nodes of ours, once per process and again with each sweep. */
  async #refer(groupId: string): Promise<void> {
    if (this.#referred.has(groupId)) return;
    this.#referred.add(groupId);
    try {
      await referAll(this.connection, this.statements, this.shapes, groupId, (marks) => this.#readmit(groupId, marks));
    } catch (error) {
      this.#referred.delete(groupId);
      throw error;
    }
  }

  /** Its writer has taken purged documents in again: their ids count from now on. */
  #readmit(groupId: string, marks: string[]): Promise<void> {
    return this.write(groupId, async (w) => {
      forgetMarks(w, marks);
      const entry = { actor: "writer", action: "readmit", ref: "lists", detail: { documents: marks.length } };
      w.commitChange(Date.now(), entry);
    });
  }

  async #groupOf(r: Reading): Promise<GroupRow> {
    const [row] = await r.run<{ g: GroupRow }>("readGroup");
    if (row) return checkLayout(row.g, this.shapes.layout);
    if (!(await this.#isInGraph(r))) throw groupNotFound(r.groupId);
    return newGroup(r.groupId, 0);
  }

  /** Whether the users' graph holds the group although we have no node for it yet. */
  async #isInGraph(r: Reading): Promise<boolean> {
    const { profile } = this.shapes;
    if (profile.imports) return false;
    if (this.shapes.references) return r.groupId === (profile.tenant as { group?: string }).group;
    if (profile.tenant.by === "property" ? r.groupId === profile.tenant.shared : r.groupId !== profile.tenant.group)
      return false;
    const rows = await r.run("documentsPage", { after: "", status: null, limit: r.int(1) });
    return rows.length > 0;
  }

  /**
   * A write transaction on a locked group. The answer is kept on the group's node under the call's id: when the driver
   * runs the work again after a lost COMMIT answer, the kept answer is given and nothing is done twice.
   */
  async write<T>(
    groupId: string,
    work: (w: Work) => Promise<T>,
    options: { create?: number; rollBack?: boolean } = {},
  ): Promise<T> {
    return this.#write(groupId, () => Promise.resolve(), work, options);
  }

  /** As `write`; what `ahead` reads is asked for together with the lock, and so read under it. */
  async #write<A, T>(
    groupId: string,
    ahead: (r: Reading) => Promise<A>,
    work: (w: Work, read: A) => Promise<T>,
    options: { create?: number; rollBack?: boolean },
  ): Promise<T> {
    const call = randomUUID();
    if (this.shapes.references) await this.#refer(groupId);
    try {
      return await this.connection.write(async (tx) => {
        const r = new Reading(this.connection, tx, this.statements, this.shapes, groupId);
        const { locked, read } = await this.#lock(r, call, options.create, ahead);
        if (locked.answer !== null) return JSON.parse(locked.answer) as T;
        const w = new Work(this.connection, tx, this.statements, this.shapes, locked.g, this.#keyring);
        const result = await work(w, read);
        if (options.rollBack) {
          await w.settled();
          throw new RolledBack(result);
        }
        await w.finish(call, result);
        return result;
      });
    } catch (error) {
      if (error instanceof RolledBack) return error.result as T;
      throw error;
    }
  }

  /** Takes the group's lock; the server carries out what is sent after it once it has it. */
  async #lock<A>(
    r: Reading,
    call: string,
    create: number | undefined,
    ahead: (r: Reading) => Promise<A>,
  ): Promise<{ locked: LockedGroup; read: A }> {
    const locking = r.run<LockedGroup & Row>("lockGroup", { call });
    const reading = ahead(r);
    const [[locked], early] = await Promise.all([locking, reading]);
    if (locked) {
      checkLayout(locked.g, this.shapes.layout);
      return { locked, read: early };
    }
    if (create === undefined && !(await this.#isInGraph(r))) throw groupNotFound(r.groupId);
    const initial: Row = { layout: this.shapes.layout };
    for (const [key, value] of Object.entries(newGroup(checkGroupId(r.groupId), create ?? Date.now()))) {
      initial[key] = typeof value === "number" ? this.connection.int(value) : value;
    }
    const [[made], read] = await Promise.all([
      r.run<LockedGroup & Row>("createGroup", { call, initial }),
      ahead(r), // What was read before there was a node to lock is read again.
    ]);
    return { locked: made as LockedGroup, read };
  }

  async #fenced<T>(
    fence: Fence,
    now: number | null,
    work: (w: Work) => Promise<T>,
    options: { rollBack?: boolean } = {},
  ): Promise<T> {
    return this.#write(
      fence.groupId,
      (r) => this.#storeNow(r),
      async (w, storeNow) => {
        w.checkFence(fence, now, storeNow);
        return work(w);
      },
      options,
    );
  }

  /** A statement of its own: its clock is read when it begins, which is once the lock is held. */
  async #storeNow(r: Reading): Promise<number> {
    if (this.#clock) return this.#clock();
    const [row] = await r.run<{ now: number }>("storeTime");
    return row?.now as number;
  }

  /**
   * One consistent snapshot. Neo4j reads what is committed while it reads; the group's lock before and after tells whether
   * a change came in between, and after two of these the lock is held for the reading.
   */
  async #snapshot<T>(groupId: string, work: (r: Reading, group: GroupRow) => Promise<T>): Promise<T> {
    const locked = async (tx: Transaction) => {
      const r = new Reading(this.connection, tx, this.statements, this.shapes, groupId);
      return { r, group: (await this.#lock(r, randomUUID(), undefined, async () => {})).locked.g };
    };
    const settle = async () => (await this.connection.write(locked)).group;
    for (let attempt = 0; attempt < 2; attempt++) {
      const before = await settle();
      const result = await this.read(groupId, work);
      const after = await settle();
      if (before.generation === after.generation && before.analyticsEpoch === after.analyticsEpoch) return result;
    }
    return this.connection.write(async (tx) => {
      const { r, group } = await locked(tx);
      return work(r, group);
    });
  }

  async groups(query: { stale?: boolean; cursor?: string; limit: number }): Promise<Page<GroupState>> {
    const rows = await this.connection.read((tx) =>
      tx.run(this.statements.listGroups, {
        after: query.cursor ?? "",
        stale: query.stale ?? false,
        layout: this.shapes.layout,
        limit: this.connection.int(query.limit + 1),
      }),
    );
    return pageOf(
      rows.map((row) => groupState(row.g as GroupRow)),
      query.limit,
      (g) => g.groupId,
    );
  }

  async group(groupId: string): Promise<GroupState | null> {
    try {
      return await this.read(groupId, async (_, group) => groupState(group));
    } catch (error) {
      if (GraphkeeperError.is(error, "GROUP_NOT_FOUND")) return null;
      throw error;
    }
  }

  counts(groupId: string): Promise<GroupCounts> {
    return this.read(groupId, (r, group) => countsOf(r, group.analyticsEpoch));
  }

  document(groupId: string, documentId: string): Promise<DocumentRecord | null> {
    return this.read(groupId, async (r) => {
      const state = (await r.documents([documentId])).get(documentId);
      return state ? ((await documentRecords(r, [state]))[0] ?? null) : null;
    });
  }

  documents(
    groupId: string,
    query: { status?: "active" | "deprecated"; cursor?: string; limit: number },
  ): Promise<Page<DocumentRecord>> {
    return this.read(groupId, async (r) => {
      const page = new PageTaker<DocumentState>(query.limit, (d) => documentSize(d.title, d.metadata));
      for await (const state of documentStates(r, { ...query, limit: query.limit + 1 })) if (!page.take(state)) break;
      const items = await documentRecords(r, page.rows);
      return { items, nextCursor: page.more ? (items.at(-1)?.id ?? null) : null };
    });
  }

  async purgedBefore(groupId: string, documentIds: string[]): Promise<string[]> {
    try {
      return await this.read(groupId, (r, group) => purgedBefore(r, group, documentIds));
    } catch (error) {
      if (GraphkeeperError.is(error, "GROUP_NOT_FOUND")) return [];
      throw error;
    }
  }

  search(groupId: string, query: { of: "text_unit" | "entity"; vector: Float32Array; k: number }): Promise<Hit[]> {
    return this.read(groupId, async (r, group) => {
      const dimension = (query.of === "text_unit" ? group.unitDimension : group.entityDimension) ?? null;
      if (dimension === null && this.shapes.profile.imports) return [];
      checkEmbedding(query.vector, dimension, "the query");
      return search(r, query);
    });
  }

  records(groupId: string, options: { facts?: boolean } = {}): AsyncIterable<StoredRecord[]> {
    return this.#spooled(groupId, (r, spool, group) =>
      readRecords(r, spool, options.facts ?? false, group.analyticsEpoch),
    );
  }

  /** The snapshot is read as a whole before the first record is given: whoever takes them slowly holds up nobody. */
  async *#spooled(
    groupId: string,
    read: (r: Reading, spool: Spool<StoredRecord>, group: GroupRow) => Promise<void>,
  ): AsyncGenerator<StoredRecord[]> {
    let spool = new Spool<StoredRecord>();
    try {
      await this.#snapshot(groupId, async (r, group) => {
        await spool.close(); // Of a reading that a change came into.
        spool = new Spool();
        await read(r, spool, group);
      });
      yield* spool;
    } finally {
      await spool.close();
    }
  }

  operation(groupId: string, operationId: string): Promise<OperationRecord | null> {
    return this.read(groupId, async (r) => (await readOperation(r, operationId))?.record ?? null);
  }

  impact(groupId: string, verb: Impact["verb"], documentIds: string[]): Promise<Impact> {
    return this.#snapshot(groupId, (r, group) => impactOf(r, verb, documentIds, group.analyticsEpoch));
  }

  audit(groupId: string, query: { afterSeq: number; limit: number }): Promise<AuditEntry[]> {
    return this.read(groupId, async (r) => {
      const rows = await r.run<{ a: Row }>("readAudit", { after: r.int(query.afterSeq), limit: r.int(query.limit) });
      return rows.map(({ a }) => auditEntryOf(a));
    });
  }

  neighbourhood(groupId: string, query: NeighbourhoodQuery): Promise<Neighbourhood> {
    return this.read(groupId, (r) => neighbourhoodOf(r, query));
  }

  async apply(operation: Operation, options: ApplyOptions = {}): Promise<OperationRecord> {
    const create = operation.verb === "import" && this.shapes.profile.imports ? operation.at : undefined;
    const record = await this.#write(
      operation.groupId,
      (r) => readAhead(r, operation, options),
      (w, ahead) => applyOperation(w, operation, options, ahead),
      { create },
    );
    if (operation.verb === "readmit") this.#referred.delete(operation.groupId);
    return record;
  }

  advance(
    groupId: string,
    operationId: string,
    options: { unitsPerTransaction?: number } = {},
  ): Promise<OperationRecord> {
    return this.write(groupId, (w) =>
      advanceOperation(w, operationId, options.unitsPerTransaction ?? UNITS_PER_TRANSACTION),
    );
  }

  async unfinished(limit: number): Promise<{ groupId: string; operationId: string }[]> {
    const rows = await this.connection.read((tx) =>
      tx.run(this.statements.unfinished, { limit: this.connection.int(limit), layout: this.shapes.layout }),
    );
    return rows.map((row) => ({ groupId: row.groupId as string, operationId: row.operationId as string }));
  }

  acquireLease(groupId: string, holder: string, ttlMs: number, now: number): Promise<Fence | null> {
    return this.write(groupId, async (w) => {
      const storeNow = await this.#storeNow(w);
      const { leaseHolder, leaseUntil = 0, leaseStoreUntil = 0, leaseToken = 0 } = w.group;
      if (leaseHolder != null && leaseHolder !== holder && leaseUntil > now && leaseStoreUntil > storeNow) return null;
      const token = leaseToken + 1;
      w.set({ leaseHolder: holder, leaseToken: token, leaseUntil: now + ttlMs, leaseStoreUntil: storeNow + ttlMs });
      return { groupId, token };
    });
  }

  async renewLease(fence: Fence, ttlMs: number, now: number): Promise<void> {
    await this.#fenced(fence, now, async (w) => {
      w.set({ leaseUntil: now + ttlMs, leaseStoreUntil: (await this.#storeNow(w)) + ttlMs });
    });
  }

  async releaseLease(fence: Fence): Promise<void> {
    try {
      await this.write(fence.groupId, async (w) => {
        if (w.group.leaseToken === fence.token) w.set({ leaseHolder: null, leaseUntil: null, leaseStoreUntil: null });
      });
    } catch (error) {
      if (!GraphkeeperError.is(error, "GROUP_NOT_FOUND")) throw error;
    }
  }

  collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    return this.#fenced(fence, options.now, (w) => collectBatch(w, kind, options), { rollBack: options.dryRun });
  }

  async sweep(
    fence: Fence,
    options: { cursor: string | null; limit: number; policy: Policy; now: number },
  ): Promise<{ examined: number; found: number; cursor: string | null }> {
    if (options.cursor === null) this.#referred.delete(fence.groupId);
    return this.#fenced(fence, options.now, (w) => sweepStep(w, options));
  }

  remaining(groupId: string, kind: CollectionKind, policy: Policy, now: number): Promise<number> {
    return this.read(groupId, (r, group) => remainingOf(r, kind, policy, now, group.analyticsEpoch));
  }

  finishCollection(
    fence: Fence,
    done: { readGeneration: number; ownChanges: number; sweptAt: number | null; now: number },
  ): Promise<GroupState> {
    return this.#fenced(fence, done.now, async (w) => {
      const followed = Math.min(w.group.generation, done.readGeneration + done.ownChanges);
      w.set({ collectedGeneration: Math.max(w.group.collectedGeneration, followed) });
      if (done.sweptAt !== null) w.set({ lastSweepAt: done.sweptAt });
      analytics.settleStaleness(w);
      return groupState(w.group);
    });
  }

  readGraph(groupId: string): Promise<LiveGraph> {
    return this.#snapshot(groupId, (r, group) => readGraph(r, group.generation));
  }

  async *publishedParts(groupId: string): AsyncGenerator<PublishedAnalytics> {
    let epoch = 0;
    const records = this.#spooled(groupId, (r, spool, group) => {
      epoch = group.analyticsEpoch;
      return readAnalytics(r, spool, epoch);
    });
    for await (const rows of records) yield publishedPart(epoch, rows);
    yield nothingPublished(epoch);
  }

  analyticsState(groupId: string): Promise<Uint8Array | null> {
    return this.read(groupId, async (r) => {
      const [row] = await r.run<{ data: Int8Array }>("readState");
      return row ? new Uint8Array(row.data.buffer, row.data.byteOffset, row.data.byteLength).slice() : null;
    });
  }

  discardStaged(fence: Fence, limit: number, now: number): Promise<number> {
    return this.#fenced(fence, now, (w) => analytics.discard(w, limit));
  }

  async stageAnalytics(fence: Fence, part: AnalyticsPart, now: number): Promise<void> {
    await this.#fenced(fence, now, (w) => analytics.stage(w, part));
  }

  publishAnalytics(
    fence: Fence,
    publication: { generation: number; state: Uint8Array | null; detail: JsonObject; now: number },
  ): Promise<GroupState> {
    return this.#fenced(fence, publication.now, async (w) => {
      await analytics.publish(w, publication);
      return groupState(w.group);
    });
  }

  pruneAnalytics(fence: Fence, limit: number, now: number): Promise<number> {
    return this.#fenced(fence, now, async (w) => (await analytics.prune(w, limit)) || lookOnceMore(w));
  }

  async communities(
    groupId: string,
    query: { level?: number; unacknowledged?: boolean; since?: number; cursor?: string; limit: number },
  ): Promise<Page<ListedCommunity>> {
    if (query.cursor === undefined) await noticeSummaries(this, groupId);
    return this.read(groupId, async (r, group) => {
      const [level = "", ...id] = (query.cursor ?? "").split(" ");
      const cursor = { level: Number(level), id: id.join(" ") };
      const ours = await acknowledged.listCommunities(r, group.analyticsEpoch);
      const changes = query.unacknowledged || query.since !== undefined;
      const all = changes ? [...ours, ...(await outdatedCommunities(r))].sort(byLevelAndId) : ours;
      const wanted = all.filter(
        (c) =>
          (query.level === undefined || c.level === query.level) &&
          (!query.unacknowledged || c.acknowledgedHash !== communityHash(c)) &&
          (query.since === undefined || c.changedGeneration > query.since) &&
          (query.cursor === undefined || byLevelAndId(c, cursor) > 0),
      );
      return pageOf(wanted.slice(0, query.limit + 1), query.limit, (c) => `${c.level} ${c.id}`);
    });
  }

  memberNames(groupId: string, communityIds: string[], limit: number): Promise<{ id: string; names: string[] }[]> {
    return this.read(groupId, (r, group) => memberNames(r, group.analyticsEpoch, communityIds, limit));
  }

  members(groupId: string, communityId: string, query: { cursor?: string; limit: number }): Promise<Page<string>> {
    return this.read(groupId, async (r, group) => {
      const written = communityId.startsWith(WRITTEN);
      const rows = await r.run<{ entity: string }>(written ? "membersOfWritten" : "membersOf", {
        community: written ? communityId.slice(WRITTEN.length) : communityId,
        after: query.cursor ?? "",
        epoch: r.int(group.analyticsEpoch),
        limit: r.int(query.limit + 1),
      });
      return pageOf(
        rows.map((row) => row.entity),
        query.limit,
        (id) => id,
      );
    });
  }

  acknowledgeCommunities(groupId: string, items: { id: string; hash: string }[], _now: number): Promise<number> {
    return this.write(
      groupId,
      async (w) => (await acknowledged.acknowledge(w, items)) + (await acknowledgeWritten(w, items)),
    );
  }

  acknowledgedMembers(groupId: string, communityId: string): Promise<string[] | null> {
    return this.read(groupId, (r) => acknowledged.acknowledgedMembers(r, communityId));
  }

  vanishedCommunities(groupId: string): Promise<VanishedCommunity[]> {
    return this.read(groupId, (r, group) => acknowledged.vanished(r, group.analyticsEpoch));
  }

  recordAudit(groupId: string, draft: AuditDraft): Promise<AuditEntry> {
    const { at, ...rest } = draft;
    return this.write(groupId, async (w) => w.audit(at, rest));
  }

  async time(): Promise<number> {
    const [row] = await this.connection.read((tx) => tx.run(this.statements.storeTime, { group: "" }));
    return row?.now as number;
  }

  ping(): Promise<void> {
    return this.connection.ping();
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}

function pageOf<T>(rows: T[], limit: number, cursor: (row: T) => string): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? cursor(last) : null };
}

/**
 * Opens a store on a Neo4j server (5.26 or later).
 *
 * @throws GraphkeeperError `STORE_UNAVAILABLE` when it does not answer or refuses the user, `INVALID_CONFIG`
 */
export async function openNeo4jStore(options: Neo4jStoreOptions): Promise<Neo4jStore> {
  const shapes = new Shapes(checkProfile(options.profile ?? native), options.parking);
  const connection = await connect(options);
  const store = new Neo4jStore(connection, shapes, options);
  try {
    await checkVersion(connection);
    await checkParking(connection, shapes);
    if (options.install !== false) await store.install();
    return store;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/**
 * Only `swap` finds what was hidden by taking its labels away; another mode would tell that it is not there. Each mode finds
 * and brings back what the other two hid.
 */
async function checkParking(connection: Connection, shapes: Shapes): Promise<void> {
  if (shapes.mode === "swap") return;
  const swapped = (["unit", "entity"] as const).map(
    (kind) =>
      `MATCH (n:${quoted(shapes.parkedLabel(kind))}) WHERE NOT n:${quoted(shapes.label(kind))} RETURN n LIMIT 1`,
  );
  const statement = [...swapped, `MATCH (n:${PARKED_OTHER}) RETURN n LIMIT 1`].join(" UNION ");
  if ((await connection.read((tx) => tx.run(statement, {}))).length === 0) return;
  throw new GraphkeeperError(
    "INVALID_CONFIG",
    `Documents are parked by swap in this database; restore or purge them before the parking mode is ${shapes.mode}.`,
    { field: "neo4j.parking" },
  );
}

/** Oldest version with dynamic relationship types in CREATE and with `CALL (x) { … }`. */
const OLDEST = [5, 26] as const;

async function checkVersion(connection: Connection): Promise<void> {
  const [row] = await connection.read((tx) =>
    tx.run("CALL dbms.components() YIELD name, versions WHERE name = 'Neo4j Kernel' RETURN versions[0] AS version", {}),
  );
  const version = String(row?.version ?? "");
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new GraphkeeperError("INVALID_CONFIG", `Neo4j ${version} is too old; 5.26 or later is needed.`, {
      field: "neo4j.uri",
      version,
    });
  }
}
