import { type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { JobHandler } from "../jobs/ports.ts";
import { RunSkipped } from "../jobs/ports.ts";
import { type AttemptOutcome, type MaintenanceMetrics, METER } from "./metrics.ts";

/**
 * Wraps a job handler: a span per attempt with a child span per batch, and its duration, outcome and batches counted. The
 * handler's result and errors pass through unchanged.
 */
export function watchRuns(
  handler: JobHandler,
  metrics: MaintenanceMetrics,
  monotonic = () => performance.now(),
): JobHandler {
  return (context) => {
    const tracer = trace.getTracer(METER);
    const { run, kind } = context;
    const attributes = {
      "graphkeeper.kind": kind,
      "graphkeeper.group.id": context.groupId,
      "graphkeeper.run.id": run.id,
      "graphkeeper.run.attempt": run.attempt,
    };
    return tracer.startActiveSpan(`run ${kind}`, { kind: SpanKind.CONSUMER, attributes }, async (span) => {
      const begun = monotonic();
      let batchFrom = Date.now();
      let batches = 0;
      const end = (outcome: AttemptOutcome) => {
        metrics.attemptEnded(kind, outcome, monotonic() - begun);
        span.setAttributes({ "graphkeeper.outcome": outcome, "graphkeeper.batches": batches });
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
    });
  };
}

function failed(span: Span, error: unknown): void {
  span.recordException(error instanceof Error ? error : String(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
}
