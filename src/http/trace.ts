import type { FastifyReply, FastifyRequest } from "fastify";
import { parseTrace, type TraceContext, traceIdOf } from "../core/trace.ts";
import type { Route } from "./route.ts";

/** A request in its trace, as the monitoring room makes it. */
export interface RequestTrace {
  trace: TraceContext | null;
  /** Members of the request's line in the log; actor and group are added once they are known. */
  logIds: Record<string, string>;
  within<T>(work: () => T): T;
  end(status: number): void;
}

export type TraceRequest = (request: { method: string; route: string; from: TraceContext | null }) => RequestTrace;

/** Keeps each request with its trace, from its first hook to its line in the log. */
export class RequestTraces {
  readonly #trace: TraceRequest;
  readonly #begun = new WeakMap<FastifyRequest, RequestTrace>();

  /** @param trace without it the caller's trace is passed on, and no span made */
  constructor(trace: TraceRequest = ({ from }) => unmeasured(from)) {
    this.#trace = trace;
  }

  begin(request: FastifyRequest, reply: FastifyReply, route: Route): RequestTrace {
    const from = parseTrace(header(request, "traceparent"), header(request, "tracestate"));
    // Probes and scrapes come every few seconds and say nothing of anybody's work.
    const traced = route.tag === "operations" ? unmeasured(from) : this.#trace({ ...route, route: route.path, from });
    this.#begun.set(request, traced);
    reply.raw.once("close", () => traced.end(reply.statusCode));
    return traced;
  }

  of(request: FastifyRequest): RequestTrace | undefined {
    return this.#begun.get(request);
  }
}

function unmeasured(from: TraceContext | null): RequestTrace {
  return {
    trace: from,
    logIds: from === null ? {} : { trace_id: traceIdOf(from) },
    within: (work) => work(),
    end: () => {},
  };
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}
