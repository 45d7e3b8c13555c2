import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import type { ImportBlock, OperationRecord } from "../core/words.ts";
import type { LocatedBlock } from "../documents/import.ts";
import { MAX_DOCUMENTS_PER_CALL } from "../documents/verbs.ts";
import { parseNative } from "../formats/native.ts";
import { demandRole } from "./auth.ts";
import { documentBlock, documentBody } from "./document-body.ts";
import { type Answer, type Call, operationId, route } from "./route.ts";
import * as shapes from "./shapes.ts";
import { cursor, id, limit, restoreFlag, text } from "./validate.ts";

const params = z.strictObject({ id: id() });
const reason = text(2_000).optional().describe("Why; kept in the audit.");
const force = z.boolean().optional().describe("Pass the blast-radius guard.");
const dryRun = z.boolean().optional().describe("Answer with the impact and change nothing.");
const OPERATION = { 200: { description: "What the operation did", schema: shapes.operation } };
const OPERATION_OR_IMPACT = {
  200: {
    description: "What the operation did, or with dry_run would do",
    schema: z.union([shapes.operation, shapes.impact]),
  },
};
const base = { group: "header", tag: "documents" } as const;
const changes = { ...base, idempotency: "operation" } as const;

const list = route({
  ...base,
  method: "GET",
  path: "/documents",
  role: "reader",
  summary: "List documents by id",
  query: z.strictObject({
    status: z.enum(["active", "deprecated"]).optional(),
    limit: limit().optional(),
    cursor: cursor().optional(),
  }),
  answers: { 200: { description: "Documents", schema: shapes.documents } },
  handle: async ({ graphkeeper, groupId, query }) => {
    const { items, nextCursor } = await graphkeeper.documents(groupId, { ...query, limit: query.limit ?? 100 });
    return { body: { documents: items, nextCursor } };
  },
});

const get = route({
  ...base,
  method: "GET",
  path: "/documents/{id}",
  role: "reader",
  summary: "One document",
  params,
  answers: { 200: { description: "The document", schema: shapes.document } },
  handle: async (call) => ({ body: await call.graphkeeper.document(call.groupId, call.params.id) }),
});

const impact = route({
  ...base,
  method: "GET",
  path: "/documents/{id}/impact",
  role: "reader",
  summary: "What a verb would do to the graph",
  params,
  query: z.strictObject({ verb: z.enum(["deprecate", "restore", "purge"]).optional() }),
  answers: { 200: { description: "Ids by kind, counts, communities that become dirty", schema: shapes.impact } },
  handle: async (call) => ({
    body: await call.graphkeeper.impact(call.groupId, call.query.verb ?? "deprecate", [call.params.id]),
  }),
});

const deprecate = route({
  ...changes,
  method: "POST",
  path: "/documents/{id}/deprecate",
  role: "editor",
  summary: "Hide a document from readers at once; it stays restorable",
  params,
  body: z.strictObject({
    successor: id().optional().describe("The document that takes its place."),
    reason,
    force,
    dry_run: dryRun,
  }),
  answers: OPERATION_OR_IMPACT,
  handle: (call) => act(call, "deprecate", [call.params.id]),
});

const restore = route({
  ...changes,
  method: "POST",
  path: "/documents/{id}/restore",
  role: "editor",
  summary: "Bring a deprecated document back, exactly as it was",
  params,
  body: z.strictObject({ reason, dry_run: dryRun }),
  answers: OPERATION_OR_IMPACT,
  handle: (call) => act(call, "restore", [call.params.id]),
});

const purge = route({
  ...changes,
  method: "POST",
  path: "/documents/{id}/purge",
  role: "eraser",
  summary: "Remove a document for good, with a certificate",
  params,
  body: z.strictObject({
    confirm: z.string().max(1_100_000).optional().describe("The document's id again; purging cannot be taken back."),
    certify: z.boolean().optional().describe("Scan the group afterwards; default true."),
    reason,
    force,
    dry_run: dryRun,
  }),
  answers: {
    200: { description: "Operation and certificate, or the impact", schema: z.union([shapes.purge, shapes.impact]) },
  },
  handle: (call) => act(call, "purge", [call.params.id]),
});

/** A verb that takes one document and a reason, and nothing else. */
const plainVerb = (verb: "hold" | "release" | "readmit", summary: string) =>
  route({
    ...changes,
    method: "POST",
    path: `/documents/{id}/${verb}`,
    role: "editor",
    summary,
    params,
    body: z.strictObject({ reason }),
    answers: OPERATION,
    handle: (call) => act(call, verb, [call.params.id]),
  });
const hold = plainVerb("hold", "Put a document under legal hold: nothing removes or replaces it");
const release = plainVerb("release", "End the legal hold");
const readmit = plainVerb("readmit", "Let the id of a purged document count again, where another writer names it");

const bulk = route({
  ...changes,
  method: "POST",
  path: "/documents/bulk",
  role: "editor",
  summary: `One verb for up to ${MAX_DOCUMENTS_PER_CALL} documents, in one operation`,
  description: "Purging needs the role eraser, and `confirm` with the ids joined by commas.",
  largeBody: true,
  body: z.strictObject({
    verb: z.enum(["deprecate", "restore", "purge", "hold", "release", "readmit"]),
    documents: z.array(z.string()).min(1),
    successor: id().optional(),
    confirm: z.string().max(1_100_000).optional(),
    certify: z.boolean().optional(),
    reason,
    force,
    dry_run: dryRun,
  }),
  answers: {
    200: {
      description: "What became of each document",
      schema: z.union([shapes.operation, shapes.purge, shapes.impact]),
    },
  },
  handle: (call) => act(call, call.body.verb, call.body.documents),
});

const replace = route({
  ...changes,
  method: "PUT",
  path: "/documents/{id}",
  role: "editor",
  summary: "Replace a document by a new version, in one atomic operation",
  description:
    "As JSON, or as NDJSON of the native format with exactly this document. Text units with unchanged text keep their " +
    "ids, vectors and mentions. A deprecated document is refused unless `restore` asks for it.",
  params,
  query: z.strictObject({ restore: restoreFlag }),
  body: documentBody,
  largeBody: true,
  ndjson: "also",
  answers: OPERATION,
  handle: async (call) => {
    const { id: documentId } = call.params;
    const block = await (call.lines === null
      ? documentBlock(documentId, call.body)
      : onlyBlock(parseNative(call.lines, { large: call.large })));
    const asked = { ...options(call), restore: call.query.restore };
    return answerOf(await call.graphkeeper.replace(call.groupId, documentId, block, asked));
  },
});

export const documentRoutes = [list, bulk, get, replace, impact, deprecate, restore, purge, hold, release, readmit];

interface ActBody {
  successor?: string;
  confirm?: string;
  certify?: boolean;
  reason?: string;
  force?: boolean;
  dry_run?: boolean;
}
type ActCall = Call<unknown, unknown, ActBody>;

async function act(
  call: ActCall,
  verb: "deprecate" | "restore" | "purge" | "hold" | "release" | "readmit",
  documents: string[],
): Promise<Answer> {
  const { graphkeeper, groupId, body } = call;
  if (verb === "purge") demandRole(call.principal, "eraser");
  refuseStray(verb, body);
  if (documents.length > MAX_DOCUMENTS_PER_CALL) {
    throw new GraphkeeperError(
      "PAYLOAD_TOO_LARGE",
      `One call takes at most ${MAX_DOCUMENTS_PER_CALL} documents; ${documents.length} were given.`,
      { field: "documents" },
    );
  }
  if (body.dry_run && (verb === "deprecate" || verb === "restore" || verb === "purge")) {
    return { body: await graphkeeper.impact(groupId, verb, [...new Set(documents)]) };
  }
  if (verb !== "purge") {
    return answerOf(await graphkeeper[verb](groupId, documents, { ...options(call), successor: body.successor }));
  }
  const { confirm, certify } = body;
  const result = await graphkeeper.purge(groupId, documents, { ...options(call), confirm, certify });
  return { body: result, replayed: result.operation.replayed };
}

/** A bulk call has the members of all verbs; one that its verb does not know would be dropped in silence. */
function refuseStray(verb: string, body: ActBody): void {
  const stray =
    (body.successor !== undefined && verb !== "deprecate" && "successor") ||
    (body.confirm !== undefined && verb !== "purge" && "confirm") ||
    (body.certify !== undefined && verb !== "purge" && "certify") ||
    (body.dry_run && (verb === "hold" || verb === "release" || verb === "readmit") && "dry_run");
  if (stray) throw new GraphkeeperError("INVALID_REQUEST", `${verb} takes no ${stray}.`, { field: stray });
}

function options(call: Call<unknown, unknown, { reason?: string; force?: boolean } | undefined>) {
  return {
    operationId: operationId(call),
    actor: call.principal.actor,
    reason: call.body?.reason,
    force: call.body?.force,
    signal: call.stopped,
    trace: call.trace,
  };
}

function answerOf(record: OperationRecord): Answer {
  return { body: record, replayed: record.replayed };
}

async function onlyBlock(blocks: AsyncIterable<LocatedBlock>): Promise<ImportBlock> {
  let only: ImportBlock | null = null;
  for await (const { block, line } of blocks) {
    if (only !== null) {
      throw new GraphkeeperError("INVALID_LINE", `Line ${line}: a second document; a replacement holds exactly one.`, {
        line,
      });
    }
    only = block;
  }
  if (only === null) throw new GraphkeeperError("INVALID_REQUEST", "The body holds no document.", { field: "body" });
  return only;
}
