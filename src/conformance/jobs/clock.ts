import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../jobs/clock.ts";

/** A clock that a test drives by hand: nothing sleeps, time passes when it is told to. */
export class FakeClock implements Clock {
  #now: number;
  #monotonic = 0;
  #sleepers: { at: number; wake: () => void }[] = [];

  constructor(startAt: number | string = "2026-11-24T00:00:00Z") {
    this.#now = typeof startAt === "number" ? startAt : Date.parse(startAt);
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = { at: this.#monotonic + Math.max(0, ms), wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener(
        "abort",
        () => {
          this.#sleepers = this.#sleepers.filter((s) => s !== sleeper);
          resolve();
        },
        { once: true },
      );
    });
  }

  /** Lets time pass, waking each sleeper at its own time; work that is then under way gets `turns` turns of the event loop. */
  async advance(ms: number, turns = 5): Promise<void> {
    const target = this.#monotonic + ms;
    for (;;) {
      await this.settle(turns);
      const next = this.#sleepers.filter((s) => s.at <= target).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#sleepers = this.#sleepers.filter((s) => s !== next);
      this.#move(Math.max(0, next.at - this.#monotonic));
      next.wake();
    }
    this.#move(target - this.#monotonic);
    await this.settle(turns);
  }

  /** Moves the wall clock alone, forwards or backwards: what NTP, an operator or a virtual machine does. */
  jump(ms: number): void {
    this.#now += ms;
  }

  async settle(turns = 5): Promise<void> {
    for (let i = 0; i < turns; i++) await turn();
  }

  #move(ms: number): void {
    this.#now += ms;
    this.#monotonic += ms;
  }
}
