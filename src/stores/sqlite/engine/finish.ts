import type { Fence, GroupState } from "../../../core/words.ts";
import { beginChange, groupState, saveGroup, settleStaleness } from "./change.ts";
import { needFence } from "./leases.ts";
import type { Session } from "./session.ts";

/** The end of a run: collection has followed what the run read and did itself, and nothing that came in between. */
export function finishCollection(
  session: Session,
  fence: Fence,
  done: { readGeneration: number; ownChanges: number; sweptAt: number | null; now: number },
): GroupState {
  return session.write(() => {
    const change = beginChange(session, needFence(session, fence, done.now), done.now);
    const { group } = change;
    const followed = Math.min(group.generation, done.readGeneration + done.ownChanges);
    group.collected_generation = Math.max(group.collected_generation, followed);
    if (done.sweptAt !== null) group.last_sweep_at = done.sweptAt;
    settleStaleness(group);
    saveGroup(change);
    return groupState(group);
  });
}
