import { MemoryStore } from "../../src/stores/memory/index.ts";
import type { Group } from "../../src/stores/memory/state.ts";

/** A memory store whose rows can be spoilt behind its back. */
export class Spoilt extends MemoryStore {
  protected spoil(groupId: string, work: (group: Group) => void): void {
    if (this.groupsById.has(groupId)) this.transaction(groupId, work);
  }
}
