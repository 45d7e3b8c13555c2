import type { ProfileInput } from "./format.ts";

/** LangChain's Neo4jGraph: what it calls Document is a chunk; documents are the chunks' source. */
export const langchain: ProfileInput = {
  name: "langchain",
  version: 1,
  title: "LangChain Neo4jGraph",
  writer: "langchain-ai/langchain-neo4j, add_graph_documents",
  tenant: { by: "database", group: "default" },
  documents: { as: "property" },
  textUnits: {
    as: "node",
    label: "Document",
    key: { property: "id" },
    text: "text",
    having: "text",
    vectors: [{ property: "embedding", index: "vector" }],
    fullText: ["keyword"],
    owner: { by: "property", property: "source" },
  },
  entities: { label: "__Entity__", key: { property: "id" }, name: "id", vectors: [], fullText: ["entity"] },
  mentions: { by: "edge", type: "MENTIONS", direction: "from_unit", trust: "complete" },
  relationships: {
    // Between two entities any type is a fact: a model may call one as its writer calls structure.
    types: { allExcept: [] },
    merged: { per: "pair" },
    support: { by: "none" },
  },
  parking: { mode: "swap" },
};
