import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import { Turns } from "../core/turns.ts";
import { parseNative } from "../formats/native.ts";
import { RejectLog } from "../formats/reject-log.ts";
import { imported } from "./import-shape.ts";
import { operationId, route } from "./route.ts";
import * as shapes from "./shapes.ts";
import { againFlag, cursor, flag, integer, limit, restoreFlag, text } from "./validate.ts";

/** Text of rejected lines in one answer: 4 million characters; the rejects after it are listed without theirs. */
const MAX_REJECTED_CHARACTERS = 4_000_000;

const params = z.strictObject({ id: z.string() });
const base = { group: "path", tag: "groups", params } as const;

const list = route({
  method: "GET",
  path: "/groups",
  role: "reader",
  group: "none",
  tag: "groups",
  summary: "List groups by id",
  query: z.strictObject({ limit: limit().optional(), cursor: cursor().optional() }),
  answers: { 200: { description: "Groups that the key may see", schema: shapes.groups } },
  handle: async ({ graphkeeper, query, visible }) => {
    const page = await graphkeeper.groups({ cursor: query.cursor, limit: query.limit ?? 100 }, visible);
    return { body: { groups: page.items, nextCursor: page.nextCursor } };
  },
});

const importLines = route({
  ...base,
  method: "POST",
  path: "/groups/{id}/import",
  role: "editor",
  group: "path-creates",
  idempotency: "operation",
  summary: "Import documents as NDJSON in the native format",
  description:
    "Of any length; at most 8 MB a line. Each document with its units, entities and facts is imported whole or not at " +
    "all; what stands before a wrong line stays imported, and sending the same again goes on from there. With " +
    "`on_error=skip` what is wrong is refused by itself, with what names it, counted and listed; the rest goes in. " +
    "The body may be compressed by gzip, or UTF-16. A document that is deprecated stays so (`deprecated_kept`) unless " +
    "`restore` asks for it, and one that was purged stays away (`purged_before`) unless `again` does; the first 100 such " +
    "documents are listed in `not_taken`.",
  query: z.strictObject({
    reason: text(2_000).optional(),
    restore: restoreFlag,
    again: againFlag,
    on_error: z.enum(["stop", "skip"]).optional().describe("What a wrong line does; default stop."),
    rejects: integer(0, 10_000).optional().describe("Most rejects that the answer lists; default 100."),
  }),
  ndjson: "only",
  answers: { 200: { description: "What was imported", schema: imported } },
  handle: async (call) => {
    const { graphkeeper, groupId, principal } = call;
    const operation = operationId(call);
    // The first block's operation tells whether this import was made before.
    const known = operation !== undefined && (await graphkeeper.store.group(groupId)) !== null;
    const replayed = known && (await graphkeeper.store.operation(groupId, `${operation}#1`)) !== null;
    const log = new RejectLog({ listed: call.query.rejects ?? 100, characters: MAX_REJECTED_CHARACTERS });
    const onReject = call.query.on_error === "skip" ? log.take : undefined;
    const blocks = parseNative(call.lines!, { onReject, large: call.large });
    const progress = await graphkeeper.importBlocks(groupId, blocks, {
      onReject,
      operationId: operation,
      actor: principal.actor,
      reason: call.query.reason,
      restore: call.query.restore,
      again: call.query.again,
      signal: AbortSignal.any([call.gone, call.stopped]),
      trace: call.trace,
    });
    if (progress.blocks === 0 && log.rejected === 0) {
      throw new GraphkeeperError("INVALID_REQUEST", "The body holds no line.", { field: "body" });
    }
    const { rejected, leftOut, rejects } = log;
    return { body: onReject ? { ...progress, rejected, leftOut, rejects } : progress, replayed };
  },
});

const exportDocuments = route({
  ...base,
  method: "GET",
  path: "/groups/{id}/export",
  role: "reader",
  summary: "The live graph in the native format, ready to be imported elsewhere",
  answers: { 200: { description: "NDJSON", type: "application/x-ndjson" } },
  handle: async (call) => ({ stream: inParts(call.graphkeeper.export(call.groupId)) }),
});

const dump = route({
  ...base,
  method: "GET",
  path: "/groups/{id}/dump",
  role: "reader",
  summary: "The canonical dump: all that is stored, sorted, vectors as hex of their bits",
  query: z.strictObject({ facts: flag().optional().describe("Leave analytics out.") }),
  answers: { 200: { description: "NDJSON", type: "application/x-ndjson" } },
  handle: async (call) => ({
    stream: inParts(call.graphkeeper.dump(call.groupId, { facts: call.query.facts ?? false })),
  }),
});

const verify = route({
  ...base,
  method: "GET",
  path: "/groups/{id}/verify",
  role: "operator",
  summary: "Check every invariant by a full scan",
  answers: { 200: { description: "Findings; none when all is well", schema: shapes.findings } },
  handle: async (call) => {
    const findings = await call.graphkeeper.verify(call.groupId);
    return { body: { clean: findings.length === 0, findings } };
  },
});

export const groupRoutes = [list, importLines, exportDocuments, dump, verify];

/** Lines joined into parts of 64 KB: one write per line would cost more than making it. */
async function* inParts(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let part: string[] = [];
  let length = 0;
  const turns = new Turns();
  for await (const line of lines) {
    if (turns.over()) await turns.next();
    part.push(line, "\n");
    length += line.length;
    if (length < 65_536) continue;
    yield part.join("");
    part = [];
    length = 0;
  }
  if (part.length > 0) yield part.join("");
}
