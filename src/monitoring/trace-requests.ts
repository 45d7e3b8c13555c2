import { context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { formatTrace, type TraceContext } from "../core/trace.ts";
import { METER } from "./metrics.ts";
import { logIds, spanContextOf } from "./trace-context.ts";

/** A request that is being answered. */
export interface TracedRequest {
  /** What work that the request asks for goes on with: the request's span, or without an SDK that of the caller. */
  trace: TraceContext | null;
  logIds: Record<string, string>;
  /** Does the work with the request's span active, so that what is called in it (databases, other services) comes below it. */
  within<T>(work: () => T): T;
  /** Idempotent. */
  end(status: number): void;
}

/**
 * A span for each request, below the span of the caller as its headers give it. Where an instrumentation has one open for
 * the request already, ours comes below that one.
 *
 * @param from the headers, parsed; null when there are none
 */
export function traceRequest(request: { method: string; route: string; from: TraceContext | null }): TracedRequest {
  const { method, route, from } = request;
  const instrumented = trace.getSpan(context.active()) !== undefined;
  const parent =
    instrumented || from === null ? context.active() : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(from));
  const span: Span = trace.getTracer(METER).startSpan(
    `${method} ${route}`,
    {
      kind: instrumented ? SpanKind.INTERNAL : SpanKind.SERVER,
      attributes: { "http.request.method": method, "http.route": route },
    },
    parent,
  );
  const inside = trace.setSpan(parent, span);
  let ended = false;
  return {
    trace: formatTrace(span.spanContext()),
    logIds: logIds(span),
    within: (work) => context.with(inside, work),
    end: (status) => {
      if (ended) return;
      ended = true;
      span.setAttribute("http.response.status_code", status);
      // A caller's mistake is no error of the server's span, as the conventions for HTTP spans say.
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}
