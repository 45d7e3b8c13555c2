/** Counts failed attempts per address in windows of a minute. Memory: at most `MAX_ADDRESSES` entries. */
export class Attempts {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #windows = new Map<string, { startedAt: number; failures: number }>();

  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  fail(address: string): void {
    const window = this.#window(address);
    if (window !== null) {
      window.failures++;
      return;
    }
    if (this.#windows.size >= MAX_ADDRESSES) this.#forget();
    this.#windows.set(address, { startedAt: this.#now(), failures: 1 });
  }

  /** Seconds until the address may try again; 0 when it may now. */
  waitSeconds(address: string): number {
    const window = this.#window(address);
    if (window === null || window.failures < this.#limit) return 0;
    return Math.max(1, Math.ceil((window.startedAt + WINDOW_MS - this.#now()) / 1_000));
  }

  #window(address: string): { startedAt: number; failures: number } | null {
    const window = this.#windows.get(address);
    const age = window === undefined ? WINDOW_MS : this.#now() - window.startedAt;
    // A clock that was set back must lock nobody out.
    return window !== undefined && age >= 0 && age < WINDOW_MS ? window : null;
  }

  /** The oldest half goes: an attacker with many addresses costs no memory. */
  #forget(): void {
    let left = MAX_ADDRESSES / 2;
    for (const address of this.#windows.keys()) {
      if (left-- <= 0) return;
      this.#windows.delete(address);
    }
  }
}

const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;
