/** How a caller watches and stops a long computation. All computations of this room are synchronous. */
export interface Control {
  /** Polled at least every 20 ms of work; true ends the computation with `AlgorithmCancelled`. */
  shouldStop?: () => boolean;
  /** Looked at wherever `shouldStop` is; useful when the caller yields between calls. */
  signal?: AbortSignal;
  /** Called now and then with work done and work to do, in one unit of the algorithm's choice. */
  onProgress?: (done: number, total: number) => void;
}

/** Thrown when `shouldStop` or `signal` asked for it. Nothing that the caller passed in was changed, except where said. */
export class AlgorithmCancelled extends Error {
  constructor() {
    super("The computation was cancelled");
    this.name = "AlgorithmCancelled";
  }
}

/** Throws `AlgorithmCancelled` if the caller wants to stop. */
export function stopIfAsked(control: Control): void {
  if (control.signal?.aborted || control.shouldStop?.()) throw new AlgorithmCancelled();
}
