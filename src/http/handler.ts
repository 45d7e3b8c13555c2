import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import { checkGroupId } from "../core/law.ts";
import { toWire } from "../core/wire.ts";
import type { JsonObject } from "../core/words.ts";
import { once } from "../jobs/idempotency.ts";
import { type Authenticator, demandRole, type Principal, visibleTo } from "./auth.ts";
import { mediaType, readJson, readStream } from "./body.ts";
import type { BodyBudget } from "./body-budget.ts";
import type { RateLimits } from "./rate-limit.ts";
import type { Answer, Call, Route, ServerContext } from "./route.ts";
import type { RequestTraces } from "./trace.ts";
import { check } from "./validate.ts";

const NOBODY: Principal = { actor: "anonymous", role: "reader", groups: [] };

/**
 * What Fastify calls for a route: who calls and for which group is decided before any byte of the body is read, then each
 * part of the request is checked against its schema, then the route's own work is done.
 */
export function handlerOf(
  route: Route,
  context: ServerContext,
  parts: { auth: Authenticator; limits: RateLimits; traces: RequestTraces; budget: BodyBudget },
) {
  const { auth, limits, traces, budget } = parts;
  const isStillAllowed = async (route: Route, request: FastifyRequest, groupId: string) => {
    try {
      const principal = await auth.authenticate(request.raw, request.ip);
      if (route.role !== "public") demandRole(principal, route.role);
      return groupId === "" || visibleTo(principal)?.(groupId) !== false;
    } catch (error) {
      if (GraphkeeperError.is(error, "STORE_UNAVAILABLE")) return true;
      return false;
    }
  };
  const principals = new WeakMap<FastifyRequest, Principal>();
  return {
    onRequest: async (request: FastifyRequest, reply: FastifyReply) => {
      const { logIds } = traces.begin(request, reply, route);
      if (route.role === "public") return;
      const principal = await auth.authenticate(request.raw, request.ip);
      logIds.actor = principal.actor;
      demandRole(principal, route.role);
      const groupId = groupNamed(route, request);
      const visible = visibleTo(principal);
      const counted = groupId !== undefined && (visible === null || visible(groupId));
      limits.take(principal.actor, counted ? groupId : null);
      principals.set(request, principal);
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const principal = principals.get(request) ?? NOBODY;
      const traced = traces.of(request);
      const gone = new AbortController();
      reply.raw.once("close", () => {
        if (!reply.raw.writableFinished) gone.abort();
      });
      const params = check(route.params ?? NOTHING, request.params, "path");
      const query = check(route.query ?? NOTHING, { ...(request.query as object) }, "query");
      const idempotencyKey = readIdempotencyKey(route, request);
      const visible = visibleTo(principal);
      const groupId = await groupOf(route, request, context, visible);
      if (groupId !== "" && traced !== undefined) traced.logIds.group_id = groupId;
      const room = roomFor(budget, principal.actor, gone.signal, context.limits.jsonMs);
      try {
        const call: Call<unknown, unknown, unknown> = {
          ...context,
          principal,
          visible,
          params,
          query,
          groupId,
          trace: traced?.trace ?? undefined,
          ...(await readBody(route, request, context, room.take)),
          large: (is) => (is ? room.take(LARGE_IMPORT, IMPORT_PATIENCE_MS) : room.free()),
          idempotencyKey,
          stillAllowed: () => isStillAllowed(route, request, groupId),
          gone: gone.signal,
          request,
        };
        const answer = await (traced === undefined
          ? answerOnce(route, call)
          : traced.within(() => answerOnce(route, call)));
        return send(reply, answer);
      } finally {
        await room.free();
      }
    },
  };
}

const NOTHING = z.strictObject({});
const LARGE = 1_048_576;
/** Without `largeBody`. */
const SMALL_BODY = 1_048_576;

/** An import holds several times the length of a large block, whose length is not known before its end. */
const LARGE_IMPORT = 33_554_432;
const IMPORT_PATIENCE_MS = 600_000;
/** Shorter bodies are not worth waiting for. */
const SMALL = 262_144;

/** What one call holds of the memory for bodies. */
function roomFor(budget: BodyBudget, caller: string, gone: AbortSignal, patience: number) {
  let release: (() => void) | null = null;
  return {
    async take(bytes: number, patienceMs = patience): Promise<void> {
      if (release === null) release = await budget.take(caller, bytes, patienceMs, gone);
      if (gone.aborted) release();
    },
    async free(): Promise<void> {
      release?.();
      release = null;
    },
  };
}

async function readBody(
  route: Route,
  request: FastifyRequest,
  context: ServerContext,
  take: (bytes: number) => Promise<void>,
) {
  if (route.method === "GET") return { body: undefined, lines: null };
  const accepted =
    route.ndjson === "only"
      ? (["ndjson"] as const)
      : route.ndjson
        ? (["json", "ndjson"] as const)
        : (["json"] as const);
  const type = mediaType(request.raw, accepted);
  if (type === "ndjson") return { body: undefined, lines: readStream(request.raw, context.limits) };
  // An upload whose body was lost on the way must not be taken for an empty new version.
  if (type === null && route.ndjson !== undefined) {
    throw new GraphkeeperError("INVALID_REQUEST", "The call needs a body.", { field: "body" });
  }
  const { limits } = context;
  const jsonBytes = route.largeBody ? limits.jsonBytes : Math.min(limits.jsonBytes, SMALL_BODY);
  const length = Number(request.headers["content-length"] ?? jsonBytes);
  if (type !== null && length > SMALL) await take(Math.min(length, jsonBytes));
  const body = type === null ? undefined : await readJson(request.raw, { ...limits, jsonBytes });
  if (Number(request.headers["content-length"] ?? LARGE) >= LARGE) await setImmediate();
  const checked = check(route.body ?? NOTHING, body === undefined ? {} : body, "body");
  // Reading, checking and using a large body each take their turn of the event loop, so that others come in between.
  if (Number(request.headers["content-length"] ?? LARGE) >= LARGE) await setImmediate();
  return { body: checked, lines: null };
}

/** @throws GraphkeeperError `GROUP_REQUIRED`, `INVALID_GROUP_ID`, `GROUP_NOT_FOUND` */
async function groupOf(
  route: Route,
  request: FastifyRequest,
  context: ServerContext,
  visible: Call<unknown, unknown, unknown>["visible"],
): Promise<string> {
  if (route.group === "none") return "";
  const header = request.headers["x-group-id"] as string | undefined;
  const given = groupNamed(route, request);
  if (given === undefined) {
    if (route.group === "optional") return "";
    throw new GraphkeeperError("GROUP_REQUIRED", "The call needs the header X-Group-ID.", { field: "x-group-id" });
  }
  const groupId = checkGroupId(given);
  if (header !== undefined && header !== groupId) {
    throw new GraphkeeperError("INVALID_REQUEST", "X-Group-ID and the path name different groups.", {
      field: "x-group-id",
    });
  }
  // A foreign group is looked for as well, so that it takes as long as a missing one and answers alike.
  const exists = route.group === "path-creates" || (await context.graphkeeper.store.group(groupId)) !== null;
  if (!exists || (visible !== null && !visible(groupId))) {
    throw new GraphkeeperError("GROUP_NOT_FOUND", "There is no such group.", { group: groupId });
  }
  return groupId;
}

/** As the request says it, not yet checked. */
function groupNamed(route: Route, request: FastifyRequest): string | undefined {
  if (route.group === "none") return undefined;
  if (route.group === "path" || route.group === "path-creates") return (request.params as { id: string }).id;
  return request.headers["x-group-id"] as string | undefined;
}

function readIdempotencyKey(route: Route, request: FastifyRequest): string | null {
  const key = request.headers["idempotency-key"];
  if (key === undefined || (route.idempotency ?? "none") === "none") return null;
  if (typeof key !== "string" || !/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new GraphkeeperError("INVALID_REQUEST", "An Idempotency-Key has 1 to 200 visible ASCII characters.", {
      field: "idempotency-key",
    });
  }
  return key;
}

async function answerOnce(route: Route, call: Call<unknown, unknown, unknown>): Promise<Answer> {
  const { idempotencyKey: key, groupId, query, body, params } = call;
  if (key === null || route.idempotency !== "answer") {
    try {
      return await route.handle(call);
    } catch (error) {
      // The key became an operation id; the caller knows it as the key.
      if (key === null || !GraphkeeperError.is(error, "OPERATION_ID_REUSED")) throw error;
      throw new GraphkeeperError(
        "IDEMPOTENCY_MISMATCH",
        "This Idempotency-Key was used for another request.",
        {},
        error,
      );
    }
  }
  const request = { method: route.method, path: route.path, groupId, query, body, params };
  let transient: Answer["transient"];
  const { answer, replayed } = await once(
    call.graphkeeper.jobs.store,
    call.graphkeeper.jobs.clock,
    { scope: `${call.principal.actor} ${route.method} ${route.path}`, key },
    request,
    async () => {
      const { status, body, headers, ...rest } = await route.handle(call);
      transient = rest.transient;
      return { status: status ?? 200, body: toWire(body), headers: headers ?? {} } as JsonObject;
    },
  );
  return { ...(answer as unknown as Answer), transient, replayed };
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  reply.code(answer.status ?? 200).headers(answer.headers ?? {});
  if (answer.replayed) reply.header("idempotency-replayed", "true");
  if (answer.stream !== undefined) {
    return reply.type(answer.type ?? "application/x-ndjson").send(Readable.from(answer.stream, { objectMode: false }));
  }
  if (answer.body === undefined || answer.body === null) return reply.send();
  if (answer.type !== undefined) return reply.type(answer.type).send(answer.body);
  return reply
    .type("application/json; charset=utf-8")
    .send(JSON.stringify({ ...(toWire(answer.body) as object), ...answer.transient }));
}
