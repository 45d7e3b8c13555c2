import { randomUUID } from "node:crypto";
import { ERRORS, type ErrorCode, GraphkeeperError } from "../core/errors.ts";
import type { JsonObject } from "../core/words.ts";

export interface ClientOptions {
  /** Base address, such as `http://127.0.0.1:8000`. */
  url: string;
  apiKey?: string;
  /** Default group of all calls. */
  group?: string;
  /** Further tries of a call that got no answer, or 429, 502, 503, 504; default 3. POSTs carry the same Idempotency-Key each time. */
  retries?: number;
  fetch?: typeof fetch;
  sleep?: (ms: number) => Promise<void>;
}

export interface Call {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  /** Sent as it is, instead of `body`; such a call is not repeated. */
  stream?: { type: string; body: string | ReadableStream };
  group?: string;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

const AGAIN = new Set([429, 502, 503, 504]);

/** A client of the HTTP API on the platform's own fetch. Errors are the product's, with the codes of its catalogue. */
export class GraphkeeperClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * One call; the parsed JSON body of its answer.
   *
   * @throws GraphkeeperError with the code of the problem, or `STORE_UNAVAILABLE` when nobody answers
   */
  async call(call: Call): Promise<JsonObject> {
    const response = await this.raw(call);
    const text = await response.text();
    return text === "" ? {} : (JSON.parse(text) as JsonObject);
  }

  /** One call; the answer with its body unread. */
  async raw(call: Call): Promise<Response> {
    const { retries = 3, sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) } = this.#options;
    const method = call.method ?? "GET";
    // A repeated call must not be a second effect, whatever became of the first.
    const key = call.idempotencyKey ?? (method === "POST" || method === "PUT" ? randomUUID() : undefined);
    const tries = call.stream ? 0 : retries;
    for (let attempt = 0; ; attempt++) {
      const response = await this.#send(method, call, key).catch((error: unknown) => {
        if (call.signal?.aborted || attempt >= tries) throw unavailable(this.#options.url, error);
        return null;
      });
      if (response?.ok) return response;
      if (response && (!AGAIN.has(response.status) || attempt >= tries)) throw await problem(response);
      const wait = Number(response?.headers.get("retry-after") ?? Number.NaN);
      await sleep(Number.isFinite(wait) ? wait * 1_000 : 200 * 2 ** attempt);
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

  #send(method: string, call: Call, key: string | undefined): Promise<Response> {
    const { url, apiKey, group } = this.#options;
    const target = new URL(call.path, url);
    for (const [name, value] of Object.entries(call.query ?? {}))
      if (value !== undefined) target.searchParams.set(name, String(value));
    const headers: Record<string, string> = { accept: "application/json" };
    const groupId = call.group ?? group;
    if (apiKey) headers.authorization = `Bearer ${apiKey}`;
    if (groupId) headers["x-group-id"] = groupId;
    if (key) headers["idempotency-key"] = key;
    if (call.body !== undefined) headers["content-type"] = "application/json";
    if (call.stream) headers["content-type"] = call.stream.type;
    const body = call.stream?.body ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
    const init: RequestInit = { method, headers, body, signal: call.signal };
    // Node asks for this when a body is a stream.
    if (call.stream) Object.assign(init, { duplex: "half" });
    return (this.#options.fetch ?? fetch)(target, init);
  }
}

function unavailable(url: string, cause: unknown): GraphkeeperError {
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
