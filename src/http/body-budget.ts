import { GraphkeeperError } from "../core/errors.ts";

/**
 * Memory for large bodies, of all calls together: what a call holds while it is read and worked on is several times its length,
 * and two hundred calls of 16 MB would otherwise take gigabytes. Who finds no room waits for it, first come first served, without being
 * read; one caller gets half of it at most, so that nobody can keep the others out by sending slowly.
 */
export class BodyBudget {
  readonly #bytes: number;
  #taken = 0;
  readonly #ofCaller = new Map<string, number>();
  readonly #waiting = new Set<{ caller: string; bytes: number; go: () => void }>();

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /**
   * @param bytes more than a caller's share counts as the share
   * @returns gives it back; may be called again
   * @throws GraphkeeperError `RATE_LIMITED` after `patienceMs`, `CANCELLED` when the client has gone
   */
  async take(caller: string, bytes: number, patienceMs: number, gone: AbortSignal): Promise<() => void> {
    const wanted = Math.min(bytes, this.#bytes / 2);
    if (!this.#fits(caller, wanted)) await this.#turn(caller, wanted, patienceMs, gone);
    else this.#add(caller, wanted);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#add(caller, -wanted);
      this.#wake();
    };
  }

  #turn(caller: string, bytes: number, patienceMs: number, gone: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: GraphkeeperError) => {
        clearTimeout(timer);
        gone.removeEventListener("abort", left);
        this.#waiting.delete(entry);
        if (error) reject(error);
        else resolve();
      };
      const entry = { caller, bytes, go: () => done() };
      const left = () => done(new GraphkeeperError("CANCELLED", "The client is gone."));
      const timer = setTimeout(
        () => done(new GraphkeeperError("RATE_LIMITED", "Too many large bodies come at once.", { retry_after: 5 })),
        patienceMs,
      );
      gone.addEventListener("abort", left);
      this.#waiting.add(entry);
    });
  }

  #wake(): void {
    for (const { caller, bytes, go } of this.#waiting) {
      if (!this.#fits(caller, bytes)) continue;
      this.#add(caller, bytes);
      go();
    }
  }

  #fits(caller: string, bytes: number): boolean {
    return this.#taken + bytes <= this.#bytes && (this.#ofCaller.get(caller) ?? 0) + bytes <= this.#bytes / 2;
  }

  #add(caller: string, bytes: number): void {
    this.#taken += bytes;
    const left = (this.#ofCaller.get(caller) ?? 0) + bytes;
    if (left > 0) this.#ofCaller.set(caller, left);
    else this.#ofCaller.delete(caller);
  }
}
