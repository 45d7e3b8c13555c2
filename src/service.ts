import { randomUUID } from "node:crypto";
import { INSTALLATION_CHAIN, isKeyed, sealOf } from "./core/audit.ts";
import { GraphkeeperError } from "./core/errors.ts";
import type { Keyring } from "./core/keyring.ts";
import { checkEmbedding, checkGroupId, checkId, isStale } from "./core/law.ts";
import type { Neighbourhood, NeighbourhoodQuery } from "./core/neighbourhood.ts";
import { hasEffect } from "./core/outcomes.ts";
import type { GraphStore, Hit, KeyStore, Page } from "./core/ports.ts";
import type { TraceContext } from "./core/trace.ts";
import type {
  AuditDraft,
  AuditEntry,
  DocumentRecord,
  Finding,
  GroupCounts,
  GroupState,
  Impact,
  ImportBlock,
  JsonObject,
  OperationRecord,
  Policy,
  Verb,
} from "./core/words.ts";
import { dumpLines, exportLines } from "./documents/export.ts";
import {
  hasEffective,
  type ImportOptions,
  type ImportProgress,
  importBlock,
  importBlocks,
  type LocatedBlock,
  replaceDocument,
} from "./documents/import.ts";
import { type PurgeResult, purgeDocuments } from "./documents/purge.ts";
import { type BlockOptions, type CallOptions, perform, resumeUnfinished } from "./documents/verbs.ts";
import { CHANCE_LOSSES } from "./jobs/rules.ts";
import type { JobService, Visible, WatchedRun } from "./jobs/service.ts";
import { COVERED_BY, type RunKind } from "./maintenance/handler.ts";
import {
  type ChangedCommunities,
  type ChangedQuery,
  changedCommunities,
  type NamedCommunity,
  namedCommunities,
  type SummaryPolicy,
} from "./maintenance/summaries.ts";
import { chainOf, verifyAudit, verifyGroup } from "./maintenance/verify.ts";
import type { AuditAnchors, AuditProof } from "./maintenance/verify-audit.ts";

export interface GraphkeeperParts {
  store: GraphStore;
  keys: KeyStore;
  jobs: JobService;
  policy: Policy;
  /** The installation's key; null = audits are chained without one, and nothing is signed. */
  keyring?: Keyring | null;
  /** Where heads of the audit go; without it they go nowhere. */
  anchors?: AuditAnchors;
  /** What is wrong with the clock; null = nothing. */
  clockTrouble?: () => string | null;
  /** Which communities are listed as summaries to write; changes of all grades, of two members or more, by default. */
  summaries?: SummaryPolicy;
  clock?: () => number;
  newId?: () => string;
  /** Ask for a debounced collection after each effective lifecycle call; false where the store does it itself. */
  collectAfterEvents?: boolean;
  /** Somebody changes documents: maintenance leaves room. */
  onLifecycleCall?: () => void;
}

/** A group as `GET /maintenance/admin/groups/stale` lists it. */
export interface StaleGroup {
  groupId: string;
  needsGc: boolean;
  needsGdsRecompute: boolean;
  /** The same as `needsGdsRecompute`; the specification's name for it. */
  gdsStale: boolean;
  staleSince: number | null;
  generation: number;
  collectedGeneration: number;
  analyticsGeneration: number | null;
  /** Changes that collection, and analytics, have not followed. */
  generationsBehind: { gc: number; gds: number };
}

export interface GroupHealth extends StaleGroup {
  status: "healthy" | "stale" | "attention";
  counts: GroupCounts;
  restoreWindowMs: number | null;
  lastRuns: { kind: string; state: string; endedAt: number | null; runId: string; error: string | null }[];
  /** What needs a hand: dead runs, pauses. */
  findings: string[];
}

export interface RunRequest {
  kind: RunKind;
  groupId: string;
  actor?: string;
  params?: JsonObject;
  trace?: TraceContext;
  idempotency?: { scope: string; key: string };
}

/**
 * Every verb of the product, once. Library, HTTP, CLI and page all go through it; it holds no state of its own.
 *
 * Errors are `GraphkeeperError`s with the codes of the catalogue. Times are epoch ms.
 */
export class Graphkeeper {
  readonly store: GraphStore;
  readonly keys: KeyStore;
  readonly jobs: JobService;
  readonly policy: Policy;
  readonly keyring: Keyring | null;
  readonly anchors: AuditAnchors | null;
  readonly clock: () => number;
  readonly newId: () => string;
  readonly #collectAfterEvents: boolean;
  /** What is wrong with the clock; null when nothing is. */
  readonly clockTrouble: () => string | null;
  readonly #summaries: SummaryPolicy | undefined;
  readonly #onLifecycleCall: () => void;

  constructor(parts: GraphkeeperParts) {
    this.store = parts.store;
    this.keys = parts.keys;
    this.jobs = parts.jobs;
    this.policy = parts.policy;
    this.keyring = parts.keyring ?? null;
    this.anchors = parts.anchors ?? null;
    this.clockTrouble = parts.clockTrouble ?? (() => null);
    this.clock = parts.clock ?? Date.now;
    this.newId = parts.newId ?? randomUUID;
    this.#summaries = parts.summaries;
    this.#onLifecycleCall = parts.onLifecycleCall ?? (() => {});
    this.#collectAfterEvents = parts.collectAfterEvents ?? true;
  }

  // Documents

  /** Imports blocks one transaction each; see `importBlocks` for what stays after an error. */
  async importBlocks(
    groupId: string,
    blocks: AsyncIterable<LocatedBlock> | Iterable<LocatedBlock>,
    options: ImportOptions = {},
  ): Promise<ImportProgress> {
    this.anchors?.touch(checkGroupId(groupId));
    const progress = await importBlocks(this, groupId, blocks, options);
    this.anchors?.touch(groupId);
    if (hasEffective(progress)) await this.#changed(groupId, options.trace);
    return progress;
  }

  async importBlock(groupId: string, block: ImportBlock, options: BlockOptions = {}): Promise<OperationRecord> {
    return this.#followed(await importBlock(this, checkGroupId(groupId), block, options), options.trace);
  }

  async replace(
    groupId: string,
    documentId: string,
    block: ImportBlock,
    options: BlockOptions = {},
  ): Promise<OperationRecord> {
    const record = await replaceDocument(this, checkGroupId(groupId), documentId, block, options);
    return this.#followed(record, options.trace);
  }

  /** @param options.successor the document that takes the place of these */
  deprecate(
    groupId: string,
    documentIds: string[],
    options: CallOptions & { successor?: string } = {},
  ): Promise<OperationRecord> {
    return this.#perform(groupId, "deprecate", documentIds, options);
  }
  restore(groupId: string, documentIds: string[], options: CallOptions = {}): Promise<OperationRecord> {
    return this.#perform(groupId, "restore", documentIds, options);
  }
  /** Legal hold: neither purge, nor replace, nor the end of the restore window removes the document. */
  hold(groupId: string, documentIds: string[], options: CallOptions = {}): Promise<OperationRecord> {
    return this.#perform(groupId, "hold", documentIds, options);
  }
  release(groupId: string, documentIds: string[], options: CallOptions = {}): Promise<OperationRecord> {
    return this.#perform(groupId, "release", documentIds, options);
  }

  /** Purged documents whose ids are to count again where another writer names them: it has taken their text in again. */
  readmit(groupId: string, documentIds: string[], options: CallOptions = {}): Promise<OperationRecord> {
    return this.#perform(groupId, "readmit", documentIds, options);
  }

  async purge(
    groupId: string,
    documentIds: string[],
    options: CallOptions & { confirm?: string; certify?: boolean },
  ): Promise<PurgeResult> {
    const result = await purgeDocuments(this, checkGroupId(groupId), documentIds, options);
    await this.#followed(result.operation, options.trace);
    return result;
  }

  impact(groupId: string, verb: Impact["verb"], documentIds: string[]): Promise<Impact> {
    return this.store.impact(
      checkGroupId(groupId),
      verb,
      documentIds.map((id) => checkId(id, "document id")),
    );
  }

  /** @throws GraphkeeperError `DOCUMENT_NOT_FOUND` */
  async document(groupId: string, documentId: string): Promise<DocumentRecord> {
    const found = await this.store.document(checkGroupId(groupId), documentId);
    if (!found)
      throw new GraphkeeperError("DOCUMENT_NOT_FOUND", "There is no such document in this group.", {
        document: documentId,
      });
    return found;
  }

  documents(groupId: string, query: Parameters<GraphStore["documents"]>[1]): Promise<Page<DocumentRecord>> {
    return this.store.documents(checkGroupId(groupId), query);
  }

  /** What lies around a document or an entity, live and parked. */
  neighbourhood(groupId: string, query: NeighbourhoodQuery): Promise<Neighbourhood> {
    const id = checkId(query.id, `${query.of} id`);
    return this.store.neighbourhood(checkGroupId(groupId), { ...query, id });
  }

  search(groupId: string, query: { of: "text_unit" | "entity"; vector: Float32Array; k: number }): Promise<Hit[]> {
    checkEmbedding(query.vector, null, "the query");
    return this.store.search(checkGroupId(groupId), query);
  }

  // Groups

  /** Groups whose collection or analytics lag behind, of those that the caller may see. */
  async staleGroups(
    query: { cursor?: string; limit: number },
    visible: Visible = null,
  ): Promise<{ groups: StaleGroup[]; nextCursor: string | null }> {
    const { items, nextCursor } = await this.groups({ ...query, stale: true }, visible);
    return { groups: items.map(describe), nextCursor };
  }

  /** Groups by id, of those that the caller may see; no cursor is the id of another one. */
  async groups(
    query: { stale?: boolean; cursor?: string; limit: number },
    visible: Visible = null,
  ): Promise<Page<GroupState>> {
    if (visible === null) return this.store.groups(query);
    const items: GroupState[] = [];
    let cursor = query.cursor;
    for (;;) {
      const page = await this.store.groups({ ...query, cursor, limit: 1_000 });
      for (const group of page.items) {
        if (!visible(group.groupId)) continue;
        if (items.length === query.limit) return { items, nextCursor: items.at(-1)?.groupId ?? null };
        items.push(group);
      }
      if (page.nextCursor === null) return { items, nextCursor: null };
      cursor = page.nextCursor;
    }
  }

  /** @throws GraphkeeperError `GROUP_NOT_FOUND` */
  async health(groupId: string): Promise<GroupHealth> {
    const group = await this.#group(groupId);
    const counts = await this.store.counts(groupId);
    const { items } = await this.jobs.list({ groupId, limit: 20 });
    const findings: string[] = [];
    for (const work of await this.jobs.store.failing({ groupId, coveredBy: COVERED_BY, limit: 20 })) {
      const { kind, failures, losses, runId, error } = work;
      if (failures > 0)
        findings.push(`${kind} failed ${failures} times in a row, run ${runId}: ${error?.message ?? "no message"}`);
      if (losses > CHANCE_LOSSES) findings.push(`${kind} lost its worker ${losses} times in a row and is tried again`);
    }
    for (const pause of await this.jobs.pauses()) {
      // Why everything stands still may say something of other groups.
      if (pause.level === "all") findings.push("paused: everything");
      if (pause.level === "group" && pause.key === groupId) findings.push(`paused: ${pause.reason}`);
    }
    const clock = this.clockTrouble();
    if (clock !== null) findings.push(`clock: ${clock}`);
    const stale = describe(group);
    return {
      ...stale,
      status: findings.length > 0 ? "attention" : stale.needsGc || stale.gdsStale ? "stale" : "healthy",
      counts,
      restoreWindowMs: Number.isFinite(this.policy.restoreWindowMs) ? this.policy.restoreWindowMs : null,
      lastRuns: items.slice(0, 10).map((run) => ({
        kind: run.kind,
        state: run.state,
        endedAt: run.endedAt,
        runId: run.id,
        error: run.error?.message ?? null,
      })),
      findings,
    };
  }

  // Maintenance

  /** Puts a run into the queue; without an idempotency key it joins one of the same kind that waits. */
  async run(request: RunRequest): Promise<{ run: WatchedRun; outcome: "created" | "joined" | "replayed" }> {
    await this.#group(request.groupId);
    const { run, outcome } = await this.jobs.trigger({ ...request, trigger: "manual" });
    return { run: { ...run, attempts: [], batchLog: [], pace: null }, outcome };
  }

  /** Groups that a kind has something to do in: what the schedules run for. */
  async targets(kind: string): Promise<string[]> {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.store.groups({ stale: kind === "recompute", cursor, limit: 500 });
      for (const group of page.items) if (needs(group, kind, this.clock())) ids.push(group.groupId);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return ids;
  }

  /** Rolls forward what a crash left half done; call it at start. */
  resume(signal?: AbortSignal): Promise<number> {
    return resumeUnfinished(this.store, signal);
  }

  /** Seals audits that version 0.1 chained without a key; call it at start. @returns ids of their groups */
  async sealAudits(): Promise<string[]> {
    const sealed: string[] = [];
    if (this.keyring === null) return sealed;
    for (let cursor: string | undefined; ; ) {
      const page = await this.store.groups({ cursor, limit: 500 });
      for (const { groupId, audit } of page.items) {
        if (audit.seq === 0 || isKeyed(audit.hash)) continue;
        await this.store.recordAudit(groupId, sealOf(audit, this.clock()));
        this.anchors?.touch(groupId);
        sealed.push(groupId);
      }
      if (page.nextCursor === null) return sealed;
      cursor = page.nextCursor;
    }
  }

  // Communities

  /** By level, then id, each with the names of its highest members. */
  communities(groupId: string, query: Parameters<GraphStore["communities"]>[1]): Promise<Page<NamedCommunity>> {
    return namedCommunities(this.store, checkGroupId(groupId), query);
  }
  /** The summaries to write again, each with what changed; see `changedCommunities` of maintenance for what it costs. */
  changedCommunities(groupId: string, query: ChangedQuery): Promise<ChangedCommunities> {
    return changedCommunities(this.store, checkGroupId(groupId), query, this.#summaries);
  }
  members(groupId: string, communityId: string, query: { cursor?: string; limit: number }): Promise<Page<string>> {
    return this.store.members(checkGroupId(groupId), communityId, query);
  }
  /** Says what was summarised: the hash of a listed community, a reused, or a removed one. Returns how many were right. */
  acknowledge(groupId: string, items: { id: string; hash: string }[]): Promise<number> {
    return this.store.acknowledgeCommunities(checkGroupId(groupId), items, this.clock());
  }

  // Proof

  /** The canonical dump, line by line. `facts` leaves analytics out. */
  async *dump(groupId: string, options: { facts?: boolean } = {}): AsyncIterable<string> {
    await this.#group(groupId);
    yield* dumpLines(this.store, groupId, options);
  }
  /** Documents that are active, with all that belongs to them, as native NDJSON. */
  async *export(groupId: string): AsyncIterable<string> {
    await this.#group(groupId);
    yield* exportLines(this.store, groupId);
  }
  async verify(groupId: string): Promise<Finding[]> {
    await this.#group(groupId);
    return verifyGroup(this.store, groupId, await this.#proof(groupId));
  }
  /** The audit alone: of a group, or with `INSTALLATION_CHAIN` of the installation. @param anchorFile instead of the configured one */
  async verifyAudit(chain: string, anchorFile?: string): Promise<Finding[]> {
    const proof = await this.#proof(chain, anchorFile);
    if (chain !== INSTALLATION_CHAIN) return verifyAudit(chainOf(this.store, chain, await this.#group(chain)), proof);
    const head = await this.keys.installationHead();
    return verifyAudit({ name: chain, head, read: (query) => this.keys.installationAudit(query) }, proof);
  }
  async audit(groupId: string, query: { afterSeq: number; limit: number }): Promise<AuditEntry[]> {
    await this.#group(groupId);
    return this.store.audit(groupId, query);
  }
  /** Of a group, or with `INSTALLATION_CHAIN` of the installation: keys, schedules, pauses, commands, starts. */
  auditOf(chain: string, query: { afterSeq: number; limit: number }): Promise<AuditEntry[]> {
    return chain === INSTALLATION_CHAIN ? this.keys.installationAudit(query) : this.audit(chain, query);
  }
  /** Does what the installation's audit says afterwards, with who did it. */
  async audited<T>(call: Omit<AuditDraft, "at" | "detail"> & { detail?: object }, work: () => Promise<T>): Promise<T> {
    const result = await work();
    const detail = JSON.parse(JSON.stringify(call.detail ?? {})) as JsonObject;
    await this.keys.recordInstallation({ ...call, at: this.clock(), detail });
    return result;
  }

  async close(): Promise<void> {
    await this.jobs.stop();
    const closeStores = async () => {
      await this.jobs.store.close();
      await this.store.close();
    };
    await (this.anchors ? this.anchors.end(closeStores) : closeStores());
  }

  async #proof(chain: string, anchorFile?: string): Promise<AuditProof> {
    return { keyring: this.keyring, anchored: await this.anchors?.read(chain, anchorFile) };
  }

  async #perform(
    groupId: string,
    verb: Verb,
    documentIds: string[],
    options: CallOptions & { successor?: string },
  ): Promise<OperationRecord> {
    return this.#followed(await perform(this, groupId, verb, documentIds, options), options.trace);
  }

  async #followed(record: OperationRecord, trace: TraceContext | undefined): Promise<OperationRecord> {
    this.#onLifecycleCall();
    this.anchors?.touch(record.groupId);
    if (hasEffect(record.effect) && !record.replayed) await this.#changed(record.groupId, trace);
    return record;
  }

  async #changed(groupId: string, trace: TraceContext | undefined): Promise<void> {
    if (this.#collectAfterEvents) await this.jobs.requestAfterEvent("gc_all", groupId, trace);
  }

  async #group(groupId: string): Promise<GroupState> {
    const group = await this.store.group(checkGroupId(groupId));
    if (!group) throw new GraphkeeperError("GROUP_NOT_FOUND", "There is no such group.", { group: groupId });
    return group;
  }
}

const DAY_MS = 24 * 60 * 60 * 1_000;

function describe(group: GroupState): StaleGroup {
  const needsGc = isStale(group.generation, group.collectedGeneration);
  const gdsStale = isStale(group.generation, group.analyticsGeneration);
  return {
    groupId: group.groupId,
    needsGc,
    needsGdsRecompute: gdsStale,
    gdsStale,
    staleSince: group.staleSince,
    generation: group.generation,
    collectedGeneration: group.collectedGeneration,
    analyticsGeneration: group.analyticsGeneration,
    generationsBehind: {
      gc: group.generation - group.collectedGeneration,
      gds: group.generation - (group.analyticsGeneration ?? 0),
    },
  };
}

/** Collection also visits quiet groups once a day: restore windows end and entities age without any change. */
function needs(group: GroupState, kind: string, now: number): boolean {
  if (kind === "recompute") return isStale(group.generation, group.analyticsGeneration);
  if (isStale(group.generation, group.collectedGeneration)) return true;
  return kind === "orphan_entities" && now - (group.lastSweepAt ?? group.createdAt) >= DAY_MS;
}
