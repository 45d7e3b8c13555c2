import type { IncomingMessage } from "node:http";
import { GraphkeeperError } from "../core/errors.ts";
import { parseJsonSteps } from "../core/json.ts";
import { inTurns } from "../core/turns.ts";

export interface BodyLimits {
  /** Of a JSON body; an import is not limited. */
  jsonBytes: number;
  /** A JSON body has to be there within this time. */
  jsonMs: number;
  /** An import may pause for this long. */
  pauseMs: number;
}

export type MediaType = "json" | "ndjson";

const TYPES: Record<string, MediaType> = {
  "application/json": "json",
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "application/jsonl": "ndjson",
};

/** Whether bytes of a body are to be expected. */
export function hasBody(request: IncomingMessage): boolean {
  return request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
}

/**
 * The type of the body by its header; null when there is no body.
 * @throws GraphkeeperError `UNSUPPORTED_MEDIA_TYPE`
 */
export function mediaType(request: IncomingMessage, accepted: readonly MediaType[]): MediaType | null {
  if (!hasBody(request)) return null;
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== "identity") {
    throw unsupported("A compressed body is not accepted; send it as it is.", accepted);
  }
  const [essence = "", ...parameters] = (request.headers["content-type"] ?? "").split(";");
  const type = TYPES[essence.trim().toLowerCase()];
  if (type === undefined || !accepted.includes(type)) {
    const shown = essence.trim().slice(0, 60);
    throw unsupported(
      shown === "" ? "The body has no content type." : `The content type ${shown} is not accepted here.`,
      accepted,
    );
  }
  const charset = parameters.map((p) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/i.exec(p)?.[1]).find((c) => c);
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw unsupported("The body must be UTF-8.", accepted);
  }
  return type;
}

function unsupported(message: string, accepted: readonly MediaType[]): GraphkeeperError {
  return new GraphkeeperError("UNSUPPORTED_MEDIA_TYPE", message, {
    accepted: Object.keys(TYPES).filter((name) => accepted.includes(TYPES[name]!)),
  });
}

/**
 * The JSON body, parsed; undefined when it is empty.
 * @throws GraphkeeperError `PAYLOAD_TOO_LARGE`, `REQUEST_TIMEOUT`, `INVALID_REQUEST`
 */
export async function readJson(request: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  const tooLarge = () =>
    new GraphkeeperError("PAYLOAD_TOO_LARGE", `The body has more than ${limits.jsonBytes} bytes.`, {
      limit: limits.jsonBytes,
    });
  if (Number(request.headers["content-length"] ?? 0) > limits.jsonBytes) throw tooLarge();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const until = performance.now() + limits.jsonMs;
  for await (const part of chunks(request, () => until - performance.now())) {
    bytes += part.length;
    if (bytes > limits.jsonBytes) throw tooLarge();
    parts.push(part);
  }
  if (bytes === 0) return undefined;
  let text: string;
  try {
    // A byte order mark stays and is refused: RFC 8259 forbids it.
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
  } catch (error) {
    throw new GraphkeeperError("INVALID_REQUEST", "The body is not UTF-8.", {}, error);
  }
  return inTurns(parseJsonSteps(text));
}

/** The body as it comes. @throws GraphkeeperError `REQUEST_TIMEOUT` after a pause longer than `limits.pauseMs` */
export function readStream(request: IncomingMessage, limits: BodyLimits): AsyncIterable<Uint8Array> {
  return chunks(request, () => limits.pauseMs);
}

async function* chunks(request: IncomingMessage, patienceMs: () => number): AsyncGenerator<Uint8Array> {
  // Leaving early must not destroy the request, and with it the socket on which the answer is to go.
  const iterator = request.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const { value, done } = await within(iterator.next(), patienceMs());
      if (done) return;
      yield value as Uint8Array;
    }
  } finally {
    // Not awaited: after a time-out `next` is still pending, and `return` would wait for it.
    iterator.return?.().catch(() => {});
  }
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        reject(new GraphkeeperError("REQUEST_TIMEOUT", "The body did not arrive in time."));
      },
      Math.max(0, ms),
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
