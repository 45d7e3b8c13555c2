import type { ProfileInput } from "./format.ts";

/** LlamaIndex's property graph index: documents are a property of chunks, and mentions are not all written. */
export const llamaindex: ProfileInput = {
  name: "llamaindex",
  version: 1,
  title: "LlamaIndex property graph",
  writer: "run-llama/llama_index, Neo4jPropertyGraphStore",
  tenant: { by: "database", group: "default" },
  documents: { as: "property" },
  textUnits: {
    as: "node",
    label: "Chunk",
    key: { property: "id" },
    text: "text",
    // Each document also has a Chunk without text, which stands for it.
    having: "text",
    vectors: [{ property: "embedding" }],
    owner: { by: "property", property: "ref_doc_id" },
    sequence: ["NEXT", "PREVIOUS"],
    content: ["_node_content"],
  },
  entities: {
    label: "__Entity__",
    key: { property: "id" },
    name: "name",
    vectors: [{ property: "embedding", index: "entity" }],
  },
  // An entity that was there before an insert gets no mention from it: counting mentions would destroy live entities.
  mentions: { by: "edge", type: "MENTIONS", direction: "from_unit", trust: "lower_bound" },
  relationships: {
    // Between two entities any type is a fact: a model may call one as its writer calls structure.
    types: { allExcept: [] },
    merged: { per: "pair" },
    support: { by: "none" },
  },
  parts: [{ label: "Chunk", of: "unit", type: "SOURCE", direction: "from_owner", mergedBy: ["__Node__"] }],
  origin: "triplet_source_id",
  copies: [
    "title",
    "source",
    "file_path",
    "file_name",
    "file_type",
    "file_size",
    "creation_date",
    "last_modified_date",
  ],
  parking: { mode: "swap" },
};
