import { z } from "zod";
import { INSTALLATION_CHAIN } from "../core/audit.ts";
import type { AuditEntry } from "../core/words.ts";
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
    const { after = 0, limit = 100 } = query;
    return { body: pageOf(await graphkeeper.audit(groupId, { afterSeq: after, limit }), limit) };
  },
});

const installation = route({
  method: "GET",
  path: "/audit/installation",
  role: "admin",
  group: "none",
  tag: "audit",
  summary: "The installation's hash-chained audit: keys, schedules, pauses, commands to runs, starts",
  query: z.strictObject({ after: integer(0, Number.MAX_SAFE_INTEGER).optional(), limit: limit().optional() }),
  answers: { 200: { description: "Entries; next_after is null at the end", schema: shapes.auditEntries } },
  handle: async ({ graphkeeper, query }) => {
    const { after = 0, limit = 100 } = query;
    return { body: pageOf(await graphkeeper.auditOf(INSTALLATION_CHAIN, { afterSeq: after, limit }), limit) };
  },
});

export const auditRoutes = [audit, installation];

function pageOf(entries: AuditEntry[], limit: number): { entries: AuditEntry[]; nextAfter: number | null } {
  return { entries, nextAfter: entries.length === limit ? entries.at(-1)!.seq : null };
}
