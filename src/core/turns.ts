/** Long work on the thread of the event loop, done in short turns: whoever else waits comes in between. */

/** A tenth of the 200 ms within which everybody is answered: several callers may have long work at once. */
const TURN_MS = 20;

/** Work that may be interrupted wherever it yields. */
export type Steps<T> = Generator<void, T, void>;

/** Does the work without interruption; for threads on which nobody waits. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  const turns = new Turns();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (turns.over()) await turns.next();
  }
}

export class Turns {
  #until = performance.now() + TURN_MS;

  over(): boolean {
    return performance.now() >= this.#until;
  }

  async next(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#until = performance.now() + TURN_MS;
  }
}

/** Sorts stably by merging; the given items stay as they are. */
export function* sortSteps<T>(items: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  let from: T[] = [];
  for (let i = 0; i < items.length; i += RUN) {
    for (const item of items.slice(i, i + RUN).sort(compare)) from.push(item);
    yield;
  }
  for (let width = RUN; width < from.length; width *= 2) {
    const to: T[] = [];
    for (let start = 0; start < from.length; start += 2 * width) {
      const middle = Math.min(start + width, from.length);
      const end = Math.min(start + 2 * width, from.length);
      let [left, right] = [start, middle];
      while (left < middle || right < end) {
        const takeLeft = right >= end || (left < middle && compare(from[left] as T, from[right] as T) <= 0);
        to.push(from[takeLeft ? left++ : right++] as T);
        if (to.length % RUN === 0) yield;
      }
    }
    from = to;
  }
  return from;
}

const RUN = 1_024;
