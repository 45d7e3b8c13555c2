import { closeSync, existsSync, openSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/**
 * A lock that the kernel keeps for a process and drops with it: SQLite's own lock on an empty file beside the data. It holds
 * where process ids say nothing, such as between containers that share a volume.
 */
export interface KernelLock {
  /** The file goes with the lock. */
  release(): void;
}

/** A reader's look at the lock lasts microseconds; whoever wants the lock outwaits it. */
const WAIT_MS = 250;

/** Of this process: closing a second handle of such a file would drop the lock of the first. */
const held = new Set<string>();

/** @returns null when another process, or this one, holds it */
export function takeKernelLock(path: string): KernelLock | null {
  for (;;) {
    if (held.has(path)) return null;
    // Before SQLite does it, for the mode.
    if (!existsSync(path)) closeSync(openSync(path, "a", 0o600));
    const before = inodeOf(path);
    const db = new DatabaseSync(path, { timeout: WAIT_MS });
    try {
      db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    } catch (error) {
      db.close();
      if (isBusy(error)) return null;
      throw error;
    }
    // Who held it before took the file away while this process waited: what was locked is nobody's file any more.
    if (before === null || before !== inodeOf(path)) {
      db.close();
      continue;
    }
    held.add(path);
    return {
      release() {
        if (!held.delete(path)) return;
        rmSync(path, { force: true });
        db.close();
      },
    };
  }
}

/** Whether a living process holds it. Takes nothing. */
export function isKernelLockHeld(path: string): boolean {
  if (held.has(path)) return true;
  if (!existsSync(path)) return false;
  const db = new DatabaseSync(path, { readOnly: true, timeout: 0 });
  try {
    db.prepare("SELECT 1 FROM sqlite_schema").get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    db.close();
  }
}

function inodeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}

/** SQLITE_BUSY. */
function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === 5;
}
