import { GraphkeeperError } from "../../core/errors.ts";

export interface Field {
  name: string;
  min: number;
  max: number;
  names?: readonly string[];
}

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

export const SECOND: Field = { name: "second", min: 0, max: 59 };
export const MINUTE: Field = { name: "minute", min: 0, max: 59 };
export const HOUR: Field = { name: "hour", min: 0, max: 23 };
export const DAY: Field = { name: "day of month", min: 1, max: 31 };
export const MONTH: Field = { name: "month", min: 1, max: 12, names: MONTHS };
export const WEEKDAY: Field = { name: "weekday", min: 0, max: 6, names: DAYS };

/** `*` when every value is there, else the values in ascending order. */
export function writeList(values: Set<number>, field: Field): string {
  const all = values.size === field.max - field.min + 1;
  return all ? "*" : [...values].sort((a, b) => a - b).join(",");
}

/** An expression in explicit lists of values: what both dialects are reduced to, so that no library reads them its own way. */
export interface Lists {
  /** second minute hour day month weekday, each `*` or values in ascending order. */
  fields: [string, string, string, string, string, string];
  /** Day of month and weekday must both match (else either, when both are restricted). */
  bothDays: boolean;
}

/** What is wrong with an expression, and what to write instead. */
export function refuse(expression: string, why: string): GraphkeeperError {
  return new GraphkeeperError("INVALID_VALUE", `${JSON.stringify(expression.slice(0, 60))}: ${why}.`, {
    field: "expression",
  });
}
