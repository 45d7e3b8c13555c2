import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GraphStore } from "../../src/core/ports.ts";
import type { JobStore } from "../../src/jobs/ports.ts";
import { eventRequest } from "../../src/jobs/requests.ts";
import { RUN_KINDS } from "../../src/maintenance/handler.ts";
import { MemoryStore } from "../../src/stores/memory/index.ts";
import { createJobTables, enqueueInTransaction, openSqliteJobs } from "../../src/stores/sqlite/jobs.ts";
import { openOnThisThread } from "../sqlite/engine.ts";

export const KINDS = Object.fromEntries(RUN_KINDS.map((kind) => [kind, { heavy: kind === "recompute" }]));
const DEBOUNCE = { quietMs: 30_000, maxWaitMs: 600_000 };

/** What a simulation is about: a graph store and the job store in SQLite, both in this thread. */
export interface Subject {
  store: GraphStore;
  jobs: JobStore;
  /** The graph store asks for the run after a change in the change's own transaction. */
  asksItself: boolean;
  close(): Promise<void>;
}

/** The folder of a simulation: in memory where there is such a disk, since nothing of it is kept. */
function newFolder(): string {
  return mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "gk-simulation-"));
}

/** The reference model, or a broken store made of it. */
export async function memorySubject(
  now: () => number,
  open: () => GraphStore = () => new MemoryStore({ clock: now }),
): Promise<Subject> {
  const folder = newFolder();
  const jobs = await openSqliteJobs({ path: join(folder, "jobs.db"), now });
  const close = async () => {
    await jobs.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { store: open(), jobs, asksItself: false, close };
}

/** The engine of the embedded store without its threads, with the jobs in the same file as in the service. */
export async function sqliteSubject(now: () => number, newId: () => string): Promise<Subject> {
  const folder = newFolder();
  const path = join(folder, "graph.db");
  const store = openOnThisThread(path, {
    onEvent: (db, { groupId, at }) => {
      createJobTables(db);
      enqueueInTransaction(db, eventRequest(KINDS, { kind: "gc_all", groupId }, newId(), at, DEBOUNCE));
    },
  });
  const jobs = await openSqliteJobs({ path, now });
  const close = async () => {
    await jobs.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { store, jobs, asksItself: true, close };
}
