import { GraphkeeperError } from "../core/errors.ts";
import { toWire } from "../core/wire.ts";
import type { JsonObject } from "../core/words.ts";
import type { Clock } from "../jobs/clock.ts";
import type { JobStore } from "../jobs/ports.ts";
import {
  ALERTS,
  type AlertName,
  clockDoubt,
  DEFAULT_THRESHOLDS,
  type Finding,
  HOLD_MS,
  jobAbsent,
  jobFailures,
  type Named,
  orphanGrowth,
  staleGroups,
  type Thresholds,
  writesFail,
} from "./conditions.ts";
import { OrphanBaseline } from "./orphan-baseline.ts";
import type { SnapshotReader } from "./snapshot.ts";
import type { Webhook } from "./webhook.ts";

/** An alert as `GET /maintenance/alerts` and the webhook give it (in the wire form). */
export interface Alert extends Omit<Finding, "active" | "failing"> {
  name: AlertName;
  /** `pending`: true, but not yet for long enough. `resolved`: was firing within the last day. */
  status: "ok" | "pending" | "firing" | "resolved";
  firingAt: number | null;
  resolvedAt: number | null;
  /** job_failures: what fails where, each with where to look at its latest run. */
  failing?: (Named & { url: string })[];
  /** Where to read what to do. */
  runbook: string;
}

export interface AlertReport {
  evaluatedAt: number;
  firing: number;
  alerts: Alert[];
}

export interface AlertsOptions {
  snapshots: SnapshotReader;
  jobs: JobStore;
  /** What stores say that do not take writes; null when all is well. */
  writes: () => Promise<string | null>;
  /** What is wrong with the clock; null when nothing is. */
  clockTrouble: () => string | null;
  clock: Clock;
  thresholds?: Partial<Thresholds>;
  webhook?: Webhook;
  /** Between evaluations; default a minute. */
  everyMs?: number;
  /** A firing alert is told again after this; default a day. */
  repeatMs?: number;
  /** Where people reach the service, before the paths of runbooks and runs; without it these stay relative. */
  publicUrl?: string;
  onError?: (error: unknown, where: string) => void;
}

/** What is remembered of an alert between evaluations, and across restarts. Epoch ms. */
interface State {
  trueSince: number | null;
  firingAt: number | null;
  resolvedAt: number | null;
  /** Notices of the present firing that were delivered. */
  notices: number;
  resolvedTold: boolean;
}
type States = Record<AlertName, State>;

const DAY_MS = 86_400_000;
/** The job store keeps the state under this name: shared by the processes of an installation, kept across restarts. */
const STATE = "alerts";
/** Scope of the keys that let one process send what is due. */
const NOTICES = "monitoring";
const REPORT_AGE_MS = 15_000;

/**
 * The alerts of the specification, evaluated by the service itself for those without Prometheus: the same conditions as
 * `deploy/prometheus/rules.yaml`, from the same snapshot as the gauges, with their state kept in the job store.
 */
export class Alerts {
  readonly #options: AlertsOptions;
  readonly #thresholds: Thresholds;
  readonly #baseline: OrphanBaseline;
  readonly #everyMs: number;
  #known: { states: States; at: number } | null = null;
  /** What a full disk did not take: it stands in for what is stored until it can be. */
  #unsaved: { states: States; evaluatedAt: number } | null = null;

  constructor(options: AlertsOptions) {
    this.#options = options;
    this.#thresholds = { ...DEFAULT_THRESHOLDS, ...options.thresholds };
    this.#baseline = new OrphanBaseline(options.jobs);
    this.#everyMs = options.everyMs ?? 60_000;
  }

  /**
   * How things stand now. Changes nothing and tells nobody.
   * @param visible groups that the caller may see; others are not named
   */
  async report(visible: ((groupId: string) => boolean) | null = null): Promise<AlertReport> {
    const now = this.#options.clock.now();
    // Looking must not cost the job store a transaction each time: what is known stays good for a while.
    const age = this.#known === null ? -1 : now - this.#known.at;
    const states = age >= 0 && age < REPORT_AGE_MS ? this.#known!.states : (await this.#load(now)).states;
    const findings = await this.#evaluate(REPORT_AGE_MS);
    const alerts = ALERTS.map((name) =>
      this.#describe(name, findings[name], next(name, states[name], findings[name], now), now),
    );
    for (const alert of alerts) {
      if (visible === null) continue;
      alert.groupIds = alert.groupIds.filter(visible);
      alert.failing = alert.failing?.filter((work) => visible(work.groupId));
    }
    return { evaluatedAt: now, firing: alerts.filter((alert) => alert.status === "firing").length, alerts };
  }

  /**
   * One evaluation: moves the states on and delivers what is due. When another process evaluated within the interval it does
   * nothing. Never throws: what goes wrong is told to `onError` and tried again by the next.
   */
  async tick(signal?: AbortSignal): Promise<void> {
    try {
      const now = this.#options.clock.now();
      const { states, evaluatedAt } = await this.#load(now);
      if (evaluatedAt !== null && now >= evaluatedAt && now - evaluatedAt < this.#everyMs * 0.9) return;
      const findings = await this.#evaluate(this.#everyMs / 4);
      // One name for the same firing in two processes that evaluate at the same moment.
      const at = Math.floor(now / this.#everyMs) * this.#everyMs;
      for (const name of ALERTS) states[name] = next(name, states[name], findings[name], at);
      await this.#save(states, now);
      await this.#deliver(states, findings, now, signal);
    } catch (error) {
      this.#options.onError?.(error, "alerts");
    }
  }

  async #evaluate(maxAgeMs: number): Promise<Record<AlertName, Finding>> {
    const snapshot = await this.#options.snapshots.read(maxAgeMs);
    const baseline = await this.#baseline.read(snapshot.groups, snapshot.at);
    return {
      writes_fail: writesFail(await this.#options.writes()),
      clock_doubt: clockDoubt(this.#options.clockTrouble()),
      stale_groups: staleGroups(snapshot, this.#thresholds),
      job_failures: jobFailures(snapshot, this.#thresholds),
      job_absent: jobAbsent(snapshot, this.#thresholds),
      orphan_growth: orphanGrowth(snapshot, baseline, this.#thresholds),
    };
  }

  async #deliver(states: States, findings: Record<AlertName, Finding>, now: number, signal?: AbortSignal) {
    const { webhook, repeatMs = DAY_MS } = this.#options;
    if (webhook === undefined) return;
    for (const name of ALERTS) {
      const state = states[name];
      if (state.firingAt === null) continue;
      const firing = state.resolvedAt === null;
      const due = Math.floor((now - state.firingAt) / repeatMs) + 1;
      if (firing ? state.notices >= due : state.resolvedTold || state.notices === 0) continue;
      const id = `${name}-${state.firingAt}-${firing ? `firing-${due}` : "resolved"}`;
      const alert = this.#describe(name, findings[name], state, now);
      if (
        !(await this.#once(id, () =>
          webhook.send(id, toWire({ type: `alert.${alert.status}`, at: now, alert }) as object, signal),
        ))
      )
        continue;
      if (firing) state.notices = due;
      else state.resolvedTold = true;
      await this.#save(states, now);
    }
  }

  /** Sends unless another process sends, or has sent, the same. @returns whether it is sent now */
  async #once(id: string, send: () => Promise<void>): Promise<boolean> {
    const { jobs, clock, onError } = this.#options;
    const key = { scope: NOTICES, key: id };
    const request = { hash: id, at: clock.now(), keepMs: DAY_MS, abandonedAfterMs: 5 * 60_000 };
    let noted = true;
    try {
      if ((await jobs.beginKey(key, request)).state === "replay") return true;
    } catch (error) {
      if (GraphkeeperError.is(error, "IDEMPOTENCY_CONFLICT")) return false;
      // That the disk is full must be told although nothing can be noted: a receiver drops a repetition by its id.
      noted = false;
    }
    const finish = async (answer: JsonObject | null) => {
      if (noted) await jobs.finishKey(key, answer, clock.now()).catch((error) => onError?.(error, "alerts"));
    };
    try {
      await send();
    } catch (error) {
      await finish(null);
      onError?.(error, "alert webhook");
      return false;
    }
    await finish({ sent: true });
    return true;
  }

  #describe(name: AlertName, { active: _, failing, ...finding }: Finding, state: State, now: number): Alert {
    const { firingAt, resolvedAt, trueSince } = state;
    const recent = resolvedAt !== null && now - resolvedAt < DAY_MS;
    const firing = firingAt !== null && resolvedAt === null;
    return {
      name,
      status: firing ? "firing" : trueSince !== null ? "pending" : recent ? "resolved" : "ok",
      ...finding,
      ...(failing && { failing: failing.map((work) => ({ ...work, url: this.#link(`/ui/#/runs/${work.runId}`) })) }),
      firingAt: firing || recent ? firingAt : null,
      resolvedAt: recent ? resolvedAt : null,
      runbook: this.#link(`/runbooks/${name.replaceAll("_", "-")}`),
    };
  }

  #link(path: string): string {
    return `${this.#options.publicUrl?.replace(/\/+$/, "") ?? ""}${path}`;
  }

  async #load(now: number): Promise<{ states: States; evaluatedAt: number | null }> {
    const kept = this.#unsaved ?? (await this.#stored());
    const states = Object.fromEntries(ALERTS.map((name) => [name, { ...IDLE, ...kept?.states[name] }])) as States;
    this.#known = { states, at: now };
    return { states, evaluatedAt: kept?.evaluatedAt ?? null };
  }

  async #stored(): Promise<{ states: Partial<States>; evaluatedAt: number } | null> {
    const found = await this.#options.jobs.setting(STATE);
    return found as { states: Partial<States>; evaluatedAt: number } | null;
  }

  async #save(states: States, now: number): Promise<void> {
    this.#unsaved = { states, evaluatedAt: now };
    try {
      await this.#options.jobs.putSetting(STATE, this.#unsaved as unknown as JsonObject);
      this.#unsaved = null;
    } catch (error) {
      this.#options.onError?.(error, "alerts");
    }
  }
}

const IDLE: State = { trueSince: null, firingAt: null, resolvedAt: null, notices: 0, resolvedTold: false };

/** The state after a finding. */
function next(name: AlertName, state: State, finding: Finding, now: number): State {
  const firing = state.firingAt !== null && state.resolvedAt === null;
  if (finding.active) {
    if (firing) return state;
    const trueSince = state.trueSince ?? now;
    if (now - trueSince < HOLD_MS[name]) return { ...state, trueSince };
    return { ...IDLE, trueSince, firingAt: now };
  }
  return { ...state, trueSince: null, resolvedAt: firing ? now : state.resolvedAt };
}
