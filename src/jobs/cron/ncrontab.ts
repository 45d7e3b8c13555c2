import { DAY, type Field, HOUR, type Lists, MINUTE, MONTH, refuse, SECOND, WEEKDAY, writeList } from "./fields.ts";

/**
 * NCRONTAB as Azure Functions reads it (the NCrontab library): second minute hour day month weekday, or five fields with
 * second 0. `a/n` runs from a to the end, reversed ranges are swapped (`22-2` is 2–22, not over midnight), names may be cut
 * to any prefix, Sunday is 0 and never 7, day of month AND weekday must match.
 */
export function ncrontab(expression: string): Lists {
  if (/^(\d+\.)?\d{1,2}:\d{2}:\d{2}$/.test(expression)) {
    throw refuse(
      expression,
      `a TimeSpan is not a cron expression: it runs at an interval that restarts with the host${
        /^24:/.test(expression) ? ", and in Azure 24:00:00 means 24 days" : ""
      }; write for example "0 */15 * * * *"`,
    );
  }
  if (expression.startsWith("@"))
    throw refuse(expression, 'NCRONTAB has no @ names; use dialect "cron", or write "0 0 0 * * *" for daily');
  const parts = expression.split(/\s+/);
  if (parts.length === 5) parts.unshift("0");
  if (parts.length !== 6)
    throw refuse(
      expression,
      `NCRONTAB has 6 fields (second minute hour day month weekday), or 5 without the second; this has ${parts.length}`,
    );
  const list = (place: number, field: Field) => writeList(values(expression, parts[place] as string, field), field);
  return {
    fields: [list(0, SECOND), list(1, MINUTE), list(2, HOUR), list(3, DAY), list(4, MONTH), list(5, WEEKDAY)],
    bothDays: true,
  };
}

function values(expression: string, text: string, field: Field): Set<number> {
  const found = new Set<number>();
  for (const item of text.split(",")) {
    const [range, every] = item.split("/", 2) as [string, string | undefined];
    if (item.split("/").length > 2 || (every !== undefined && !/^\d{1,9}$/.test(every))) {
      throw refuse(expression, `${JSON.stringify(item)} is not a step of the ${field.name}; write for example "*/15"`);
    }
    const [from, to] = bounds(expression, range, field, every !== undefined);
    const step = Math.max(1, Number(every ?? 1));
    for (let value = from; value <= to; value += step) found.add(value);
  }
  return found;
}

function bounds(expression: string, range: string, field: Field, stepped: boolean): [number, number] {
  if (range === "*") return [field.min, field.max];
  const dash = range.indexOf("-");
  if (dash > 0) {
    const a = value(expression, range.slice(0, dash), field);
    const b = value(expression, range.slice(dash + 1), field);
    return a <= b ? [a, b] : [b, a];
  }
  const a = value(expression, range, field);
  return [a, stepped ? field.max : a];
}

function value(expression: string, text: string, field: Field): number {
  let found = -1;
  if (/^\d{1,9}$/.test(text)) found = Number(text);
  else if (text !== "" && field.names !== undefined) {
    const place = field.names.findIndex((name) => name.toLowerCase().startsWith(text.toLowerCase()));
    if (place >= 0) found = place + field.min;
  }
  if (found >= field.min && found <= field.max) return found;
  if (field === WEEKDAY && text === "7")
    throw refuse(expression, "in NCRONTAB the weekday is 0 to 6 and Sunday is 0, not 7");
  if (/[?LW#]/.test(text))
    throw refuse(expression, `NCRONTAB has no ${/[?LW#]/.exec(text)?.[0]}; it knows * , - / and names`);
  throw refuse(
    expression,
    `${JSON.stringify(text)} is not a ${field.name} (${field.min} to ${field.max}${field.names ? " or a name" : ""})`,
  );
}
