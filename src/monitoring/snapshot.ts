import { isStale } from "../core/law.ts";
import type { GraphStore } from "../core/ports.ts";
import { COLLECTION_KINDS } from "../core/words.ts";
import type { FailingWork, JobStore, KindSummary } from "../jobs/ports.ts";
import { idleKind } from "../jobs/rules.ts";
import { COVERED_BY } from "../maintenance/handler.ts";

/** A group as metrics and alerts see it. */
export interface GroupFigures {
  groupId: string;
  staleSince: number | null;
  needsGc: boolean;
  gdsStale: boolean;
  behindGc: number;
  behindGds: number;
  /** Entities that no live text unit mentions and that are still stored; see `orphansOf`. */
  orphans: number;
  createdAt: number;
}

/** The state of a kind of job. A `gc_all` run that succeeded counts as a success of each kind of collection. */
export interface KindFigures extends KindSummary {
  /** Since when the oldest group that this kind has work in waits; null when it has none. */
  neededSinceAt: number | null;
}

export interface Snapshot {
  at: number;
  groups: GroupFigures[];
  kinds: KindFigures[];
  /** By kind and group, most failures first. */
  failing: FailingWork[];
}

/** More than that many failing kinds and groups are one fault. */
const MOST_FAILING = 1_000;
const ALL_COLLECTIONS = "gc_all";

/**
 * Orphans of a group out of its counts, as a store gives them or as the ledger kept them after a run: parked entities, and
 * candidates that collection has not judged yet (an upper bound: some of those turn out to be live).
 */
export function orphansOf(counts: unknown): number | null {
  const { entities, candidates } = (counts ?? {}) as {
    entities?: { parked?: unknown };
    candidates?: { orphan_entities?: unknown };
  };
  const parked = entities?.parked;
  const waiting = candidates?.orphan_entities;
  return typeof parked === "number" && typeof waiting === "number" ? parked + waiting : null;
}

/** Analytics stale for longer than `ageMs`; `ageMs` 0 = stale at all. */
export function isGdsStaleFor(group: GroupFigures, ageMs: number, now: number): boolean {
  return group.gdsStale && (ageMs === 0 || (group.staleSince !== null && now - group.staleSince > ageMs));
}

/**
 * Reads the state that gauges and alerts are made of.
 *
 * Cost: a page of groups per 500, one `counts` per group (index reads), one `summary` of the job store.
 */
export async function takeSnapshot(store: GraphStore, jobs: JobStore, at: number): Promise<Snapshot> {
  const groups: GroupFigures[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.groups({ cursor, limit: 500 });
    for (const group of page.items) {
      groups.push({
        groupId: group.groupId,
        staleSince: group.staleSince,
        needsGc: isStale(group.generation, group.collectedGeneration),
        gdsStale: isStale(group.generation, group.analyticsGeneration),
        behindGc: group.generation - group.collectedGeneration,
        behindGds: group.generation - (group.analyticsGeneration ?? 0),
        orphans: orphansOf(await store.counts(group.groupId)) ?? 0,
        createdAt: group.createdAt,
      });
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  const failing = await jobs.failing({ coveredBy: COVERED_BY, limit: MOST_FAILING });
  return { at, groups, kinds: await kindFigures(jobs, groups, at), failing };
}

async function kindFigures(jobs: JobStore, groups: GroupFigures[], at: number): Promise<KindFigures[]> {
  const summaries = new Map((await jobs.summary(at)).map((summary) => [summary.kind, summary]));
  const together = summaries.get(ALL_COLLECTIONS)?.lastSuccessAt ?? null;
  const figures: KindFigures[] = [];
  for (const kind of new Set([...COLLECTION_KINDS, "recompute", ...summaries.keys()])) {
    const own = summaries.get(kind) ?? idleKind(kind);
    const collects = (COLLECTION_KINDS as readonly string[]).includes(kind);
    const lastSuccessAt = collects ? latest(own.lastSuccessAt, together) : own.lastSuccessAt;
    let consecutiveFailures = own.consecutiveFailures;
    if (consecutiveFailures > 0 && lastSuccessAt !== null && lastSuccessAt !== own.lastSuccessAt) {
      // A run of all collections succeeded in between: only what failed after it counts.
      const failed = await jobs.runs({ kind, states: ["failed", "dead"], limit: consecutiveFailures });
      consecutiveFailures = failed.filter((run) => (run.endedAt ?? at) > lastSuccessAt).length;
    }
    const needs = (group: GroupFigures) =>
      kind === "recompute" ? group.gdsStale : (collects || kind === ALL_COLLECTIONS) && group.needsGc;
    figures.push({ ...own, lastSuccessAt, consecutiveFailures, neededSinceAt: oldest(groups.filter(needs)) });
  }
  return figures;
}

function oldest(groups: GroupFigures[]): number | null {
  let since: number | null = null;
  for (const group of groups)
    if (group.staleSince !== null && (since === null || group.staleSince < since)) since = group.staleSince;
  return since;
}

function latest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}

/**
 * Shares snapshots between scrapes and alerts: one is read at a time, and one that is younger than `maxAgeMs` is given
 * again, so that many scrapers cost the stores no more than one.
 */
export class SnapshotReader {
  readonly #take: () => Promise<Snapshot>;
  readonly #now: () => number;
  #last: Snapshot | null = null;
  #taking: Promise<Snapshot> | null = null;

  constructor(store: GraphStore, jobs: JobStore, now: () => number) {
    this.#now = now;
    this.#take = () => takeSnapshot(store, jobs, now());
  }

  async read(maxAgeMs: number): Promise<Snapshot> {
    const age = this.#last === null ? null : this.#now() - this.#last.at;
    // A clock that was set back makes the age negative; such a snapshot is not young.
    if (this.#last !== null && age !== null && age >= 0 && age < maxAgeMs) return this.#last;
    this.#taking ??= this.#take().finally(() => {
      this.#taking = null;
    });
    this.#last = await this.#taking;
    return this.#last;
  }
}
