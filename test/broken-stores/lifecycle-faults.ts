import type { ApplyOptions, Hit } from "../../src/core/ports.ts";
import type { Operation, OperationRecord } from "../../src/core/words.ts";
import { setTextUnit } from "../../src/stores/memory/derive.ts";
import { MemoryStore } from "../../src/stores/memory/index.ts";
import type { Group } from "../../src/stores/memory/state.ts";
import { Spoilt } from "./spoilt.ts";

/** Faults of the lifecycle and of what readers see. */

export class MarkOutsideTheTransaction extends Spoilt {
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

export class HalfAnImport extends Spoilt {
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

export class GenerationNotRaised extends Spoilt {
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

export class GenerationReadAndWrittenApart extends Spoilt {
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

export class VectorLostOnRestore extends Spoilt {
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

export class IdempotencyForgotten extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    this.spoil(operation.groupId, (group) => {
      group.operations.delete(operation.id);
    });
    return super.apply(operation, options);
  }
}

export class PurgeLeavesAMention extends Spoilt {
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

export class CandidatesOfABulkForgotten extends Spoilt {
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

export class RestoreLeavesEntitiesToTheJob extends Spoilt {
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

export class ParkedStaysSearchable extends Spoilt {
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

export class KeptUnitsGetNewVectors extends Spoilt {
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

export class GuardNotAsked extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    return super.apply(operation, { ...options, guard: null });
  }
}

/** Found in version 0.1: a folder imported again took back what people had decided. */
export class ImportTakesDecisionsBack extends MemoryStore {
  override apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    return super.apply(operation, { ...options, restore: true, again: true });
  }
}

export class NewTextOfTheDeprecatedShows extends Spoilt {
  override async apply(operation: Operation, options?: ApplyOptions): Promise<OperationRecord> {
    const record = await super.apply(operation, options);
    const kept = record.outcomes.filter(({ outcome }) => outcome === "deprecated_kept").map(({ id }) => id);
    this.spoil(operation.groupId, (group) => {
      for (const unit of options?.block?.textUnits ?? []) {
        if (group.textUnits.has(unit.id) || !unit.documents.some((id) => kept.includes(id))) continue;
        group.textUnits.set(unit.id, { ...unit, presence: "live", vector: null });
      }
    });
    return record;
  }
}
