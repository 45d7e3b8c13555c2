import { partStatements } from "./statements/parts.ts";
import type { Work } from "./work.ts";

/** Nodes that hang on documents or units and share their presence, and the derived edges that touch parked nodes. */

type Owner = "document" | "unit";

export async function parkParts(w: Work, of: Owner, owners: unknown[], now: number): Promise<void> {
  for (const part of partStatements(w.shapes, of))
    parkDerived(w, await runParts(w, part.park, owners, { now: w.int(now) }));
}

export async function showParts(w: Work, of: Owner, owners: unknown[]): Promise<void> {
  for (const part of partStatements(w.shapes, of)) showDerived(w, await runParts(w, part.show, owners, {}));
}

export async function purgeParts(w: Work, of: Owner, owners: unknown[]): Promise<void> {
  for (const part of partStatements(w.shapes, of)) await runParts(w, part.purge, owners, {});
}

async function runParts(
  w: Work,
  statement: string,
  owners: unknown[],
  parameters: Record<string, unknown>,
): Promise<string[]> {
  const handles: string[] = [];
  for (let i = 0; i < owners.length; i += 1_000) {
    const rows = await w.tx.run(statement, { group: w.groupId, owners: owners.slice(i, i + 1_000), ...parameters });
    handles.push(...rows.map((row) => row.handle as string));
  }
  return handles;
}

/** Takes derived edges of parked nodes out of the readers' way; each is kept as a record. */
export function parkDerived(w: Work, handles: string[]): void {
  if (w.shapes.derivedTypes.length > 0) w.sendEach("parkDerived", "handles", handles);
}

/** Brings back the derived edges whose both ends are live. */
export function showDerived(w: Work, handles: string[]): void {
  if (w.shapes.derivedTypes.length > 0) w.sendEach("showDerived", "handles", handles);
}

export function dropDerived(w: Work, handles: string[]): void {
  if (w.shapes.derivedTypes.length > 0) w.sendEach("dropDerived", "handles", handles);
}
