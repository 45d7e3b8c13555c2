import type { ErrorCode } from "../core/errors.ts";
import { countItems, type OnReject, type Reject } from "../documents/rejects.ts";
import { rejectLines } from "./lines.ts";

/** A reject as an answer lists it. */
export interface ListedReject {
  line: number;
  place: string;
  code: ErrorCode;
  reason: string;
  /** Lines of the native format; null where the source has to be mended itself, or the answer has no room for them. */
  content: string[] | null;
}

/** Counts what an import refuses and lists the first of it, within bounds of memory. */
export class RejectLog {
  readonly #limits: { listed: number; characters: number };
  #characters = 0;
  rejected = 0;
  /** Lines that were left out because they name what was refused. */
  leftOut = 0;
  readonly rejects: ListedReject[] = [];

  constructor(limits: { listed: number; characters: number }) {
    this.#limits = limits;
  }

  readonly take: OnReject = (reject: Reject) => {
    const { line, place, code, reason, content } = reject;
    this.rejected++;
    if (content !== null && typeof content !== "string") this.leftOut += countItems(content) - 1;
    if (this.rejects.length >= this.#limits.listed) return;
    const lines = content === null ? null : rejectLines(reject).slice(1);
    this.#characters += lines?.reduce((sum, text) => sum + text.length, 0) ?? 0;
    const fits = this.#characters <= this.#limits.characters;
    this.rejects.push({ line, place, code, reason, content: fits ? lines : null });
  };
}
