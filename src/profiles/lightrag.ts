import type { ProfileInput } from "./format.ts";

/** LightRAG's graph half: entities and their relations; documents, chunks and vectors lie in its other stores. */
export function lightrag(workspace: string): ProfileInput {
  // MAX_SOURCE_IDS_PER_ENTITY and …_PER_RELATION are 200 in 1.5, and were 300 before.
  const cut = (outside: string) => ({ said: "truncate", limit: 200, whole: { outside } });
  return {
    name: "lightrag",
    version: 1,
    title: "LightRAG (graph half)",
    writer: "HKUDS/LightRAG, Neo4JStorage",
    tenant: { by: "label", label: workspace, group: workspace },
    documents: { as: "property" },
    textUnits: {
      as: "reference",
      document: { before: "-chunk-", files: "file_path", unnamed: "unknown_source", more: "...truncated" },
    },
    entities: {
      label: workspace,
      key: { property: "entity_id" },
      name: "entity_id",
      type: "entity_type",
      description: "description",
      vectors: [],
      fullText: [`entity_id_fulltext_idx_${workspace}`],
    },
    mentions: {
      by: "list",
      property: "source_id",
      separator: "<SEP>",
      cut: cut("entity_chunks"),
      trust: "complete",
    },
    relationships: {
      types: { only: ["DIRECTED"] },
      description: "description",
      weight: "weight",
      merged: { per: "unordered_pair" },
      support: {
        by: "list",
        property: "source_id",
        separator: "<SEP>",
        cut: cut("relation_chunks"),
        trust: "complete",
      },
    },
    parking: { mode: "swap" },
  };
}
