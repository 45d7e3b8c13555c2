/**
 * Where a call stands in a distributed trace: the two headers of W3C Trace Context (https://www.w3.org/TR/trace-context/),
 * as they are kept with the work that the call asks for.
 */
export interface TraceContext {
  /** `00-<trace id>-<span id>-<flags>`, lower case. */
  traceparent: string;
  tracestate?: string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads the headers as they came; null when they say nothing that the standard lets pass. Of several, joined by commas, the last
 * counts: an instrumented fetch adds its own behind the one that its caller gave.
 */
export function parseTrace(traceparent: string | undefined, tracestate?: string): TraceContext | null {
  const last = traceparent?.split(",").at(-1)?.trim() ?? "";
  const match = TRACEPARENT.exec(last);
  if (match === null) return null;
  const [, version, traceId, spanId, flags, rest] = match;
  if (version === "ff" || (version === "00" && rest !== undefined) || /^0+$/.test(traceId!) || /^0+$/.test(spanId!))
    return null;
  // Of a later version only what this one knows is passed on, as the standard says.
  const parsed = { traceparent: `00-${traceId}-${spanId}-${flags}` };
  return tracestate !== undefined && STATE.test(tracestate) ? { ...parsed, tracestate } : parsed;
}

/** Printable, and no longer than the standard asks everybody to pass on. */
const STATE = /^[\x20-\x7e]{1,512}$/;

/** The 32 hexadecimal digits by which all spans and log lines of a trace are found. */
export function traceIdOf(context: TraceContext): string {
  return context.traceparent.slice(3, 35);
}

/** What a tracing library knows of a span, as the headers say it; null for a span that is part of no trace. */
export function formatTrace(span: {
  traceId: string;
  spanId: string;
  traceFlags: number;
  traceState?: { serialize(): string };
}): TraceContext | null {
  const flags = span.traceFlags.toString(16).padStart(2, "0");
  return parseTrace(`00-${span.traceId}-${span.spanId}-${flags}`, span.traceState?.serialize());
}
