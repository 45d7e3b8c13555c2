import { GraphkeeperError } from "../core/errors.ts";

export interface RateLimitOptions {
  /** Calls a minute of one key, and in one group over all keys; 0 = no limit. */
  perKey: number;
  perGroup: number;
  /** Epoch ms. */
  clock?: () => number;
}

const MINUTE_MS = 60_000;
/** Calls that may come at once: this part of a minute's, so that no minute sees more than 5 % above the limit. */
const BURST = 0.05;

/**
 * Token buckets: each call of a key, and each call in a group, takes a token; tokens come back evenly. Counted per process,
 * in memory: a limit against runaway clients, not a quota.
 */
export class RateLimits {
  readonly #keys: Buckets;
  readonly #groups: Buckets;

  constructor({ perKey, perGroup, clock = Date.now }: RateLimitOptions) {
    this.#keys = new Buckets(perKey, clock);
    this.#groups = new Buckets(perGroup, clock);
  }

  /**
   * Counts a call; one that is refused counts for neither.
   * @param groupId must lie in the caller's scope, or anybody could use up the calls of somebody else's group
   * @throws GraphkeeperError `RATE_LIMITED` with `retry_after` in seconds
   */
  take(actor: string, groupId: string | null): void {
    refuse("key", this.#keys.waitMs(actor));
    if (groupId !== null) {
      refuse("group", this.#groups.waitMs(groupId));
      this.#groups.take(groupId);
    }
    this.#keys.take(actor);
  }
}

function refuse(limit: "key" | "group", waitMs: number): void {
  if (waitMs <= 0) return;
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  throw new GraphkeeperError("RATE_LIMITED", `Too many calls of this ${limit}.`, { retry_after: seconds, limit });
}

/** Beyond this many the oldest half is forgotten, which only gives their owners a full bucket again. */
const MAX_BUCKETS = 50_000;

class Buckets {
  readonly #perMinute: number;
  readonly #capacity: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute;
    this.#capacity = Math.max(1, perMinute * BURST);
    this.#now = now;
  }

  /** Until there is a whole token; 0 when there is one. */
  waitMs(id: string): number {
    if (this.#perMinute === 0) return 0;
    const { tokens } = this.#refilled(id);
    // A millionth is what the sums of fractions lose.
    return tokens >= 1 - 1e-6 ? 0 : ((1 - tokens) * MINUTE_MS) / this.#perMinute;
  }

  take(id: string): void {
    if (this.#perMinute === 0) return;
    const { tokens, at } = this.#refilled(id);
    if (!this.#buckets.has(id) && this.#buckets.size >= MAX_BUCKETS) this.#forget();
    this.#buckets.set(id, { tokens: tokens - 1, at });
  }

  #refilled(id: string): { tokens: number; at: number } {
    const now = this.#now();
    const bucket = this.#buckets.get(id);
    if (bucket === undefined) return { tokens: this.#capacity, at: now };
    // A clock that was set back gives nothing and takes nothing.
    const gained = (Math.max(0, now - bucket.at) * this.#perMinute) / MINUTE_MS;
    return { tokens: Math.min(this.#capacity, bucket.tokens + gained), at: now };
  }

  #forget(): void {
    let left = MAX_BUCKETS / 2;
    for (const id of this.#buckets.keys()) {
      if (left-- <= 0) return;
      this.#buckets.delete(id);
    }
  }
}
