import { CHANCE_LOSSES } from "../jobs/rules.ts";
import { isGdsStaleFor, type Snapshot } from "./snapshot.ts";

/** Names of the alerts; runbooks have the same with hyphens, Prometheus rules in CamelCase with the prefix Graphkeeper. */
export const ALERTS = [
  "writes_fail",
  "clock_doubt",
  "stale_groups",
  "job_failures",
  "job_absent",
  "orphan_growth",
] as const;
export type AlertName = (typeof ALERTS)[number];

export interface Thresholds {
  /** stale_groups: more groups than this, stale for longer than this. */
  staleGroups: number;
  staleMs: number;
  /** job_failures: so many runs of a kind failed in a row in a group. */
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
  writes_fail: 0,
  clock_doubt: 0,
  stale_groups: 0,
  job_failures: 0,
  job_absent: 0,
  orphan_growth: HOUR_MS,
};

/** One of the things that a rule found, with where to look. */
export interface Named {
  kind: string;
  groupId: string;
  failures: number;
  /** Workers lost in a row. */
  losses: number;
  runId: string;
  errorCode: string | null;
}

/** What a rule found. `groupIds` and `kinds` say where; groups are at most ten, the worst first. */
export interface Finding {
  active: boolean;
  /** Infinite where there was nothing before (null on the wire). */
  value: number;
  threshold: number;
  summary: string;
  groupIds: string[];
  kinds: string[];
  /** job_failures: what fails where, the worst first, at most ten. */
  failing?: Named[];
}

/** Whether the stores take writes; `failing` is what they say, null when all is well. */
export function writesFail(failing: string | null): Finding {
  return {
    active: failing !== null,
    value: failing === null ? 0 : 1,
    threshold: 1,
    summary: failing ?? "The stores take writes.",
    groupIds: [],
    kinds: [],
  };
}

/** Whether the clock may be believed; `trouble` is what is wrong with it, null when nothing is. */
export function clockDoubt(trouble: string | null): Finding {
  return {
    active: trouble !== null,
    value: trouble === null ? 0 : 1,
    threshold: 1,
    summary: trouble ?? "The clock is believed.",
    groupIds: [],
    kinds: [],
  };
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

/**
 * Three or more runs of a kind failed in a group since the last success there, whatever succeeds in other groups; or of a
 * kind in all groups together without one success; or a run lost its worker again and again.
 */
export function jobFailures(snapshot: Snapshot, thresholds: Thresholds): Finding {
  const { failures } = thresholds;
  const inGroups = snapshot.failing.filter((work) => work.failures >= failures || work.losses > CHANCE_LOSSES);
  const everywhere = snapshot.kinds.filter((kind) => kind.consecutiveFailures >= failures);
  const kinds = [...new Set([...inGroups, ...everywhere].map(({ kind }) => kind))];
  // Where a kind fails in all groups, each of them may have failed once.
  const named = snapshot.failing.filter(
    (work) => inGroups.includes(work) || everywhere.some((k) => k.kind === work.kind),
  );
  const counts = [...snapshot.failing.map((work) => work.failures), ...everywhere.map((k) => k.consecutiveFailures)];
  const told = kinds.map((kind) => {
    const of = named.filter((work) => work.kind === kind);
    const lost = Math.max(0, ...of.map((work) => work.losses));
    const most = Math.max(
      0,
      ...of.map((work) => work.failures),
      everywhere.find((k) => k.kind === kind)?.consecutiveFailures ?? 0,
    );
    const what = [
      ...(most > 0 ? [`failed ${most} times in a row`] : []),
      ...(lost > CHANCE_LOSSES ? [`lost its worker ${lost} times in a row`] : []),
    ].join(" and ");
    return `${kind} ${what} (${of.length} ${of.length === 1 ? "group" : "groups"})`;
  });
  const worst = Math.max(0, ...counts);
  return {
    active: kinds.length > 0,
    value: worst,
    threshold: failures,
    summary: kinds.length === 0 ? `At most ${worst} runs of a kind failed in a row.` : `${told.join(", ")}.`,
    groupIds: [...new Set(named.map((work) => work.groupId))].slice(0, 10),
    kinds,
    failing: named.slice(0, 10).map(({ error, ...work }) => ({ ...work, errorCode: error?.code ?? null })),
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
