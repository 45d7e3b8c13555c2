import type { ImportBlock } from "../core/words.ts";

/** Texts that are remembered at most, so that an import of any length takes bounded memory. */
const MAX_REMEMBERED = 200_000;
const MAX_HINTS = 10;
const BEYOND_ASCII = /[^\u0020-\u007e]/;

/**
 * Finds ids and names of one import that look alike and are not: the same letters, once composed (ü) and once with combining
 * marks (u and ¨), as file names of macOS have them. Ids are exact bytes, so these are two documents or two entities.
 */
export class LookAlikes {
  readonly #seen = new Map<string, string>();
  readonly #told = new Set<string>();
  readonly hints: string[] = [];

  watch({ documents, entities }: ImportBlock): void {
    for (const { id } of documents) this.#see("document", id, id);
    for (const { id, name } of entities) {
      this.#see("entity", id, id);
      if (name !== id) this.#see("entity name", name, id);
    }
  }

  #see(kind: string, text: string, id: string): void {
    if (this.hints.length >= MAX_HINTS || !BEYOND_ASCII.test(text)) return;
    const composed = `${kind}\u0000${text.normalize("NFC")}`;
    const before = this.#seen.get(composed);
    if (before === undefined) {
      if (this.#seen.size < MAX_REMEMBERED) this.#seen.set(composed, text);
    } else if (before !== text && !this.#told.has(composed)) {
      this.#told.add(composed);
      this.hints.push(
        `Two spellings of the ${kind} ${text.normalize("NFC")} look alike and are different in Unicode (NFC and NFD); ` +
          `they are kept apart${kind === "entity name" ? ` (such as of ${id})` : ""}. Normalise them in the source if they are one.`,
      );
    }
  }
}
