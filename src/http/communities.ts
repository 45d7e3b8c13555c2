import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import { isStale } from "../core/law.ts";
import { type GroupState, SUMMARY_GRADES } from "../core/words.ts";
import type { Graphkeeper } from "../service.ts";
import { route } from "./route.ts";
import * as shapes from "./shapes.ts";
import { cursor, flag, id, integer, limit, names } from "./validate.ts";

const base = { group: "header", tag: "communities" } as const;
const page = { level: integer(0, 100).optional(), limit: limit().optional(), cursor: cursor().optional() };

const list = route({
  ...base,
  method: "GET",
  path: "/communities",
  role: "reader",
  summary: "List communities by level, then id",
  query: z.strictObject(page),
  answers: { 200: { description: "Communities as published last", schema: shapes.communities } },
  handle: async ({ graphkeeper, groupId, query }) => ({ body: await communitiesOf(graphkeeper, groupId, query) }),
});

const changed = route({
  ...base,
  method: "GET",
  path: "/communities/changed",
  role: "reader",
  summary: "The communities whose summaries are to be written",
  description:
    "Those whose members, edges or texts are not what was acknowledged; with `since`, those that changed after that " +
    "generation, whether acknowledged or not. `hash` is what to acknowledge them with. `grades` of each say what changed, " +
    "`member_diff` who came and went. The parameter `grades` lists only changes of these grades; without it those of the " +
    "configuration (`summaries.grades`), `least_size` those of at least so many members (`summaries.leastSize`). An " +
    "acknowledgement belongs to the content that `hash` stands for, whatever id it has after a recompute: keep summaries by " +
    "`hash`. Without `level`, a community that has the same members as its parent is left out: one summary serves both. " +
    "`reused`: communities whose content was acknowledged before under another id (`from`, when that one is gone) or before " +
    "another content of the same id; nothing is to be written. `removed`, on the first page: acknowledged communities that are " +
    "gone. Both are listed until acknowledged with the hash given there. `estimate` adds `tokens`, what a model would read for all listed communities " +
    "of all pages, `tokens_full_rebuild`, the same for every community, and `saved`; it reads the whole group.",
  query: z.strictObject({
    ...page,
    since: integer(0, Number.MAX_SAFE_INTEGER).optional(),
    grades: names(SUMMARY_GRADES).optional(),
    least_size: integer(1, Number.MAX_SAFE_INTEGER).optional(),
    estimate: flag().optional(),
  }),
  answers: { 200: { description: "Changed communities", schema: shapes.changedCommunities } },
  handle: async ({ graphkeeper, groupId, query }) => {
    const group = await graphkeeper.store.group(groupId);
    const { least_size: leastSize, limit = 100, ...rest } = query;
    const changes = await graphkeeper.changedCommunities(groupId, { ...rest, leastSize, limit });
    return { body: { ...changes, ...freshness(group) } };
  },
});

const members = route({
  ...base,
  method: "GET",
  path: "/communities/{id}/members",
  role: "reader",
  summary: "Entities of a community",
  params: z.strictObject({ id: id() }),
  query: z.strictObject({ limit: limit().optional(), cursor: cursor().optional() }),
  answers: { 200: { description: "Ids, sorted", schema: shapes.members } },
  handle: async ({ graphkeeper, groupId, params, query }) => {
    const found = await graphkeeper.members(groupId, params.id, { cursor: query.cursor, limit: query.limit ?? 1_000 });
    // No community is without members.
    if (found.items.length === 0 && query.cursor === undefined) {
      throw new GraphkeeperError("NOT_FOUND", "There is no such community.", { community: params.id });
    }
    return { body: { members: found.items, nextCursor: found.nextCursor } };
  },
});

const acknowledge = route({
  ...base,
  method: "POST",
  path: "/communities/acknowledge",
  largeBody: true,
  role: "operator",
  idempotency: "answer",
  summary: "Say which communities were summarised",
  description:
    "A hash that is not the current one is not stored: that community changed meanwhile. One of `removed` is forgotten by " +
    "the hash it has there, which says that its summary was thrown away.",
  body: z.strictObject({
    communities: z
      .array(z.strictObject({ id: id(), hash: z.string().min(1).max(1_024) }))
      .min(1)
      .max(10_000),
  }),
  answers: { 200: { description: "Number stored", schema: shapes.acknowledged } },
  handle: async ({ graphkeeper, groupId, body }) => ({
    body: { acknowledged: await graphkeeper.acknowledge(groupId, body.communities) },
  }),
});

export const communityRoutes = [list, changed, members, acknowledge];

async function communitiesOf(
  graphkeeper: Graphkeeper,
  groupId: string,
  query: { level?: number; limit?: number; cursor?: string },
) {
  const group = await graphkeeper.store.group(groupId);
  const { items, nextCursor } = await graphkeeper.communities(groupId, { ...query, limit: query.limit ?? 100 });
  return {
    communities: items,
    nextCursor,
    ...freshness(group),
  };
}

function freshness(group: GroupState | null) {
  const generation = group?.generation ?? 0;
  const analyticsGeneration = group?.analyticsGeneration ?? null;
  return { generation, analyticsGeneration, fresh: !isStale(generation, analyticsGeneration) };
}
