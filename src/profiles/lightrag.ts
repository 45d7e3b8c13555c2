import type { ProfileInput } from "./format.ts";

/** LightRAG's graph half: entities and their relations; documents, chunks and vectors lie in its other stores. */
export function lightrag(workspace: string): ProfileInput {
  return {
    name: "lightrag",
    version: 1,
    title: "LightRAG (graph half)",
    writer: "HKUDS/LightRAG, Neo4JStorage",
    tenant: { by: "label", label: workspace, group: workspace },
    documents: { as: "property" },
    textUnits: { as: "reference", document: { before: "-chunk-", files: "file_path", unnamed: "unknown_source" } },
    entities: {
      label: workspace,
      key: { property: "entity_id" },
      name: "entity_id",
      type: "entity_type",
      description: "description",
      vectors: [],
      fullText: [`entity_id_fulltext_idx_${workspace}`],
    },
    mentions: { by: "list", property: "source_id", separator: "<SEP>", trust: "complete" },
    relationships: {
      types: { only: ["DIRECTED"] },
      description: "description",
      weight: "weight",
      merged: { per: "unordered_pair" },
      support: { by: "list", property: "source_id", separator: "<SEP>", trust: "complete" },
    },
    parking: { mode: "swap" },
  };
}
