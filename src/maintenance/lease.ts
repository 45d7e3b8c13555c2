import { GraphkeeperError } from "../core/errors.ts";
import type { Leases } from "../core/ports.ts";
import type { Fence } from "../core/words.ts";

export interface LeaseOptions {
  /** Names the run, so that a second look tells who holds the group. */
  holder: string;
  clock: () => number;
  /** Default 30 s: a killed holder's group is free again after that. */
  ttlMs?: number;
  /** How long to wait for another holder's lease to end. Default 0: refuse at once. */
  waitMs?: number;
  signal?: AbortSignal;
}

const DEFAULT_TTL_MS = 30_000;
const RETRY_MS = 250;

/**
 * Runs `work` as the one holder of the group. The lease is renewed at a third of its life; when a renewal is refused the
 * signal given to `work` is aborted, and every write with the old fence is refused by the store anyway.
 *
 * @throws GraphkeeperError `LEASE_HELD` when another holder does not let go within `waitMs`, `LEASE_LOST`
 */
export async function withLease<T>(
  store: Leases,
  groupId: string,
  options: LeaseOptions,
  work: (fence: Fence, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ttlMs = options.ttlMs ?? DEFAULT_TTL_MS;
  const fence = await acquire(store, groupId, ttlMs, options);
  const lost = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, lost.signal]) : lost.signal;
  const timer = setInterval(() => {
    store.renewLease(fence, ttlMs, options.clock()).catch((error) => {
      // A store that does not answer for a moment is no loss: the next beat tries again while the lease lives.
      if (GraphkeeperError.is(error, "LEASE_LOST")) lost.abort(error);
    });
  }, ttlMs / 3);
  timer.unref();
  try {
    return await work(fence, signal);
  } finally {
    clearInterval(timer);
    await store.releaseLease(fence).catch(() => {}); // It runs out by itself when the store is gone.
  }
}

async function acquire(store: Leases, groupId: string, ttlMs: number, options: LeaseOptions): Promise<Fence> {
  const giveUpAt = performance.now() + (options.waitMs ?? 0);
  for (;;) {
    const fence = await store.acquireLease(groupId, options.holder, ttlMs, options.clock());
    if (fence) return fence;
    if (performance.now() >= giveUpAt || options.signal?.aborted) {
      throw new GraphkeeperError("LEASE_HELD", `Another run works on the group ${groupId}.`, { group: groupId });
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
