import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from "fastify";
import type { Logger } from "pino";
import { GraphkeeperError } from "../core/errors.ts";
import type { Graphkeeper } from "../service.ts";
import type { Authenticator } from "./auth.ts";
import { BodyBudget } from "./body-budget.ts";
import { type ConnectionLimits, guardConnections } from "./connections.ts";
import { serveDocumentation } from "./documentation.ts";
import { Drain } from "./drain.ts";
import { handlerOf } from "./handler.ts";
import { servePage } from "./page.ts";
import { PROBLEM_TYPE, problemHeaders, problemOf, toGraphkeeperError } from "./problem.ts";
import { type RateLimitOptions, RateLimits } from "./rate-limit.ts";
import { answerOddRequests, answerParserError } from "./raw.ts";
import type { Route, ServerContext } from "./route.ts";
import { ROUTES } from "./routes.ts";
import { RequestTraces, type TraceRequest } from "./trace.ts";

export interface HttpOptions {
  graphkeeper: Graphkeeper;
  auth: Authenticator;
  version: string;
  /** None: nothing is logged. */
  logger?: Logger;
  /** JSON bodies, in bytes; default 16 MB. */
  bodyLimit?: number;
  /** How long a call waits for its run when it does not say; default 240 s. */
  waitMs?: number;
  /** For a JSON body to arrive (default 30 s); for the next bytes of an import (default 60 s). */
  bodyTimeoutMs?: number;
  importPauseMs?: number;
  /** For a client to take the next bytes of its answer; default 60 s. */
  answerPauseMs?: number;
  /** For requests under way when the server stops; default 8 s, so that it is gone within 10. */
  graceMs?: number;
  /** Open connections; default 1,000 in all and 400 of one address. */
  connections?: ConnectionLimits;
  /** Whose `X-Forwarded-For` is believed; default nobody's. */
  trustProxy?: boolean | string | string[];
  /** Calls a minute of a key, and in a group; default: no limit. */
  rateLimits?: RateLimitOptions;
  /** Makes a span for each request; without it the caller's trace is only passed on. */
  trace?: TraceRequest;
  /** Routes of other rooms (metrics, page), served like ours: with role, group and error form. */
  routes?: readonly Route[];
  /** Anything else that is to be registered with Fastify before it starts. */
  plugins?: readonly ((app: FastifyInstance) => unknown)[];
}

/**
 * The HTTP service, not yet listening. `app.close()` stops it gracefully: waiting calls are answered at once, the others
 * have `graceMs`, new ones get 503; it does not close the façade.
 */
export function buildServer(options: HttpOptions): FastifyInstance {
  const drain = new Drain(options.graceMs ?? 8_000);
  const routes = [...ROUTES, ...(options.routes ?? [])];
  const context: ServerContext = {
    graphkeeper: options.graphkeeper,
    version: options.version,
    startedAt: options.graphkeeper.clock(),
    limits: {
      jsonBytes: options.bodyLimit ?? 16 * 1_048_576,
      jsonMs: options.bodyTimeoutMs ?? 30_000,
      pauseMs: options.importPauseMs ?? 60_000,
      waitMs: options.waitMs ?? 240_000,
    },
    stopping: drain.stopping,
    stopped: drain.stopped,
  };
  const traces = new RequestTraces(options.trace);
  const parts = {
    auth: options.auth,
    limits: new RateLimits(options.rateLimits ?? { perKey: 0, perGroup: 0 }),
    traces,
    budget: new BodyBudget(BODY_MEMORY),
  };
  const app = fastify({
    ...(options.logger === undefined ? { logger: false } : { loggerInstance: options.logger }),
    // One line a request, written when it is answered.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: options.trustProxy ?? false,
    genReqId: requestId,
    requestIdHeader: false,
    // Our own 503 is a problem document; Fastify's is not.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    // Ids have up to 1,024 characters, of up to 12 bytes each when percent-encoded.
    routerOptions: { maxParamLength: 12_288 },
    serverFactory: (handler) => {
      const server = httpServer(handler);
      guardConnections(server, options.connections ?? CONNECTIONS, (message) => app.log.warn(message));
      drain.watch(server);
      return server;
    },
    clientErrorHandler: answerParserError,
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply),
  }) as unknown as FastifyInstance;

  app.addHook("preClose", async () => drain.begin());
  app.addHook("onRequest", async (request, reply) => {
    reply.headers({ ...SECURITY_HEADERS, "x-request-id": request.id });
    if (drain.stopping.aborted) {
      reply.header("connection", "close");
      throw new GraphkeeperError("SHUTTING_DOWN", "The service is stopping.", { retry_after: 2 });
    }
    cutStalled(reply.raw, options.answerPauseMs ?? 60_000);
    checkHeaders(request.raw);
  });
  app.addHook("onResponse", async (request, reply) => {
    lingerUnread(request.raw);
    request.log.info(
      {
        method: request.method,
        path: pathOf(request),
        status: reply.statusCode,
        duration_ms: Math.round(reply.elapsedTime * 10) / 10,
        request_id: request.id,
        address: request.ip,
        ...traces.of(request)?.logIds,
      },
      "request",
    );
  });
  // Bodies are read by the routes themselves, with their own limits and schemas: what the framework believes about a
  // content type decides nothing (CVE-2025-32442, CVE-2026-25223 and CVE-2026-33806 came that way).
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const allowed = methodsOf(app, routes, pathOf(request));
    if (allowed.length === 0) throw new GraphkeeperError("NOT_FOUND", "There is nothing under this path.");
    reply.header("allow", allowed.join(", "));
    throw new GraphkeeperError("METHOD_NOT_ALLOWED", `The path takes ${allowed.join(", ")}, not ${request.method}.`);
  });
  for (const route of routes) {
    const { onRequest, handler } = handlerOf(route, context, parts);
    app.route({
      method: route.method,
      url: route.path.replace(/\{(\w+)\}/g, ":$1"),
      // A HEAD would do all the work of a stream and throw it away.
      exposeHeadRoute: route.method === "GET" && Object.values(route.answers).every((a) => a.type === undefined),
      onRequest,
      handler,
    });
  }
  serveDocumentation(app, options.version, routes);
  servePage(app);
  for (const plugin of options.plugins ?? []) app.register(async (scope) => void (await plugin(scope)));
  return app;
}

/** Bytes of large bodies that are in memory at once; worked on, they take up to five times as much. */
const BODY_MEMORY = 67_108_864;
const CONNECTIONS: ConnectionLimits = { total: 1_000, perAddress: 400 };

function httpServer(handler: (request: IncomingMessage, response: never) => void): Server {
  const server = createServer(
    {
      // Times and limits of bodies are each route's own; an import may take hours.
      requestTimeout: 0,
      headersTimeout: 30_000,
      connectionsCheckingInterval: 5_000,
      // Above the 60 s after which most load balancers let go.
      keepAliveTimeout: 65_000,
      maxHeaderSize: 16_384,
      // Node would answer without a body; we check it ourselves.
      requireHostHeader: false,
      insecureHTTPParser: false,
    },
    handler as (request: IncomingMessage, response: unknown) => void,
  );
  answerOddRequests(server);
  return server;
}

const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Headers that are believed: each may stand once. Node joins some of them and takes the first of others. */
const SINGLE_HEADERS = new Set([
  "x-group-id",
  "authorization",
  "idempotency-key",
  "content-type",
  "host",
  "content-encoding",
]);

function checkHeaders(request: IncomingMessage): void {
  const seen = new Set<string>();
  // Names and values take turns.
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]!.toLowerCase();
    if (seen.has(name) && SINGLE_HEADERS.has(name)) {
      throw new GraphkeeperError("DUPLICATE_HEADER", `The header ${name} stands more than once.`, { field: name });
    }
    seen.add(name);
  }
  if (request.headers.host === undefined && request.httpVersion !== "1.0") {
    throw new GraphkeeperError("INVALID_REQUEST", "The request has no Host header.", { field: "host" });
  }
}

function requestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[\w.-]{1,128}$/.test(given) ? given : randomUUID();
}

function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = toGraphkeeperError(thrown);
  if (error.status >= 500 && error.code !== "SHUTTING_DOWN") {
    request.log.error({ err: error.cause ?? error, code: error.code, request_id: request.id }, "request failed");
  }
  const retryAfter = error.details.retry_after;
  reply
    .code(error.status)
    .headers({ ...SECURITY_HEADERS, ...problemHeaders(error.status), "x-request-id": request.id })
    .headers(typeof retryAfter === "number" ? { "retry-after": String(retryAfter) } : {})
    .header("content-type", PROBLEM_TYPE)
    .send(JSON.stringify(problemOf(error, { path: pathOf(request), id: request.id })));
}

function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0]!.slice(0, 2_048);
}

function methodsOf(app: FastifyInstance, routes: readonly Route[], path: string): string[] {
  const found = new Set<string>();
  for (const route of routes) {
    const pattern = route.path.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "[^/]+");
    if (!new RegExp(`^${pattern}$`).test(path)) continue;
    found.add(route.method);
    if (app.hasRoute({ method: "HEAD", url: route.path.replace(/\{(\w+)\}/g, ":$1") })) found.add("HEAD");
  }
  return [...found].sort();
}

/** A client that does not read its answer would hold the answer, and the snapshot that it is made of, for ever. */
function cutStalled(response: ServerResponse, pauseMs: number): void {
  const { socket } = response.req;
  response.setTimeout(pauseMs, () => {
    if (socket.writableLength > 0) socket.destroy();
  });
}

/**
 * An answer that was given before the whole body came: cutting the connection at once could take the answer away with
 * it (a reset discards what the client has not read yet), reading on could last for ever. So the rest is read and dropped
 * for two seconds.
 */
function lingerUnread(request: IncomingMessage): void {
  // A request that was injected without a socket has no such member.
  if (request.complete !== false || request.destroyed) return;
  const timer = setTimeout(() => request.socket.destroy(), 2_000);
  request.once("end", () => clearTimeout(timer));
  request.socket.once("close", () => clearTimeout(timer));
  request.resume();
}
