import type { ProfileInput } from "./format.ts";

/** Neo4j Labs' LLM Graph Builder: one database per user, entities named by their id. */
export const llmGraphBuilder: ProfileInput = {
  name: "llm-graph-builder",
  version: 1,
  title: "Neo4j LLM Knowledge Graph Builder",
  writer: "neo4j-labs/llm-graph-builder",
  tenant: { by: "database", group: "default" },
  documents: { as: "node", label: "Document", key: { property: "fileName" }, title: "fileName" },
  textUnits: {
    as: "node",
    label: "Chunk",
    key: { property: "id" },
    text: "text",
    vectors: [{ property: "embedding", index: "vector" }],
    fullText: ["keyword"],
    // The id is a hash of the text: one chunk may belong to several documents.
    owner: { by: "edge", type: "PART_OF", direction: "to_document" },
    sequence: ["NEXT_CHUNK"],
  },
  entities: {
    label: "__Entity__",
    key: { property: "id" },
    name: "id",
    description: "description",
    vectors: [{ property: "embedding", index: "entity_vector" }],
    fullText: ["entities"],
  },
  mentions: { by: "edge", type: "HAS_ENTITY", direction: "from_unit", trust: "complete" },
  relationships: {
    // Between two entities any type is a fact: a model may call one as its writer calls structure.
    types: { allExcept: ["SIMILAR", "IN_COMMUNITY"] },
    merged: { per: "pair" },
    support: { by: "none" },
  },
  derived: [{ type: "SIMILAR", between: "units", score: "score" }],
  communities: {
    label: "__Community__",
    key: "id",
    level: "level",
    title: "title",
    summary: { property: "summary" },
    member: { type: "IN_COMMUNITY", direction: "to_community", lowest: true },
    parent: { type: "PARENT_COMMUNITY", direction: "to_parent" },
  },
  published: { communityPrefix: "graphkeeper-" },
  parking: { mode: "swap" },
};
