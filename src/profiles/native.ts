import type { ProfileInput } from "./format.ts";

/** The shapes that Graphkeeper's own import writes. */
export const native: ProfileInput = {
  name: "native",
  version: 1,
  title: "Graphkeeper's own",
  writer: "graphkeeper import",
  tenant: { by: "property", property: "group_id" },
  documents: { as: "node", label: "Document", key: { property: "id" }, title: "title" },
  textUnits: {
    as: "node",
    label: "TextUnit",
    key: { property: "id" },
    text: "text",
    vectors: [{ property: "embedding" }],
    owner: { by: "edge", type: "PART_OF", direction: "to_document" },
  },
  entities: {
    label: "Entity",
    key: { property: "id" },
    name: "name",
    type: "type",
    description: "description",
    vectors: [{ property: "embedding" }],
  },
  mentions: { by: "edge", type: "MENTIONS", direction: "from_unit", trust: "complete" },
  relationships: {
    types: { only: ["RELATED_TO"] },
    key: "id",
    type: "type",
    description: "description",
    weight: "weight",
    support: { by: "list", property: "text_units", reverse: "supports", trust: "complete" },
  },
  parking: { mode: "park" },
  imports: true,
};
