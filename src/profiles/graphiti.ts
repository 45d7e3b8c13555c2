import type { ProfileInput } from "./format.ts";

/** Graphiti (Zep): episodes are documents and text units in one; facts carry the list of their episodes. */
export const graphiti: ProfileInput = {
  name: "graphiti",
  version: 1,
  title: "Graphiti",
  writer: "getzep/graphiti",
  tenant: { by: "property", property: "group_id" },
  documents: { as: "unit" },
  textUnits: {
    as: "node",
    label: "Episodic",
    key: { property: "uuid" },
    text: "content",
    vectors: [],
    fullText: ["episode_content"],
    owner: { by: "self" },
    sequence: ["NEXT_EPISODE"],
    content: ["name", "source_description"],
  },
  entities: {
    label: "Entity",
    key: { property: "uuid" },
    name: "name",
    description: "summary",
    vectors: [{ property: "name_embedding" }],
    fullText: ["node_name_and_summary"],
  },
  mentions: { by: "edge", type: "MENTIONS", direction: "from_unit", trust: "complete" },
  relationships: {
    types: { only: ["RELATES_TO"] },
    key: "uuid",
    type: "name",
    description: "fact",
    vectors: [{ property: "fact_embedding" }],
    support: { by: "list", property: "episodes", reverse: "entity_edges", trust: "complete" },
  },
  communities: { label: "Community", key: "uuid", member: { type: "HAS_MEMBER", direction: "from_community" } },
  rebuildable: [{ on: "entity", property: "summary", from: "facts", fact: "fact", join: "\n" }],
  parking: { mode: "swap" },
};
