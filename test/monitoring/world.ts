import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../src/conformance/jobs/clock.ts";
import type { ImportBlock } from "../../src/core/words.ts";
import type { JobHandler, JobStore } from "../../src/jobs/ports.ts";
import { JobService } from "../../src/jobs/service.ts";
import { maintenanceHandler, RUN_KINDS } from "../../src/maintenance/handler.ts";
import { MaintenanceMetrics } from "../../src/monitoring/metrics.ts";
import { Monitoring, type MonitoringOptions } from "../../src/monitoring/monitoring.ts";
import { watchRuns } from "../../src/monitoring/watch-runs.ts";
import { Graphkeeper } from "../../src/service.ts";
import { MemoryKeyStore, MemoryStore } from "../../src/stores/memory/index.ts";
import { openSqliteJobs } from "../../src/stores/sqlite/jobs.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export interface MonitoringWorld {
  clock: FakeClock;
  graphkeeper: Graphkeeper;
  store: MemoryStore;
  jobStore: JobStore;
  metrics: MaintenanceMetrics;
  monitoring: Monitoring;
  errors: string[];
  /** Another monitoring on the same stores, as another process or a restart makes it. */
  another(options?: Partial<MonitoringOptions>): Monitoring;
  close(): Promise<void>;
}

/** The reference graph store, the real SQLite job store and the real runs, on a clock that the test drives. */
export async function makeWorld(
  options: { groupLabels?: number; handler?: JobHandler; monitoring?: Partial<MonitoringOptions> } = {},
): Promise<MonitoringWorld> {
  const folder = mkdtempSync(join(tmpdir(), "gk-monitoring-"));
  const clock = new FakeClock();
  const now = () => clock.now();
  const store = new MemoryStore({ clock: now });
  const jobStore = await openSqliteJobs({ path: join(folder, "jobs.db"), now });
  const policy = { restoreWindowMs: 30 * DAY_MS, unsupported: "collect", graceAgeMs: DAY_MS } as const;
  const metrics = new MaintenanceMetrics({ groupLabels: options.groupLabels });
  const settings = {
    policy,
    sweepEveryMs: DAY_MS,
    batchSize: 500,
    memoryMb: 512,
    k: 5,
    cutoff: 0.6,
    resolution: 1,
    seed: 1,
  };
  const handler = watchRuns(options.handler ?? maintenanceHandler(store, settings, now, metrics.observe), metrics);
  const jobs = new JobService({
    store: jobStore,
    handler,
    clock,
    kinds: Object.fromEntries(RUN_KINDS.map((kind) => [kind, { heavy: kind === "recompute", maxAttempts: 1 }])),
    owner: "test",
    worker: { counters: async (groupId) => (await store.counts(groupId)) as never },
  });
  const graphkeeper = new Graphkeeper({
    store,
    keys: new MemoryKeyStore(),
    jobs,
    policy,
    clock: now,
    collectAfterEvents: false,
  });
  const errors: string[] = [];
  const monitorings: Monitoring[] = [];
  const another = (more: Partial<MonitoringOptions> = {}) => {
    const made = new Monitoring({
      store,
      jobs: jobStore,
      metrics,
      version: "1.2.3",
      clock,
      gaugesMaxAgeMs: 0,
      onError: (error, where) => errors.push(`${where}: ${(error as Error).message}`),
      ...options.monitoring,
      ...more,
    });
    monitorings.push(made);
    return made;
  };
  return {
    clock,
    graphkeeper,
    store,
    jobStore,
    metrics,
    monitoring: another(),
    errors,
    another,
    close: async () => {
      for (const monitoring of monitorings) await monitoring.stop();
      await jobStore.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A document with one text unit that mentions `entities` entities of its own. */
export function block(id: string, entities: number): ImportBlock {
  const names = Array.from({ length: entities }, (_, i) => `${id}-e${i}`);
  return {
    documents: [{ id }],
    textUnits: [{ id: `${id}-u`, documents: [id], text: `Text of ${id}.` }],
    entities: names.map((name) => ({ id: name, name })),
    mentions: names.map((entity) => ({ textUnit: `${id}-u`, entity })),
    relationships: [],
  };
}

export async function run(world: MonitoringWorld, kind: "gc_all" | "recompute" | "orphan_entities", groupId: string) {
  const { run } = await world.graphkeeper.run({ kind, groupId });
  await world.graphkeeper.jobs.drain();
  return world.graphkeeper.jobs.get(run.id);
}
