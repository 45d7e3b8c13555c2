import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import { PARKING_MODES } from "../core/words.ts";
import { communities, name, published } from "./format-analytics.ts";
import { hop, mentions, support } from "./format-provenance.ts";
import { stamps } from "./format-stamps.ts";

/**
 * The profile format: how a writer lays documents, text units, entities and relationships out in a property graph.
 *
 * Every name of a label, type, property or index that reaches a statement comes from a profile that passed this schema;
 * values of requests never do. Names are written between backticks, so anything but a backtick and control characters
 * could stand there safely; the schema is stricter still.
 */
const group = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._:@+=-]{0,199}$/)
  .describe("Id of the group that this graph is");

const key = z
  .union([
    z.strictObject({ property: name }),
    z
      .strictObject({ properties: z.array(name).min(2).max(4) })
      .describe("Composite; the id is the JSON array of the values"),
    z
      .strictObject({ elementId: z.literal(true) })
      .describe("The writer keeps no id: Neo4j's element id, valid while the node lives"),
  ])
  .describe("What identifies a node within its group");

const vector = z.strictObject({
  property: name,
  index: name.optional().describe("Vector index over it; absent: none, readers compare by themselves"),
});

const tenant = z.union([
  z.strictObject({
    by: z.literal("property"),
    property: name,
    shared: z.string().optional().describe("Value that marks what all groups share; never touched"),
  }),
  z.strictObject({ by: z.literal("label"), label: name, group }).describe("Each node of the group carries this label"),
  z.strictObject({ by: z.literal("label_suffix"), suffix: name, group }).describe("The group's name ends each label"),
  z.strictObject({ by: z.literal("database"), group }).describe("The database is one group"),
]);

const documents = z.union([
  z.strictObject({
    as: z.literal("node"),
    label: name,
    key,
    title: name.optional(),
    without: name
      .optional()
      .describe("Property that a document's node never has; tells it from a unit of the same label"),
    anew: z
      .boolean()
      .default(false)
      .describe("The writer never looks for a document's node, but makes a new one: swap takes its labels away too"),
  }),
  z
    .strictObject({ as: z.literal("property") })
    .describe("No node: documents are the distinct values of the units' owner property"),
  z.strictObject({ as: z.literal("unit") }).describe("A document is one text unit"),
]);

const textUnits = z.union([
  z.strictObject({
    as: z.literal("node"),
    label: name,
    key,
    text: name,
    having: name.optional().describe("Property that every unit has; tells it from a placeholder of the same label"),
    vectors: z.array(vector),
    fullText: z.array(name).optional().describe("Full-text indexes over units"),
    owner: z.union([
      z.strictObject({ by: z.literal("edge"), type: name, direction: z.enum(["to_document", "from_document"]) }),
      z.strictObject({ by: z.literal("property"), property: name }),
      z.strictObject({ by: z.literal("self") }),
    ]),
    sequence: z.array(name).optional().describe("Types that link a unit to the next one"),
    content: z.array(name).optional().describe("Further properties that hold text of the document"),
  }),
  z
    .strictObject({
      as: z.literal("reference"),
      document: z.strictObject({
        before: z.string().min(1),
        files: name
          .optional()
          .describe(
            "Property of entities and relationships: names of the documents' files, a list like that of the units; a unit whose id has no such text belongs to the document of its file",
          ),
        more: z
          .string()
          .min(1)
          .optional()
          .describe("How an element of that list begins that stands for names which the writer has left out"),
        unnamed: z.string().optional().describe("What stands there for a document without a name"),
      }),
    })
    .describe(
      "Units are outside the graph; only their ids stand in lists. The document's id is what stands before the last occurrence of the given text",
    ),
]);

const entities = z.strictObject({
  label: name,
  key,
  name,
  type: name.optional(),
  description: name.optional(),
  vectors: z.array(vector),
  fullText: z.array(name).optional(),
  merged: z
    .strictObject({ by: z.array(name).min(1) })
    .optional()
    .describe("Where the key is an element id: properties by which the writer merges entities of equal labels"),
  appends: z.array(name).default([]).describe("Lists that the writer adds to and never writes anew"),
});

const relationships = z.strictObject({
  types: z.union([
    z.strictObject({ only: z.array(name).min(1) }),
    z
      .strictObject({ allExcept: z.array(name) })
      .describe("Any type between two entities, except these; what hangs on units and documents is none anyhow"),
  ]),
  key: name.optional().describe("Property that identifies a relationship; absent: its element id"),
  type: name.optional().describe("Property that holds the type; absent: the relationship's own"),
  description: name.optional(),
  weight: name.optional(),
  vectors: z.array(vector).optional(),
  merged: z
    .strictObject({
      per: z.enum(["pair", "unordered_pair"]),
      by: z.array(name).default([]).describe("Properties that are part of what is merged on, beside the type"),
      types: z.array(name).optional().describe("Only these types; the others are written anew each time"),
    })
    .optional()
    .describe("The writer keeps one relationship of a type per pair; absent: it writes a new one each time"),
  support,
});

/** Nodes that belong to a document or unit and live and die with it: sections, tables, statements. */
const part = z.strictObject({
  label: name,
  of: z.enum(["document", "unit"]),
  through: z
    .array(hop)
    .default([])
    .describe("Steps from the owner to the node that the part hangs on; the deepest parts come first in the list"),
  type: name,
  direction: z.enum(["to_owner", "from_owner"]),
  vectors: z.array(vector).optional(),
  mergedBy: z
    .array(name)
    .optional()
    .describe("Labels by which the writer looks for it: swap takes the others away; absent: it keeps all"),
});

const derived = z.strictObject({
  type: name,
  between: z.enum(["entities", "units", "parts", "entity_and_unit", "entity_and_document", "entity_and_part"]),
  score: name.optional(),
});

export const profileSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9-]{1,64}$/),
    version: z.int().min(1),
    title: z.string(),
    writer: z.string().describe("Which library or system writes such graphs"),
    tenant,
    documents,
    textUnits,
    entities,
    mentions,
    relationships,
    parts: z.array(part).default([]),
    derived: z.array(derived).default([]).describe("Computed from the rest; dropped and computed again, never facts"),
    communities: communities.optional(),
    published,
    publish: z.boolean().default(false).describe("Whether a recompute is written to where `published` says"),
    stamps,
    unfinished: name
      .optional()
      .describe("Property that the writer takes away when it has finished: what still has it was left half-written"),
    origin: name
      .optional()
      .describe(
        "Property of entities and relationships that names the unit that wrote them last; no provenance, but a trace",
      ),
    copies: z
      .array(name)
      .default([])
      .describe("Properties of entities and relationships that copy the metadata of the document of their origin"),
    rebuildable: z
      .array(
        z.strictObject({
          on: z.enum(["entity", "community"]),
          property: name,
          from: z.literal("facts"),
          fact: name,
          join: z.string(),
        }),
      )
      .default([])
      .describe("Merged text that can be rebuilt from the surviving facts"),
    parking: z.strictObject({ mode: z.enum(PARKING_MODES), label: name.default("Deprecated") }),
    imports: z.boolean().default(false).describe("Whether Graphkeeper itself may write documents in these shapes"),
  })
  .describe("How a writer of knowledge graphs lays them out in Neo4j");

export type Profile = z.infer<typeof profileSchema>;
export type ProfileInput = z.input<typeof profileSchema>;
export type NodeKey = z.infer<typeof key>;
/** Where a writer keeps ids of units in a list, on an entity or on a relationship. */
export type UnitList =
  | Extract<Profile["mentions"], { by: "list" }>
  | Extract<Profile["relationships"]["support"], { by: "list" }>;

/** @throws GraphkeeperError `INVALID_CONFIG` with the place of each fault */
export function checkProfile(input: unknown): Profile {
  const parsed = profileSchema.safeParse(input);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".") || "profile"}: ${issue.message}`);
    throw new GraphkeeperError("INVALID_CONFIG", `The profile is not valid: ${faults.join("; ")}.`, {
      field: "profile",
      faults,
    });
  }
  const profile = parsed.data;
  const bad = (message: string): never => {
    throw new GraphkeeperError("INVALID_CONFIG", `The profile ${profile.name} is not valid: ${message}.`, {
      field: "profile",
    });
  };
  const units = profile.textUnits;
  if (units.as === "node") {
    if (profile.documents.as === "unit" && units.owner.by !== "self")
      bad("documents are units, so their owner is by self");
    if (profile.documents.as === "property" && units.owner.by !== "property")
      bad("documents without nodes need an owner property on the units");
    if (profile.documents.as === "node" && units.owner.by === "self")
      bad("an owner by self needs documents that are units");
  } else if (profile.mentions.by !== "list") bad("units that are only referred to need mentions by list");
  const { stamps } = profile;
  if (stamps === undefined) {
    if (profile.relationships.support.by === "documents") bad("support by documents needs stamps");
    return profile;
  }
  if (units.as !== "node" || units.owner.by === "edge") bad("stamps need units that have one document each");
  for (const { list } of stamps.follow)
    if (!stamps.lists.some((l) => l.property === list)) bad(`stamps have no list ${list} to follow`);
  return profile;
}

/** JSON Schema of the format, for editors; `profile.schema.json` is its copy. */
export function profileJsonSchema(): unknown {
  return z.toJSONSchema(profileSchema, { io: "input" });
}
