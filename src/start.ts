import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { compose } from "./compose.ts";
import { type Config, withoutSecrets } from "./config/config.ts";
import { Authenticator, listenGuard } from "./http/auth.ts";
import { createLogger } from "./http/log.ts";
import { monitoringRoutes } from "./http/monitoring.ts";
import { buildServer } from "./http/server.ts";
import { systemClock } from "./jobs/clock.ts";
import type { JobRole } from "./jobs/service.ts";
import { MaintenanceMetrics, Monitoring, traceRequest, unseenSdk, Webhook, watchRuns } from "./monitoring/index.ts";
import type { Graphkeeper } from "./service.ts";
import { SqliteStore } from "./stores/sqlite/store.ts";
import { VERSION } from "./version.ts";

/** What a process does: answer HTTP, decide when schedules are due, carry out runs. In any split over several processes. */
export type ServiceRole = "http" | JobRole;
const ALL_ROLES: readonly ServiceRole[] = ["http", "scheduler", "worker"];

export interface RunningServer {
  graphkeeper: Graphkeeper;
  /** Where it answers, such as `http://127.0.0.1:8000`; empty without the role `http`. */
  address: string;
  app: FastifyInstance | null;
  /** Answers what is under way, lets runs stop after their batch, closes the stores; within 10 s. */
  stop(): Promise<void>;
}

/** Starts the service: stores, jobs and HTTP, in this order; stops them in the other. */
export async function startServer(
  config: Config,
  options: { roles?: readonly ServiceRole[] } = {},
): Promise<RunningServer> {
  const roles = options.roles ?? ALL_ROLES;
  const logger: Logger | undefined =
    config.log.level === "silent" ? undefined : createLogger({ level: config.log.level });
  const onError = (error: unknown, where: string) =>
    logger?.error({ err: error, where }, "background work failed; it goes on");
  const unseen = unseenSdk();
  if (unseen !== null) logger?.warn(unseen);
  const metrics = new MaintenanceMetrics({ groupLabels: config.metrics.groupLabels });
  const { webhookUrl: url, webhookSecret: secret } = config.alerts;
  const { anchorWebhookUrl, anchorWebhookSecret } = config.audit;
  const anchorsTo =
    anchorWebhookUrl !== undefined && anchorWebhookSecret !== undefined
      ? new Webhook({ url: anchorWebhookUrl, secret: anchorWebhookSecret }, systemClock)
      : null;
  const graphkeeper = await compose(config, {
    serve: {},
    observe: metrics.observe,
    watch: (handler) => watchRuns(handler, metrics, { log: logger && ((line, message) => logger.info(line, message)) }),
    onError,
    publishAnchor: async (anchor) => {
      logger?.info({ anchor }, "audit anchor");
      await anchorsTo?.send(`audit-${anchor.at}-${anchor.signature.slice(0, 12)}`, { type: anchor.type, anchor });
    },
    onClock: (message) => logger?.warn({ message }, "the clock cannot be believed"),
    onKeyMade: (file, keyId) =>
      logger?.warn({ file, keyId }, "made a key of the installation; keep a copy of the file apart from the data"),
  });
  const monitoring = new Monitoring({
    store: graphkeeper.store,
    jobs: graphkeeper.jobs.store,
    metrics,
    clockTrouble: graphkeeper.clockTrouble,
    version: VERSION,
    publicUrl: config.http.publicUrl,
    webhook: url !== undefined && secret !== undefined ? { url, secret } : undefined,
    onError,
  });
  let app: FastifyInstance | null = null;
  try {
    const began = {
      actor: "service",
      action: "start",
      ref: VERSION,
      detail: { roles, config: withoutSecrets(config) },
    };
    await graphkeeper.audited(began, () => graphkeeper.resume());
    const sealed = await graphkeeper.sealAudits();
    if (sealed.length > 0) logger?.warn({ groups: sealed.length }, "audits that were chained without a key are sealed");
    let address = "";
    if (roles.includes("http")) {
      const { apiKey: staticKey, jwt, failuresPerMinute } = config.auth;
      const auth = new Authenticator({ keys: graphkeeper.keys, staticKey, jwt, failuresPerMinute });
      const warning = await listenGuard(auth, config.http.host);
      if (warning !== null) logger?.warn(warning);
      app = buildServer({
        graphkeeper,
        auth,
        version: VERSION,
        logger,
        bodyLimit: config.http.bodyLimit,
        waitMs: config.http.waitSeconds * 1_000,
        rateLimits: { perKey: config.http.callsPerMinutePerKey, perGroup: config.http.callsPerMinutePerGroup },
        connections: { total: config.http.maxConnections, perAddress: config.http.maxConnectionsPerAddress },
        routes: monitoringRoutes(monitoring),
        trace: traceRequest,
      });
      address = await app.listen({ host: config.http.host, port: config.http.port });
      if (graphkeeper.keys instanceof SqliteStore) graphkeeper.keys.setAddress(address);
    }
    await graphkeeper.jobs.start({ roles: roles.filter((role): role is JobRole => role !== "http") });
    if (roles.includes("scheduler")) monitoring.start();
    logger?.info({ address, roles, data: config.data, version: VERSION }, "graphkeeper is up");
    return { graphkeeper, address, app, stop: () => stop(graphkeeper, app, monitoring) };
  } catch (error) {
    await stop(graphkeeper, app, monitoring);
    throw error;
  }
}

async function stop(graphkeeper: Graphkeeper, app: FastifyInstance | null, monitoring: Monitoring): Promise<void> {
  await Promise.all([app?.close(), monitoring.stop(), graphkeeper.jobs.stop({ graceMs: 8_000 })]);
  await graphkeeper.close();
}
