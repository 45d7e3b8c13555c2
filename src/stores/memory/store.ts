import type { Keyring } from "../../core/keyring.ts";
import { checkGroupId, isStale } from "../../core/law.ts";
import type { Neighbourhood, NeighbourhoodQuery } from "../../core/neighbourhood.ts";
import { byLevelAndId } from "../../core/order.ts";
import { documentSize, hitMeter, takePage } from "../../core/page.ts";
import type {
  AnalyticsPart,
  ApplyOptions,
  CollectOptions,
  CommunityRecord,
  GraphStore,
  Hit,
  ListedCommunity,
  LiveGraph,
  Page,
  PublishedAnalytics,
  StoredRecord,
  VanishedCommunity,
} from "../../core/ports.ts";
import { communityHash } from "../../core/ports.ts";
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
  Policy,
} from "../../core/words.ts";
import * as analytics from "./analytics.ts";
import { advanceOperation, applyOperation, UNITS_PER_TRANSACTION } from "./apply.ts";
import { collectBatch } from "./collect.ts";
import { purgedAmong } from "./documents.ts";
import { appendAudit, settleStaleness } from "./effect.ts";
import { impactOf } from "./impact.ts";
import * as leases from "./leases.ts";
import { neighbourhoodOf } from "./neighbourhood.ts";
import { countsOf, documentRecord, groupNotFound, recordsOf, search } from "./reader.ts";
import { Group, pageOf } from "./state.ts";
import { remainingOf, sweepStep } from "./sweep.ts";

const CHUNK = 500;

/**
 * The reference model of a store: plain maps in memory, the law derived naively, and every transaction a copy of the
 * group's maps that takes the group's place when it succeeds. For tests and as the oracle of other stores; a transaction
 * costs in proportion to the group.
 */
export class MemoryStore implements GraphStore {
  readonly storesStatedMentions = true;
  protected readonly groupsById = new Map<string, Group>();
  readonly #clock: () => number;
  readonly #keyring: Keyring | null;

  /** @param options.clock the store's own time, by which leases run out too */
  constructor(options: { clock?: () => number; keyring?: Keyring } = {}) {
    this.#clock = options.clock ?? Date.now;
    this.#keyring = options.keyring ?? null;
  }

  /** A committed snapshot; never changed in place. */
  protected snapshot(groupId: string): Group {
    const group = this.groupsById.get(groupId);
    if (!group) throw groupNotFound(groupId);
    return group;
  }

  /** Runs `work` on a draft; the draft takes the group's place if `work` returns and nothing changes if it throws. */
  protected transaction<T>(groupId: string, work: (draft: Group, before: Group) => T): T {
    const before = this.snapshot(groupId);
    const draft = before.clone();
    const result = work(draft, before);
    this.groupsById.set(groupId, draft);
    return result;
  }

  /** A write transaction of a run: nothing is written unless the fence holds. */
  protected fenced<T>(fence: Fence, now: number, work: (draft: Group) => T): T {
    return this.transaction(fence.groupId, (draft) => {
      leases.checkFence(draft, fence, now, this.#clock());
      return work(draft);
    });
  }

  async groups(query: { stale?: boolean; cursor?: string; limit: number }): Promise<Page<GroupState>> {
    const states = new Map([...this.groupsById].map(([id, group]) => [id, group.state]));
    const wanted = [...states].filter(([, s]) => {
      const stale = isStale(s.generation, s.collectedGeneration) || isStale(s.generation, s.analyticsGeneration);
      return !query.stale || stale;
    });
    return page(new Map(wanted), query, (state) => ({ ...state }));
  }

  async group(groupId: string): Promise<GroupState | null> {
    const group = this.groupsById.get(groupId);
    return group ? { ...group.state } : null;
  }

  async counts(groupId: string): Promise<GroupCounts> {
    return countsOf(this.snapshot(groupId));
  }

  async document(groupId: string, documentId: string): Promise<DocumentRecord | null> {
    const group = this.snapshot(groupId);
    const row = group.documents.get(documentId);
    return row ? documentRecord(group, row) : null;
  }

  async documents(
    groupId: string,
    query: { status?: "active" | "deprecated"; cursor?: string; limit: number },
  ): Promise<Page<DocumentRecord>> {
    const group = this.snapshot(groupId);
    const wanted = [...group.documents].filter(([, row]) => query.status === undefined || row.status === query.status);
    const rows = new Map(wanted);
    const { ids } = pageOf(rows.keys(), query.cursor, rows.size);
    const found = ids.map((id) => documentRecord(group, rows.get(id) as (typeof wanted)[number][1]));
    const { rows: items, more } = takePage(found, query.limit, (d) => documentSize(d.title, d.metadata));
    return { items, nextCursor: more ? (items.at(-1)?.id ?? null) : null };
  }

  async purgedBefore(groupId: string, documentIds: string[]): Promise<string[]> {
    const group = this.groupsById.get(groupId);
    return group ? purgedAmong(group, documentIds) : [];
  }

  async search(
    groupId: string,
    query: { of: "text_unit" | "entity"; vector: Float32Array; k: number },
  ): Promise<Hit[]> {
    return search(this.snapshot(groupId), query).map(hitMeter());
  }

  async *records(groupId: string, options: { facts?: boolean } = {}): AsyncIterable<StoredRecord[]> {
    let chunk: StoredRecord[] = [];
    for (const record of recordsOf(this.snapshot(groupId), options.facts ?? false)) {
      chunk.push(record);
      if (chunk.length < CHUNK) continue;
      yield chunk;
      chunk = [];
    }
    if (chunk.length > 0) yield chunk;
  }

  async operation(groupId: string, operationId: string): Promise<OperationRecord | null> {
    const row = this.snapshot(groupId).operations.get(operationId);
    return row ? structuredClone(row.record) : null;
  }

  async impact(groupId: string, verb: Impact["verb"], documentIds: string[]): Promise<Impact> {
    return impactOf(this.snapshot(groupId), verb, documentIds);
  }

  async audit(groupId: string, query: { afterSeq: number; limit: number }): Promise<AuditEntry[]> {
    const entries = this.snapshot(groupId).audit.filter(({ seq }) => seq > query.afterSeq);
    return structuredClone(entries.slice(0, query.limit));
  }

  async neighbourhood(groupId: string, query: NeighbourhoodQuery): Promise<Neighbourhood> {
    return neighbourhoodOf(this.snapshot(groupId), query);
  }

  async apply(operation: Operation, options: ApplyOptions = {}): Promise<OperationRecord> {
    const { groupId, verb, at } = operation;
    if (this.groupsById.has(groupId) || verb !== "import") {
      return this.transaction(groupId, (draft, before) => applyOperation(before, draft, operation, options));
    }
    const draft = new Group(checkGroupId(groupId), at, this.#keyring);
    const record = applyOperation(draft.clone(), draft, operation, options);
    this.groupsById.set(groupId, draft);
    return record;
  }

  async advance(
    groupId: string,
    operationId: string,
    options: { unitsPerTransaction?: number } = {},
  ): Promise<OperationRecord> {
    const limit = options.unitsPerTransaction ?? UNITS_PER_TRANSACTION;
    return this.transaction(groupId, (draft, before) => advanceOperation(before, draft, operationId, limit));
  }

  async unfinished(limit: number): Promise<{ groupId: string; operationId: string }[]> {
    const rolling = [...this.groupsById].flatMap(([groupId, group]) =>
      [...group.operations].filter(([, row]) => row.plan).map(([operationId]) => ({ groupId, operationId })),
    );
    return rolling.slice(0, limit);
  }

  async acquireLease(groupId: string, holder: string, ttlMs: number, now: number): Promise<Fence | null> {
    return this.transaction(groupId, (draft) => leases.acquire(draft, holder, ttlMs, now, this.#clock()));
  }

  async renewLease(fence: Fence, ttlMs: number, now: number): Promise<void> {
    this.fenced(fence, now, (draft) => leases.renew(draft, ttlMs, now, this.#clock()));
  }

  async releaseLease(fence: Fence): Promise<void> {
    if (this.groupsById.has(fence.groupId)) this.transaction(fence.groupId, (draft) => leases.release(draft, fence));
  }

  async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    if (!options.dryRun) return this.fenced(fence, options.now, (draft) => collectBatch(draft, kind, options));
    const draft = this.snapshot(fence.groupId).clone();
    leases.checkFence(draft, fence, options.now, this.#clock());
    return collectBatch(draft, kind, options);
  }

  async sweep(
    fence: Fence,
    options: { cursor: string | null; limit: number; policy: Policy; now: number },
  ): Promise<{ examined: number; found: number; cursor: string | null }> {
    return this.fenced(fence, options.now, (draft) => sweepStep(draft, options));
  }

  async remaining(groupId: string, kind: CollectionKind, policy: Policy, now: number): Promise<number> {
    return remainingOf(this.snapshot(groupId), kind, policy, now);
  }

  async finishCollection(
    fence: Fence,
    done: { readGeneration: number; ownChanges: number; sweptAt: number | null; now: number },
  ): Promise<GroupState> {
    return this.fenced(fence, done.now, (draft) => {
      const { state } = draft;
      const followed = Math.min(state.generation, done.readGeneration + done.ownChanges);
      state.collectedGeneration = Math.max(state.collectedGeneration, followed);
      if (done.sweptAt !== null) state.lastSweepAt = done.sweptAt;
      settleStaleness(draft);
      return { ...state };
    });
  }

  async readGraph(groupId: string): Promise<LiveGraph> {
    return analytics.readGraph(this.snapshot(groupId));
  }

  async *publishedParts(groupId: string): AsyncGenerator<PublishedAnalytics> {
    yield analytics.publishedOf(this.snapshot(groupId));
  }

  async analyticsState(groupId: string): Promise<Uint8Array | null> {
    return this.snapshot(groupId).analyticsState?.slice() ?? null;
  }

  async discardStaged(fence: Fence, limit: number, now: number): Promise<number> {
    return this.fenced(fence, now, (draft) => draft.staged.splice(0, limit).length);
  }

  async stageAnalytics(fence: Fence, part: AnalyticsPart, now: number): Promise<void> {
    this.fenced(fence, now, (draft) => analytics.stage(draft, part));
  }

  async publishAnalytics(
    fence: Fence,
    publication: { generation: number; state: Uint8Array | null; detail: JsonObject; now: number },
  ): Promise<GroupState> {
    return this.fenced(fence, publication.now, (draft) => {
      analytics.publish(draft, publication);
      return { ...draft.state };
    });
  }

  async pruneAnalytics(fence: Fence, limit: number, now: number): Promise<number> {
    return this.fenced(fence, now, (draft) => draft.replaced.splice(0, limit).length);
  }

  async communities(
    groupId: string,
    query: { level?: number; unacknowledged?: boolean; since?: number; cursor?: string; limit: number },
  ): Promise<Page<ListedCommunity>> {
    const group = this.snapshot(groupId);
    const all = [...group.published.communities.values()].sort(byLevelAndId);
    const wanted = all.filter(
      (c) =>
        (query.level === undefined || c.level === query.level) &&
        (!query.unacknowledged || c.acknowledgedHash !== communityHash(c)) &&
        (query.since === undefined || c.changedGeneration > query.since),
    );
    const from = query.cursor === undefined ? 0 : wanted.findIndex((c) => byLevelAndId(c, cursorOf(query.cursor)) > 0);
    const items = from < 0 ? [] : wanted.slice(from, from + query.limit);
    const last = items.at(-1);
    const more = last !== undefined && last !== wanted.at(-1);
    return {
      items: items.map((c) => analytics.listed(group, c)),
      nextCursor: more ? `${last.level} ${last.id}` : null,
    };
  }

  async memberNames(
    groupId: string,
    communityIds: string[],
    limit: number,
  ): Promise<{ id: string; names: string[] }[]> {
    const group = this.snapshot(groupId);
    return communityIds.map((id) => ({ id, names: analytics.memberNames(group, id, limit) }));
  }

  async members(
    groupId: string,
    communityId: string,
    query: { cursor?: string; limit: number },
  ): Promise<Page<string>> {
    const rows = [...this.snapshot(groupId).published.memberships.values()].filter((m) => m.community === communityId);
    return page(new Map(rows.map((m) => [m.entity, m.entity])), query, (entity) => entity);
  }

  async acknowledgeCommunities(groupId: string, items: { id: string; hash: string }[], _now: number): Promise<number> {
    return this.transaction(groupId, (draft) => analytics.acknowledge(draft, items));
  }

  async acknowledgedMembers(groupId: string, communityId: string): Promise<string[] | null> {
    return analytics.acknowledgedMembers(this.snapshot(groupId), communityId);
  }

  async vanishedCommunities(groupId: string): Promise<VanishedCommunity[]> {
    return analytics.vanished(this.snapshot(groupId));
  }

  async recordAudit(groupId: string, draft: AuditDraft): Promise<AuditEntry> {
    return structuredClone(this.transaction(groupId, (group) => appendAudit(group, draft)));
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {}
}

function cursorOf(cursor: string | undefined): CommunityRecord {
  const [level, ...id] = (cursor ?? "").split(" ");
  return { level: Number(level), id: id.join(" ") } as CommunityRecord;
}

function page<T, R>(rows: Map<string, T>, query: { cursor?: string; limit: number }, item: (row: T) => R): Page<R> {
  const { ids, more } = pageOf(rows.keys(), query.cursor, query.limit);
  return { items: ids.map((id) => item(rows.get(id) as T)), nextCursor: more ? (ids.at(-1) ?? null) : null };
}
