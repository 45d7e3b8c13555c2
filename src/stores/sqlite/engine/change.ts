import { chained } from "../../../core/audit.ts";
import { AUDIT_START } from "../../../core/canonical.ts";
import { GraphkeeperError } from "../../../core/errors.ts";
import type { AuditDraft, AuditEntry, Effect, GroupState } from "../../../core/words.ts";
import type { Row, Session } from "./session.ts";

/** The columns of a group's row that change; written back as one row at the end of a transaction. */
const COLUMNS = [
  "generation",
  "collected_generation",
  "analytics_generation",
  "analytics_epoch",
  "stale_since",
  "last_sweep_at",
  "unit_dimension",
  "entity_dimension",
  "lease_holder",
  "lease_token",
  "lease_until",
  "lease_until_here",
  "audit_seq",
  "audit_hash",
  "purge_salt",
  "documents_active",
  "documents_deprecated",
  "units_live",
  "units_parked",
  "entities_live",
  "entities_parked",
  "relationships_live",
  "relationships_parked",
  "vectors_searchable",
  "vectors_parked",
  "similarity_rows",
  "similarity_staged",
  "community_rows",
  "community_staged",
] as const;
type NullableColumn = "analytics_generation" | "stale_since" | "last_sweep_at" | "unit_dimension" | "entity_dimension";
type TextColumn = "lease_holder" | "audit_hash" | "purge_salt";
export type GroupRow = { g: number; id: string; created_at: number } & {
  [C in Exclude<(typeof COLUMNS)[number], NullableColumn | TextColumn>]: number;
} & { [C in NullableColumn]: number | null } & {
  lease_holder: string | null;
  audit_hash: string;
  /** null before the first purge. */
  purge_salt: string | null;
};

/** A write transaction on one group, on its way. */
export interface Change {
  session: Session;
  g: number;
  group: GroupRow;
  at: number;
  /** What readers see differently: counted as it happens. */
  effect: Effect;
  /** Relationships to judge once units and entities are settled. */
  review: Set<number>;
  /** Keys of vectors that moved or got other values: one that did both is one change. */
  changedVectors: Set<number>;
  /** Text units that a purge went through, whether they stayed or not. */
  unitsPurged: number;
  /** Ids of rows deleted for good. */
  gone: { documents: string[]; textUnits: string[]; entities: string[]; relationships: string[] };
}

export function findGroup(session: Session, groupId: string): GroupRow | null {
  return (session.get("SELECT * FROM groups WHERE id = ?", groupId) as Row as GroupRow | undefined) ?? null;
}

/** @throws GraphkeeperError `GROUP_NOT_FOUND` */
export function needGroup(session: Session, groupId: string): GroupRow {
  const group = findGroup(session, groupId);
  if (!group) throw new GraphkeeperError("GROUP_NOT_FOUND", `There is no group ${groupId}.`, { group: groupId });
  return group;
}

export function createGroup(session: Session, groupId: string, at: number): GroupRow {
  session.run("INSERT INTO groups (id, created_at, audit_hash) VALUES (?, ?, ?)", groupId, at, AUDIT_START);
  return findGroup(session, groupId) as GroupRow;
}

export function noEffect(): Effect {
  return { documents: 0, textUnits: 0, entities: 0, relationships: 0, vectors: 0 };
}

export function beginChange(session: Session, group: GroupRow, at: number): Change {
  const gone = { documents: [], textUnits: [], entities: [], relationships: [] };
  return {
    session,
    g: group.g,
    group,
    at,
    effect: noEffect(),
    review: new Set(),
    changedVectors: new Set(),
    unitsPurged: 0,
    gone,
  };
}

const SAVE = `UPDATE groups SET ${COLUMNS.map((c) => `${c} = ?`).join(", ")} WHERE g = ?`;

export function saveGroup(change: Change): void {
  const { group, session } = change;
  session.run(SAVE, ...COLUMNS.map((column) => group[column]), group.g);
}

/** Something that readers can see has changed: the group's next generation. */
export function raiseGeneration(change: Change): void {
  change.group.generation++;
  change.group.stale_since ??= change.at;
}

/** What both collection and analytics have followed is not stale. */
export function settleStaleness(group: GroupRow): void {
  if (group.collected_generation >= group.generation && group.analytics_generation === group.generation)
    group.stale_since = null;
}

export function appendAudit(change: Change, draft: AuditDraft): AuditEntry {
  const { group, session } = change;
  const head = { seq: group.audit_seq, hash: group.audit_hash };
  const entries = chained(group.id, head, draft, group.generation, session.options.keyring);
  for (const entry of entries) insertAudit(session, group.g, entry);
  const last = entries.at(-1) as AuditEntry;
  group.audit_seq = last.seq;
  group.audit_hash = last.hash;
  return last;
}

export function insertAudit(session: Session, g: number, entry: AuditEntry): void {
  session.run(
    "INSERT INTO audit (g, seq, at, actor, action, ref, detail, generation, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    g,
    entry.seq,
    entry.at,
    entry.actor,
    entry.action,
    entry.ref,
    JSON.stringify(entry.detail),
    entry.generation,
    entry.hash,
  );
}

/** Integers that no row ever had: a purged thing's key is not given again. */
export function newKey(session: Session): number {
  return (session.get("UPDATE sequence SET next = next + 1 RETURNING next - 1 AS key") as Row).key as number;
}

export function groupState(group: GroupRow): GroupState {
  return {
    groupId: group.id,
    generation: group.generation,
    collectedGeneration: group.collected_generation,
    analyticsGeneration: group.analytics_generation,
    analyticsEpoch: group.analytics_epoch,
    staleSince: group.stale_since,
    lastSweepAt: group.last_sweep_at,
    createdAt: group.created_at,
    audit: { seq: group.audit_seq, hash: group.audit_hash },
  };
}
