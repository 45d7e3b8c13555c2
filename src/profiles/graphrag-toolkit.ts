import type { ProfileInput } from "./format.ts";

/** AWS's lexical graph: entities are reached from a chunk over its statements and their facts; tenants end the labels. */
export function graphragToolkit(tenant: string): ProfileInput {
  const statement = { type: ["__MENTIONED_IN__"], direction: "in" as const, label: "__Statement__" };
  const fact = { type: ["__SUPPORTS__"], direction: "in" as const, label: "__Fact__" };
  return {
    name: "graphrag-toolkit",
    version: 1,
    title: "AWS graphrag-toolkit lexical graph",
    writer: "awslabs/graphrag-toolkit",
    tenant: { by: "label_suffix", suffix: `${tenant}__`, group: tenant },
    documents: { as: "node", label: "__Source__", key: { property: "sourceId" } },
    textUnits: {
      as: "node",
      label: "__Chunk__",
      key: { property: "chunkId" },
      text: "value",
      vectors: [],
      owner: { by: "edge", type: "__EXTRACTED_FROM__", direction: "to_document" },
    },
    entities: { label: "__Entity__", key: { property: "entityId" }, name: "value", type: "class", vectors: [] },
    mentions: {
      by: "path",
      hops: [statement, fact, { type: ["__SUBJECT__", "__OBJECT__"], direction: "in", label: "__Entity__" }],
      trust: "complete",
    },
    relationships: {
      types: { only: ["__RELATION__"] },
      type: "value",
      merged: { per: "pair", by: ["value"] },
      support: { by: "none" },
    },
    parts: [
      { label: "__Fact__", of: "unit", through: [statement], type: "__SUPPORTS__", direction: "to_owner" },
      { label: "__Statement__", of: "unit", type: "__MENTIONED_IN__", direction: "to_owner" },
      { label: "__Topic__", of: "unit", type: "__MENTIONED_IN__", direction: "to_owner" },
    ],
    parking: { mode: "swap" },
  };
}
