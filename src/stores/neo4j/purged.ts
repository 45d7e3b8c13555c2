import { randomBytes } from "node:crypto";
import { purgedMark } from "../../core/purged-ids.ts";
import type { Row } from "./connection.ts";
import type { GroupRow } from "./group-row.ts";
import { idFromKey } from "./shapes.ts";
import type { Reading, Work } from "./work.ts";

/**
 * Which documents were purged, as far as they have not come again; where units exist only as ids in lists, which of these too:
 * a writer's cache writes such ids back into lists.
 */

type Salted = Pick<GroupRow, "purgeSalt">;

export function rememberPurged(w: Work, documentIds: string[]): void {
  w.sendEach("rememberPurged", "marks", marksOf(salted(w), documentIds));
}

/** Units of documents that are being purged, where the graph has no nodes for them. */
export function rememberPurgedUnits(w: Work, units: { id: string; owners: unknown[] }[]): void {
  if (!w.shapes.references) return;
  const salt = salted(w).purgeSalt as string;
  const rows = units.map(({ id, owners }) => ({
    mark: purgedMark(salt, "text_unit", id),
    document: purgedMark(salt, "document", idFromKey(owners[0])),
  }));
  w.sendEach("rememberPurgedUnits", "rows", rows);
}

export function forgetPurged(w: Work, documentIds: string[]): void {
  if (w.group.purgeSalt != null) forgetMarks(w, marksOf(w.group, documentIds));
}

/** Forgets documents by their marks, with their units. */
export function forgetMarks(w: Work, marks: string[]): void {
  w.sendEach("forgetPurged", "marks", marks);
  w.sendEach("forgetPurgedUnits", "marks", marks);
}

export async function purgedBefore(r: Reading, group: Salted, documentIds: string[]): Promise<string[]> {
  if (group.purgeSalt == null) return [];
  const marks = marksOf(group, documentIds);
  const rows = await r.each<{ mark: string }>("purgedAmong", "marks", marks);
  const purged = new Set(rows.map((row) => row.mark));
  return documentIds.filter((_, i) => purged.has(marks[i] as string));
}

/**
 * Of units that lists name: those that were purged, by themselves or with the document that their id names.
 *
 * @param documentOf null where the id names none
 * @param ask carries `purgedAmong` out
 * @returns the mark of the document, by the unit's id
 */
export async function purgedUnits(
  group: Salted,
  units: Iterable<string>,
  documentOf: (unit: string) => string | null,
  ask: (marks: string[]) => Promise<Row[]>,
): Promise<Map<string, string>> {
  const salt = group.purgeSalt;
  if (salt == null) return new Map();
  const marksOfUnits = [...new Set(units)].map((unit) => {
    const document = documentOf(unit);
    const marks = [purgedMark(salt, "text_unit", unit)];
    return { unit, marks: document === null ? marks : [...marks, purgedMark(salt, "document", document)] };
  });
  const rows = await ask([...new Set(marksOfUnits.flatMap(({ marks }) => marks))]);
  const documents = new Map(rows.map((row) => [row.mark as string, row.document as string]));
  return new Map(
    marksOfUnits.flatMap(({ unit, marks }) => {
      const mark = marks.find((known) => documents.has(known));
      return mark === undefined ? [] : [[unit, documents.get(mark) as string] as const];
    }),
  );
}

function salted(w: Work): Salted {
  if (w.group.purgeSalt == null) w.set({ purgeSalt: randomBytes(16).toString("hex") });
  return w.group;
}

function marksOf(group: Salted, documentIds: string[]): string[] {
  return documentIds.map((id) => purgedMark(group.purgeSalt as string, "document", id));
}
