/** One entry of the error catalogue: HTTP status, what it means, what to do. */
interface CatalogueEntry {
  status: number;
  title: string;
  remedy: string;
}

/** Every error that the product raises on purpose. `docs/errors.md` lists the same codes; a test compares both. */
export const ERRORS = {
  INVALID_REQUEST: {
    status: 400,
    title: "The request is not well formed",
    remedy: "Correct the field that the message names.",
  },
  INVALID_GROUP_ID: {
    status: 400,
    title: "The group id is not allowed",
    remedy: "Use 1 to 200 of A-Z a-z 0-9 . _ : @ + = - and begin with a letter, a digit or an underscore.",
  },
  GROUP_REQUIRED: {
    status: 400,
    title: "The call needs a group",
    remedy: "Send the header X-Group-ID, or --group on the command line.",
  },
  DUPLICATE_HEADER: {
    status: 400,
    title: "A header that may stand once stands twice",
    remedy: "Send X-Group-ID and Authorization once.",
  },
  INVALID_LINE: {
    status: 400,
    title: "A line of the import is not valid",
    remedy: "Correct the line whose number the message names; nothing of its document was imported.",
  },
  UNAUTHENTICATED: {
    status: 401,
    title: "No valid API key",
    remedy: "Send Authorization: Bearer with an API key made by graphkeeper keys create.",
  },
  FORBIDDEN: {
    status: 403,
    title: "The API key may not do this",
    remedy: "Use a key with the role that the message names.",
  },
  NOT_FOUND: { status: 404, title: "There is no such thing here", remedy: "Check the path, the id and the group." },
  GROUP_NOT_FOUND: {
    status: 404,
    title: "There is no such group",
    remedy: "Check the group id; a group comes to be with its first import.",
  },
  DOCUMENT_NOT_FOUND: {
    status: 404,
    title: "There is no such document in this group",
    remedy: "Check the document id and the group.",
  },
  RUN_NOT_FOUND: { status: 404, title: "There is no such run", remedy: "List the runs with GET /maintenance/runs." },
  METHOD_NOT_ALLOWED: {
    status: 405,
    title: "The path does not take this method",
    remedy: "See /docs for the methods of each path.",
  },
  CONFLICT: {
    status: 409,
    title: "The change contradicts what is stored",
    remedy: "Read the message; change the id or the content.",
  },
  CONFIRMATION_REQUIRED: {
    status: 409,
    title: "Purging needs a confirmation",
    remedy: "Repeat the document id in the field confirm (--confirm on the command line).",
  },
  DOCUMENT_DEPRECATED: {
    status: 409,
    title: "The document is deprecated",
    remedy: "Restore it first, or ask for it in the same call: restore=true (--restore on the command line).",
  },
  LEGAL_HOLD: { status: 409, title: "A document is under legal hold", remedy: "Release the hold first." },
  BLAST_RADIUS: {
    status: 409,
    title: "The change touches more than the blast-radius guard allows",
    remedy: "Look at the preview; then repeat with force (--force).",
  },
  LEASE_HELD: { status: 409, title: "Another run works on this group", remedy: "Wait for it, or cancel it." },
  LEASE_LOST: {
    status: 409,
    title: "The run lost its lease; nothing more was written",
    remedy: "None needed: the next run goes on from the checkpoint.",
  },
  STORE_LOCKED: {
    status: 409,
    title: "Another process holds the data file",
    remedy: "Talk to that process with --url, or stop it.",
  },
  IDEMPOTENCY_CONFLICT: {
    status: 409,
    title: "The first call with this Idempotency-Key is still running",
    remedy: "Wait for it and repeat.",
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    title: "The body is too large",
    remedy: "Send less per call, or raise http.bodyLimit.",
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: "The content type is not understood",
    remedy: "Send application/json, or application/x-ndjson to import.",
  },
  INVALID_VALUE: {
    status: 422,
    title: "A value is not allowed",
    remedy: "Correct the value at the place that the message names.",
  },
  INVALID_EMBEDDING: {
    status: 422,
    title: "An embedding is not usable",
    remedy: "Send finite numbers, not all zero, of the group's dimension.",
  },
  IDEMPOTENCY_MISMATCH: {
    status: 422,
    title: "The Idempotency-Key was used for another request",
    remedy: "Use a new key for a new request.",
  },
  OPERATION_ID_REUSED: {
    status: 422,
    title: "The operation id was used for another call",
    remedy: "Use a new id for a new call.",
  },
  REQUEST_TIMEOUT: {
    status: 408,
    title: "The request did not arrive in time",
    remedy: "Send the request again, without pauses.",
  },
  RATE_LIMITED: {
    status: 429,
    title: "Too many calls, or too many failed attempts",
    remedy: "Wait for the seconds in Retry-After; after failed attempts check the API key.",
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    title: "The request's headers are too large",
    remedy: "Send at most 16 KB of headers, the path included.",
  },
  SHUTTING_DOWN: {
    status: 503,
    title: "The service is stopping",
    remedy: "Repeat after the seconds in Retry-After.",
  },
  INVALID_CONFIG: {
    status: 500,
    title: "The configuration is not valid",
    remedy: "Correct the key that the message names.",
  },
  DATA_FROM_NEWER_VERSION: {
    status: 500,
    title: "The data file was written by a newer version",
    remedy: "Upgrade graphkeeper; the file was left as it is.",
  },
  CANCELLED: { status: 409, title: "The work was cancelled", remedy: "Start it again; it goes on where it stopped." },
  OUT_OF_BUDGET: {
    status: 409,
    title: "The work does not fit into its memory or time budget",
    remedy: "Raise the budget that the message names.",
  },
  ENGINE_UNAVAILABLE: {
    status: 409,
    title: "The engine that was asked for is not there",
    remedy: "Install the Graph Data Science plugin into Neo4j, or compute with the engine builtin (or auto).",
  },
  RUN_FAILED: { status: 500, title: "The run failed", remedy: "Read the run's error; retry it." },
  STORE_UNAVAILABLE: {
    status: 503,
    title: "The store does not answer",
    remedy: "Repeat after the seconds in Retry-After.",
  },
  INTERNAL: { status: 500, title: "Something went wrong inside", remedy: "Report it with the request id." },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** The one error class of the product: a stable code, an HTTP status and a remedy by the catalogue. */
export class GraphkeeperError extends Error {
  readonly code: ErrorCode;
  /** Values that a program may want: field, line, index, ids. */
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, details: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "GraphkeeperError";
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get remedy(): string {
    return ERRORS[this.code].remedy;
  }

  static is(error: unknown, code?: ErrorCode): error is GraphkeeperError {
    return error instanceof GraphkeeperError && (code === undefined || error.code === code);
  }
}
