import { createHmac } from "node:crypto";
import { context, createContextKey, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { formatTrace } from "../core/trace.ts";
import type { Clock } from "../jobs/clock.ts";
import { METER } from "./metrics.ts";

export interface WebhookOptions {
  url: string;
  /** Shared with the receiver; `whsec_` and base64 as the Standard Webhooks libraries make it, or any text. */
  secret: string;
  /** Of one attempt. */
  timeoutMs?: number;
  /** Pauses between attempts; when they are used up the next evaluation tries again. */
  pausesMs?: readonly number[];
  fetch?: typeof fetch;
}

/**
 * Signs a message as Standard Webhooks (standardwebhooks.com, v1) describes it: base64 of HMAC-SHA256 over id, time and body.
 *
 * @param seconds time of sending, Unix seconds
 */
export function signWebhook(secret: string, id: string, seconds: number, body: string): string {
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret);
  return `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
}

/**
 * Posts JSON messages to one address, signed. A receiver drops a repetition by `webhook-id`, and a forged or replayed message
 * by `webhook-signature` and `webhook-timestamp`. Each message is a span, and the receiver gets its trace context.
 */
export class Webhook {
  readonly #options: WebhookOptions;
  readonly #clock: Clock;

  constructor(options: WebhookOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /**
   * Resolves once the receiver answered 2xx. Network errors, 408, 429 and 5xx are tried again after a pause (or after
   * `Retry-After`, at most a minute); other answers are not, nor are redirects followed.
   * @throws Error that says what the last attempt gave
   */
  async send(id: string, message: object, signal?: AbortSignal): Promise<void> {
    const options = { kind: SpanKind.CLIENT, attributes: { "graphkeeper.webhook.id": id } };
    await trace.getTracer(METER).startActiveSpan("webhook", options, async (span) => {
      const headers: Record<string, string> = { ...formatTrace(span.spanContext()) };
      try {
        await context.with(context.active().setValue(SUPPRESS_TRACING, true), () =>
          this.#send(id, message, headers, signal),
        );
      } catch (error) {
        span.recordException(error as Error);
        span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
        throw error;
      } finally {
        span.end();
      }
    });
  }

  async #send(id: string, message: object, traced: Record<string, string>, signal?: AbortSignal): Promise<void> {
    const body = JSON.stringify(message);
    const pauses = this.#options.pausesMs ?? [1_000, 5_000];
    for (let attempt = 0; ; attempt++) {
      const failure = await this.#post(id, body, traced, signal);
      if (failure === null) return;
      const pause = pauses[attempt];
      if (pause === undefined || !failure.again || signal?.aborted === true) throw new Error(failure.message);
      await this.#clock.sleep(Math.max(pause, failure.afterMs ?? 0), signal);
    }
  }

  async #post(id: string, body: string, traced: Record<string, string>, signal?: AbortSignal): Promise<Failure | null> {
    const { url, secret, timeoutMs = 10_000 } = this.#options;
    const seconds = Math.floor(this.#clock.now() / 1_000);
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await (this.#options.fetch ?? fetch)(url, {
        method: "POST",
        redirect: "manual",
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
        headers: {
          ...traced,
          "content-type": "application/json",
          "user-agent": "graphkeeper",
          "webhook-id": id,
          "webhook-timestamp": String(seconds),
          "webhook-signature": signWebhook(secret, id, seconds, body),
        },
        body,
      });
      await response.body?.cancel();
      if (response.ok) return null;
      const again = response.status >= 500 || response.status === 429 || response.status === 408;
      const wait = Number(response.headers.get("retry-after"));
      return {
        message: `The webhook answered ${response.status}.`,
        again,
        afterMs: Number.isFinite(wait) && wait > 0 ? Math.min(60, wait) * 1_000 : undefined,
      };
    } catch (error) {
      return { message: `The webhook cannot be reached: ${reasonOf(error)}`, again: true };
    }
  }
}

/** The SDKs' own key: an instrumented fetch would add the header of a span of its own beside ours. */
const SUPPRESS_TRACING = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

interface Failure {
  message: string;
  again: boolean;
  afterMs?: number;
}

/** What fetch hides in the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { message?: string } };
  return cause?.message || message || String(error);
}
