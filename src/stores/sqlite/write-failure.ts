/**
 * Primary result codes of SQLite that say that the file cannot be written, whatever is written: READONLY, IOERR, CORRUPT,
 * FULL, CANTOPEN, NOTADB. A busy file (BUSY, LOCKED) is none of them, nor is a constraint.
 */
const FAILURES = new Set([8, 10, 11, 13, 14, 26]);

/** Why the file cannot be written, out of an error of a write; null when the error says nothing of the kind. */
export function writeFailure(error: unknown): string | null {
  const { errcode, details, cause, message } = error as Error & {
    errcode?: number;
    details?: { sqlite?: unknown };
  };
  // As SQLite throws it, as a thread of the store passes it on, or as the cause of an error of our own.
  const code = errcode ?? details?.sqlite;
  if (typeof code === "number") return FAILURES.has(code & 0xff) ? message : null;
  return cause instanceof Error ? writeFailure(cause) : null;
}
