import { ERRORS, type ErrorCode, GraphkeeperError } from "../core/errors.ts";
import { toWire } from "../core/wire.ts";

/** Problem details of RFC 9457, with the catalogue's code and remedy, and what the error's details add. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** Path of the request. */
  instance?: string;
  code: ErrorCode;
  remedy: string;
  request_id?: string;
  [extra: string]: unknown;
}

export const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

export function problemOf(error: GraphkeeperError, request: { path?: string; id?: string } = {}): Problem {
  const { title, status, remedy } = ERRORS[error.code];
  // Messages of the store are for operators, in the log: a caller learns the code and the request id.
  const detail = error.code === "INTERNAL" ? title : error.message;
  const standard = {
    type: `urn:graphkeeper:error:${error.code}`,
    title,
    status,
    detail,
    instance: request.path,
    code: error.code,
    remedy,
    request_id: request.id,
  };
  if (error.code === "INTERNAL") return standard;
  return { ...standard, ...(toWire(error.details) as Record<string, unknown>), ...standard };
}

/** Headers that belong to a status. */
export function problemHeaders(status: number): Record<string, string> {
  if (status === 401) return { "www-authenticate": 'Bearer realm="graphkeeper"' };
  if (status === 503) return { "retry-after": "2" };
  return {};
}

/** Brings whatever was thrown into the catalogue. */
export function toGraphkeeperError(error: unknown): GraphkeeperError {
  if (GraphkeeperError.is(error)) return error;
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  const known = typeof code === "string" ? FRAMEWORK_CODES[code] : undefined;
  if (known !== undefined) return new GraphkeeperError(known[0], known[1], {}, error);
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    return new GraphkeeperError("INVALID_REQUEST", "The request is not well formed.", {}, error);
  }
  return new GraphkeeperError("INTERNAL", error instanceof Error ? error.message : String(error), {}, error);
}

const FRAMEWORK_CODES: Record<string, [ErrorCode, string]> = {
  FST_ERR_BAD_URL: ["INVALID_REQUEST", "The path is not valid percent-encoding."],
  FST_ERR_MAX_PARAM_LENGTH: ["INVALID_REQUEST", "A part of the path is too long."],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["UNSUPPORTED_MEDIA_TYPE", "The content type is not understood."],
  FST_ERR_CTP_BODY_TOO_LARGE: ["PAYLOAD_TOO_LARGE", "The body is too large."],
};
