import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import type { GraphStore } from "../../src/core/ports.ts";
import { JobService } from "../../src/jobs/service.ts";
import { maintenanceHandler, RUN_KINDS } from "../../src/maintenance/handler.ts";
import { Graphkeeper } from "../../src/service.ts";
import { MemoryKeyStore, MemoryStore } from "../../src/stores/memory/index.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { openSqliteJobs } from "../../src/stores/sqlite/jobs.ts";
import { openSqliteStore } from "../../src/stores/sqlite/store.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { type FieldWorld, STORES, type StoreName } from "./case.ts";
import { FIELD_CASES } from "./cases/index.ts";

const db = useNeo4j({ settings: SMALL_GRAPHS });
const DAY_MS = 86_400_000;

const open: Record<StoreName, (folder: string) => Promise<GraphStore>> = {
  memory: async () => new MemoryStore(),
  sqlite: (folder) => openSqliteStore({ path: join(folder, "graph.db") }),
  neo4j: () => openNeo4jStore({ uri: db.uri() }),
};

describe.each(STORES)("%s", (name) => {
  let folder: string;
  let graphkeeper: Graphkeeper;
  let groups = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "graphkeeper-field-cases-"));
    const store = await open[name](folder);
    const { maintenance } = loadConfig({});
    const policy = { restoreWindowMs: 30 * DAY_MS, unsupported: "collect", graceAgeMs: DAY_MS } as const;
    const { batchSize, memoryMb, k, cutoff, resolution, seed } = maintenance;
    const settings = { policy, sweepEveryMs: 0, batchSize, memoryMb, k, cutoff, resolution, seed };
    const jobs = new JobService({
      store: await openSqliteJobs({ path: join(folder, "jobs.db") }),
      handler: maintenanceHandler(store, settings, Date.now),
      kinds: Object.fromEntries(RUN_KINDS.map((kind) => [kind, { heavy: kind === "recompute" }])),
      owner: randomUUID(),
      worker: { pollMs: 10 },
    });
    graphkeeper = new Graphkeeper({ store, keys: new MemoryKeyStore(), jobs, policy, collectAfterEvents: false });
    await jobs.start({ roles: ["worker"] });
  });

  afterAll(async () => {
    await graphkeeper.close();
    await rm(folder, { recursive: true, force: true });
  });

  const world = (): FieldWorld => {
    const group = `case-${++groups}`;
    return {
      store: name,
      graphkeeper,
      group,
      purge: (ids) => graphkeeper.purge(group, ids, { force: true, confirm: ids.join(",") }),
      maintain: async (kind, params = {}) => {
        const { run } = await graphkeeper.run({ kind, groupId: group, params });
        const ended = await graphkeeper.jobs.wait(run.id, 100_000);
        if (ended.state !== "succeeded") throw new Error(`${kind} ${ended.state}: ${ended.error?.message}`);
        return ended.result as Record<string, unknown>;
      },
    };
  };

  for (const fieldCase of FIELD_CASES) {
    if (fieldCase.stores && !fieldCase.stores.includes(name)) continue;
    test(`${fieldCase.input}: ${fieldCase.expected}`, () => fieldCase.run(world()));
  }
});
