import { z } from "zod";
import { name } from "./format-analytics.ts";

/** Lists that a writer keeps on each node and relationship, of the documents that it was written from. */
export const stamps = z
  .strictObject({
    lists: z
      .array(
        z.strictObject({
          property: name,
          separator: z.string().min(1).describe("Stands between the parts of an element"),
          document: z.int().min(0).describe("Which part of an element is the document's id, counted from 0"),
        }),
      )
      .min(1)
      .describe("Lists whose elements name a document each; what states a relationship is read from the first one"),
    follow: z
      .array(z.strictObject({ property: name, list: name, part: z.int().min(0) }))
      .default([])
      .describe("Lists of one part of such elements; what no element of the list has any more goes from them too"),
    nodes: z
      .array(name)
      .default([])
      .describe("Labels of further nodes beside units and entities that go with the last document stamped on them"),
  })
  .optional()
  .describe(
    "Lists of documents on everything that was written from these; a purge takes the document out of all of them, and what it alone wrote goes",
  );
