/**
 * The wire form of a value: member names in snake_case, times (`…At`, `staleSince`) in ISO 8601, 64-bit integers as
 * strings, vectors as arrays. What users store (`metadata`) and free-form records (`detail`, `checkpoint`, `result`)
 * keep their own names.
 */
export function toWire(value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map(toWire);
  if (ArrayBuffer.isView(value)) return [...(value as unknown as Iterable<number>)];
  if (typeof value !== "object") return value;
  const out: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    if (OPAQUE.has(key)) out[key] = member;
    else if (isTime(key) && typeof member === "number") out[snakeCase(key)] = new Date(member).toISOString();
    else out[snakeCase(key)] = toWire(member);
  }
  return out;
}

const OPAQUE = new Set(["metadata", "detail", "checkpoint", "params"]);

function isTime(key: string): boolean {
  return key === "at" || key.endsWith("At") || key === "staleSince";
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
