import type { AnalyticsPart, ApplyOptions, CollectOptions, GraphStore, Hit } from "../../src/core/ports.ts";
import type {
  CollectionBatch,
  CollectionKind,
  Fence,
  GroupState,
  JsonObject,
  Operation,
  OperationRecord,
} from "../../src/core/words.ts";
import { setEntity, setTextUnit } from "../../src/stores/memory/derive.ts";
import { MemoryStore } from "../../src/stores/memory/index.ts";
import type { DocumentRow, Group } from "../../src/stores/memory/state.ts";

/** Stores with one planted fault each, of the kind that real systems have had. */
export interface BrokenStore {
  fault: string;
  /** Cases that must find it, whatever else fails too. */
  foundBy: string[];
  open: () => GraphStore;
}

/** A memory store whose rows can be spoilt behind its back. */
class Spoilt extends MemoryStore {
  protected spoil(groupId: string, work: (group: Group) => void): void {
    if (this.groupsById.has(groupId)) this.transaction(groupId, work);
  }
}

class MarkOutsideTheTransaction extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    try {
      return await super.apply(operation, options);
    } catch (error) {
      // The status was written first, in a transaction of its own, and stays when the rest fails.
      this.spoil(operation.groupId, (group) => {
        for (const id of operation.documentIds) {
          const document = group.documents.get(id);
          if (!document || operation.verb !== "deprecate") continue;
          group.documents.set(id, { ...document, status: "deprecated", deprecatedAt: operation.at });
        }
      });
      throw error;
    }
  }
}

class HalfAnImport extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    try {
      return await super.apply(operation, options);
    } catch (error) {
      this.spoil(operation.groupId, (group) => {
        for (const { id, name } of options?.block?.entities ?? []) {
          if (group.entities.has(id)) continue;
          const rest = { type: null, description: null, parkedAt: null, vector: null, everMentioned: false };
          group.entities.set(id, { id, name, presence: "live", createdAt: operation.at, ...rest });
        }
      });
      throw error;
    }
  }
}

class CollectionAcrossGroups extends Spoilt {
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

class LostUpdateOfTheGeneration extends Spoilt {
  override async finishCollection(
    fence: Fence,
    done: { readGeneration: number; ownChanges: number; sweptAt: number | null; now: number },
  ): Promise<GroupState> {
    const { generation } = this.snapshot(fence.groupId).state; // As a flag would: "clean now", whatever came in between.
    return super.finishCollection(fence, { ...done, readGeneration: generation, ownChanges: 0 });
  }
}

class GenerationNotRaised extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    const before = (await this.group(operation.groupId))?.generation;
    const record = await super.apply(operation, options);
    if (operation.verb === "restore" && before !== undefined) {
      this.spoil(operation.groupId, (group) => {
        group.state.generation = before;
      });
    }
    return record;
  }
}

class GenerationReadAndWrittenApart extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    const read = (await this.group(operation.groupId))?.generation ?? 0;
    await Promise.resolve(); // Others read the same meanwhile.
    const record = await super.apply(operation, options);
    this.spoil(operation.groupId, (group) => {
      if (group.state.generation > read) group.state.generation = read + 1;
    });
    return record;
  }
}

class OrphanStillMentioned extends Spoilt {
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

class ZeroRowsSilentlyDeleted extends Spoilt {
  override async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    if (kind !== "stale_edges" || options.dryRun) return super.collect(fence, kind, options);
    const batch = await super.collect(fence, kind, { ...options, dryRun: true }); // The numbers are right.
    this.spoil(fence.groupId, (group) => {
      group.candidates.stale_edges.clear();
    });
    return batch;
  }
}

class VectorLostOnRestore extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    const record = await super.apply(operation, options);
    if (operation.verb === "deprecate") {
      this.spoil(operation.groupId, (group) => {
        for (const unit of group.textUnits.values()) {
          if (unit.presence === "parked") group.textUnits.set(unit.id, { ...unit, vector: null });
        }
      });
    }
    return record;
  }
}

class UnboundedBatch extends Spoilt {
  override async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    return super.collect(fence, kind, { ...options, limit: Number.MAX_SAFE_INTEGER });
  }
}

class UnfencedWrite extends Spoilt {
  protected override fenced<T>(fence: Fence, _now: number, work: (draft: Group) => T): T {
    return this.transaction(fence.groupId, work);
  }
}

class IdempotencyForgotten extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    this.spoil(operation.groupId, (group) => {
      group.operations.delete(operation.id);
    });
    return super.apply(operation, options);
  }
}

class AuditEntryMissing extends Spoilt {
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

class StagedAnalyticsVisible extends Spoilt {
  override async stageAnalytics(fence: Fence, part: AnalyticsPart, now: number): Promise<void> {
    await super.stageAnalytics(fence, part, now);
    this.spoil(fence.groupId, (group) => {
      for (const { table, key, row } of group.staged) {
        if (table === "similarity" && row) (group.published.similarity as Map<string, unknown>).set(key, row);
      }
    });
  }
}

class PurgeLeavesAMention extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    const before = this.groupsById.get(operation.groupId);
    const record = await super.apply(operation, options);
    if (operation.verb === "purge" && before) {
      this.spoil(operation.groupId, (group) => {
        const gone = [...before.mentions].find(([unit, entities]) => !group.mentions.has(unit) && entities.size > 0);
        if (gone) group.mentions.set(gone[0], gone[1]);
      });
    }
    return record;
  }
}

class CandidatesOfABulkForgotten extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    const record = await super.apply(operation, options);
    if (operation.verb === "deprecate" && operation.documentIds.length > 1) {
      this.spoil(operation.groupId, (group) => {
        group.candidates.orphan_entities.clear();
      });
    }
    return record;
  }
}

class RestoreLeavesEntitiesToTheJob extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    const before = this.groupsById.get(operation.groupId);
    const record = await super.apply(operation, options);
    if (operation.verb === "restore" && before) {
      this.spoil(operation.groupId, (group) => {
        for (const [id, entity] of before.entities) {
          if (entity.presence !== "parked" || !group.entities.has(id)) continue;
          group.entities.set(id, entity);
          group.candidates.orphan_entities.add(id);
        }
      });
    }
    return record;
  }
}

class ParkedStaysSearchable extends Spoilt {
  override async search(groupId: string, query: Parameters<MemoryStore["search"]>[1]): Promise<Hit[]> {
    const group = this.snapshot(groupId).clone();
    for (const unit of [...group.textUnits.values()]) setTextUnit(group, unit, "live"); // The index knows no status.
    const reader = new Looking(group);
    return reader.search(groupId, query);
  }
}
class Looking extends MemoryStore {
  constructor(group: Group) {
    super();
    this.groupsById.set(group.state.groupId, group);
  }
}

class KeptUnitsGetNewVectors extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    const record = await super.apply(operation, options);
    this.spoil(operation.groupId, (group) => {
      for (const { text, embedding } of options?.block?.textUnits ?? []) {
        for (const unit of group.textUnits.values()) {
          if (unit.text !== text || !unit.vector || !embedding || record.outcomes[0]?.outcome !== "replaced") continue;
          group.textUnits.set(unit.id, { ...unit, vector: { ...unit.vector, values: embedding } });
        }
      }
    });
    return record;
  }
}

class RetentionIgnoresLegalHold extends Spoilt {
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

class DryRunWrites extends Spoilt {
  override async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    return super.collect(fence, kind, { ...options, dryRun: false });
  }
}

class PublicationBringsPurgedBack extends Spoilt {
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

class WindowIgnored extends Spoilt {
  override async collect(fence: Fence, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
    return super.collect(fence, kind, { ...options, policy: { ...options.policy, restoreWindowMs: 0 } });
  }
}

class GuardNotAsked extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    return super.apply(operation, { ...options, guard: null });
  }
}

export const BROKEN_STORES: BrokenStore[] = [
  {
    fault: "the mark is set outside the transaction",
    foundBy: [
      "deprecate: the successor must be another document of the group",
      "guard: is the default when the call names none",
    ],
    open: () => new MarkOutsideTheTransaction(),
  },
  {
    fault: "a refused import leaves half of its block",
    foundBy: ["import: what a row names must be in the block or stored, or nothing is written"],
    open: () => new HalfAnImport(),
  },
  {
    fault: "garbage collection reaches into other groups",
    foundBy: [
      "groups: whatever is done to one changes nothing of another that has the same names and ids",
      "groups: a new group begins with its first import, at generation 1, and cannot be collected across",
    ],
    open: () => new CollectionAcrossGroups(),
  },
  {
    fault: "an update of the generation is lost",
    foundBy: ["staleness: a change during a collection keeps the group stale"],
    open: () => new LostUpdateOfTheGeneration(),
  },
  {
    fault: "a restore does not raise the generation",
    foundBy: ["operation: an effective one raises the generation by one, with the record, at the time of the call"],
    open: () => new GenerationNotRaised(),
  },
  {
    fault: "the generation is read and written apart",
    foundBy: ["concurrency: calls made at the same time each have their effect, and a generation of their own"],
    open: () => new GenerationReadAndWrittenApart(),
  },
  {
    fault: "an orphan that is still mentioned is parked",
    foundBy: [
      "collect: an entity that another document's live unit mentions is never parked",
      "collect: what came back before the run is judged again and stays",
    ],
    open: () => new OrphanStillMentioned(),
  },
  {
    fault: "zero rows are deleted, and reported as deleted",
    foundBy: ["collect: parks exactly what the law says, kind by kind, and says how much"],
    open: () => new ZeroRowsSilentlyDeleted(),
  },
  {
    fault: "vectors are lost when a document is restored",
    foundBy: ["restore: brings everything back at once, what collection has parked included, bit for bit"],
    open: () => new VectorLostOnRestore(),
  },
  {
    fault: "a batch has no bounds",
    foundBy: ["collect: batches keep to their limit, page by cursor, and add up to the same"],
    open: () => new UnboundedBatch(),
  },
  {
    fault: "writes are not fenced",
    foundBy: [
      "fence: a holder whose lease went to another writes nothing",
      "fence: a holder whose lease has run out writes nothing, though nobody else has taken it",
      "fence: a lease runs out by the store's own time, whatever the caller's clock says",
      "fence: after a release nothing is written with it",
    ],
    open: () => new UnfencedWrite(),
  },
  {
    fault: "operation ids are forgotten",
    foundBy: [
      "operation: the same id again answers with the first record and has no second effect",
      "operation: the same id for another call is refused",
    ],
    open: () => new IdempotencyForgotten(),
  },
  {
    fault: "the audit misses what collection did",
    foundBy: ["audit: every effective call and batch has an entry, in order, with who, when and what"],
    open: () => new AuditEntryMissing(),
  },
  {
    fault: "staged analytics can be seen",
    foundBy: ["analytics: nothing that is staged can be seen until it is published, then all of it at once"],
    open: () => new StagedAnalyticsVisible(),
  },
  {
    fault: "a purge leaves a mention",
    foundBy: ["purge: leaves no trace in any record, count or search, and touches nothing else"],
    open: () => new PurgeLeavesAMention(),
  },
  {
    fault: "a bulk deprecation notes no candidates",
    foundBy: [
      "restore: brings everything back at once, what collection has parked included, bit for bit",
      "impact: says exactly what then happens, and changes nothing itself",
    ],
    open: () => new CandidatesOfABulkForgotten(),
  },
  {
    fault: "a restore leaves entities to the next job",
    foundBy: ["restore: brings everything back at once, what collection has parked included, bit for bit"],
    open: () => new RestoreLeavesEntitiesToTheJob(),
  },
  {
    fault: "a search finds deprecated texts",
    foundBy: ["deprecate: a vector search of texts does not find the document's own units when the call returns"],
    open: () => new ParkedStaysSearchable(),
  },
  {
    fault: "a replace overwrites the vectors of texts that did not change",
    foundBy: ["replace: an equal text keeps its old unit's id, vector, mentions and support, whatever its new id"],
    open: () => new KeptUnitsGetNewVectors(),
  },
  {
    fault: "retention ignores legal hold",
    foundBy: ["retention: legal hold keeps a document for ever; released, it goes"],
    open: () => new RetentionIgnoresLegalHold(),
  },
  {
    fault: "the restore window is ignored",
    foundBy: [
      "retention: inside the restore window nothing is purged; at its end the document is, as by purge",
      "retention: a window without end purges nothing, ever",
    ],
    open: () => new WindowIgnored(),
  },
  {
    fault: "a dry run is not dry",
    foundBy: ["collect: a dry run changes nothing and tells what a run then does"],
    open: () => new DryRunWrites(),
  },
  {
    fault: "a publication brings purged entities back",
    foundBy: [
      "purge: published and staged rows of purged entities vanish at once and do not come back with a publication",
    ],
    open: () => new PublicationBringsPurgedBack(),
  },
  {
    fault: "the blast-radius guard is not asked",
    foundBy: ["guard: refuses in the transaction what would hide more entities than allowed, unless forced"],
    open: () => new GuardNotAsked(),
  },
];
