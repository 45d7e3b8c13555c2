import { isGdsStaleFor, type Snapshot } from "./snapshot.ts";

/** Names of the alerts; runbooks have the same with hyphens, Prometheus rules in CamelCase with the prefix Graphkeeper. */
export const ALERTS = ["stale_groups", "job_failures", "job_absent", "orphan_growth"] as const;
export type AlertName = (typeof ALERTS)[number];

export interface Thresholds {
  /** stale_groups: more groups than this, stale for longer than this. */
  staleGroups: number;
  staleMs: number;
  /** job_failures: so many runs of a kind failed in a row. */
  failures: number;
  /** job_absent: a kind has had work for so long without one success. */
  silenceMs: number;
  /** orphan_growth: share by which orphans grew in a week (0.2 = 20 %), and the number below which it says nothing. */
  growth: number;
  growthFloor: number;
}

const HOUR_MS = 3_600_000;
export const DEFAULT_THRESHOLDS: Thresholds = {
  staleGroups: 10,
  staleMs: 24 * HOUR_MS,
  failures: 3,
  silenceMs: 26 * HOUR_MS,
  growth: 0.2,
  growthFloor: 100,
};

/** How long a condition has to hold before its alert fires. Growth is judged over weeks; a minute decides nothing. */
export const HOLD_MS: Record<AlertName, number> = {
  stale_groups: 0,
  job_failures: 0,
  job_absent: 0,
  orphan_growth: HOUR_MS,
};

/** What a rule found. `groupIds` and `kinds` say where; groups are at most ten, the worst first. */
export interface Finding {
  active: boolean;
  /** Infinite where there was nothing before (null on the wire). */
  value: number;
  threshold: number;
  summary: string;
  groupIds: string[];
  kinds: string[];
}

/** Orphans a week ago, over the groups whose past is known; see `orphanBaseline`. */
export interface Baseline {
  orphans: number;
  /** Groups that count on both sides; null = no group has a past of a week. */
  groupIds: Set<string> | null;
}

/**
 * More than ten groups whose analytics are stale for longer than a day. The age is that of each group's oldest unfollowed
 * change: eleven groups that take turns in being stale are no alert, and a restart forgets nothing.
 */
export function staleGroups(snapshot: Snapshot, thresholds: Thresholds): Finding {
  const late = snapshot.groups
    .filter((group) => isGdsStaleFor(group, thresholds.staleMs, snapshot.at))
    .sort((a, b) => (a.staleSince ?? 0) - (b.staleSince ?? 0));
  return {
    active: late.length > thresholds.staleGroups,
    value: late.length,
    threshold: thresholds.staleGroups,
    summary: `${late.length} groups have had stale analytics for more than ${hours(thresholds.staleMs)}.`,
    groupIds: late.slice(0, 10).map((group) => group.groupId),
    kinds: [],
  };
}

/** Three or more runs of a kind failed since its last success. */
export function jobFailures(snapshot: Snapshot, thresholds: Thresholds): Finding {
  const failing = snapshot.kinds
    .filter((kind) => kind.consecutiveFailures >= thresholds.failures)
    .sort((a, b) => b.consecutiveFailures - a.consecutiveFailures);
  const worst = Math.max(0, ...snapshot.kinds.map((kind) => kind.consecutiveFailures));
  return {
    active: failing.length > 0,
    value: worst,
    threshold: thresholds.failures,
    summary:
      failing.length === 0
        ? `At most ${worst} runs of a kind failed in a row.`
        : failing.map((kind) => `${kind.kind} failed ${kind.consecutiveFailures} times in a row`).join(", ") + ".",
    groupIds: [],
    kinds: failing.map((kind) => kind.kind),
  };
}

/** A kind has had work for more than 26 hours and succeeded nowhere in that time: failures that nobody counts. */
export function jobAbsent(snapshot: Snapshot, thresholds: Thresholds): Finding {
  const silent = snapshot.kinds.flatMap((kind) => {
    // Runs of all collections are counted with the kinds that they consist of.
    if (kind.neededSinceAt === null || kind.kind === "gc_all") return [];
    const forMs = snapshot.at - Math.max(kind.neededSinceAt, kind.lastSuccessAt ?? 0);
    return forMs > thresholds.silenceMs ? [{ kind: kind.kind, forMs }] : [];
  });
  const worst = Math.max(0, ...silent.map((kind) => kind.forMs));
  return {
    active: silent.length > 0,
    value: Math.round(worst / 1_000),
    threshold: thresholds.silenceMs / 1_000,
    summary:
      silent.length === 0
        ? "Every kind that has work succeeded lately."
        : `${silent.map((kind) => `${kind.kind} (${hours(kind.forMs)})`).join(", ")} had work and no success.`,
    groupIds: [],
    kinds: silent.map((kind) => kind.kind),
  };
}

/** Orphans grew by more than 20 % in a week, and there are more than 100. From none to 500 is growth without bound. */
export function orphanGrowth(snapshot: Snapshot, baseline: Baseline, thresholds: Thresholds): Finding {
  const { groupIds: known } = baseline;
  const compared = known === null ? [] : snapshot.groups.filter((group) => known.has(group.groupId));
  const now = compared.reduce((sum, group) => sum + group.orphans, 0);
  const growth = now === baseline.orphans ? 0 : now / baseline.orphans - 1;
  const share = Number.isFinite(growth) ? `${(growth * 100).toFixed(0)} %` : "without bound";
  return {
    active: known !== null && now > thresholds.growthFloor && growth > thresholds.growth,
    value: growth,
    threshold: thresholds.growth,
    summary:
      known === null
        ? "No group has a history of a week yet."
        : `Orphan entities went from ${baseline.orphans} to ${now} in a week (${share}).`,
    groupIds: compared
      .filter((group) => group.orphans > 0)
      .sort((a, b) => b.orphans - a.orphans)
      .slice(0, 10)
      .map((group) => group.groupId),
    kinds: [],
  };
}

function hours(ms: number): string {
  return `${Math.floor(ms / HOUR_MS)} h`;
}
