import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { type Config, policyOf } from "./config/config.ts";
import { anchorFileOf, openInstallationKeys } from "./config/installation-key.ts";
import type { Anchor } from "./core/audit.ts";
import { GraphkeeperError } from "./core/errors.ts";
import type { Keyring } from "./core/keyring.ts";
import type { GraphStore } from "./core/ports.ts";
import type { JsonObject } from "./core/words.ts";
import { systemClock } from "./jobs/clock.ts";
import type { JobHandler, JobStore, KindConfig } from "./jobs/ports.ts";
import { Rest } from "./jobs/rest.ts";
import { JobService } from "./jobs/service.ts";
import { type MaintenanceSettings, maintenanceHandler, RUN_KINDS, type RunObserver } from "./maintenance/handler.ts";
import { TrustedTime } from "./maintenance/trusted-time.ts";
import type { AuditAnchors } from "./maintenance/verify-audit.ts";
import { Anchors, readAnchors } from "./monitoring/anchors.ts";
import { Graphkeeper } from "./service.ts";
import type { AfterEvents } from "./stores/sqlite/events.ts";
import { openSqliteJobs } from "./stores/sqlite/jobs.ts";
import { openSqliteStore, type SqliteStore } from "./stores/sqlite/store.ts";

export interface ComposeOptions {
  /** For commands that only read: the file may be held by a server. */
  readOnly?: boolean;
  /** Holds the data file against other processes; the address is what the command line finds the server by. */
  serve?: { address?: string };
  observe?: RunObserver;
  /** Put around the handler of runs, for metrics and traces. */
  watch?: (handler: JobHandler) => JobHandler;
  onError?: (error: unknown, where: string) => void;
  /** The clock cannot be believed: it stepped, or nothing ran for long. */
  onClock?: (message: string) => void;
  /** Gets each anchor of the audit besides the file. */
  publishAnchor?: (anchor: Anchor) => Promise<void> | void;
  /** A key of the installation was made, because there was none. */
  onKeyMade?: (file: string, keyId: string) => void;
}

/** Waiting work of a group makes a collection due between the schedules from this many generations on. */
const SWEEP_NEED = { base: 50, scale: 0.02, cap: 10_000, maxAgeMs: 60 * 60 * 1_000 };

const KINDS: Record<string, KindConfig> = Object.fromEntries(
  RUN_KINDS.map((kind) => [kind, { heavy: kind === "recompute" }]),
);

/** The only place where concrete classes meet: opens the stores that the configuration names and joins them. */
export async function compose(config: Config, options: ComposeOptions = {}): Promise<Graphkeeper> {
  const policy = policyOf(config);
  const installation = openInstallationKeys(config);
  const debounce = {
    quietMs: config.maintenance.quietSeconds * 1_000,
    maxWaitMs: config.maintenance.maxWaitSeconds * 1_000,
  };
  // Where graph and jobs share a file, the run that a change asks for is written in the change's own transaction.
  const sameFile = config.neo4j.uri === undefined && config.jobs.postgresUrl === undefined;
  const wanted = config.maintenance.afterEvents;
  const afterEvents = wanted && sameFile ? { kind: "gc_all", kinds: KINDS, debounce } : undefined;
  const keyring = installation.isNew && options.readOnly ? null : installation.keyring;
  const { store, keys } = await openStores(config, options, afterEvents, keyring);
  let jobStore: JobStore;
  try {
    if (installation.isNew && !options.readOnly) {
      installation.keep();
      options.onKeyMade?.(installation.file ?? "", installation.keyring.id);
    }
    jobStore = await openJobs(config, keys, options.readOnly);
  } catch (error) {
    await store.close();
    throw error;
  }
  const time = new TrustedTime({
    sources: {
      wall: Date.now,
      monotonic: () => performance.now(),
      database: async () => (await store.time?.()) ?? (config.jobs.postgresUrl === undefined ? null : jobStore.time()),
    },
    restoreWindowMs: policy.restoreWindowMs,
    load: () => jobStore.setting(CLOCK_SETTING),
    save: (seen) => jobStore.putSetting(CLOCK_SETTING, seen),
    tell: options.onClock,
  });
  const settings: MaintenanceSettings = {
    policy,
    time,
    sweepEveryMs: config.maintenance.sweepHours * 3_600_000,
    batchSize: config.maintenance.batchSize,
    memoryMb: config.maintenance.memoryMb,
    timeBudgetMs: config.maintenance.timeBudgetSeconds * 1_000,
    engine: { name: config.maintenance.engine, threshold: config.maintenance.gdsThreshold },
    k: config.maintenance.k,
    cutoff: config.maintenance.cutoff,
    resolution: config.maintenance.resolution,
    seed: config.maintenance.seed,
  };
  const rest = new Rest(systemClock);
  const anchors = await anchorsOf(config, options, { store, keys, keyring });
  const maintain = maintenanceHandler(store, settings, Date.now, options.observe);
  const handle: JobHandler = (context) => maintain(context).finally(() => anchors.touch(context.groupId));
  const jobs: JobService = new JobService({
    store: jobStore,
    handler: options.watch?.(handle) ?? handle,
    kinds: KINDS,
    owner: `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`,
    debounce,
    worker: {
      restMs: (tookMs) => rest.restMs(tookMs),
      heavyCap: config.maintenance.heavyRuns,
      exclusive: config.jobs.postgresUrl === undefined,
      counters: async (groupId) => (await store.counts(groupId).catch(() => null)) as unknown as JsonObject | null,
    },
    targets: (kind) => graphkeeper.targets(kind),
    need: async (_kind, groupId) => {
      const group = await store.group(groupId);
      const behind = group ? group.generation - group.collectedGeneration : 0;
      return { changes: behind, size: group?.generation ?? 0, since: behind > 0 ? (group?.staleSince ?? null) : null };
    },
    throttle: isThrottled(config) ? { probe: () => canary(store), floorMs: CANARY_FLOOR_MS } : undefined,
    sweeps: wanted ? { gc_all: SWEEP_NEED } : undefined,
    onError: options.onError,
  });
  const graphkeeper = new Graphkeeper({
    store,
    keys,
    jobs,
    policy,
    keyring,
    anchors,
    clockTrouble: () => time.reason(),
    onLifecycleCall: () => rest.called(),
    summaries: config.summaries,
    collectAfterEvents: wanted && !sameFile,
  });
  // What runs that a crash ended left in the memory of the database; none of the starting service's business waits for it.
  if (options.serve) store.engine?.dropLeftOvers(null).catch((error) => options.onError?.(error, "engine"));
  return graphkeeper;
}

/** Under which the time of the last collection is kept for the next process. */
const CLOCK_SETTING = "clock";

/** Below this the canary says nothing: the embedded store answers in about a millisecond, a database in a few. */
const CANARY_FLOOR_MS = 20;

/** The embedded store's keeper gives way to its writer by itself; a database knows nothing of whose query is urgent. */
function isThrottled(config: Config): boolean {
  const { throttle } = config.maintenance;
  return throttle === "on" || (throttle === "auto" && config.neo4j.uri !== undefined);
}

async function canary(store: GraphStore): Promise<number> {
  const begun = performance.now();
  await store.groups({ limit: 1 });
  return performance.now() - begun;
}

/** Only who writes anchors what it wrote; whoever reads may check against what was anchored. */
async function anchorsOf(
  config: Config,
  options: ComposeOptions,
  { store, keys, keyring }: { store: GraphStore; keys: SqliteStore; keyring: Keyring | null },
): Promise<AuditAnchors> {
  const file = anchorFileOf(config);
  const read: AuditAnchors["read"] = async (chain, other) =>
    (other ?? file) === null ? { heads: [], wrongLines: [] } : readAnchors((other ?? file) as string, chain, keyring);
  if (options.readOnly || keyring === null) return { touch: () => {}, read, end: (close) => close() };
  const { publishAnchor: publish, onError } = options;
  const anchors = await Anchors.of({ store, keys, keyring, file, publish, clock: Date.now, onError });
  if (options.serve) anchors.start(config.audit.anchorMinutes * 60_000);
  return { touch: (groupId) => anchors.touch(groupId), read, end: (close) => anchors.end(close) };
}

async function openStores(
  config: Config,
  options: ComposeOptions,
  afterEvents: AfterEvents | undefined,
  keyring: Keyring | null,
): Promise<{ store: GraphStore; keys: SqliteStore }> {
  const sqlite = { path: config.data, readOnly: options.readOnly, serve: options.serve, afterEvents, keyring };
  if (config.neo4j.uri === undefined) {
    const store = await openSqliteStore(sqlite);
    return { store, keys: store };
  }
  const { openNeo4jStore } = await import("./stores/neo4j/store.ts");
  const { loadProfile } = await import("./profiles/load.ts");
  const profile = loadProfile(config.neo4j.profile, config.neo4j.tenant);
  const { uri, username, password, database, parking } = config.neo4j;
  const open = () => openNeo4jStore({ uri, username, password, database, profile, parking, keyring });
  const store = await (options.serve ? patiently(open) : open());
  // Keys (and jobs, without PostgreSQL) stay in the embedded file beside the graph's server.
  const keys = await openSqliteStore(sqlite).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  return { store: closingBoth(store, keys), keys };
}

/** How long a starting service waits for a database that starts with it; below the 10 s in which it has to stop. */
const START_PATIENCE_MS = 8_000;

async function patiently<T>(open: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + START_PATIENCE_MS; ; ) {
    try {
      return await open();
    } catch (error) {
      // A wrong password says nothing of a time to try again.
      const { retry_after: retryAfter } = GraphkeeperError.is(error, "STORE_UNAVAILABLE") ? error.details : {};
      if (typeof retryAfter !== "number" || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** The graph's store, whose end is also the end of the file with the keys. */
function closingBoth(store: GraphStore, keys: { close(): Promise<void> }): GraphStore {
  const close = store.close.bind(store);
  store.close = async () => {
    await close();
    await keys.close();
  };
  return store;
}

async function openJobs(config: Config, keys: SqliteStore, readOnly = false): Promise<JobStore> {
  const { turnstile, writes } = keys;
  if (config.jobs.postgresUrl === undefined) return openSqliteJobs({ path: config.data, turnstile, writes, readOnly });
  const { openPostgresJobs } = await import("./stores/postgres/jobs.ts");
  return openPostgresJobs({ url: config.jobs.postgresUrl });
}
