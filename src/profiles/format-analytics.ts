import { z } from "zod";

/** The part of the profile format that is about analytics: the writer's communities, and where a recompute is written. */

export const name = z
  .string()
  .regex(/^[\p{L}_][\p{L}\p{N}_. -]{0,127}$/u, "letters, digits, _ . - and blanks, beginning with a letter or _")
  .describe("Name of a label, relationship type, property or index");

export const communities = z.strictObject({
  label: name,
  key: name,
  level: name.optional().describe("Absent: there is one level only"),
  title: name.optional(),
  created: name.optional().describe("Time at which the community was made, as the database's own date and time"),
  summary: z
    .strictObject({
      property: name,
      stale: name
        .optional()
        .describe("Property by which the writer's readers tell that a summary no longer holds; true then"),
    })
    .optional()
    .describe(
      "Written by the writer's model; never overwritten, but marked (`lc_summary_valid`) when it no longer holds",
    ),
  member: z.strictObject({
    type: name,
    direction: z.enum(["to_community", "from_community"]),
    key: name.optional().describe("Property of the relationship that holds an id of its own"),
    tenant: z.boolean().default(false).describe("Whether the relationship names the tenant as well"),
    lowest: z.boolean().default(false).describe("Entities are members of the lowest level only"),
  }),
  parent: z.strictObject({ type: name, direction: z.enum(["to_parent", "from_parent"]) }).optional(),
});

export const published = z
  .strictObject({
    similarity: z.strictObject({ type: name, score: name, marker: name.optional() }).optional(),
    entityCommunity: name.optional(),
    entityRank: name.optional(),
    membership: z
      .boolean()
      .optional()
      .describe("Ours replace the writer's own memberships of a level; else they stand beside them"),
    communityPrefix: z
      .string()
      .regex(/^[A-Za-z0-9_-]{0,40}$/)
      .default("")
      .describe("Before the ids of our communities, where the writer's own have ids of the same form"),
    stale: z.strictObject({ label: name, flag: name, at: name.optional() }).optional(),
  })
  .optional()
  .describe("Where the writer's own readers look for what a recompute gives");
