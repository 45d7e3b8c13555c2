import { z } from "zod";
import { route } from "./route.ts";
import * as shapes from "./shapes.ts";
import { integer, limit } from "./validate.ts";

const audit = route({
  method: "GET",
  path: "/audit",
  role: "reader",
  group: "header",
  tag: "audit",
  summary: "The group's hash-chained audit, in order",
  query: z.strictObject({ after: integer(0, Number.MAX_SAFE_INTEGER).optional(), limit: limit().optional() }),
  answers: { 200: { description: "Entries; next_after is null at the end", schema: shapes.auditEntries } },
  handle: async ({ graphkeeper, groupId, query }) => {
    const entries = await graphkeeper.audit(groupId, { afterSeq: query.after ?? 0, limit: query.limit ?? 100 });
    const more = entries.length === (query.limit ?? 100);
    return { body: { entries, nextAfter: more ? entries.at(-1)!.seq : null } };
  },
});

export const auditRoutes = [audit];
