import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import { route } from "./route.ts";
import * as shapes from "./shapes.ts";

const search = route({
  method: "POST",
  path: "/search",
  role: "reader",
  group: "header",
  tag: "search",
  summary: "Nearest text units or entities to a vector, as a reader finds them",
  description: "Exact cosine over the vectors of what is live. Best first, ties by id.",
  body: z.strictObject({
    of: z.enum(["text_unit", "entity"]).optional().describe("Default text_unit."),
    vector: z.array(z.unknown()).meta({ openapi: { type: "array", items: { type: "number" } } }),
    k: z.number().int().min(1).max(1_000).optional().describe("Default 10."),
  }),
  answers: { 200: { description: "Hits", schema: shapes.hits } },
  handle: async ({ graphkeeper, groupId, body }) => {
    const query = { of: body.of ?? "text_unit", vector: vectorOf(body.vector), k: body.k ?? 10 } as const;
    return { body: { hits: await graphkeeper.search(groupId, query) } };
  },
});

export const searchRoutes = [search];

/** That it is not empty, not zero and of the right dimension is judged with the group's vectors. */
function vectorOf(values: unknown[]): Float32Array {
  const index = values.findIndex((value) => typeof value !== "number" || !Number.isFinite(Math.fround(value)));
  if (index >= 0) {
    throw new GraphkeeperError("INVALID_EMBEDDING", `The vector is not a finite number at index ${index}.`, { index });
  }
  return Float32Array.from(values as number[]);
}
