import type { Gate } from "./engine/session.ts";

/**
 * Whose turn it is to write among the threads of one process. SQLite has one writer at a time and lets the others look again
 * after pauses that grow to 100 ms; here the next one is woken at once, and the foreground goes before the background, so that
 * a collection of many batches does not slow down the calls that somebody waits for.
 */

const OWNER = 0;
const URGENT = 1;
/** A thread that died can leave no wake-up call behind: those who wait look for themselves now and then. */
const LOOK_AGAIN_MS = 20;

export type GateMemory = SharedArrayBuffer;

export function gateMemory(): GateMemory {
  return new SharedArrayBuffer(8);
}

/** @param thread a number above 0, unique in the process */
export function gateOf(memory: GateMemory, thread: number, urgent: boolean): Gate {
  const cells = new Int32Array(memory);
  return {
    enter() {
      if (urgent) Atomics.add(cells, URGENT, 1);
      for (;;) {
        const ahead = urgent ? 0 : Atomics.load(cells, URGENT);
        if (ahead > 0) {
          Atomics.wait(cells, URGENT, ahead, LOOK_AGAIN_MS);
          continue;
        }
        const owner = Atomics.compareExchange(cells, OWNER, 0, thread);
        if (owner === 0) break;
        Atomics.wait(cells, OWNER, owner, LOOK_AGAIN_MS);
      }
      if (urgent) {
        Atomics.sub(cells, URGENT, 1);
        Atomics.notify(cells, URGENT);
      }
    },
    leave() {
      if (Atomics.compareExchange(cells, OWNER, thread, 0) === thread) Atomics.notify(cells, OWNER);
    },
  };
}

/**
 * The gate for one who must not wait: the event loop. Without it SQLite would let the threads, and the threads would let the event
 * loop, look again only after a millisecond or more.
 */
export interface Turnstile {
  /** @returns false when somebody else writes */
  tryEnter(): boolean;
  leave(): void;
}

export function turnstileOf(memory: GateMemory, thread: number): Turnstile {
  const cells = new Int32Array(memory);
  const { leave } = gateOf(memory, thread, false);
  return {
    // Not behind the urgent ones: under a load of calls there is always one, and a heartbeat must not wait for the evening.
    tryEnter: () => Atomics.compareExchange(cells, OWNER, 0, thread) === 0,
    leave,
  };
}

/** After a thread died: what it held is free again, and nobody waits for it. */
export function forgetThread(memory: GateMemory, thread: number, urgent: boolean): void {
  const cells = new Int32Array(memory);
  if (urgent) Atomics.store(cells, URGENT, 0);
  Atomics.compareExchange(cells, OWNER, thread, 0);
  Atomics.notify(cells, OWNER);
  Atomics.notify(cells, URGENT);
}
