import { InvalidArgumentError } from "commander";
import type { JsonObject } from "../core/words.ts";

/** The value of an option that is a whole number, 0 or more. */
export function integer(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("expected a whole number, 0 or more.");
  return Number(text);
}

/** Reads members of wire objects for display. */
export function num(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
export function str(value: unknown): string {
  return typeof value === "string" ? value : value === null || value === undefined ? "-" : JSON.stringify(value);
}
export function obj(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
export function list(value: unknown): JsonObject[] {
  return Array.isArray(value) ? (value as JsonObject[]) : [];
}
/** `3 documents`, `1 entity`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}
/** Rows of text in columns as wide as their widest cell. */
export function table(rows: string[][]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join("  "));
}
