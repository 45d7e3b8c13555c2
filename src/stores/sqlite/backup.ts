import { closeSync, existsSync, fchmodSync, fsyncSync, openSync, rmSync, statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { GraphkeeperError } from "../../core/errors.ts";
import { openReadOnly } from "./read-only.ts";

/**
 * Copies a data file as it is at one moment, while others read and write it: what was deleted before is not in the copy. The
 * copy has the permissions of its original, and is on the disk when this returns.
 *
 * @returns its size in bytes
 * @throws GraphkeeperError `NOT_FOUND`, `CONFLICT` when there is something at `to`, `STORE_UNAVAILABLE` (nothing is left there)
 */
export function backUp(from: string, to: string): number {
  if (!existsSync(from)) throw new GraphkeeperError("NOT_FOUND", `There is no data file ${from}.`, { path: from });
  if (existsSync(to)) throw new GraphkeeperError("CONFLICT", `${to} is there already.`, { field: "to", path: to });
  const mode = statSync(from).mode & 0o777;
  closeSync(openSync(to, "wx", mode & 0o700));
  let db: DatabaseSync | null = null;
  try {
    db = openReadOnly(from, 10_000);
    db.prepare("VACUUM INTO ?").run(to);
    const file = openSync(to, "r+");
    fchmodSync(file, mode);
    fsyncSync(file);
    closeSync(file);
    return statSync(to).size;
  } catch (error) {
    rmSync(to, { force: true });
    throw new GraphkeeperError("STORE_UNAVAILABLE", `The backup failed: ${(error as Error).message}`, { to }, error);
  } finally {
    db?.close();
  }
}
