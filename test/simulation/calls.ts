import { GraphkeeperError } from "../../src/core/errors.ts";
import type { Random } from "./time.ts";

/** How often what goes wrong, of all calls; the liveness phase sets all of it to 0. */
export interface Faults {
  /** Refused before anything happened. */
  before: number;
  /** Carried out; the answer is lost. */
  after: number;
}

interface Pending {
  carryOut: () => Promise<void>;
  process: Process;
}

/** One process of the service. What it asks of the stores after its end never happens, and nobody hears of what did. */
export interface Process {
  name: string;
  alive: boolean;
}

/** Calls to the stores that wait to be carried out: in which order is the simulation's choice. */
export class Calls {
  faults: Faults = { before: 0, after: 0 };
  readonly #random: Random;
  #pending: Pending[] = [];
  carriedOut = 0;
  injected = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get waiting(): number {
    return this.#pending.length;
  }

  /** The store as a process sees it. `around` is told of each call that is carried out, with its result. */
  through<T extends object>(
    store: T,
    process: Process,
    around: (name: string, args: unknown[], call: () => Promise<unknown>) => Promise<unknown> = (_n, _a, call) =>
      call(),
  ): T {
    return new Proxy(store, {
      get: (target, name) => {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== "function" || name === "close" || typeof name === "symbol") return member;
        const method = (member as (...args: unknown[]) => unknown).bind(target);
        if (name === "records" || name === "publishedParts") return method;
        return (...args: unknown[]) => this.#ask(process, () => around(name, args, async () => method(...args)));
      },
    });
  }

  /** Carries out one of the calls that wait. */
  async step(): Promise<void> {
    const [next] = this.#pending.splice(this.#random.below(this.#pending.length), 1);
    await next?.carryOut();
  }

  /** The end of a process: some of its calls had reached the store, the others had not. */
  async drop(process: Process): Promise<void> {
    const mine = this.#pending.filter((pending) => pending.process === process);
    this.#pending = this.#pending.filter((pending) => pending.process !== process);
    process.alive = false;
    for (const { carryOut } of mine) if (this.#random.chance(0.5)) await carryOut();
  }

  #ask(process: Process, call: () => Promise<unknown>): Promise<unknown> {
    if (!process.alive) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      const answer = (work: () => void) => void (process.alive && work());
      const carryOut = async () => {
        this.carriedOut++;
        if (this.#random.chance(this.faults.before)) {
          this.injected++;
          return answer(() => reject(unavailable("nothing happened")));
        }
        try {
          const result = await call();
          if (this.#random.chance(this.faults.after)) {
            this.injected++;
            answer(() => reject(unavailable("the answer was lost")));
          } else answer(() => resolve(result));
        } catch (error) {
          answer(() => reject(error));
        }
      };
      this.#pending.push({ carryOut, process });
    });
  }
}

function unavailable(message: string): GraphkeeperError {
  return new GraphkeeperError("STORE_UNAVAILABLE", `simulated: ${message}`);
}
