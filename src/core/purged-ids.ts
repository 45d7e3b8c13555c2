import { createHmac } from "node:crypto";

/**
 * That an id was purged is remembered without the id: ids are often names of files, and nothing of what was purged stays.
 *
 * @param salt random, of the group; whoever has it and guesses an id can tell whether that id was purged
 * @returns HMAC-SHA-256 of the kind and the id, in hex
 */
export function purgedMark(salt: string, kind: "document" | "text_unit", id: string): string {
  return createHmac("sha256", salt).update(`${kind}\u0000${id}`).digest("hex");
}
