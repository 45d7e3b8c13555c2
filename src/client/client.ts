import { randomUUID } from "node:crypto";
import { context, trace } from "@opentelemetry/api";
import { ERRORS, type ErrorCode, GraphkeeperError } from "../core/errors.ts";
import { formatTrace, type TraceContext } from "../core/trace.ts";
import type { JsonObject } from "../core/words.ts";

export interface ClientOptions {
  /** Base address, such as `http://127.0.0.1:8000`; behind a proxy with the path under which the API lies. */
  url: string;
  apiKey?: string;
  /** Default group of all calls. */
  group?: string;
  /** Further tries of a call that got no answer, or 429, 502, 503, 504; default 3. POSTs carry the same Idempotency-Key each time. */
  retries?: number;
  /** Ends every call that has no signal of its own. */
  signal?: AbortSignal;
  /** The trace that calls belong to, asked for each; default: that of the active OpenTelemetry span, where there is an SDK. */
  trace?: () => TraceContext | null;
  fetch?: typeof fetch;
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export interface Call {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  /** Sent as it is, instead of `body`; such a call is not repeated. What `body` throws is thrown by the call. */
  stream?: { type: string; body: string | AsyncIterable<Uint8Array | string> };
  group?: string;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

const AGAIN = new Set([429, 502, 503, 504]);
/** A server that asks for more patience than this is told of to the caller instead, in ms. */
const LONGEST_WAIT_MS = 30_000;

/** A client of the HTTP API on the platform's own fetch. Errors are the product's, with the codes of its catalogue. */
export class GraphkeeperClient {
  readonly #options: ClientOptions;

  /** @throws GraphkeeperError `INVALID_VALUE` when the address is not one of HTTP */
  constructor(options: ClientOptions) {
    if (!/^https?:$/.test(URL.parse(options.url)?.protocol ?? "")) {
      throw new GraphkeeperError(
        "INVALID_VALUE",
        `${JSON.stringify(options.url)} is not the address of a server; expected one such as http://127.0.0.1:8000.`,
        { field: "url" },
      );
    }
    this.#options = options;
  }

  /**
   * One call; the parsed JSON body of its answer.
   *
   * @throws GraphkeeperError with the code of the problem, `STORE_UNAVAILABLE` when nobody answers (or somebody else),
   *   `CANCELLED` after an abort
   */
  async call(call: Call): Promise<JsonObject> {
    const response = await this.raw(call);
    try {
      const text = await response.text();
      return text === "" ? {} : (JSON.parse(text) as JsonObject);
    } catch (error) {
      throw unanswered(this.#options.url, call.signal ?? this.#options.signal, error);
    }
  }

  /** One call; the answer with its body unread. */
  async raw(given: Call): Promise<Response> {
    const call = { ...given, signal: given.signal ?? this.#options.signal };
    const { retries = 3, sleep = pause } = this.#options;
    const method = call.method ?? "GET";
    // A repeated call must not be a second effect, whatever became of the first.
    const key = call.idempotencyKey ?? (method === "POST" || method === "PUT" ? randomUUID() : undefined);
    const tries = call.stream ? 0 : retries;
    for (let attempt = 0; ; attempt++) {
      const source = watched(call.stream?.body);
      const response = await this.#send(method, call, source.body, key).catch((error: unknown) => {
        if (source.failure) throw source.failure.error;
        if (call.signal?.aborted || attempt >= tries) throw unanswered(this.#options.url, call.signal, error);
        return null;
      });
      if (response?.ok) return response;
      const asked = Number(response?.headers.get("retry-after") ?? Number.NaN);
      const waitMs = Number.isFinite(asked) ? asked * 1_000 : 200 * 2 ** attempt;
      if (response) {
        const error = await problem(response);
        // Under the same key the first try may still be at work: its answer is the one to wait for.
        const again = AGAIN.has(response.status) || (attempt > 0 && error.code === "IDEMPOTENCY_CONFLICT");
        if (!again || attempt >= tries || waitMs > LONGEST_WAIT_MS) throw error;
      }
      // An abort ends the wait; the next try then fails by it.
      await sleep(waitMs, call.signal);
    }
  }

  /** All items of a list, page after page. @param member the name of the list in the answer */
  async *pages(call: Call, member: string): AsyncIterable<JsonObject> {
    let cursor: string | undefined;
    do {
      const page = await this.call({ ...call, query: { ...call.query, cursor } });
      yield* page[member] as JsonObject[];
      cursor = (page.next_cursor as string | null) ?? undefined;
    } while (cursor !== undefined);
  }

  #send(method: string, call: Call, stream: RequestInit["body"], key: string | undefined): Promise<Response> {
    const { url, apiKey, group } = this.#options;
    const base = new URL(url);
    const target = new URL(base.pathname.replace(/\/+$/, "") + call.path, base);
    for (const [name, value] of Object.entries(call.query ?? {}))
      if (value !== undefined) target.searchParams.set(name, String(value));
    const headers: Record<string, string> = { accept: "application/json", ...(this.#options.trace ?? activeTrace)() };
    const groupId = call.group ?? group;
    if (apiKey) headers.authorization = `Bearer ${apiKey}`;
    if (groupId) headers["x-group-id"] = groupId;
    if (key) headers["idempotency-key"] = key;
    if (call.body !== undefined) headers["content-type"] = "application/json";
    if (call.stream) headers["content-type"] = call.stream.type;
    const body = stream ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
    const init: RequestInit = { method, headers, body, signal: call.signal };
    // Node asks for this when a body is a stream.
    if (call.stream) Object.assign(init, { duplex: "half" });
    return (this.#options.fetch ?? fetch)(target, init);
  }
}

/** Headers of the span in which the call is made. */
function activeTrace(): TraceContext | null {
  const span = trace.getSpanContext(context.active());
  return span === undefined ? null : formatTrace(span);
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}

/** A body for fetch that remembers what its source threw: fetch itself says only that it failed. */
function watched(body: string | AsyncIterable<Uint8Array | string> | undefined) {
  const source: { body: RequestInit["body"]; failure: { error: unknown } | null } = { body: undefined, failure: null };
  if (body === undefined || typeof body === "string") return Object.assign(source, { body });
  const encoder = new TextEncoder();
  const bytes = async function* () {
    try {
      for await (const part of body) yield typeof part === "string" ? encoder.encode(part) : part;
    } catch (error) {
      source.failure = { error };
      throw error;
    }
  };
  return Object.assign(source, { body: ReadableStream.from(bytes()) as unknown as RequestInit["body"] });
}

function unanswered(url: string, signal: AbortSignal | undefined, cause: unknown): GraphkeeperError {
  if (signal?.aborted) return new GraphkeeperError("CANCELLED", "The call was cancelled.", { url }, cause);
  if (cause instanceof SyntaxError)
    return new GraphkeeperError("STORE_UNAVAILABLE", `What answers at ${url} is not graphkeeper.`, { url }, cause);
  return new GraphkeeperError(
    "STORE_UNAVAILABLE",
    `Nobody answers at ${url}: ${String((cause as Error).cause ?? cause)}.`,
    { url },
    cause,
  );
}

async function problem(response: Response): Promise<GraphkeeperError> {
  const text = await response.text();
  let body: JsonObject = {};
  try {
    body = JSON.parse(text) as JsonObject;
  } catch {
    // A proxy's page; the status is all there is to know.
  }
  const code =
    typeof body.code === "string" && Object.hasOwn(ERRORS, body.code) ? (body.code as ErrorCode) : "INTERNAL";
  const message = typeof body.detail === "string" ? body.detail : `The server answered ${response.status}.`;
  return new GraphkeeperError(code, message, { ...body, status: response.status });
}
