import type { DatabaseSync } from "node:sqlite";
import { GraphkeeperError } from "../../../core/errors.ts";
import { openReadOnly } from "../read-only.ts";

/** Whose file it is, and of which version: asked before anything of it is changed. */

/** "GKPR": tells other SQLite files from ours. */
export const APPLICATION_ID = 0x474b5052;

/** SQLite's own code for a file that does not begin as one of its own. */
const SQLITE_NOTADB = 26;

/**
 * Looks at a file without changing a byte of it. Version 0: nothing of ours is in it yet; it may just be being made.
 *
 * @throws GraphkeeperError `DATA_FROM_NEWER_VERSION`, `INVALID_VALUE` when the file belongs to something else
 */
export function checkVersion(path: string, known: number): { version: number } {
  const db = openReadOnly(path, 5_000);
  try {
    const version = pragma(db, "user_version");
    const application = pragma(db, "application_id");
    if (application !== APPLICATION_ID && (application !== 0 || hasForeignTables(db)))
      throw foreign(path, "it is an SQLite file of another program");
    if (application === APPLICATION_ID && version > known) {
      throw new GraphkeeperError(
        "DATA_FROM_NEWER_VERSION",
        `${path} has version ${version} of the data format; this program knows versions up to ${known}.`,
        { path, version, known },
      );
    }
    return { version: application === APPLICATION_ID ? version : 0 };
  } catch (error) {
    if ((error as { errcode?: unknown }).errcode === SQLITE_NOTADB)
      throw foreign(path, "it is not an SQLite file, or one that is encrypted", error);
    throw error;
  } finally {
    db.close();
  }
}

/** Most programs set no application id. The job store may be the first to write into a file, and sets none either. */
function hasForeignTables(db: DatabaseSync): boolean {
  const tables = "type = 'table' AND name NOT GLOB 'job_*' AND name NOT GLOB 'sqlite_*'";
  return db.prepare(`SELECT 1 FROM sqlite_schema WHERE ${tables} LIMIT 1`).get() !== undefined;
}

function foreign(path: string, why: string, cause?: unknown): GraphkeeperError {
  const message = `${path} is not a Graphkeeper data file: ${why}. It was left as it is.`;
  return new GraphkeeperError("INVALID_VALUE", message, { field: "data", path }, cause);
}

/** A reader makes and upgrades nothing; the writer that does so needs a moment, or is still to come. */
export function beingMade(path: string): GraphkeeperError {
  return new GraphkeeperError(
    "STORE_UNAVAILABLE",
    `${path} is just being made or upgraded by the process that writes it, or none has done so yet; try again in a moment.`,
    { store: "sqlite", path, retry_after: 1 },
  );
}

export function pragma(db: DatabaseSync, name: "user_version" | "application_id"): number {
  return (db.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name] as number;
}
