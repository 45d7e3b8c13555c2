import { AUDIT_START } from "../../core/canonical.ts";
import { GraphkeeperError } from "../../core/errors.ts";
import type { GroupState } from "../../core/words.ts";
import type { Row } from "./connection.ts";

/** The group's node of ours. */
export interface GroupRow extends Row {
  lc_group: string;
  generation: number;
  collectedGeneration: number;
  analyticsGeneration?: number;
  analyticsEpoch: number;
  staleSince?: number;
  lastSweepAt?: number;
  createdAt: number;
  /** See `Shapes.layout`. */
  layout?: string;
  auditSeq: number;
  auditHash: string;
  /** Absent before the first purge. */
  purgeSalt?: string;
  unitDimension?: number;
  entityDimension?: number;
  leaseToken?: number;
  leaseHolder?: string;
  leaseUntil?: number;
  leaseStoreUntil?: number;
}

/** The group's node, locked, with the answer of the call if that was committed before. */
export interface LockedGroup {
  g: GroupRow;
  answer: string | null;
}

export function groupState(g: GroupRow): GroupState {
  return {
    groupId: g.lc_group,
    generation: g.generation,
    collectedGeneration: g.collectedGeneration,
    analyticsGeneration: g.analyticsGeneration ?? null,
    analyticsEpoch: g.analyticsEpoch,
    staleSince: g.staleSince ?? null,
    lastSweepAt: g.lastSweepAt ?? null,
    createdAt: g.createdAt,
    audit: { seq: g.auditSeq, hash: g.auditHash },
  };
}

export function newGroup(groupId: string, at: number): GroupRow {
  return {
    lc_group: groupId,
    generation: 0,
    collectedGeneration: 0,
    analyticsEpoch: 0,
    createdAt: at,
    auditSeq: 0,
    auditHash: AUDIT_START,
  };
}

/** @throws GraphkeeperError `CONFLICT` when the group is kept under another layout: its nodes would not be found */
export function checkLayout(g: GroupRow, layout: string): GroupRow {
  if (g.layout === undefined || g.layout === layout) return g;
  throw new GraphkeeperError(
    "CONFLICT",
    `The group ${g.lc_group} is kept in this database by another profile, with text units and entities labelled ${g.layout}.`,
    { field: "neo4j.profile", group: g.lc_group },
  );
}

export function groupNotFound(groupId: string): GraphkeeperError {
  return new GraphkeeperError("GROUP_NOT_FOUND", `There is no group ${groupId}.`, { group: groupId });
}
