import { randomUUID } from "node:crypto";
import { existsSync, linkSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { GraphkeeperError } from "../../core/errors.ts";

/**
 * The lock file beside a data file: which process may write it, and where that process answers. SQLite itself keeps two
 * writers from damaging the file; this lock keeps them from working at the same time, and tells the command line where the
 * server is. Readers need none.
 */

export interface LockHolder {
  pid: number;
  /** Where the holder's server answers; null when it has none (yet). */
  address: string | null;
}

interface LockContent extends LockHolder {
  /** When the process began, in clock ticks since the machine's boot, and which boot: a pid alone may be another's by now. */
  startTime: string | null;
  boot: string | null;
  /** Tells this lock from every other one. */
  nonce: string;
}

export interface DataLock {
  setAddress(address: string | null): void;
  release(): void;
}

/** @throws GraphkeeperError `STORE_LOCKED` with `pid` and `address` of the living process that holds it */
export function takeLock(dataPath: string, address: string | null = null): DataLock {
  const path = lockPath(dataPath);
  const content: LockContent = {
    pid: process.pid,
    address,
    startTime: startTimeOf(process.pid),
    boot: bootId(),
    nonce: randomUUID(),
  };
  claim(path, content, dataPath);
  const isOurs = () => readContent(path)?.nonce === content.nonce;
  const release = () => {
    held.delete(release);
    if (isOurs()) rmSync(path, { force: true });
  };
  held.add(release);
  if (!watchesExit) process.once("exit", releaseAll);
  watchesExit = true;
  return {
    setAddress(next) {
      content.address = next;
      if (isOurs()) replaceFile(path, content);
    },
    release,
  };
}

/**
 * One name for one file, however it is reached; the file itself need not be there yet.
 *
 * @throws GraphkeeperError `STORE_UNAVAILABLE` when its folder is not there
 */
export function realDataPath(path: string): string {
  const full = resolve(path);
  try {
    return existsSync(full) ? realpathSync(full) : join(realpathSync(dirname(full)), basename(full));
  } catch (cause) {
    throw new GraphkeeperError("STORE_UNAVAILABLE", `There is no folder ${dirname(full)}.`, { path }, cause);
  }
}

const held = new Set<() => void>();
let watchesExit = false;

/** A process that ends without closing its stores leaves no lock for others to puzzle over. */
function releaseAll(): void {
  for (const release of held) release();
}

/** Who holds the data file; null when nobody that lives does. Takes nothing. */
export function readLock(dataPath: string): LockHolder | null {
  if (!existsSync(dataPath)) return null;
  const content = readContent(lockPath(realDataPath(dataPath)));
  return content !== null && isAlive(content) ? { pid: content.pid, address: content.address } : null;
}

export function lockPath(dataPath: string): string {
  return `${dataPath}.lock`;
}

/**
 * Of several processes that find the lock of a dead one, a single one may replace it: the one that claims the right to,
 * by the same rules, under a name that says which lock is meant.
 */
function claim(path: string, content: LockContent, dataPath: string): void {
  for (;;) {
    if (createFile(path, content)) return;
    const found = readContent(path);
    if (found === null) continue;
    refuseLiving(found, dataPath);
    const right = `${path}.${found.nonce}`;
    claim(right, { ...content, nonce: randomUUID() }, dataPath);
    try {
      if (readContent(path)?.nonce !== found.nonce) continue;
      replaceFile(path, content);
      return;
    } finally {
      rmSync(right, { force: true });
    }
  }
}

function refuseLiving(found: LockContent, dataPath: string): void {
  if (!isAlive(found)) return;
  const where = found.address === null ? "" : `, which answers at ${found.address}`;
  throw new GraphkeeperError("STORE_LOCKED", `${dataPath} is held by process ${found.pid}${where}.`, {
    pid: found.pid,
    address: found.address,
    path: dataPath,
  });
}

/** The file appears with its content or not at all. @returns false when there is one already */
function createFile(path: string, content: LockContent): boolean {
  const draft = writeDraft(path, content);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function replaceFile(path: string, content: LockContent): void {
  renameSync(writeDraft(path, content), path);
}

function writeDraft(path: string, content: LockContent): string {
  const draft = `${path}.draft-${randomUUID()}`;
  writeFileSync(draft, `${JSON.stringify(content)}\n`, { mode: 0o600, flag: "wx" });
  return draft;
}

/** null when there is no lock file. What cannot be read as a lock counts as one of a dead process. */
function readContent(path: string): LockContent | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    const content = JSON.parse(text) as LockContent;
    if (Number.isSafeInteger(content.pid) && /^[0-9a-f-]{1,64}$/.test(content.nonce)) return content;
  } catch {
    // Falls through.
  }
  return { pid: 0, address: null, startTime: null, boot: null, nonce: "unreadable" };
}

function isAlive(content: LockContent): boolean {
  if (content.pid <= 0) return false;
  try {
    process.kill(content.pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const boot = bootId();
  if (content.boot !== null && boot !== null && content.boot !== boot) return false;
  if (content.startTime === null) return true;
  const startTime = startTimeOf(content.pid);
  return startTime === null ? !hasProc() : startTime === content.startTime;
}

/** Field 22 of /proc/PID/stat; null where there is none, and for a process that is dead but not yet reaped. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name, in parentheses, may contain anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

function hasProc(): boolean {
  return startTimeOf(process.pid) !== null;
}

function bootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return null;
  }
}
