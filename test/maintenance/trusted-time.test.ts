import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { compose } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/config.ts";
import { library, World } from "../../src/conformance/index.ts";
import type { JsonObject } from "../../src/core/words.ts";
import { type MaintenanceSettings, maintenanceHandler, type RunContext } from "../../src/maintenance/handler.ts";
import { plausibleGapMs, TrustedTime } from "../../src/maintenance/trusted-time.ts";
import { MemoryStore } from "../../src/stores/memory/index.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WINDOW = 30 * DAY;
const T0 = Date.parse("2026-03-01T00:00:00Z");

/** A machine with a data file: processes begin and end, the clock goes and is set. */
class Machine {
  readonly store = new MemoryStore({ clock: () => this.wall });
  readonly world = new World(this.store, T0);
  wall = T0;
  #monotonic = 0;
  kept: JsonObject | null = null;
  told: string[] = [];
  database: (() => number) | null = null;
  time!: TrustedTime;
  #runs = 0;

  constructor() {
    this.begin();
  }

  begin(): void {
    this.#monotonic = Math.random() * 1e6;
    this.time = new TrustedTime({
      sources: {
        wall: () => this.wall,
        monotonic: () => this.#monotonic,
        database: async () => this.database?.() ?? null,
      },
      restoreWindowMs: WINDOW,
      load: async () => this.kept,
      save: async (seen) => {
        this.kept = seen;
      },
      tell: (message) => this.told.push(message),
    });
  }

  /** Real time in which a process runs. */
  runs(ms: number): void {
    this.wall += ms;
    this.#monotonic += ms;
  }

  /** Real time in which none does. */
  rests(ms: number): void {
    this.wall += ms;
    this.begin();
  }

  set(ms: number): void {
    this.wall += ms;
  }

  async fill(): Promise<void> {
    this.world.now = this.wall;
    await this.world.import("g", library());
    await this.world.deprecate("g", "d1");
    this.runs(this.world.now - this.wall);
  }

  /** One collection as a schedule runs it. @returns whether the deprecated document is still there */
  async collects(): Promise<boolean> {
    const policy = { restoreWindowMs: WINDOW, unsupported: "collect" as const, graceAgeMs: HOUR };
    const settings = { policy, time: this.time, sweepEveryMs: DAY, batchSize: 500 } as MaintenanceSettings;
    const context = {
      run: { id: `run-${++this.#runs}`, kind: "gc_all", actor: "test" },
      groupId: "g",
      kind: "gc_all",
      signal: new AbortController().signal,
      checkpoint: null,
      params: {},
      saveCheckpoint: async () => {},
      progress: () => {},
      breathe: async () => {},
    } satisfies RunContext;
    await maintenanceHandler(this.store, settings, () => this.wall)(context);
    return (await this.store.document("g", "d1")) !== null;
  }
}

async function machine(): Promise<Machine> {
  const made = new Machine();
  await made.fill();
  expect(await made.collects()).toBe(true);
  return made;
}

describe("a clock that steps while a process runs", () => {
  test("40 days ahead purges nothing, and is told; what really expires goes", async () => {
    const m = await machine();
    m.set(40 * DAY);
    expect(await m.collects()).toBe(true);
    expect(m.told).toEqual([expect.stringMatching(/stepped 40\.0 days ahead.*held/)]);
    expect(m.time.reason()).toMatch(/stepped/);
    m.runs(2 * DAY);
    expect(await m.collects(), "no wait ends it").toBe(true);
    m.runs(29 * DAY);
    expect(await m.collects(), "31 days after the deprecation").toBe(false);
  });

  test("in the middle of a run: the batches after it hold as well", async () => {
    const m = await machine();
    await m.time.refresh();
    m.set(40 * DAY);
    expect(m.time.heldMs()).toBe(40 * DAY);
  });

  test("and is set right again is believed again", async () => {
    const m = await machine();
    m.set(40 * DAY);
    expect(await m.collects()).toBe(true);
    m.set(-40 * DAY);
    m.runs(31 * DAY);
    expect(await m.collects()).toBe(false);
    expect(m.time.heldMs()).toBe(0);
  });

  test("back purges nothing early, is told, and what was deprecated under it keeps its window when it is set right", async () => {
    const m = new Machine();
    m.set(-40 * DAY);
    await m.fill();
    expect(await m.collects()).toBe(true);
    expect(m.told).toEqual([expect.stringMatching(/set back by 40\.0 days/)]);
    m.set(40 * DAY);
    expect(await m.collects(), "by the clock it was deprecated 40 days ago").toBe(true);
  });

  test("by less than five minutes is the work of a time server", async () => {
    const m = await machine();
    m.set(4 * 60_000);
    expect(m.time.heldMs()).toBe(0);
    expect(m.told).toEqual([]);
  });

  test("is believed when the database's clock says the same", async () => {
    const m = await machine();
    m.database = () => m.wall - 40 * DAY;
    m.set(40 * DAY);
    expect(await m.collects()).toBe(true);
    m.database = () => m.wall + 1_000;
    expect(await m.collects()).toBe(false);
    expect(m.time.reason()).toBeNull();
  });
});

describe("a gap between two processes", () => {
  test("of 40 days waits an hour after the start", async () => {
    const m = await machine();
    m.rests(40 * DAY);
    expect(await m.collects()).toBe(true);
    expect(m.told.at(-1)).toMatch(/nothing ran for 40\.0 days/);
    m.runs(59 * 60_000);
    expect(await m.collects()).toBe(true);
    m.runs(2 * 60_000);
    expect(await m.collects()).toBe(false);
    expect(m.time.reason()).toBeNull();
  });

  test("a restart within the hour begins the hour anew after a step, whatever was seen before it", async () => {
    const m = await machine();
    m.set(40 * DAY);
    expect(await m.collects()).toBe(true);
    m.runs(3 * HOUR);
    expect(await m.collects()).toBe(true);
    m.rests(60_000);
    expect(await m.collects()).toBe(true);
  });

  test("nightly jobs of a minute are never stopped: day after day the windows end as they should", async () => {
    const m = await machine();
    for (let day = 1; day <= 29; day++) {
      m.rests(DAY);
      expect(await m.collects(), `day ${day}`).toBe(true);
      m.runs(60_000);
    }
    m.rests(DAY);
    m.rests(HOUR);
    expect(await m.collects()).toBe(false);
    expect(m.told).toEqual([]);
  });

  test("after a long rest a nightly job holds one night and goes on the next", async () => {
    const m = await machine();
    m.rests(40 * DAY);
    expect(await m.collects()).toBe(true);
    m.rests(DAY);
    expect(await m.collects()).toBe(false);
  });

  test("a clock that is wrong for one night only has purged nothing", async () => {
    const m = await machine();
    m.rests(41 * DAY);
    expect(await m.collects()).toBe(true);
    m.rests(-40 * DAY);
    expect(await m.collects()).toBe(true);
    m.rests(DAY);
    expect(await m.collects(), "and two days are two days").toBe(true);
    m.rests(28 * DAY);
    expect(await m.collects(), "a gap of four weeks is looked at first").toBe(true);
    m.rests(DAY);
    expect(await m.collects()).toBe(false);
  });

  test("is as long as may be believed: a quarter of the window, two days at least and eight at most", () => {
    expect([0, DAY, 12 * DAY, WINDOW, 365 * DAY, Number.POSITIVE_INFINITY].map(plausibleGapMs)).toEqual(
      [2, 2, 3, 7.5, 8, 8].map((days) => days * DAY),
    );
  });
});

describe("a data file whose clock is 40 days ahead when the next process begins", () => {
  const folder = mkdtempSync(join(tmpdir(), "graphkeeper-clock-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const config = loadConfig({ GRAPHKEEPER_DATA: join(folder, "graph.db") });

  /** A command that collects, as a CronJob runs it. */
  async function collect(): Promise<{ kept: boolean; told: string[]; findings: string[] }> {
    const told: string[] = [];
    const graphkeeper = await compose(config, { onClock: (message) => told.push(message) });
    await graphkeeper.run({ kind: "gc_all", groupId: "g" });
    await graphkeeper.jobs.drain();
    const kept = (await graphkeeper.store.document("g", "d1")) !== null;
    const { findings } = await graphkeeper.health("g");
    await graphkeeper.close();
    return { kept, told, findings };
  }

  /** What the file holds becomes older by so much: the same as a clock that is ahead by it. */
  function age(ms: number): void {
    const db = new DatabaseSync(config.data);
    db.prepare("UPDATE documents SET deprecated_at = deprecated_at - ? WHERE deprecated_at IS NOT NULL").run(ms);
    const row = db.prepare("SELECT value FROM job_meta WHERE key = 'setting clock'").get();
    const seen = Object.entries(
      JSON.parse((row?.value as string | undefined) ?? "{}") as Record<string, number | null>,
    );
    const older = Object.fromEntries(seen.map(([name, at]) => [name, at === null ? null : at - ms]));
    db.prepare("UPDATE job_meta SET value = ? WHERE key = 'setting clock'").run(JSON.stringify(older));
    db.close();
  }

  test("purges nothing that night, says so, and goes on the next", async () => {
    const graphkeeper = await compose(config);
    await graphkeeper.importBlock("g", library());
    await graphkeeper.deprecate("g", ["d1"]);
    await graphkeeper.close();
    expect(await collect()).toMatchObject({ kept: true, told: [] });
    age(40 * DAY);
    const held = await collect();
    expect(held).toMatchObject({ kept: true, told: [expect.stringMatching(/nothing ran for 40\.0 days/)] });
    expect(held.findings).toEqual([expect.stringMatching(/^clock: .*held/)]);
    age(DAY);
    expect(await collect()).toMatchObject({ kept: false, told: [], findings: [] });
  });
});
