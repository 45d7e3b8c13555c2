const UNITS: [seconds: number, name: string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** `3 d 4 h`, `12 min`, `0 s`: the two largest units. */
export function duration(ms: number): string {
  let seconds = Math.max(0, Math.round(ms / 1_000));
  const parts: string[] = [];
  for (const [size, name] of UNITS) {
    const count = Math.floor(seconds / size);
    if (count === 0) {
      if (parts.length > 0) break;
      continue;
    }
    parts.push(`${count} ${name}`);
    seconds -= count * size;
    if (parts.length === 2 || size === 60) break;
  }
  return parts.length === 0 ? "0 s" : parts.join(" ");
}

export function ago(iso: string, now = Date.now()): string {
  const ms = now - Date.parse(iso);
  return ms >= 0 ? `${duration(ms)} ago` : `in ${duration(-ms)}`;
}

/** Local time, to the minute. */
export function moment(iso: string): string {
  return new Date(iso).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

const NUMBER = new Intl.NumberFormat("en");
export function number(value: number): string {
  return NUMBER.format(value);
}

/** `orphan_entities` → `orphan entities`. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** Entities that no live text unit mentions and that are still stored, as metrics and alerts count them. */
export function orphans(counts: { entities: { parked: number }; candidates: { orphan_entities: number } }): number {
  return counts.entities.parked + counts.candidates.orphan_entities;
}
