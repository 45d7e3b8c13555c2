import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import { route } from "./route.ts";
import * as shapes from "./shapes.ts";
import { id, integer } from "./validate.ts";

const neighbourhood = route({
  method: "GET",
  path: "/neighbourhood",
  role: "reader",
  group: "header",
  tag: "search",
  summary: "What lies around a document or an entity, live and parked",
  description:
    "A document with its text units, what they mention and who else owns them; or an entity with the units that mention it, " +
    "their owners, and the other ends of its relationships. Bounded by `limit` however large the group is.",
  query: z.strictObject({
    document: id().optional().describe("One of document and entity."),
    entity: id().optional(),
    limit: integer(1, 500).optional().describe("Most nodes; default 150."),
  }),
  answers: { 200: { description: "Nodes and edges", schema: shapes.neighbourhood } },
  handle: async ({ graphkeeper, groupId, query }) => {
    const { document, entity, limit = 150 } = query;
    if ((document === undefined) === (entity === undefined)) {
      throw new GraphkeeperError("INVALID_REQUEST", "The query names either a document or an entity.", {
        field: "document",
      });
    }
    const of = document === undefined ? ("entity" as const) : ("document" as const);
    return { body: await graphkeeper.neighbourhood(groupId, { of, id: document ?? entity!, limit }) };
  },
});

export const neighbourhoodRoutes = [neighbourhood];
