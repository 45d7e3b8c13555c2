import { z } from "zod";
import { name } from "./format-analytics.ts";

/** What a writer records of where entities and relationships come from, and how far that can be trusted. */

const trust = z
  .enum(["complete", "lower_bound", "none"])
  .describe("How far the absence of provenance proves anything; nothing is collected on a lower bound");

const cut = z
  .strictObject({
    said: name.describe(
      "Property that is not empty where the writer has cut the list; where a purge shortens a list that has reached the limit, Graphkeeper says so there",
    ),
    limit: z
      .int()
      .min(1)
      .optional()
      .describe("Most ids that the writer keeps, as it is configured there: a list of as many may have been cut"),
    whole: z
      .union([
        z.strictObject({ property: name }).describe("In another property beside it, written like the list"),
        z.strictObject({ outside: z.string().min(1) }).describe("Outside of the graph, under this name"),
      ])
      .optional()
      .describe("Where the whole list is"),
  })
  .optional()
  .describe("The writer cuts long lists: what was cut is a lower bound, and nothing is hidden or purged on it alone");

export const hop = z.strictObject({ type: z.array(name).min(1), direction: z.enum(["out", "in"]), label: name });
export const mentions = z.union([
  z.strictObject({ by: z.literal("edge"), type: name, direction: z.enum(["from_unit", "from_entity"]), trust }),
  z.strictObject({
    by: z.literal("path"),
    hops: z.array(hop).min(2).describe("From the unit to the entity; each step names the label it arrives at"),
    trust,
  }),
  z.strictObject({
    by: z.literal("list"),
    property: name.describe("On the entity: ids of units"),
    separator: z.string().optional(),
    cut,
    trust,
  }),
]);

export const support = z.union([
  z.strictObject({ by: z.literal("none") }),
  z.strictObject({
    by: z.literal("list"),
    property: name.describe("On the relationship: ids of units"),
    separator: z.string().optional(),
    reverse: name.optional().describe("On the unit: ids of the relationships that it supports"),
    cut,
    trust,
  }),
  z
    .strictObject({ by: z.literal("documents"), trust })
    .describe("The documents that are stamped on the relationship; unless complete, support counts as unknown"),
]);
