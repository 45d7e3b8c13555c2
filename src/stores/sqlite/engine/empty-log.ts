import type { Session } from "./session.ts";

/**
 * Brings what stands in the write-ahead log into the data file and empties the log: what was deleted stays readable in it
 * until then. Most is copied while others read and write; the rest, with the write lock, only if nobody is in the way.
 *
 * @returns whether the log is empty; else somebody still reads from it, and the call is to be repeated later
 */
export function emptyLog(session: Session): boolean {
  session.db.exec("PRAGMA wal_checkpoint(PASSIVE)");
  session.gate.enter();
  try {
    // Not a moment's wait with the write lock in hand: a reader may stay for minutes.
    session.db.exec("PRAGMA busy_timeout = 0");
    const row = session.get("PRAGMA wal_checkpoint(TRUNCATE)");
    return row?.busy === 0;
  } finally {
    session.db.exec(`PRAGMA busy_timeout = ${session.options.busyTimeoutMs}`);
    session.gate.leave();
  }
}
