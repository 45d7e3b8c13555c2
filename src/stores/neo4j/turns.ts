interface Waiting {
  enter(): void;
  refuse(error: unknown): void;
}

/**
 * At most so many at a time, the others wait in order. They wait as long as the server answers: whoever has waited for a while
 * without anybody's leaving has it asked, and when it does not answer, all that wait are refused.
 */
export class Turns {
  readonly #answers: () => Promise<void>;
  readonly #patienceMs: number;
  #free: number;
  #waiting: Waiting[] = [];
  #watch: NodeJS.Timeout | undefined;

  /**
   * @param answers rejects, with what those that wait are told, when the server does not answer
   * @param patienceMs without anybody's leaving, after which it is asked
   */
  constructor(size: number, answers: () => Promise<void>, patienceMs: number) {
    this.#free = size;
    this.#answers = answers;
    this.#patienceMs = patienceMs;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#wait();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  /** Whoever waits is told the error: the server is gone, and would keep each of them waiting. */
  refuse(error: unknown): void {
    clearTimeout(this.#watch);
    for (const { refuse } of this.#waiting.splice(0)) refuse(error);
  }

  #wait(): Promise<void> {
    return new Promise((enter, refuse) => {
      this.#waiting.push({ enter, refuse });
      if (this.#waiting.length === 1) this.#ask();
    });
  }

  #leave(): void {
    clearTimeout(this.#watch);
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#free++;
      return;
    }
    next.enter();
    if (this.#waiting.length > 0) this.#ask();
  }

  #ask(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      const watch = this.#watch;
      this.#answers().then(
        () => {
          if (this.#watch === watch && this.#waiting.length > 0) this.#ask();
        },
        (error: unknown) => this.refuse(error),
      );
    }, this.#patienceMs);
  }
}
