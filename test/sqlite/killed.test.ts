import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dumpOf } from "../../src/conformance/graph/dump.ts";
import type { GraphStore } from "../../src/core/ports.ts";
import { resumeUnfinished } from "../../src/documents/verbs.ts";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import { openSqliteStore, readLock } from "../../src/stores/sqlite/index.ts";
import { openOnThisThread } from "./engine.ts";
import { GROUP, live } from "./script.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-killed-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(folder, `${++files}.db`);

type Line = { step: number } | { operation: string; generation: number; state: string };

/** What an undisturbed life passes through, and how it ends. */
const hits = new Map<string, number>();
let undisturbed: string[] = [];
beforeAll(async () => {
  const failpoint = (name: string) => void hits.set(name, (hits.get(name) ?? 0) + 1);
  const store = openOnThisThread(newPath(), { failpoint });
  await live(
    store,
    0,
    () => {},
    () => {},
  );
  undisturbed = await dumpOf(store, GROUP);
  await store.close();
});

/** The first and the last pass of each place. */
function places(): string[] {
  return [...hits].flatMap(([name, count]) => [...new Set([1, count])].map((n) => `${name}:${n}`));
}

function start(path: string, failpoint?: string): ChildProcess {
  const env = { ...process.env, ...(failpoint === undefined ? {} : { GRAPHKEEPER_FAILPOINT: failpoint }) };
  const script = join(import.meta.dirname, "script-process.ts");
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, path], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Lines until the end of the process, which `onLine` may bring about. */
async function linesOf(
  child: ChildProcess,
  onLine: (lines: Line[]) => unknown = () => {},
): Promise<{ lines: Line[]; signal: string | null }> {
  const lines: Line[] = [];
  const ended = once(child, "exit");
  for await (const text of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    lines.push(JSON.parse(text) as Line);
    await onLine(lines);
  }
  return { lines, signal: (await ended)[1] as string | null };
}

/** What was acknowledged and is not in the file. */
async function lost(store: GraphStore, lines: Line[]): Promise<Line[]> {
  const missing: Line[] = [];
  if (lines.length > 0 && (await store.group(GROUP)) === null) return lines;
  for (const line of lines) {
    if (!("operation" in line)) continue;
    const record = await store.operation(GROUP, line.operation);
    if (!record || record.generation < line.generation || (line.state === "done" && record.state !== "done"))
      missing.push(line);
  }
  return missing;
}

/** Nothing acknowledged is lost, what is there is as the law says, and going on from it ends where an undisturbed life ends. */
async function expectWhole(store: GraphStore, lines: Line[]): Promise<void> {
  expect(await lost(store, lines)).toEqual([]);
  // Between the batches of a plan some units are done and some are not: what a process does first when it starts.
  await resumeUnfinished(store);
  if ((await store.group(GROUP)) !== null) expect(await verifyGroup(store, GROUP)).toEqual([]);
  const done = Math.max(-1, ...lines.map((line) => ("step" in line ? line.step : -1)));
  await live(
    store,
    done + 1,
    () => {},
    () => {},
  );
  expect(await dumpOf(store, GROUP)).toEqual(undisturbed);
  expect(await verifyGroup(store, GROUP)).toEqual([]);
}

describe("a process that is killed", () => {
  test("at any named place of a transaction loses nothing acknowledged, and the next one ends where it would have ended", {
    timeout: 120_000,
  }, async () => {
    expect(places().length).toBeGreaterThanOrEqual(20);
    for (const place of places()) {
      const path = newPath();
      const { lines, signal } = await linesOf(start(path, place));
      expect(signal, place).toBe("SIGKILL");
      const store = openOnThisThread(path);
      await expectWhole(store, lines);
      await store.close();
    }
  });

  test("by another, between its threads, leaves a lock that the next one takes over", { timeout: 60_000 }, async () => {
    for (const acknowledged of [1, 9, 23]) {
      const path = newPath();
      const child = start(path);
      let refused: unknown;
      const { lines, signal } = await linesOf(child, async (seen) => {
        if (seen.length !== acknowledged) return;
        refused = await openSqliteStore({ path }).catch((error: unknown) => error);
        const reader = await openSqliteStore({ path, readOnly: true });
        expect(await reader.group(GROUP)).not.toBeNull();
        await reader.close();
        child.kill("SIGKILL");
      });
      // A process that was faster than this one has taken its lock away by itself.
      if (signal === "SIGKILL" && lines.length === acknowledged) {
        expect(refused).toMatchObject({
          code: "STORE_LOCKED",
          details: { pid: child.pid, address: "http://127.0.0.1:1" },
        });
      }
      const store = await openSqliteStore({ path });
      expect(readLock(path)).toMatchObject({ pid: process.pid });
      await expectWhole(store, lines);
      await store.close();
      expect(readLock(path)).toBeNull();
    }
  });

  test("the check sees what is acknowledged and not kept", async () => {
    const store = openOnThisThread(newPath());
    await live(
      store,
      12,
      () => {},
      () => {},
    ).catch(() => {});
    expect(await lost(store, [{ operation: "import d1 d2 d3 1000", generation: 1, state: "done" }])).toHaveLength(1);
    await live(
      store,
      0,
      () => {},
      () => {},
    );
    const kept = { operation: "import d1 d2 d3 1000", generation: 1, state: "done" };
    expect(await lost(store, [kept, { ...kept, generation: 99 }, { ...kept, operation: "never made" }])).toHaveLength(
      2,
    );
    await store.close();
  });
});
