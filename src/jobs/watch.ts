import { canonicalJson } from "../core/canonical.ts";
import type { Clock } from "./clock.ts";
import { ENDED_STATES, type Run, type RunState } from "./ports.ts";

/** Between looks for changes of other processes; this process's own wake the look at once. */
const LOOK_MS = 500;
/** Between two events of one run: a handler may report progress a thousand times a second. */
const EVENT_MS = 200;

/** Lets callers wait for a run's changes. State is the truth and is read again; a notice only says when. */
export class RunWatch {
  readonly #clock: Clock;
  readonly #listeners = new Set<(runId: string) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  notify(runId: string): void {
    for (const listener of this.#listeners) listener(runId);
  }

  /** The run once it has ended, or as it is after `ms`. */
  async wait<T extends Run>(runId: string, read: () => Promise<T>, ms: number, signal?: AbortSignal): Promise<T> {
    const until = this.#clock.monotonic() + ms;
    for (;;) {
      const change = this.#nextChange(runId, signal);
      try {
        const run = await read();
        const left = until - this.#clock.monotonic();
        if (hasEnded(run) || left <= 0 || signal?.aborted === true) return run;
        await this.#clock.sleep(Math.min(LOOK_MS, left), change.signal);
      } finally {
        change.done();
      }
    }
  }

  /** The run at once and after each change, until it has ended or the signal is aborted. */
  async *follow<T extends Run>(runId: string, read: () => Promise<T>, signal?: AbortSignal): AsyncGenerator<T> {
    let last = "";
    while (signal?.aborted !== true) {
      const change = this.#nextChange(runId, signal);
      try {
        const run = await read();
        const seen = canonicalJson(run);
        if (seen !== last) yield run;
        if (hasEnded(run)) return;
        if (seen !== last) await this.#clock.sleep(EVENT_MS, signal);
        last = seen;
        await this.#clock.sleep(LOOK_MS, change.signal);
      } finally {
        change.done();
      }
    }
  }

  #nextChange(runId: string, outer?: AbortSignal): { signal: AbortSignal; done: () => void } {
    const woken = new AbortController();
    const listener = (id: string) => {
      if (id === runId) woken.abort();
    };
    const onOuter = () => woken.abort();
    this.#listeners.add(listener);
    outer?.addEventListener("abort", onOuter, { once: true });
    return {
      signal: woken.signal,
      done: () => {
        this.#listeners.delete(listener);
        outer?.removeEventListener("abort", onOuter);
      },
    };
  }
}

export function hasEnded(run: Run): boolean {
  return (ENDED_STATES as readonly RunState[]).includes(run.state);
}
