import type { Attributes, Counter, Histogram } from "@opentelemetry/api";

/** Label values in the order of the family's label names. */
export type Labels = readonly string[];

/** One sample of the text exposition: suffix of the name, labels, value. */
export interface Sample {
  suffix: string;
  labels: Record<string, string>;
  value: number;
}

/**
 * A counter that is kept twice: as the OpenTelemetry instrument, which goes wherever the user's SDK sends it, and as a
 * number of this process for `/metrics`, which needs no SDK.
 *
 * Beyond `maxSeries` label sets new ones are added to one whose last label is `_other`, so that a label whose values users
 * choose (the group) cannot grow without bound and every series stays monotone.
 */
export class CountedSeries {
  readonly labelNames: readonly string[];
  readonly #instrument: Counter;
  readonly #maxSeries: number;
  readonly #values = new Map<string, { labels: Labels; value: number }>();

  constructor(instrument: Counter, labelNames: readonly string[], maxSeries = 200) {
    this.#instrument = instrument;
    this.labelNames = labelNames;
    this.#maxSeries = maxSeries;
  }

  /** @param attributes what the OpenTelemetry instrument gets; the same as the labels when absent */
  add(value: number, labels: Labels, attributes?: Attributes): void {
    this.#instrument.add(value, attributes ?? named(this.labelNames, labels));
    let kept = labels;
    let key = JSON.stringify(kept);
    if (!this.#values.has(key) && this.#values.size >= this.#maxSeries && labels.length > 0) {
      kept = [...labels.slice(0, -1), "_other"];
      key = JSON.stringify(kept);
    }
    const found = this.#values.get(key);
    if (found === undefined) this.#values.set(key, { labels: kept, value });
    else found.value += value;
  }

  samples(): Sample[] {
    return [...this.#values.values()].map(({ labels, value }) => ({
      suffix: "",
      labels: named(this.labelNames, labels),
      value,
    }));
  }
}

/** A histogram that is kept twice, as `CountedSeries` is. Bounds are upper bounds, ascending, +Inf implied. */
export class MeasuredSeries {
  readonly labelNames: readonly string[];
  readonly #instrument: Histogram;
  readonly #bounds: readonly number[];
  readonly #values = new Map<string, { labels: Labels; buckets: number[]; sum: number; count: number }>();

  constructor(instrument: Histogram, labelNames: readonly string[], bounds: readonly number[]) {
    this.#instrument = instrument;
    this.labelNames = labelNames;
    this.#bounds = bounds;
  }

  record(value: number, labels: Labels): void {
    this.#instrument.record(value, named(this.labelNames, labels));
    const key = JSON.stringify(labels);
    let found = this.#values.get(key);
    if (found === undefined) {
      found = { labels, buckets: this.#bounds.map(() => 0), sum: 0, count: 0 };
      this.#values.set(key, found);
    }
    found.sum += value;
    found.count++;
    for (const [i, bound] of this.#bounds.entries()) if (value <= bound) found.buckets[i]! += 1;
  }

  samples(): Sample[] {
    const samples: Sample[] = [];
    for (const { labels, buckets, sum, count } of this.#values.values()) {
      const base = named(this.labelNames, labels);
      for (const [i, bound] of this.#bounds.entries())
        samples.push({ suffix: "_bucket", labels: { ...base, le: String(bound) }, value: buckets[i]! });
      samples.push({ suffix: "_bucket", labels: { ...base, le: "+Inf" }, value: count });
      samples.push({ suffix: "_sum", labels: base, value: sum });
      samples.push({ suffix: "_count", labels: base, value: count });
    }
    return samples;
  }
}

function named(names: readonly string[], labels: Labels): Record<string, string> {
  return Object.fromEntries(names.map((name, i) => [name, labels[i] ?? ""]));
}
