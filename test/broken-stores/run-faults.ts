import type { AnalyticsPart, ApplyOptions, CollectOptions } from "../../src/core/ports.ts";
import type {
  CollectionBatch,
  CollectionKind,
  Fence,
  GroupState,
  JsonObject,
  Operation,
  OperationRecord,
} from "../../src/core/words.ts";
import { setEntity } from "../../src/stores/memory/derive.ts";
import type { DocumentRow, Group } from "../../src/stores/memory/state.ts";
import { Spoilt } from "./spoilt.ts";

/** Faults of collection, leases and analytics. */

export class CollectionAcrossGroups extends Spoilt {
  override async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    const batch = await super.collect(fence, kind, options);
    if (kind !== "orphan_entities" || options.dryRun) return batch;
    for (const groupId of this.groupsById.keys()) {
      this.spoil(groupId, (group) => {
        for (const id of batch.ids) {
          const entity = group.entities.get(id);
          if (entity) setEntity(group, entity, "parked", options.now);
        }
      });
    }
    return batch;
  }
}

export class LostUpdateOfTheGeneration extends Spoilt {
  override async finishCollection(
    fence: Fence,
    done: { readGeneration: number; ownChanges: number; sweptAt: number | null; now: number },
  ): Promise<GroupState> {
    const { generation } = this.snapshot(fence.groupId).state; // As a flag would: "clean now", whatever came in between.
    return super.finishCollection(fence, { ...done, readGeneration: generation, ownChanges: 0 });
  }
}

export class OrphanStillMentioned extends Spoilt {
  override async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    const candidates = [...this.snapshot(fence.groupId).candidates.orphan_entities];
    const batch = await super.collect(fence, kind, options);
    if (kind === "orphan_entities" && !options.dryRun) {
      this.spoil(fence.groupId, (group) => {
        for (const id of candidates) {
          const entity = group.entities.get(id); // The candidate is believed; nobody looks again.
          if (entity) setEntity(group, entity, "parked", options.now);
        }
      });
    }
    return batch;
  }
}

export class ZeroRowsSilentlyDeleted extends Spoilt {
  override async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    if (kind !== "stale_edges" || options.dryRun) return super.collect(fence, kind, options);
    const batch = await super.collect(fence, kind, { ...options, dryRun: true }); // The numbers are right.
    this.spoil(fence.groupId, (group) => {
      group.candidates.stale_edges.clear();
    });
    return batch;
  }
}

export class UnboundedBatch extends Spoilt {
  override async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    return super.collect(fence, kind, { ...options, limit: Number.MAX_SAFE_INTEGER });
  }
}

export class UnfencedWrite extends Spoilt {
  protected override fenced<T>(fence: Fence, _now: number, work: (draft: Group) => T): T {
    return this.transaction(fence.groupId, work);
  }
}

export class AuditEntryMissing extends Spoilt {
  override async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    const { length } = this.snapshot(fence.groupId).audit;
    const batch = await super.collect(fence, kind, options);
    if (!options.dryRun) {
      this.spoil(fence.groupId, (group) => {
        group.audit = group.audit.slice(0, length);
      });
    }
    return batch;
  }
}

export class StagedAnalyticsVisible extends Spoilt {
  override async stageAnalytics(fence: Fence, part: AnalyticsPart, now: number): Promise<void> {
    await super.stageAnalytics(fence, part, now);
    this.spoil(fence.groupId, (group) => {
      for (const { table, key, row } of group.staged) {
        if (table === "similarity" && row) (group.published.similarity as Map<string, unknown>).set(key, row);
      }
    });
  }
}

export class RetentionIgnoresLegalHold extends Spoilt {
  override async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    this.spoil(fence.groupId, (group) => {
      for (const document of group.documents.values()) {
        if (document.status === "deprecated")
          group.documents.set(document.id, { ...document, legalHold: false } as DocumentRow);
      }
    });
    return super.collect(fence, kind, options);
  }
}

export class DryRunWrites extends Spoilt {
  override async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    return super.collect(fence, kind, { ...options, dryRun: false });
  }
}

export class PublicationBringsPurgedBack extends Spoilt {
  override async publishAnalytics(
    fence: Fence,
    publication: { generation: number; state: Uint8Array | null; detail: JsonObject; now: number },
  ): Promise<GroupState> {
    const { staged } = this.snapshot(fence.groupId);
    const state = await super.publishAnalytics(fence, publication);
    this.spoil(fence.groupId, (group) => {
      for (const { table, key, row } of staged) {
        if (table === "ranks" && row) (group.published.ranks as Map<string, unknown>).set(key, row);
      }
    });
    return state;
  }
}

export class MembersOfTheSummaryForgotten extends Spoilt {
  override async acknowledgeCommunities(groupId: string, items: { id: string; hash: string }[], now: number) {
    const stored = await super.acknowledgeCommunities(groupId, items, now);
    this.spoil(groupId, (group) => {
      for (const [id, { hash }] of group.acknowledged) group.acknowledged.set(id, { hash, members: [] });
    });
    return stored;
  }
}

export class PurgedStaysInTheSummary extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    const before = this.groupsById.get(operation.groupId)?.acknowledged;
    const record = await super.apply(operation, options);
    this.spoil(operation.groupId, (group) => {
      if (before) group.acknowledged = new Map(before);
    });
    return record;
  }
}

export class WindowIgnored extends Spoilt {
  override async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    return super.collect(fence, kind, { ...options, policy: { ...options.policy, restoreWindowMs: 0 } });
  }
}
