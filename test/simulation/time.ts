import { setImmediate as realTurn } from "node:timers/promises";
import type { Clock } from "../../src/jobs/clock.ts";

/** mulberry32: one seed gives one sequence. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 ≤ x < 1 */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

interface Timer {
  at: number;
  fire: () => void;
  everyMs: number | null;
}

/**
 * The time of a simulation: the wall clock, the monotonic clock and every timer of the process are these, so that nothing
 * happens by itself. The wall clock may be moved.
 */
export class VirtualTime implements Clock {
  #wall = Date.parse("2026-12-01T00:00:00Z");
  #monotonic = 0;
  #timers = new Map<number, Timer>();
  #lastTimer = 0;
  #real: (() => void) | null = null;

  readonly now = (): number => this.#wall;
  readonly monotonic = (): number => this.#monotonic;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const id = this.#add(ms, resolve, null);
      const onAbort = () => {
        this.#timers.delete(id);
        resolve();
      };
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  get waiting(): number {
    return this.#timers.size;
  }

  /** To the next timer, which fires; @returns false when there is none */
  step(): boolean {
    const next = [...this.#timers].sort(([i, a], [j, b]) => a.at - b.at || i - j)[0];
    if (next === undefined) return false;
    const [id, timer] = next;
    const ms = Math.max(0, timer.at - this.#monotonic);
    this.#monotonic += ms;
    this.#wall += ms;
    if (timer.everyMs === null) this.#timers.delete(id);
    else timer.at = this.#monotonic + timer.everyMs;
    timer.fire();
    return true;
  }

  jump(ms: number): void {
    this.#wall += ms;
  }

  /** Takes the place of the process's clocks and timers until `uninstall`. */
  install(): void {
    const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis;
    const { now } = Date;
    const { now: monotonic } = performance;
    const handle = (id: number) => ({ id, unref: () => handle(id), ref: () => handle(id), hasRef: () => false });
    const clear = (given: unknown) => void this.#timers.delete((given as { id?: number } | undefined)?.id ?? -1);
    Object.assign(globalThis, {
      setTimeout: (fire: () => void, ms = 0) => handle(this.#add(ms, fire, null)),
      setInterval: (fire: () => void, ms = 0) => handle(this.#add(ms, fire, ms)),
      clearTimeout: clear,
      clearInterval: clear,
    });
    Date.now = this.now;
    performance.now = this.monotonic;
    this.#real = () => {
      Object.assign(globalThis, { setTimeout, setInterval, clearTimeout, clearInterval });
      Date.now = now;
      performance.now = monotonic;
    };
  }

  uninstall(): void {
    this.#real?.();
    this.#real = null;
    this.#timers.clear();
  }

  #add(ms: number, fire: () => void, everyMs: number | null): number {
    const id = ++this.#lastTimer;
    this.#timers.set(id, { at: this.#monotonic + Math.max(0, ms), fire, everyMs });
    return id;
  }
}

/** Lets everything go on that can without a step of the simulation. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await realTurn();
}
