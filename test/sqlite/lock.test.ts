import { spawn, spawnSync } from "node:child_process";
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { block } from "../../src/conformance/graph/blocks.ts";
import { World } from "../../src/conformance/graph/world.ts";
import { openSqliteStore, readLock } from "../../src/stores/sqlite/index.ts";
import { lockPath, takeLock } from "../../src/stores/sqlite/lock.ts";
import { type Child, start } from "./start.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-lock-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(folder, `${++files}.db`);
const children: Child[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.ended;
  }
});
function holder(path: string, address?: string): Child {
  const child = start({ does: "hold", path, address });
  children.push(child);
  return child;
}

/** The content of a lock as version 0.1 wrote it, which had no lock of the kernel. */
function by01(path: string): Record<string, unknown> {
  const { kernel, ...content } = JSON.parse(readFileSync(lockPath(path), "utf8"));
  expect(kernel).toBe(true);
  return content;
}

describe("the lock of a data file", () => {
  test("a second process is told who holds it and where that one answers; a reader is let in", async () => {
    const path = newPath();
    const child = holder(path, "http://127.0.0.1:1234");
    await child.says("opened");
    const refusal = (address: string) => ({ code: "STORE_LOCKED", details: { pid: child.pid, address } });
    await expect(openSqliteStore({ path })).rejects.toMatchObject(refusal("http://127.0.0.1:1234"));
    child.tell("address http://127.0.0.1:9999");
    await child.says("address");
    expect(readLock(path)).toEqual({ pid: child.pid, address: "http://127.0.0.1:9999" });
    await expect(openSqliteStore({ path, serve: {} })).rejects.toMatchObject(refusal("http://127.0.0.1:9999"));
    const reader = await openSqliteStore({ path, readOnly: true });
    expect(await reader.groups({ limit: 10 })).toEqual({ items: [], nextCursor: null });
    await reader.close();
    child.tell("close");
    await child.says("closed");
    expect(await child.ended).toBe(0);
    expect(readLock(path)).toBeNull();
    expect(existsSync(lockPath(path))).toBe(false);
  });

  test("a frozen process holds it, a killed one does not", async () => {
    const path = newPath();
    const child = holder(path);
    await child.says("opened");
    child.kill("SIGSTOP");
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: "STORE_LOCKED",
      details: { pid: child.pid },
    });
    child.kill("SIGKILL");
    await child.ended;
    expect(existsSync(lockPath(path)), "what it left behind").toBe(true);
    expect(readLock(path)).toBeNull();
    const store = await openSqliteStore({ path });
    expect(readLock(path)).toEqual({ pid: process.pid, address: null });
    await store.close();
  });

  test("one that died but that nobody has waited for holds it no more", async () => {
    // The shell becomes a program that never asks what became of its children.
    const parent = spawn("sh", ["-c", "sleep 0.5 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const pid = await new Promise<number>((resolve) => parent.stdout.once("data", (data) => resolve(Number(data))));
      const stat = () => readFileSync(`/proc/${pid}/stat`, "latin1").split(" ");
      await expect.poll(() => stat()[2], { timeout: 30_000 }).toBe("Z");
      const path = newPath();
      const store = await openSqliteStore({ path });
      const content = by01(path);
      await store.close();
      // Even with its own start time: it is there, and it is dead.
      writeFileSync(lockPath(path), JSON.stringify({ ...content, pid, startTime: stat()[21] }));
      expect(readLock(path)).toBeNull();
    } finally {
      parent.kill("SIGKILL");
    }
  });

  test("a process that has the pid of a dead one is not taken for it", async () => {
    const path = newPath();
    const store = await openSqliteStore({ path });
    const content = by01(path);
    expect(content).toMatchObject({ pid: process.pid, startTime: expect.stringMatching(/^\d+$/) });
    await store.close();
    for (const other of [{ startTime: "1" }, { boot: "another boot" }]) {
      writeFileSync(lockPath(path), JSON.stringify({ ...content, ...other }));
      expect(readLock(path)).toBeNull();
      takeLock(path).release();
    }
    writeFileSync(lockPath(path), JSON.stringify(content));
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: "STORE_LOCKED" });
  });

  test("a lock file that makes no sense is one of a dead process", async () => {
    const path = newPath();
    for (const text of ["", "{", '{"pid":"x"}', '{"pid":1,"nonce":"../../x"}']) {
      writeFileSync(lockPath(path), text);
      takeLock(path).release();
    }
  });

  test("the right to take over a dead one's lock is a living process's, or else taken over as well", async () => {
    const path = newPath();
    const lock = takeLock(path);
    const living = by01(path);
    lock.release();
    const dead = { ...living, startTime: "1", nonce: "aa" };
    const right = `${lockPath(path)}.aa`;
    writeFileSync(lockPath(path), JSON.stringify(dead));
    writeFileSync(right, JSON.stringify({ ...living, nonce: "bb" }));
    expect(() => takeLock(path)).toThrowError(expect.objectContaining({ code: "STORE_LOCKED" }));
    expect(JSON.parse(readFileSync(lockPath(path), "utf8"))).toEqual(dead);
    writeFileSync(right, JSON.stringify({ ...dead, nonce: "bb" }));
    const taken = takeLock(path);
    expect(readLock(path), "of a file that is not there").toBeNull();
    writeFileSync(path, "");
    expect(readLock(path)?.pid).toBe(process.pid);
    taken.release();
    expect(readdirSync(folder).filter((name) => name.startsWith(`${files}.`))).toEqual([`${files}.db`]);
  });

  test("of many that find the lock of a dead process, one takes it over", { timeout: 60_000 }, async () => {
    const path = newPath();
    const dead = holder(path);
    await dead.says("opened");
    dead.kill("SIGKILL");
    await dead.ended;
    const rivals = Array.from({ length: 5 }, () => holder(path));
    await Promise.all(
      rivals.map((rival) => Promise.race([rival.says("opened"), rival.says("refused")]).catch(() => {})),
    );
    const winners = rivals.filter((rival) => rival.said.some((message) => "opened" in message));
    expect(winners).toHaveLength(1);
    for (const rival of rivals) {
      if (rival !== winners[0])
        expect(rival.said).toEqual([{ refused: expect.objectContaining({ code: "STORE_LOCKED" }) }]);
    }
    expect(readLock(path)?.pid).toBe(winners[0]?.pid);
    expect(readdirSync(folder).filter((name) => name.startsWith(`${files}.db.lock.`))).toEqual([]);
  });

  test("holds between containers that share a volume, where process ids say nothing", async (context) => {
    const apart = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    if (spawnSync("unshare", [...apart, "true"]).status !== 0) return context.skip("unshare takes root");
    const path = newPath();
    const hold = { does: "hold", path, address: "http://127.0.0.1:1234" } as const;
    const first = start(hold, ["unshare", ...apart]);
    children.push(first);
    await first.says("opened");
    const second = start(hold, ["unshare", ...apart]);
    children.push(second);
    expect(await Promise.race([second.says("refused"), second.says("opened")])).toMatchObject({
      refused: { code: "STORE_LOCKED", address: "http://127.0.0.1:1234" },
    });
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: "STORE_LOCKED" });
    expect(readLock(path)?.address).toBe("http://127.0.0.1:1234");
    first.tell("close");
    await first.says("closed");
    expect(readLock(path)).toBeNull();
    const store = await openSqliteStore({ path });
    const other = start(hold, ["unshare", ...apart]);
    children.push(other);
    await other.says("refused");
    await store.close();
  });

  test("a file with a second name is refused: each name would have a log of its own", async () => {
    const path = newPath();
    const store = await openSqliteStore({ path });
    const second = newPath();
    linkSync(path, second);
    const refusal = { code: "INVALID_VALUE", details: { field: "data", names: 2 } };
    await expect(openSqliteStore({ path: second })).rejects.toMatchObject(refusal);
    await store.close();
    await expect(openSqliteStore({ path })).rejects.toMatchObject(refusal);
    // A backup that is linked like that can be read.
    await (await openSqliteStore({ path: second, readOnly: true })).close();
    rmSync(second);
    await (await openSqliteStore({ path })).close();
  });

  test("a file has one lock, by whatever name it is reached", async () => {
    const path = newPath();
    const store = await openSqliteStore({ path });
    const link = newPath();
    symlinkSync(path, link);
    await expect(openSqliteStore({ path: link })).rejects.toMatchObject({ code: "STORE_LOCKED" });
    expect(readLock(link)?.pid).toBe(process.pid);
    await store.close();
  });
});

describe("a data file", () => {
  test("and all that lies beside it can be read by its owner only", async () => {
    const path = newPath();
    const store = await openSqliteStore({ path });
    await new World(store).import("alpha", block({ documents: ["d"] }));
    for (const end of ["", "-wal", "-shm", ".lock"]) expect(statSync(path + end).mode & 0o777, end).toBe(0o600);
    await store.close();
    expect(
      readdirSync(folder).filter((name) => name.startsWith(`${files}.`)),
      "when closed",
    ).toEqual([`${files}.db`]);
  });

  test("is not made by a reader, nor in a folder that is not there", async () => {
    const path = newPath();
    await expect(openSqliteStore({ path, readOnly: true })).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(existsSync(path)).toBe(false);
    await expect(openSqliteStore({ path: join(folder, "no", "such.db") })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
  });

  test("a reader sees what is written while it has the file open, and writes nothing itself", async () => {
    const path = newPath();
    const store = await openSqliteStore({ path });
    const w = new World(store);
    const reader = await openSqliteStore({ path, readOnly: true });
    expect(await reader.group("alpha")).toBeNull();
    await w.import("alpha", block({ documents: ["d1"], units: { u1: "d1" }, entities: ["a"], mentions: { u1: "a" } }));
    const stream = reader.records("alpha")[Symbol.asyncIterator]();
    await stream.next();
    await w.deprecate("alpha", "d1");
    expect((await reader.document("alpha", "d1"))?.status).toBe("deprecated");
    await expect(new World(reader).restore("alpha", "d1")).rejects.toMatchObject({ code: "FORBIDDEN" });
    await stream.return?.();
    await reader.close();
    await store.close();
  });
});
