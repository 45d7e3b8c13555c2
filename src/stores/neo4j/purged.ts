import { randomBytes } from "node:crypto";
import { purgedMark } from "../../core/purged-ids.ts";
import type { GroupRow } from "./group-row.ts";
import type { Reading, Work } from "./work.ts";

/** Which documents were purged, as far as they have not been imported again. */

export function rememberPurged(w: Work, documentIds: string[]): void {
  if (w.group.purgeSalt == null) w.set({ purgeSalt: randomBytes(16).toString("hex") });
  w.sendEach("rememberPurged", "marks", marksOf(w.group, documentIds));
}

export function forgetPurged(w: Work, documentIds: string[]): void {
  if (w.group.purgeSalt != null) w.sendEach("forgetPurged", "marks", marksOf(w.group, documentIds));
}

export async function purgedBefore(r: Reading, group: GroupRow, documentIds: string[]): Promise<string[]> {
  if (group.purgeSalt == null) return [];
  const marks = marksOf(group, documentIds);
  const rows = await r.each<{ mark: string }>("purgedAmong", "marks", marks);
  const purged = new Set(rows.map((row) => row.mark));
  return documentIds.filter((_, i) => purged.has(marks[i] as string));
}

function marksOf(group: GroupRow, documentIds: string[]): string[] {
  return documentIds.map((id) => purgedMark(group.purgeSalt as string, "document", id));
}
