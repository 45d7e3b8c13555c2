import type { ProfileInput } from "./format.ts";

const documentKinds = [
  "TextDocument",
  "PdfDocument",
  "UnstructuredDocument",
  "AudioDocument",
  "ImageDocument",
  "CsvDocument",
];

/** cognee: one database per data set; a document has one of several labels, so chunks and stamps name it by property. */
export const cognee: ProfileInput = {
  name: "cognee",
  version: 1,
  title: "cognee",
  writer: "topoteretes/cognee, Neo4jAdapter",
  tenant: { by: "database", group: "default" },
  documents: { as: "property" },
  textUnits: {
    as: "node",
    label: "DocumentChunk",
    key: { property: "id" },
    text: "text",
    vectors: [],
    owner: { by: "property", property: "document_id" },
  },
  entities: {
    label: "Entity",
    key: { property: "id" },
    name: "name",
    description: "description",
    vectors: [],
    appends: ["belongs_to_set"],
  },
  mentions: { by: "edge", type: "contains", direction: "from_unit", trust: "complete" },
  relationships: {
    types: { allExcept: ["is_part_of", "contains", "is_a", "made_from", "belongs_to_set"] },
    merged: { per: "pair" },
    support: { by: "documents", trust: "complete" },
  },
  // `source_ref:v1:<data set>:<document>`, and with `:<chunk>` behind it `source_ref:v2`; runs have `source_run_ref:v1:<run>:` before it.
  stamps: {
    lists: [
      { property: "source_ref_keys", separator: ":", document: 3 },
      { property: "source_run_refs", separator: ":", document: 6 },
    ],
    follow: [
      { property: "source_dataset_ids", list: "source_ref_keys", part: 2 },
      { property: "source_run_ids", list: "source_run_refs", part: 2 },
    ],
    nodes: ["EntityType", "Timestamp"],
  },
  parts: [
    { label: "TextSummary", of: "unit", type: "made_from", direction: "to_owner" },
    ...documentKinds.map((label) => ({
      label,
      of: "unit" as const,
      type: "is_part_of",
      direction: "from_owner" as const,
    })),
  ],
  parking: { mode: "swap" },
};
