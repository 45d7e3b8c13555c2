/** `graphkeeper/postgres`: needs the optional peers `pg` and `pg-boss`. */
export { openPostgresJobs, type PostgresJobsOptions } from "../stores/postgres/jobs.ts";
