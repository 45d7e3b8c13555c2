import { GraphkeeperError } from "../../core/errors.ts";
import type { Fence } from "../../core/words.ts";
import type { Group } from "./state.ts";

/** A lease ends by the callers' time and, when their clocks differ, by the store's own as well. */
export function acquire(group: Group, holder: string, ttlMs: number, now: number, storeNow: number): Fence | null {
  const { lease } = group;
  if (lease && lease.holder !== holder && lease.until > now) return null;
  group.lastToken++;
  group.lease = { holder, token: group.lastToken, until: now + ttlMs, untilHere: storeNow + ttlMs };
  return { groupId: group.state.groupId, token: group.lastToken };
}

/** @throws GraphkeeperError `LEASE_LOST` unless the fence is the group's and its lease runs, by both clocks */
export function checkFence(group: Group, fence: Fence, now: number, storeNow: number): void {
  const { lease } = group;
  if (lease && lease.token === fence.token && lease.until > now && lease.untilHere > storeNow) return;
  throw new GraphkeeperError(
    "LEASE_LOST",
    `The lease ${fence.token} of the group ${fence.groupId} is not held any more.`,
    {
      group: fence.groupId,
      token: fence.token,
    },
  );
}

export function renew(group: Group, ttlMs: number, now: number, storeNow: number): void {
  if (group.lease) group.lease = { ...group.lease, until: now + ttlMs, untilHere: storeNow + ttlMs };
}

export function release(group: Group, fence: Fence): void {
  if (group.lease?.token === fence.token) group.lease = null;
}
