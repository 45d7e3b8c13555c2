import { GraphkeeperError } from "../core/errors.ts";
import type { GraphStore } from "../core/ports.ts";
import { type Clock, systemClock } from "../jobs/clock.ts";
import type { JobStore } from "../jobs/ports.ts";
import { type AlertReport, Alerts } from "./alerts.ts";
import type { Thresholds } from "./conditions.ts";
import { type Family, type MaintenanceMetrics, observeGauges } from "./metrics.ts";
import { gaugeFamilies, processFamilies, writeExposition } from "./prometheus.ts";
import { SnapshotReader } from "./snapshot.ts";
import { Webhook, type WebhookOptions } from "./webhook.ts";

export interface MonitoringOptions {
  store: GraphStore;
  jobs: JobStore;
  /** The one that the runs are counted by: `observe` for the maintenance handler, `watchRuns` around the job handler. */
  metrics: MaintenanceMetrics;
  version: string;
  clock?: Clock;
  thresholds?: Partial<Thresholds>;
  webhook?: WebhookOptions;
  alertsEveryMs?: number;
  alertsRepeatMs?: number;
  /** How old the gauges of a scrape may be; default 10 s, so that many scrapers cost no more than one. */
  gaugesMaxAgeMs?: number;
  publicUrl?: string;
  /** What is wrong with the clock; null when nothing is. */
  clockTrouble?: () => string | null;
  onError?: (error: unknown, where: string) => void;
}

/** The monitoring room's façade: `/metrics`, the alerts, and the loop that evaluates them. */
export class Monitoring {
  readonly #options: MonitoringOptions;
  readonly #clock: Clock;
  readonly #snapshots: SnapshotReader;
  readonly #alerts: Alerts;
  readonly #everyMs: number;
  readonly #stop = new AbortController();
  readonly #forgetGauges: () => void;
  #loop: Promise<void> | null = null;

  constructor(options: MonitoringOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#everyMs = options.alertsEveryMs ?? 60_000;
    this.#snapshots = new SnapshotReader(options.store, options.jobs, () => this.#clock.now());
    this.#forgetGauges = observeGauges(() => this.#snapshots.read(options.gaugesMaxAgeMs ?? 10_000));
    this.#alerts = new Alerts({
      snapshots: this.#snapshots,
      jobs: options.jobs,
      clock: this.#clock,
      thresholds: options.thresholds,
      webhook: options.webhook === undefined ? undefined : new Webhook(options.webhook, this.#clock),
      everyMs: this.#everyMs,
      repeatMs: options.alertsRepeatMs,
      publicUrl: options.publicUrl,
      writes: () => this.#writes(),
      clockTrouble: () => this.#clockTrouble(),
      onError: options.onError,
    });
  }

  /**
   * The text of `/metrics` (`METRICS_CONTENT_TYPE`). When the stores do not answer, what the process itself knows is given all
   * the same, with `graphkeeper_stores_up` 0: a scrape that fails would hide the reason.
   */
  async metricsText(): Promise<string> {
    const { metrics, version, gaugesMaxAgeMs = 10_000 } = this.#options;
    const families: Family[] = [
      {
        name: "graphkeeper_build_info",
        type: "gauge",
        help: "Always 1; the label says which version runs.",
        samples: [{ suffix: "", labels: { version }, value: 1 }],
      },
    ];
    let up = 1;
    try {
      const snapshot = await this.#snapshots.read(gaugesMaxAgeMs);
      families.push(...gaugeFamilies(snapshot, metrics.groupLabels), await this.#firing());
    } catch (error) {
      this.#options.onError?.(error, "metrics");
      up = 0;
    }
    families.push({
      name: "graphkeeper_writes_fail",
      type: "gauge",
      help: "1 when a store answers and takes no writes, such as on a full disk.",
      samples: [{ suffix: "", labels: {}, value: (await this.#writes()) === null ? 0 : 1 }],
    });
    families.push({
      name: "graphkeeper_clock_doubt",
      type: "gauge",
      help: "1 while what this machine's clock says would purge things before their time, and is held.",
      samples: [{ suffix: "", labels: {}, value: this.#clockTrouble() === null ? 0 : 1 }],
    });
    families.push({
      name: "graphkeeper_stores_up",
      type: "gauge",
      help: "1 when graph store and job store answered this scrape.",
      samples: [{ suffix: "", labels: {}, value: up }],
    });
    return writeExposition([...families, ...metrics.families(), ...processFamilies()]);
  }

  /** What `GET /maintenance/alerts` answers. @param visible groups that the caller may see; null = all */
  alerts(visible: ((groupId: string) => boolean) | null = null): Promise<AlertReport> {
    return this.#alerts.report(visible);
  }

  /** One evaluation of the alerts; `start` does it by itself. */
  tick(): Promise<void> {
    return this.#alerts.tick(this.#stop.signal);
  }

  /** Evaluates the alerts every minute. Idempotent; several processes may do it, one evaluates at a time. */
  start(): void {
    this.#loop ??= (async () => {
      while (!this.#stop.signal.aborted) {
        await this.tick();
        await this.#clock.sleep(this.#everyMs, this.#stop.signal);
      }
    })();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#forgetGauges();
    await this.#loop;
  }

  #clockTrouble(): string | null {
    return this.#options.clockTrouble?.() ?? null;
  }

  /** What a store says that answers and takes no writes. One that does not answer is another matter. */
  async #writes(): Promise<string | null> {
    const { store, jobs } = this.#options;
    for (const { status, reason } of (await Promise.allSettled([
      store.ping(),
      jobs.ping(),
    ])) as PromiseRejectedResult[]) {
      if (status === "rejected" && GraphkeeperError.is(reason) && "writes_fail_since" in reason.details)
        return reason.message;
    }
    return null;
  }

  async #firing(): Promise<Family> {
    const { alerts } = await this.#alerts.report();
    return {
      name: "graphkeeper_alert_firing",
      type: "gauge",
      help: "1 when the service itself holds the alert for firing.",
      samples: alerts.map((alert) => ({
        suffix: "",
        labels: { alert: alert.name },
        value: alert.status === "firing" ? 1 : 0,
      })),
    };
  }
}
