import { Problem } from "./problem.ts";
import { forgetKey, keptKey } from "./session.ts";

export interface Call {
  method?: "GET" | "POST" | "PUT";
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: Record<string, unknown>;
  /** Goes into X-Group-ID. */
  group?: string;
}

/** The API lies beside the page's folder, behind whatever proxy. */
export const API = new URL("../", document.baseURI);

export function addressOf({ path, query }: Pick<Call, "path" | "query">): URL {
  const address = new URL(`.${path}`, API);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) address.searchParams.set(name, String(value));
  }
  return address;
}

/**
 * One call; the parsed body of its answer.
 *
 * The typed client of the package is for Node (`node:crypto`); here keys come from `getRandomValues`, which also works on a
 * page that is not served over TLS, where `crypto.randomUUID` is missing.
 * @throws Problem
 */
export async function send<T>(call: Call, signal?: AbortSignal): Promise<T> {
  const response = await fetched(call, signal);
  const text = await response.text();
  return (text === "" ? {} : JSON.parse(text)) as T;
}

/** Server-sent events. An EventSource cannot send the key, so the stream is read by hand. @throws Problem */
export async function* events<T>(call: Call, signal: AbortSignal): AsyncGenerator<T> {
  const response = await fetched(call, signal, "text/event-stream");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop()!;
    for (const part of parts) {
      const data = part.split("\n").filter((line) => line.startsWith("data: "));
      if (data.length > 0) yield JSON.parse(data.map((line) => line.slice(6)).join("\n")) as T;
    }
  }
}

async function fetched(call: Call, signal?: AbortSignal, accept = "application/json"): Promise<Response> {
  const method = call.method ?? "GET";
  const headers: Record<string, string> = { accept };
  const key = keptKey();
  if (key !== "") headers.authorization = `Bearer ${key}`;
  if (call.group !== undefined) headers["x-group-id"] = call.group;
  if (call.body !== undefined) headers["content-type"] = "application/json";
  if (method !== "GET") headers["idempotency-key"] = newKey();
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  let response: Response;
  try {
    response = await fetch(addressOf(call), { method, headers, body, signal, credentials: "same-origin" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(
      {
        title: "The service does not answer",
        detail: `Nobody answers at ${API.origin}.`,
        code: "UNREACHABLE",
        remedy: "Check that graphkeeper serve runs and that the network reaches it; the page tries again.",
      },
      0,
    );
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (response.status === 401) forgetKey(problem, key);
  throw problem;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return new Problem((await response.json()) as Record<string, unknown>, response.status);
  } catch {
    // A proxy's page; the status is all there is to know.
    return new Problem({}, response.status);
  }
}

function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
