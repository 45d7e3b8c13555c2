export { MemoryKeyStore } from "./keys.ts";
export { MemoryStore } from "./store.ts";
