import { randomUUID } from "node:crypto";
import { existsSync, linkSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { GraphkeeperError } from "../../core/errors.ts";
import { isKernelLockHeld, takeKernelLock } from "./kernel-lock.ts";

/**
 * The lock files beside a data file: which process may write it, and where that process answers. SQLite itself keeps two
 * writers from damaging the file; this lock keeps them from working at the same time, and tells the command line where the
 * server is. Readers need none. The kernel keeps the lock (`kernel-lock.ts`); who holds it stands in a file of its own. Of
 * programs of version 0.1, which have that file only, the process id says whether they live.
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
  /** The holder has the kernel's lock as well: that says whether it lives. */
  kernel?: true;
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
    kernel: true,
    nonce: randomUUID(),
  };
  refuseSecondName(dataPath);
  const kernelLock = takeKernelLock(kernelLockPath(dataPath));
  if (kernelLock === null) throw locked(readContent(path), dataPath);
  try {
    claim(path, content, dataPath);
  } catch (error) {
    kernelLock.release();
    throw error;
  }
  const isOurs = () => readContent(path)?.nonce === content.nonce;
  const release = () => {
    held.delete(release);
    if (isOurs()) rmSync(path, { force: true });
    kernelLock.release();
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
  const path = realDataPath(dataPath);
  const content = readContent(lockPath(path));
  if (content === null) return null;
  const lives = content.kernel === true ? isKernelLockHeld(kernelLockPath(path)) : isAlive(content);
  return lives ? { pid: content.pid, address: content.address } : null;
}

export function lockPath(dataPath: string): string {
  return `${dataPath}.lock`;
}

function kernelLockPath(dataPath: string): string {
  return `${dataPath}.held`;
}

/**
 * SQLite finds the log of a file by the file's name: two processes that reach one file by two names (hard links) would each
 * keep a log of their own, and lose each other's changes.
 */
function refuseSecondName(dataPath: string): void {
  const names = statSync(dataPath, { throwIfNoEntry: false })?.nlink ?? 1;
  if (names <= 1) return;
  throw new GraphkeeperError(
    "INVALID_VALUE",
    `${dataPath} has ${names} names (hard links). Its log is found by one of them only; remove the others, or copy the file.`,
    { field: "data", path: dataPath, names },
  );
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
  // Of those with the kernel's lock only its holder can come here.
  if (found.kernel !== true && isAlive(found)) throw locked(found, dataPath);
}

function locked(found: LockContent | null, dataPath: string): GraphkeeperError {
  const { pid, address } = found ?? { pid: null, address: null };
  const who = pid === null ? "another process" : `process ${pid}`;
  const where = address === null ? "" : `, which answers at ${address}`;
  return new GraphkeeperError("STORE_LOCKED", `${dataPath} is held by ${who}${where}.`, {
    pid,
    address,
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
