import { createTraceState, isSpanContextValid, type Span, type SpanContext } from "@opentelemetry/api";
import type { TraceContext } from "../core/trace.ts";

/** As a parent or a link of a span in this process. */
export function spanContextOf({ traceparent, tracestate }: TraceContext): SpanContext {
  const [, traceId, spanId, flags] = traceparent.split("-") as [string, string, string, string];
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  };
}

/** What a log line says of its place in a trace; nothing where there is none. */
export function logIds(span: Span): Record<string, string> {
  const context = span.spanContext();
  return isSpanContextValid(context) ? { trace_id: context.traceId, span_id: context.spanId } : {};
}
