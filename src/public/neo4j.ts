/** `graphkeeper/neo4j`: needs the optional peer `neo4j-driver`. */
export { checkProfile, PROFILES, type Profile, type ProfileInput, profileJsonSchema } from "../profiles/index.ts";
export { type Neo4jStore, type Neo4jStoreOptions, openNeo4jStore } from "../stores/neo4j/store.ts";
