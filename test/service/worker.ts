import { once } from "node:events";
import { writeSync } from "node:fs";
import { GraphkeeperError } from "../../src/core/errors.ts";
import type { GraphStore } from "../../src/core/ports.ts";
import { JobService } from "../../src/jobs/service.ts";
import { maintenanceHandler, RUN_KINDS } from "../../src/maintenance/handler.ts";
import { openSqliteJobs } from "../../src/stores/sqlite/jobs.ts";
import { openHere } from "../sqlite/story.ts";

/**
 * A worker on a data file that it does not own alone: the file's lock is passed by, as on a machine where it does not count.
 * Before write number `doorAt` to the graph it says so and waits for a line on its stdin.
 */
export interface WorkerConfig {
  path: string;
  owner: string;
  leaseMs: number;
  doorAt: number | null;
}

const config = JSON.parse(process.argv[2] as string) as WorkerConfig;
// Not process.stdout: what was said before a freeze must have left the process.
const say = (message: Record<string, unknown>) => void writeSync(1, `${JSON.stringify(message)}\n`);

const WRITES = new Set([
  "collect",
  "sweep",
  "stageAnalytics",
  "publishAnalytics",
  "pruneAnalytics",
  "discardStaged",
  "finishCollection",
]);
let writes = 0;
const store = new Proxy(openHere(config.path, { synchronous: "NORMAL" }), {
  get(target, name) {
    const method = Reflect.get(target, name) as (...values: unknown[]) => Promise<unknown>;
    if (!WRITES.has(String(name))) return method;
    return async (...values: unknown[]) => {
      if (++writes === config.doorAt) {
        say({ event: "at the door", write: name, fence: values[0] });
        await once(process.stdin, "data");
      }
      try {
        return await method(...values);
      } catch (error) {
        say({ event: "refused", write: name, code: GraphkeeperError.is(error) ? error.code : String(error) });
        throw error;
      }
    };
  },
}) as GraphStore;

const settings = {
  policy: { restoreWindowMs: Number.POSITIVE_INFINITY, unsupported: "collect", graceAgeMs: 0 } as const,
  sweepEveryMs: 86_400_000,
  batchSize: 10,
  memoryMb: 512,
  k: 5,
  cutoff: 0.6,
  resolution: 1,
  seed: 1,
};
const jobs = new JobService({
  store: await openSqliteJobs({ path: config.path }),
  handler: maintenanceHandler(store, settings, Date.now),
  kinds: Object.fromEntries(RUN_KINDS.map((kind) => [kind, {}])),
  owner: config.owner,
  worker: { concurrency: 1, leaseMs: config.leaseMs },
  onError: (error, where) => say({ event: "error", where, message: String(error) }),
});
await jobs.start({ roles: ["worker"] });
say({ event: "started" });
process.on("SIGTERM", async () => {
  await jobs.stop();
  await jobs.store.close();
  await store.close();
  process.stdin.destroy();
});
