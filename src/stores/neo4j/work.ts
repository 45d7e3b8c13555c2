import { chained } from "../../core/audit.ts";
import { GraphkeeperError } from "../../core/errors.ts";
import type { Keyring } from "../../core/keyring.ts";
import type {
  AuditDraft,
  AuditEntry,
  CollectionKind,
  DocumentRecord,
  Effect,
  Fence,
  JsonObject,
} from "../../core/words.ts";
import type { Connection, Row, Transaction } from "./connection.ts";
import type { GroupRow } from "./group-row.ts";
import { ORDERED_OTHERWISE } from "./phases.ts";
import { idFromKey, keyFromId, type Shapes } from "./shapes.ts";
import type { Statements } from "./statements/index.ts";

/** Rows per statement. */
export const ROWS = 1_000;
/** Answers kept on the group's node, so that a transaction that ran again finds that it had been committed. */
const KEPT_CALLS = 8;

export type DocumentState = Omit<DocumentRecord, "textUnits">;

/** One transaction's reading side: statements by name, ids and keys. */
export class Reading {
  readonly tx: Transaction;
  readonly statements: Statements;
  readonly shapes: Shapes;
  readonly connection: Connection;
  readonly groupId: string;

  constructor(connection: Connection, tx: Transaction, statements: Statements, shapes: Shapes, groupId: string) {
    this.connection = connection;
    this.tx = tx;
    this.statements = statements;
    this.shapes = shapes;
    this.groupId = groupId;
  }

  async run<T extends Row = Row>(name: keyof Statements, parameters: Row = {}): Promise<T[]> {
    return (await this.tx.run(this.statements[name], { group: this.groupId, ...parameters })) as T[];
  }

  async *stream(name: keyof Statements, parameters: Row = {}): AsyncIterable<Row> {
    yield* this.tx.stream(this.statements[name], { group: this.groupId, ...parameters });
  }

  int(value: number): unknown {
    return this.connection.int(value);
  }

  /** Runs a statement over a list in parts of at most 1,000 rows, all sent at once. */
  async each<T extends Row = Row>(
    name: keyof Statements,
    list: string,
    items: Iterable<unknown>,
    parameters: Row = {},
  ): Promise<T[]> {
    const parts = partsOf(items).map((part) => this.run<T>(name, { ...parameters, [list]: part }));
    return parts.length === 1 ? (parts[0] as Promise<T[]>) : (await Promise.all(parts)).flat();
  }

  documentKey(id: string): unknown {
    const { documents } = this.shapes.profile;
    return documents.as === "node" ? keyFromId(documents.key, id) : id;
  }

  async documents(ids: Iterable<string>): Promise<Map<string, DocumentState>> {
    const rows = await this.each<{ id: unknown; stored: boolean; title: string | null; state: Row | null }>(
      "documentsById",
      "rows",
      [...new Set(ids)].map((id) => ({ id, key: this.documentKey(id) })),
    );
    return new Map(
      rows.filter((r) => r.stored).map((r) => [idFromKey(r.id), documentState(idFromKey(r.id), r.title, r.state)]),
    );
  }
}

function partsOf(items: Iterable<unknown>): unknown[][] {
  const all = [...items];
  return Array.from({ length: Math.ceil(all.length / ROWS) }, (_, i) => all.slice(i * ROWS, (i + 1) * ROWS));
}

export function documentState(id: string, title: string | null, state: Row | null): DocumentState {
  const s = (state ?? {}) as Partial<Record<string, unknown>>;
  return {
    id,
    title: (s.title as string | undefined) ?? title,
    contentHash: (s.contentHash as string | undefined) ?? "",
    metadata: typeof s.metadata === "string" ? (JSON.parse(s.metadata) as JsonObject) : null,
    status: s.status === "deprecated" ? "deprecated" : "active",
    version: (s.version as number | undefined) ?? 1,
    successor: (s.successor as string | undefined) ?? null,
    legalHold: s.legalHold === true,
    deprecatedAt: (s.deprecatedAt as number | undefined) ?? null,
    createdAt: (s.createdAt as number | undefined) ?? 0,
  };
}

export function noEffect(): Effect {
  return { documents: 0, textUnits: 0, entities: 0, relationships: 0, vectors: 0 };
}

/** One write transaction on one group, whose node is locked by it. */
export class Work extends Reading {
  readonly group: GroupRow;
  readonly keyring: Keyring | null;
  readonly effect: Effect = noEffect();
  readonly #candidates: Record<CollectionKind, Set<string>> = {
    orphan_entities: new Set(),
    stale_edges: new Set(),
    deprecated_vectors: new Set(),
  };
  readonly #vectors = new Set<string>();
  #vectorsLess = 0;
  #outOfOrder = false;
  readonly #changed = new Set<keyof GroupRow>();
  readonly #sent: Promise<unknown>[] = [];
  readonly #documents = new Map<string, DocumentState | null>();

  /** @param keyring the installation's key; null = the audit is chained without one */
  constructor(
    connection: Connection,
    tx: Transaction,
    statements: Statements,
    shapes: Shapes,
    group: GroupRow,
    keyring: Keyring | null,
  ) {
    super(connection, tx, statements, shapes, group.lc_group);
    this.group = group;
    this.keyring = keyring;
  }

  set(state: Partial<Record<keyof GroupRow, unknown>>): void {
    Object.assign(this.group, state);
    for (const key of Object.keys(state)) this.#changed.add(key as keyof GroupRow);
  }

  /**
   * Sends a statement whose rows nobody needs, without waiting: the server carries statements out in the order in which
   * they were sent. What fails is told by `settled`, and by every later statement.
   */
  send(name: keyof Statements, parameters: Row = {}): void {
    this.sendText(this.statements[name], parameters);
  }

  sendText(statement: string, parameters: Row = {}): void {
    const sent = this.tx.run(statement, { group: this.groupId, ...parameters });
    sent.catch(() => {});
    this.#sent.push(sent);
  }

  sendEach(name: keyof Statements, list: string, items: Iterable<unknown>, parameters: Row = {}): void {
    for (const part of partsOf(items)) this.send(name, { ...parameters, [list]: part });
  }

  /** Waits until everything that was sent is carried out. */
  async settled(): Promise<void> {
    await Promise.all(this.#sent.splice(0));
  }

  /** States of documents, read once per transaction: only holders of the group's lock change them. */
  override async documents(ids: Iterable<string>): Promise<Map<string, DocumentState>> {
    const wanted = [...new Set(ids)];
    const unknown = wanted.filter((id) => !this.#documents.has(id));
    if (unknown.length > 0) {
      const found = await super.documents(unknown);
      for (const id of unknown) this.#documents.set(id, found.get(id) ?? null);
    }
    const states = wanted.map((id) => [id, this.#documents.get(id) ?? null] as const);
    return new Map(states.filter((entry): entry is [string, DocumentState] => entry[1] !== null));
  }

  remember(ids: Iterable<string>, documents: Map<string, DocumentState>): void {
    for (const id of ids) this.#documents.set(id, documents.get(id) ?? null);
  }

  note(kind: CollectionKind, ids: Iterable<string>): void {
    for (const id of ids) {
      this.#candidates[kind].add(id);
      this.#outOfOrder ||= ORDERED_OTHERWISE.test(id);
    }
  }

  /** Whether a candidate of this transaction stands elsewhere in the index until it is committed. */
  get wroteOutOfOrder(): boolean {
    return this.#outOfOrder;
  }

  /** Counts vectors that came, went or moved: each once per transaction, however often it was touched. */
  countVectors(handles: Iterable<string>): void {
    for (const handle of handles) this.#vectors.add(handle);
    this.effect.vectors = this.#vectors.size + this.#vectorsLess;
  }

  /** A vector that was taken away and given again to the same row is one that changed. */
  countOneLess(): void {
    this.#vectorsLess--;
    this.effect.vectors = this.#vectors.size + this.#vectorsLess;
  }

  /** What is deleted waits for nothing. */
  forget(kind: CollectionKind, ids: string[]): void {
    for (const id of ids) this.#candidates[kind].delete(id);
    this.sendEach("dropCandidates", "ids", ids, { kind });
  }

  /** Sends the candidates noted so far. */
  flush(): void {
    const rows = (Object.keys(this.#candidates) as CollectionKind[]).flatMap((kind) =>
      [...this.#candidates[kind]].map((id) => ({ kind, id })),
    );
    this.sendEach("addCandidates", "rows", rows);
    for (const noted of Object.values(this.#candidates)) noted.clear();
  }

  /** Raises the generation by one and appends to the audit chain. */
  commitChange(at: number, entry: Omit<AuditDraft, "at">): void {
    this.set({ generation: this.group.generation + 1, staleSince: this.group.staleSince ?? at });
    if (this.shapes.profile.published?.stale) this.send("markStale", { stale: true, now: new Date(at).toISOString() });
    this.audit(at, entry);
  }

  audit(at: number, entry: Omit<AuditDraft, "at">): AuditEntry {
    const { auditSeq: seq, auditHash: hash, generation } = this.group;
    const entries = chained(this.groupId, { seq, hash }, { at, ...entry }, generation, this.keyring);
    for (const next of entries) this.#addAudit(next);
    const last = entries.at(-1) as AuditEntry;
    this.set({ auditSeq: last.seq, auditHash: last.hash });
    return last;
  }

  #addAudit({ seq, at, actor, action, ref, detail, generation, hash }: AuditEntry): void {
    this.send("addAudit", {
      seq: this.int(seq),
      entry: {
        at: this.int(at),
        actor,
        action,
        ref,
        detail: JSON.stringify(detail),
        generation: this.int(generation),
        hash,
      },
    });
  }

  /** Writes what was gathered: candidates, and the group's state with the answer of this call. */
  async finish(call: string, result: unknown): Promise<void> {
    this.flush();
    const state: Row = {};
    for (const key of this.#changed) {
      const value = this.group[key];
      state[key] = typeof value === "number" ? this.int(value) : (value ?? null);
    }
    const remembered = JSON.stringify(result ?? null);
    const kept = remembered.length < 100_000 ? remembered : null;
    this.send("saveGroup", { state, call: kept === null ? null : call, result: kept, keep: this.int(KEPT_CALLS) });
    await this.settled();
  }

  /** @throws GraphkeeperError `LEASE_LOST` before anything is written */
  checkFence(fence: Fence, now: number | null, storeNow: number): void {
    const { leaseToken, leaseHolder, leaseUntil = 0, leaseStoreUntil = 0 } = this.group;
    const held =
      leaseHolder != null &&
      leaseToken === fence.token &&
      (now === null || now < leaseUntil) &&
      storeNow < leaseStoreUntil;
    if (!held)
      throw new GraphkeeperError("LEASE_LOST", `The lease on the group ${fence.groupId} is not held any more.`, {
        group: fence.groupId,
      });
  }
}
