import type { Family } from "./metrics.ts";
import { STALE_AGES, staleLongerThan, totalsOf } from "./metrics.ts";
import type { Sample } from "./series.ts";
import type { GroupFigures, Snapshot } from "./snapshot.ts";

/** Media type of the answer of `/metrics`. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Families in the text exposition format 0.0.4, in the order given; families without a sample are left out. */
export function writeExposition(families: Family[]): string {
  const lines: string[] = [];
  for (const { name, type, help, samples } of families) {
    if (samples.length === 0) continue;
    lines.push(`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`, `# TYPE ${name} ${type}`);
    for (const sample of samples)
      lines.push(`${name}${sample.suffix}${writeLabels(sample.labels)} ${number(sample.value)}`);
  }
  return `${lines.join("\n")}\n`;
}

function writeLabels(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function number(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}

/**
 * Gauges out of a snapshot, computed when they are asked for and kept nowhere. They describe the stores, not the process:
 * several processes give the same values, so rules take their `max`.
 *
 * @param groupLabels how many groups get series of their own, the longest stale first; 0 = none
 */
export function gaugeFamilies(snapshot: Snapshot, groupLabels: number): Family[] {
  const gauge = (name: string, help: string, samples: Sample[]): Family => ({ name, type: "gauge", help, samples });
  const one = (value: number, labels: Record<string, string> = {}): Sample => ({ suffix: "", labels, value });
  const perKind = (value: (kind: Snapshot["kinds"][number]) => number | null): Sample[] =>
    snapshot.kinds.flatMap((kind) => {
      const found = value(kind);
      return found === null ? [] : [one(found, { kind: kind.kind })];
    });
  const seconds = (at: number | null) => (at === null ? null : at / 1_000);
  const most = (kind: string, of: (work: Snapshot["failing"][number]) => number) =>
    Math.max(0, ...snapshot.failing.filter((work) => work.kind === kind).map(of));
  const totals = totalsOf(snapshot);
  const families = [
    gauge("graphkeeper_groups", "Groups in the store.", [one(snapshot.groups.length)]),
    gauge("graphkeeper_stale_groups", "Groups whose collection (gc) or analytics (gds) lag behind.", [
      one(totals.gcStale, { work: "gc" }),
      one(totals.gdsStale, { work: "gds" }),
    ]),
    gauge(
      "graphkeeper_gds_stale_groups",
      "Groups whose analytics have been stale for longer than the label says, in seconds.",
      STALE_AGES.map((age) => one(staleLongerThan(snapshot, age), { older_than_seconds: String(age) })),
    ),
    gauge("graphkeeper_stale_age_seconds", "Age of the oldest change that was not followed; 0 when nothing is stale.", [
      one(totals.staleAgeSeconds),
    ]),
    gauge("graphkeeper_generations_behind", "Generations that the group furthest behind lags.", [
      one(totals.behindGc, { work: "gc" }),
      one(totals.behindGds, { work: "gds" }),
    ]),
    gauge("graphkeeper_orphan_entities", "Entities that no live text unit mentions and that are still stored.", [
      one(totals.orphans),
    ]),
    gauge(
      "graphkeeper_queued_runs",
      "Runs that wait.",
      perKind((kind) => kind.queued),
    ),
    gauge(
      "graphkeeper_running_runs",
      "Runs that are being carried out.",
      perKind((kind) => kind.running),
    ),
    gauge(
      "graphkeeper_paused_runs",
      "Runs that were paused.",
      perKind((kind) => kind.paused),
    ),
    gauge(
      "graphkeeper_dead_runs",
      "Runs that used up their retries.",
      perKind((kind) => kind.dead),
    ),
    gauge(
      "graphkeeper_queue_age_seconds",
      "How long the run that waits longest has been due.",
      perKind((kind) => (kind.oldestDueAt === null ? 0 : Math.max(0, (snapshot.at - kind.oldestDueAt) / 1_000))),
    ),
    gauge(
      "graphkeeper_job_consecutive_failures",
      "Runs of the kind that failed or died in a row: in the group where most did, or in all without one success.",
      perKind((kind) =>
        Math.max(
          kind.consecutiveFailures,
          most(kind.kind, (work) => work.failures),
        ),
      ),
    ),
    gauge(
      "graphkeeper_job_lost_workers",
      "Workers that a run of the kind lost in a row without a saved batch.",
      perKind((kind) => most(kind.kind, (work) => work.losses)),
    ),
    gauge(
      "graphkeeper_job_last_success_timestamp_seconds",
      "When a run of the kind succeeded last.",
      perKind((kind) => seconds(kind.lastSuccessAt)),
    ),
    gauge(
      "graphkeeper_job_needed_since_timestamp_seconds",
      "Since when the oldest group that the kind has work in waits; absent when it has none.",
      perKind((kind) => seconds(kind.neededSinceAt)),
    ),
    gauge("graphkeeper_snapshot_timestamp_seconds", "When these gauges were read from the stores.", [
      one(snapshot.at / 1_000),
    ]),
  ];
  if (groupLabels > 0) {
    const named = [...snapshot.groups].sort(longestStaleFirst).slice(0, groupLabels);
    const per = (value: (group: GroupFigures) => number | null): Sample[] =>
      named.flatMap((group) => {
        const found = value(group);
        return found === null ? [] : [one(found, { group_id: group.groupId })];
      });
    families.push(
      gauge(
        "graphkeeper_group_stale_since_timestamp_seconds",
        "Since when the group is stale; absent when it is not.",
        per((group) => seconds(group.staleSince)),
      ),
      gauge(
        "graphkeeper_group_generations_behind",
        "Generations that the group's analytics lag.",
        per((group) => group.behindGds),
      ),
      gauge(
        "graphkeeper_group_orphan_entities",
        "Orphan entities of the group.",
        per((group) => group.orphans),
      ),
    );
  }
  return families;
}

function longestStaleFirst(a: GroupFigures, b: GroupFigures): number {
  const [x, y] = [a.staleSince ?? Number.POSITIVE_INFINITY, b.staleSince ?? Number.POSITIVE_INFINITY];
  if (x !== y) return x < y ? -1 : 1;
  return a.groupId < b.groupId ? -1 : 1;
}

/** The process itself, under the names that every Prometheus client library uses. */
export function processFamilies(): Family[] {
  const one = (value: number): Sample[] => [{ suffix: "", labels: {}, value }];
  const { user, system } = process.cpuUsage();
  return [
    {
      name: "process_cpu_seconds_total",
      type: "counter",
      help: "User and system CPU time of the process.",
      samples: one((user + system) / 1e6),
    },
    {
      name: "process_resident_memory_bytes",
      type: "gauge",
      help: "Resident memory of the process.",
      samples: one(process.memoryUsage.rss()),
    },
    {
      name: "process_start_time_seconds",
      type: "gauge",
      help: "When the process started.",
      samples: one(Math.round((performance.timeOrigin / 1_000) * 1_000) / 1_000),
    },
  ];
}
