/** Graphkeeper as a library: the façade, its configuration, and the embedded store. */
export { type ComposeOptions, compose } from "./compose.ts";
export { type Config, loadConfig } from "./config/config.ts";
export { ERRORS, type ErrorCode, GraphkeeperError } from "./core/errors.ts";
export type * from "./core/ports.ts";
export type * from "./core/words.ts";
export { parseMsGraphrag } from "./formats/msgraphrag.ts";
export { parseNative } from "./formats/native.ts";
export { parseOpenie } from "./formats/openie.ts";
export type { ChangedCommunities, ChangedCommunity, ChangedQuery } from "./maintenance/summaries.ts";
export { Graphkeeper, type GroupHealth, type StaleGroup } from "./service.ts";
export { type RunningServer, startServer } from "./start.ts";
export { openSqliteStore, type SqliteStore } from "./stores/sqlite/store.ts";
export { VERSION } from "./version.ts";
