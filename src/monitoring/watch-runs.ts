import { context as active, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { JobHandler } from "../jobs/ports.ts";
import { RunSkipped } from "../jobs/ports.ts";
import { type AttemptOutcome, type MaintenanceMetrics, METER } from "./metrics.ts";
import { logIds, spanContextOf } from "./trace-context.ts";

/** Takes the lines about attempts: pino's `info`, as far as it is needed here. */
export type RunLog = (line: Record<string, string | number>, message: string) => void;

/**
 * Wraps a job handler: a span per attempt with a child span per batch, its duration, outcome and batches counted, and a line
 * in the log when it begins and when it ends. The span is a child of the call that made the run, whichever process carries it
 * out, and linked to the calls that joined it. The handler's result and errors pass through unchanged.
 */
export function watchRuns(
  handler: JobHandler,
  metrics: MaintenanceMetrics,
  options: { log?: RunLog; monotonic?: () => number } = {},
): JobHandler {
  const { log, monotonic = () => performance.now() } = options;
  return (context) => {
    const tracer = trace.getTracer(METER);
    const { run, kind } = context;
    const attributes = {
      "graphkeeper.kind": kind,
      "graphkeeper.group.id": context.groupId,
      "graphkeeper.run.id": run.id,
      "graphkeeper.run.attempt": run.attempt,
    };
    const [cause, ...others] = run.traces.map(spanContextOf);
    const parent = cause === undefined ? active.active() : trace.setSpanContext(ROOT_CONTEXT, cause);
    const links = others.map((other) => ({ context: other }));
    return tracer.startActiveSpan(
      `run ${kind}`,
      { kind: SpanKind.CONSUMER, attributes, links },
      parent,
      async (span) => {
        const ids = { run_id: run.id, kind, group_id: context.groupId, attempt: run.attempt, ...logIds(span) };
        log?.(ids, "run begins");
        const begun = monotonic();
        let batchFrom = Date.now();
        let batches = 0;
        const end = (outcome: AttemptOutcome) => {
          const tookMs = monotonic() - begun;
          metrics.attemptEnded(kind, outcome, tookMs);
          span.setAttributes({ "graphkeeper.outcome": outcome, "graphkeeper.batches": batches });
          log?.({ ...ids, outcome, batches, duration_ms: Math.round(tookMs) }, "run ends");
        };
        const batchEnded = () => {
          const now = Date.now();
          const batch = { ...attributes, "graphkeeper.batch": batches };
          tracer.startSpan(`batch ${kind}`, { startTime: batchFrom, attributes: batch }).end(now);
          batchFrom = now;
          batches++;
          metrics.batchEnded(kind);
        };
        try {
          const result = await handler({
            ...context,
            saveCheckpoint: async (checkpoint) => {
              await context.saveCheckpoint(checkpoint);
              batchEnded();
            },
            progress: (progress) => {
              context.progress(progress);
              // A recompute has no checkpoint; it says after each part that it wrote.
              if (progress.phase === "write") batchEnded();
            },
          });
          end("succeeded");
          return result;
        } catch (error) {
          if (error instanceof RunSkipped) end("skipped");
          else if (context.signal.aborted) end("interrupted");
          else {
            end("failed");
            failed(span, error);
          }
          throw error;
        } finally {
          span.end();
        }
      },
    );
  };
}

function failed(span: Span, error: unknown): void {
  span.recordException(error instanceof Error ? error : String(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
}
