import type { ProfileInput } from "./format.ts";

/** ms-graphrag-neo4j: chunks without documents, so each chunk is a document of its own. */
export const msGraphragNeo4j: ProfileInput = {
  name: "ms-graphrag-neo4j",
  version: 1,
  title: "MS GraphRAG on Neo4j",
  writer: "neo4j-contrib/ms-graphrag-neo4j",
  tenant: { by: "database", group: "default" },
  documents: { as: "unit" },
  textUnits: {
    as: "node",
    label: "__Chunk__",
    key: { property: "id" },
    text: "text",
    vectors: [],
    owner: { by: "self" },
  },
  entities: {
    label: "__Entity__",
    key: { property: "name" },
    name: "name",
    description: "summary",
    vectors: [],
    appends: ["description"],
  },
  mentions: { by: "edge", type: "MENTIONS", direction: "from_unit", trust: "complete" },
  relationships: {
    types: { only: ["RELATIONSHIP", "SUMMARIZED_RELATIONSHIP"] },
    merged: { per: "unordered_pair", types: ["SUMMARIZED_RELATIONSHIP"] },
    support: { by: "none" },
  },
  communities: {
    label: "__Community__",
    key: "id",
    level: "level",
    title: "title",
    summary: { property: "summary" },
    member: { type: "IN_COMMUNITY", direction: "to_community", lowest: true },
    parent: { type: "IN_COMMUNITY", direction: "to_parent" },
  },
  published: { communityPrefix: "graphkeeper-" },
  parking: { mode: "swap" },
};
