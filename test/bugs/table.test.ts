import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { COMPLAINTS, type Entry, MEASURED, ORIGINAL, WISHES } from "./table.ts";

const texts = new Map<string, string>();
const text = (file: string) => {
  if (!texts.has(file)) texts.set(file, existsSync(file) ? readFileSync(file, "utf8") : "");
  return texts.get(file) as string;
};
/** Whether a test of the file begins with the title: after `test(` and its kind, or as the name of a case. */
const isThere = (file: string, title: string) =>
  ["test(", "test.skip(", ")(", "name: ", "test(\n  "].some((before) =>
    ['"', "'", "`"].some((quote) => text(file).includes(`${before}${quote}${title}`)),
  );
const missing = (entries: Entry[]) =>
  entries.flatMap((e) =>
    (e.tests ?? [])
      .filter(([file, title]) => !isThere(file, title))
      .map(([file, title]) => `${e.of}: ${file}: ${title}`),
  );

test("every entry has a test that exists under its title, or a reason", () => {
  const all = [...ORIGINAL, ...COMPLAINTS, ...WISHES, ...MEASURED];
  expect(missing(all)).toEqual([]);
  expect(all.filter((e) => (e.tests?.length ?? 0) === 0 && e.none === undefined)).toEqual([]);
  expect(missing([{ of: "planted", what: "", tests: [["test/bugs/table.test.ts", "no such title"]] }])).toHaveLength(1);
});

test("B1 to B20 are all there, and so are the 25 complaints", () => {
  expect(ORIGINAL.map((e) => Number(e.of.slice(1))).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  expect(COMPLAINTS).toHaveLength(25);
});
