import { type BatchObservableCallback, metrics } from "@opentelemetry/api";
import type { RunObserver } from "../maintenance/handler.ts";
import { CountedSeries, MeasuredSeries, type Sample } from "./series.ts";
import { isGdsStaleFor, type Snapshot } from "./snapshot.ts";

/** How a run's attempt ended, as metrics count it. */
export type AttemptOutcome = "succeeded" | "failed" | "skipped" | "interrupted";

/** A metric with its samples, as the exposition writes it. */
export interface Family {
  name: string;
  type: "counter" | "gauge" | "histogram";
  help: string;
  samples: Sample[];
}

/** The name of the meter in the specification. */
export const METER = "graphrag.maintenance";

/** Seconds: from a batch on a small group to a recompute of hours. */
const DURATION_BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600];

/**
 * What the product counts about its work. Each instrument exists twice under one roof: on the OpenTelemetry API (meter
 * `graphrag.maintenance`; without an SDK that costs nothing, with one it goes to OTLP or Azure Monitor) and as numbers of
 * this process for `/metrics`.
 *
 * The SDK has to be registered before this is constructed (a preload: `node --import`): the metrics API has no proxy.
 */
export class MaintenanceMetrics {
  readonly #orphans: CountedSeries;
  readonly #deleted: CountedSeries;
  readonly #purged: CountedSeries;
  readonly #attempts: CountedSeries;
  readonly #batches: CountedSeries;
  readonly #durations: MeasuredSeries;
  readonly #jobDurations: MeasuredSeries;
  /** How many groups `/metrics` names by label. */
  readonly groupLabels: number;

  /**
   * @param options.groupLabels how many groups `/metrics` names by label; 0 = none (the default: groups are tenants, and
   *   their names belong to them). OpenTelemetry gets the group as the specification has it.
   */
  constructor(options: { groupLabels?: number } = {}) {
    const meter = metrics.getMeter(METER);
    this.groupLabels = options.groupLabels ?? 0;
    this.#orphans = new CountedSeries(
      meter.createCounter("orphan_entities_cleaned", { description: "Orphan entities that collection parked." }),
      this.groupLabels > 0 ? ["group_id"] : [],
      this.groupLabels,
    );
    this.#deleted = new CountedSeries(
      meter.createCounter("graphkeeper.rows.deleted", { description: "Rows that collection took from readers." }),
      ["kind"],
    );
    this.#purged = new CountedSeries(
      meter.createCounter("graphkeeper.rows.purged", { description: "Rows that collection removed for good." }),
      ["kind"],
    );
    this.#attempts = new CountedSeries(
      meter.createCounter("graphkeeper.run.attempts", { description: "Attempts of runs that ended, by outcome." }),
      ["kind", "outcome"],
    );
    this.#batches = new CountedSeries(
      meter.createCounter("graphkeeper.run.batches", { description: "Batches that were committed." }),
      ["kind"],
    );
    this.#durations = new MeasuredSeries(
      meter.createHistogram("graphkeeper.run.duration", {
        unit: "s",
        description: "Duration of attempts of runs, by kind and outcome.",
        advice: { explicitBucketBoundaries: DURATION_BOUNDS },
      }),
      ["kind", "outcome"],
      DURATION_BOUNDS,
    );
    this.#jobDurations = new MeasuredSeries(
      meter.createHistogram("graphkeeper.job.duration", {
        unit: "s",
        description: "Duration of each kind of maintenance inside runs that succeeded.",
        advice: { explicitBucketBoundaries: DURATION_BOUNDS },
      }),
      ["kind"],
      DURATION_BOUNDS,
    );
  }

  /** To be given to the maintenance handler: what each kind of maintenance did. */
  readonly observe: RunObserver = ({ kind, groupId, deleted, purged, durationMs }) => {
    this.#jobDurations.record(durationMs / 1_000, [kind]);
    if (kind === "recompute") return;
    this.#deleted.add(deleted, [kind]);
    this.#purged.add(purged, [kind]);
    if (kind !== "orphan_entities") return;
    this.#orphans.add(deleted, this.groupLabels > 0 ? [groupId] : [], { group_id: groupId });
  };

  attemptEnded(kind: string, outcome: AttemptOutcome, durationMs: number): void {
    this.#attempts.add(1, [kind, outcome]);
    this.#durations.record(durationMs / 1_000, [kind, outcome]);
  }

  batchEnded(kind: string): void {
    this.#batches.add(1, [kind]);
  }

  /** What this process counted since its start. */
  families(): Family[] {
    const counter = (name: string, help: string, series: CountedSeries): Family => ({
      name,
      type: "counter",
      help,
      samples: series.samples(),
    });
    const histogram = (name: string, help: string, series: MeasuredSeries): Family => ({
      name,
      type: "histogram",
      help,
      samples: series.samples(),
    });
    return [
      counter("orphan_entities_cleaned_total", "Orphan entities that collection parked.", this.#orphans),
      counter("graphkeeper_rows_deleted_total", "Rows that collection took from readers.", this.#deleted),
      counter("graphkeeper_rows_purged_total", "Rows that collection removed for good.", this.#purged),
      counter("graphkeeper_run_attempts_total", "Attempts of runs that ended, by outcome.", this.#attempts),
      counter("graphkeeper_run_batches_total", "Batches that were committed.", this.#batches),
      histogram(
        "graphkeeper_run_duration_seconds",
        "Duration of attempts of runs, by kind and outcome.",
        this.#durations,
      ),
      histogram(
        "graphkeeper_job_duration_seconds",
        "Duration of each kind of maintenance inside runs that succeeded.",
        this.#jobDurations,
      ),
    ];
  }
}

/**
 * Why what an OpenTelemetry SDK registered does not reach us, or null. The API takes no registration that was made by an older copy
 * of itself (an SDK 2.x brings 1.9, an SDK 3.x 1.10) and says nothing of it: metrics and traces would be missing in silence.
 */
export function unseenSdk(): string | null {
  const key = Symbol.for("opentelemetry.js.api.1");
  const registered = (globalThis as { [key: symbol]: { version?: string; metrics?: object } | undefined })[key];
  if (registered?.metrics === undefined || metrics.getMeterProvider() === registered.metrics) return null;
  return `An OpenTelemetry SDK was registered by @opentelemetry/api ${registered.version ?? "of another version"}, which this process's own copy does not accept: install one version for both (npm ls @opentelemetry/api).`;
}

/**
 * Registers the gauges of the OpenTelemetry meter; they are read together, once per collection of the SDK.
 * @returns takes them back
 */
export function observeGauges(read: () => Promise<Snapshot>): () => void {
  const meter = metrics.getMeter(METER);
  const gauge = (name: string, description: string, unit?: string) =>
    meter.createObservableGauge(name, { description, unit });
  const queued = gauge("graphkeeper.queue.depth", "Runs that wait, by kind.");
  const dead = gauge("graphkeeper.runs.dead", "Runs that used up their retries, by kind.");
  const failures = gauge("graphkeeper.job.consecutive_failures", "Runs of a kind that failed since its last success.");
  const stale = gauge("graphkeeper.groups.stale", "Groups whose collection (gc) or analytics (gds) lag behind.");
  const late = gauge(
    "graphkeeper.groups.gds_stale",
    "Groups whose analytics are stale for longer than the attribute says.",
  );
  const age = gauge("graphkeeper.groups.stale_age", "Age of the oldest change that was not followed.", "s");
  const behind = gauge("graphkeeper.generations_behind", "Generations that the group furthest behind lags.");
  const orphans = gauge("graphkeeper.orphan_entities", "Orphan entities that are still stored.");
  const gauges = [queued, dead, failures, stale, late, age, behind, orphans];
  const callback: BatchObservableCallback = async (result) => {
    const snapshot = await read();
    for (const kind of snapshot.kinds) {
      result.observe(queued, kind.queued, { kind: kind.kind });
      result.observe(dead, kind.dead, { kind: kind.kind });
      result.observe(failures, kind.consecutiveFailures, { kind: kind.kind });
    }
    const totals = totalsOf(snapshot);
    result.observe(stale, totals.gcStale, { work: "gc" });
    result.observe(stale, totals.gdsStale, { work: "gds" });
    for (const seconds of STALE_AGES)
      result.observe(late, staleLongerThan(snapshot, seconds), { older_than_seconds: seconds });
    result.observe(age, totals.staleAgeSeconds);
    result.observe(behind, totals.behindGc, { work: "gc" });
    result.observe(behind, totals.behindGds, { work: "gds" });
    result.observe(orphans, totals.orphans);
  };
  meter.addBatchObservableCallback(callback, gauges);
  return () => meter.removeBatchObservableCallback(callback, gauges);
}

/** Ages by which stale groups are counted, in seconds: at all, an hour, a day (the alert's), a week. */
export const STALE_AGES = [0, 3_600, 86_400, 604_800];

/** Groups whose analytics have been stale for longer than so many seconds; 0 = stale at all. */
export function staleLongerThan(snapshot: Snapshot, seconds: number): number {
  return snapshot.groups.filter((group) => isGdsStaleFor(group, seconds * 1_000, snapshot.at)).length;
}

/** Sums and maxima over all groups. */
export function totalsOf(snapshot: Snapshot) {
  let [gcStale, gdsStale, behindGc, behindGds, orphans, staleAgeSeconds] = [0, 0, 0, 0, 0, 0];
  for (const group of snapshot.groups) {
    if (group.needsGc) gcStale++;
    if (group.gdsStale) gdsStale++;
    behindGc = Math.max(behindGc, group.behindGc);
    behindGds = Math.max(behindGds, group.behindGds);
    orphans += group.orphans;
    if (group.staleSince !== null)
      staleAgeSeconds = Math.max(staleAgeSeconds, (snapshot.at - group.staleSince) / 1_000);
  }
  return { gcStale, gdsStale, behindGc, behindGds, orphans, staleAgeSeconds };
}
