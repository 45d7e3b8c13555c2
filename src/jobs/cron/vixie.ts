import { DAY, type Field, HOUR, type Lists, MINUTE, MONTH, refuse, WEEKDAY, writeList } from "./fields.ts";

const NAMED: Record<string, string> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/**
 * Five-field cron as Vixie's crontab(5) reads it: minute hour day month weekday; Sunday is 0 or 7; names have three
 * letters; day of month OR weekday when neither begins with `*`, else both must match.
 */
export function vixie(expression: string): Lists {
  const named = Object.hasOwn(NAMED, expression.toLowerCase()) ? NAMED[expression.toLowerCase()] : undefined;
  if (named === undefined && expression.startsWith("@")) {
    const why =
      expression.toLowerCase() === "@reboot"
        ? "nothing here reboots"
        : `there is no such name; known are ${Object.keys(NAMED).join(" ")}`;
    throw refuse(expression, why);
  }
  const parts = (named ?? expression).split(/\s+/);
  if (parts.length === 6) {
    throw refuse(
      expression,
      'cron has 5 fields (minute hour day month weekday); 6 fields are NCRONTAB: say dialect "ncrontab", or leave the second out',
    );
  }
  if (parts.length !== 5)
    throw refuse(expression, `cron has 5 fields (minute hour day month weekday); this has ${parts.length}`);
  const [minute, hour, day, month, weekday] = parts as [string, string, string, string, string];
  return {
    fields: [
      "0",
      writeList(values(expression, minute, MINUTE), MINUTE),
      writeList(values(expression, hour, HOUR), HOUR),
      writeList(values(expression, day, DAY), DAY),
      writeList(values(expression, month, MONTH), MONTH),
      writeList(values(expression, weekday, WEEKDAY), WEEKDAY),
    ],
    bothDays: day.startsWith("*") || weekday.startsWith("*"),
  };
}

function values(expression: string, text: string, field: Field): Set<number> {
  const found = new Set<number>();
  const top = field === WEEKDAY ? 7 : field.max;
  for (const item of text.split(",")) {
    const match = /^(?:(\*)|([A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?)(?:\/(\d{1,4}))?$/.exec(item);
    if (match === null) throw refuse(expression, explain(item, field));
    const [, star, from, to, every] = match;
    if (every !== undefined && star === undefined && to === undefined) {
      throw refuse(
        expression,
        `${JSON.stringify(item)}: a step needs a range before it, such as "${from}-${field.max}/${every}"`,
      );
    }
    if (every !== undefined && Number(every) === 0) throw refuse(expression, "a step of 0 never moves on");
    const a = star === undefined ? value(expression, from as string, field) : field.min;
    const b = star !== undefined ? field.max : to === undefined ? a : value(expression, to, field);
    if (a > b)
      throw refuse(
        expression,
        `the range ${item} of the ${field.name} is reversed; write two, such as "${a}-${top},${field.min}-${b}"`,
      );
    for (let i = a; i <= b; i += Number(every ?? 1)) found.add(field === WEEKDAY ? i % 7 : i);
  }
  return found;
}

function value(expression: string, text: string, field: Field): number {
  if (/^\d{1,4}$/.test(text)) {
    const number = Number(text);
    if (number >= field.min && number <= (field === WEEKDAY ? 7 : field.max)) return number;
    throw refuse(expression, `${number} is not a ${field.name} (${field.min} to ${field === WEEKDAY ? 7 : field.max})`);
  }
  const place = field.names?.findIndex((name) => name.slice(0, 3).toLowerCase() === text.toLowerCase()) ?? -1;
  if (place < 0) throw refuse(expression, explain(text, field));
  return place + field.min;
}

function explain(item: string, field: Field): string {
  const special = /[?LW#]/.exec(item)?.[0];
  if (special !== undefined && !/^[A-Za-z]{3}$/.test(item))
    return `cron has no ${special}; it knows * , - / and names of three letters`;
  return `${JSON.stringify(item)} is not a ${field.name}`;
}
