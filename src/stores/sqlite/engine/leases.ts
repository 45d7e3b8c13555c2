import { GraphkeeperError } from "../../../core/errors.ts";
import type { Fence } from "../../../core/words.ts";
import { beginChange, findGroup, type GroupRow, needGroup, saveGroup } from "./change.ts";
import type { Session } from "./session.ts";

/** One holder per group; a lease ends by the callers' time and, when their clocks differ, by this machine's as well. */

export function acquireLease(
  session: Session,
  groupId: string,
  holder: string,
  ttlMs: number,
  now: number,
): Fence | null {
  return session.writeStep(() => {
    const group = needGroup(session, groupId);
    if (group.lease_holder !== null && group.lease_holder !== holder && group.lease_until > now) return null;
    group.lease_holder = holder;
    group.lease_token++;
    group.lease_until = now + ttlMs;
    group.lease_until_here = Date.now() + ttlMs;
    saveGroup(beginChange(session, group, now));
    return { groupId, token: group.lease_token };
  });
}

export function renewLease(session: Session, fence: Fence, ttlMs: number, now: number): void {
  session.writeStep(() => {
    const group = needFence(session, fence, now);
    group.lease_until = now + ttlMs;
    group.lease_until_here = Date.now() + ttlMs;
    saveGroup(beginChange(session, group, now));
  });
}

export function releaseLease(session: Session, fence: Fence): void {
  session.writeStep(() => {
    const group = findGroup(session, fence.groupId);
    if (!group || group.lease_holder === null || group.lease_token !== fence.token) return;
    group.lease_holder = null;
    group.lease_until = 0;
    group.lease_until_here = 0;
    saveGroup(beginChange(session, group, 0));
  });
}

/**
 * The group, if the fence is its own. To be called inside the transaction that writes.
 *
 * @throws GraphkeeperError `LEASE_LOST`
 */
export function needFence(session: Session, fence: Fence, now: number): GroupRow {
  const group = needGroup(session, fence.groupId);
  if (
    group.lease_holder !== null &&
    group.lease_token === fence.token &&
    group.lease_until > now &&
    group.lease_until_here > Date.now()
  ) {
    return group;
  }
  throw new GraphkeeperError(
    "LEASE_LOST",
    `The lease ${fence.token} of the group ${fence.groupId} is not held any more.`,
    {
      group: fence.groupId,
      token: fence.token,
    },
  );
}
