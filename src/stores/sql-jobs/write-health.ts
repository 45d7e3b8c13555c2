import { GraphkeeperError } from "../../core/errors.ts";

/** Between two attempts to write again: whoever asks more often is given what the last one found. */
const RETRY_MS = 1_000;

/**
 * Whether writes to a file or a database fail, and since when. A store with a full disk still answers every read, so that a
 * look at it alone finds nothing wrong.
 */
export class WriteHealth {
  #failing: { since: number; reason: string } | null = null;
  #triedAt = Number.NEGATIVE_INFINITY;
  #attempt: Promise<void> | null = null;

  /** A write failed for a reason that the next one meets as well, such as a full disk; not for what was written. */
  failed(reason: string): void {
    this.#failing = { since: this.#failing?.since ?? Date.now(), reason };
  }

  /**
   * Resolves when writes work, as far as is known. After a failure `attempt` writes something, so that the end of the trouble
   * is found although nobody else writes: a call that changes nothing succeeds on a full disk as well.
   *
   * @throws GraphkeeperError `STORE_UNAVAILABLE` with `writes_fail_since`
   */
  async check(attempt: () => Promise<unknown>): Promise<void> {
    if (this.#failing === null) return;
    if (performance.now() - this.#triedAt >= RETRY_MS) this.#attempt ??= this.#try(attempt);
    await this.#attempt;
    const { since, reason } = this.#failing ?? {};
    if (since === undefined) return;
    const at = new Date(since).toISOString();
    throw new GraphkeeperError("STORE_UNAVAILABLE", `Writes fail since ${at}: ${reason}.`, { writes_fail_since: at });
  }

  async #try(attempt: () => Promise<unknown>): Promise<void> {
    try {
      await attempt();
      this.#failing = null;
    } catch {
      // Whoever carried out the attempt has called `failed`.
    } finally {
      this.#triedAt = performance.now();
      this.#attempt = null;
    }
  }
}
