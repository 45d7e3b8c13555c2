export { openSqliteJobs, type SqliteJobsOptions } from "./jobs.ts";
export { type LockHolder, readLock } from "./lock.ts";
export { openSqliteStore, SqliteStore, type SqliteStoreOptions } from "./store.ts";
