import { ERRORS, type ErrorCode, GraphkeeperError } from "../core/errors.ts";
import { toWire } from "../core/wire.ts";

/** Exit codes of the command line; `docs/cli.md` lists the same. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  findings: 3,
  notFound: 4,
  refused: 5,
  cancelled: 6,
  unavailable: 7,
} as const;

export function exitCodeOf(error: unknown): number {
  if (!GraphkeeperError.is(error)) return EXIT.failed;
  if (error.code === "CANCELLED") return EXIT.cancelled;
  if (error.code === "INVALID_CONFIG" || error.code === "INVALID_LINE") return EXIT.usage;
  if (error.status === 404) return EXIT.notFound;
  if (error.status === 409 || error.status === 401 || error.status === 403) return EXIT.refused;
  if (error.status === 503) return EXIT.unavailable;
  return error.status < 500 ? EXIT.usage : EXIT.failed;
}

/** What the operating system refused, in the product's words; everything else as it is. */
export function explain(error: unknown): unknown {
  const { code, path, address, port } = (error ?? {}) as NodeJS.ErrnoException & { address?: string; port?: number };
  const told = (kind: ErrorCode, message: string, field: string) =>
    new GraphkeeperError(kind, message, { field }, error);
  if (code === "EADDRINUSE")
    return told("INVALID_CONFIG", `http.port: another process listens on ${address}:${port}.`, "http.port");
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return told("INVALID_CONFIG", `http.host: this machine has no address ${address ?? ""}.`, "http.host");
  if (path === undefined) return error;
  if (code === "ENOENT" || code === "ENOTDIR") return told("INVALID_VALUE", `${path} is not there.`, "path");
  if (code === "EACCES" || code === "EPERM" || code === "EROFS")
    return told("INVALID_VALUE", `${path}: this user may not do that (${code}).`, "path");
  return error;
}

/** Where a command writes: data to stdout, everything said about the work to stderr. */
export class Output {
  readonly json: boolean;
  readonly #quiet: boolean;
  readonly #out: NodeJS.WritableStream;
  readonly #err: NodeJS.WritableStream & { isTTY?: boolean };
  #lineOpen = false;
  #progressAt = performance.now();
  readonly #begunAt = performance.now();

  constructor(options: { json?: boolean; quiet?: boolean; out?: NodeJS.WritableStream; err?: NodeJS.WritableStream }) {
    this.json = options.json ?? false;
    this.#quiet = options.quiet ?? false;
    this.#out = options.out ?? process.stdout;
    this.#err = options.err ?? process.stderr;
  }

  /** The result: JSON in wire form with `--json`, else lines of text. */
  result(value: unknown, lines: string | string[]): void {
    this.endProgress();
    if (this.json) this.#out.write(`${JSON.stringify(toWire(value))}\n`);
    else for (const line of [lines].flat()) this.#out.write(`${line}\n`);
  }

  /** One line of data, whatever the format; waits when the reader is slower. */
  async line(text: string): Promise<void> {
    if (!this.#out.write(`${text}\n`)) await new Promise((resolve) => this.#out.once("drain", resolve));
  }

  say(text: string): void {
    if (this.#quiet) return;
    this.endProgress();
    this.#err.write(`${text}\n`);
  }

  /** Count, rate and time left; at most five times a second on a terminal, every five seconds elsewhere. */
  progress(what: string, done: number, total?: number | null): void {
    const now = performance.now();
    if (this.#quiet || now - this.#progressAt < (this.#err.isTTY ? 200 : 5_000)) return;
    this.#progressAt = now;
    const seconds = (now - this.#begunAt) / 1_000;
    const rate = done / Math.max(seconds, 0.001);
    const parts = [`${what}: ${done.toLocaleString("en")}`];
    if (total) parts.push(`of ${total.toLocaleString("en")} (${Math.floor((100 * done) / total)} %)`);
    parts.push(`${rate >= 10 ? Math.round(rate).toLocaleString("en") : rate.toFixed(1)}/s`);
    if (total && done > 0) parts.push(`${Math.ceil((total - done) / rate)} s left`);
    const text = parts.join("  ");
    if (this.#err.isTTY) this.#err.write(`\r\u001b[K${text}`);
    else this.#err.write(`${text}\n`);
    this.#lineOpen = this.#err.isTTY ?? false;
  }

  endProgress(): void {
    if (this.#lineOpen) this.#err.write("\r\u001b[K");
    this.#lineOpen = false;
  }

  /** What went wrong, and the remedy. */
  error(error: unknown): void {
    this.endProgress();
    if (!GraphkeeperError.is(error)) {
      // A fault of the program: the place in the code is what a report needs.
      const detail = (error as Error)?.stack ?? String(error);
      this.#err.write(
        this.json
          ? `${JSON.stringify({ code: "INTERNAL", detail, remedy: ERRORS.INTERNAL.remedy })}\n`
          : `graphkeeper: ${detail}\n`,
      );
      return;
    }
    if (this.json) {
      this.#err.write(
        `${JSON.stringify({ ...error.details, code: error.code, detail: error.message, remedy: error.remedy })}\n`,
      );
      return;
    }
    this.#err.write(`graphkeeper: ${error.message} [${error.code}]\n  ${error.remedy}\n`);
  }
}
