import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import type { TraceContext } from "../core/trace.ts";
import type { Visible } from "../jobs/service.ts";
import type { Graphkeeper } from "../service.ts";
import type { Role } from "./api-key.ts";
import type { Principal } from "./auth.ts";
import type { BodyLimits } from "./body.ts";

/** Where a call's group comes from. It must lie in the caller's scope and, but for `creates`, exist. */
export type GroupSource = "none" | "optional" | "header" | "path" | "path-creates";

/**
 * What an `Idempotency-Key` does: `operation`: it becomes the id of the lifecycle operation; `run`: the job ledger keeps it
 * with the run; `answer`: the first answer is kept and given again; `none`: the call changes nothing.
 */
export type Idempotency = "operation" | "run" | "answer" | "none";

export interface RouteSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** As in OpenAPI: `/documents/{id}`. */
  path: string;
  /** Least role that may call it; `public`: no key at all. */
  role: Role | "public";
  group: GroupSource;
  idempotency?: Idempotency;
  tag: string;
  summary: string;
  description?: string;
  params?: P;
  query?: Q;
  /** JSON body; absent = the call takes none. An empty body is read as `{}`. */
  body?: B;
  /** The body may be as large as `http.bodyLimit` allows; else 1 MB, which no call needs that names things only. */
  largeBody?: true;
  /** The call also takes NDJSON (`call.lines`), or nothing else. */
  ndjson?: "also" | "only";
  /** Answers that are not errors, by status. */
  answers: Record<number, { description: string; schema?: z.ZodType; type?: string }>;
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>): Promise<Answer>;
}

export type Route = RouteSpec<z.ZodType, z.ZodType, z.ZodType>;

/** Keeps the types of a route's parts together; a table of routes forgets them. */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(spec: RouteSpec<P, Q, B>): Route {
  return spec as unknown as Route;
}

/** What is the same for all calls of a server. */
export interface ServerContext {
  graphkeeper: Graphkeeper;
  version: string;
  startedAt: number;
  limits: BodyLimits & { waitMs: number };
  /** Aborted when the server begins to stop: who waits for a run, or watches it, is answered now. */
  stopping: AbortSignal;
  /** Aborted when the time for stopping is over: work that writes ends after its current step. */
  stopped: AbortSignal;
}

/** One request, checked. */
export interface Call<P, Q, B> extends ServerContext {
  principal: Principal;
  /** Groups that the caller may see; null = all. */
  visible: Visible;
  params: P;
  query: Q;
  body: B;
  /** Empty when the call names none (`none`, `optional`). */
  groupId: string;
  /** The trace that the request belongs to; what it asks for goes on with it. */
  trace: TraceContext | undefined;
  /** The body of a call that takes NDJSON; null when JSON came. */
  lines: AsyncIterable<Uint8Array> | null;
  /** For `parseNative`: a large block waits for room in memory. */
  large: (is: boolean) => Promise<void>;
  idempotencyKey: string | null;
  /** Whether the caller's key still lets this call pass: long answers ask before they say more. */
  stillAllowed: () => Promise<boolean>;
  /** Aborted when the client is gone. */
  gone: AbortSignal;
  request: FastifyRequest;
}

export interface Answer {
  /** 200 when absent. */
  status?: number;
  /** Brought into the wire form. */
  body?: unknown;
  /** Members added to the body of this answer only: never kept for a replay. For secrets. */
  transient?: Record<string, unknown>;
  headers?: Record<string, string>;
  /** Instead of a body. Ends early when the client is gone. */
  stream?: AsyncIterable<string>;
  /** Content type of `stream`, or of a `body` that is text. */
  type?: string;
  /** The answer repeats that of an earlier call. */
  replayed?: boolean;
}

/** Id of the lifecycle operation that an idempotency key stands for; undefined when the call has none. */
export function operationId(call: Pick<Call<unknown, unknown, unknown>, "idempotencyKey" | "principal">) {
  return call.idempotencyKey === null ? undefined : `idem:${call.principal.actor}:${call.idempotencyKey}`;
}
