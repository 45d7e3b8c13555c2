import { accessSync, constants, existsSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/**
 * A connection that only reads. To read a file in WAL mode SQLite makes an index beside it; where the folder takes none (a
 * backup on a medium that is read-only) and there is no log either, the file cannot change and is read as it is.
 */
export function openReadOnly(path: string, timeout: number): DatabaseSync {
  const location = existsSync(`${path}-wal`) || isWritable(dirname(path)) ? path : immutable(path);
  return new DatabaseSync(location, { readOnly: true, timeout });
}

function immutable(path: string): URL {
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  return url;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
