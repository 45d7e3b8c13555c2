export { type Neo4jStore, type Neo4jStoreOptions, openNeo4jStore } from "./store.ts";
