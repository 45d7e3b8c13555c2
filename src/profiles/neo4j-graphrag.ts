import type { ProfileInput } from "./format.ts";

/** neo4j-graphrag-python's KG builder: no ids of its own, so Neo4j's element ids; a path may stand for several nodes. */
export const neo4jGraphrag: ProfileInput = {
  name: "neo4j-graphrag",
  version: 1,
  title: "neo4j-graphrag for Python",
  writer: "neo4j/neo4j-graphrag-python, SimpleKGPipeline",
  tenant: { by: "database", group: "default" },
  documents: { as: "node", label: "Document", key: { property: "path" }, title: "path", anew: true },
  textUnits: {
    as: "node",
    label: "Chunk",
    key: { elementId: true },
    text: "text",
    vectors: [{ property: "embedding", index: "chunk_embedding" }],
    fullText: ["chunk_text"],
    owner: { by: "edge", type: "FROM_DOCUMENT", direction: "to_document" },
    sequence: ["NEXT_CHUNK"],
  },
  // Its resolver merges entities of the same labels and name over the whole database after each document.
  entities: {
    label: "__Entity__",
    key: { elementId: true },
    name: "name",
    vectors: [],
    merged: { by: ["name"] },
  },
  mentions: { by: "edge", type: "FROM_CHUNK", direction: "from_entity", trust: "complete" },
  relationships: {
    // Between two entities any type is a fact: a model may call one as its writer calls structure.
    types: { allExcept: [] },
    merged: { per: "pair" },
    support: { by: "none" },
  },
  // Without APOC it stops before it has written any relationship.
  unfinished: "__tmp_internal_id",
  parking: { mode: "swap" },
};
