import type { Work } from "./work.ts";

/** Nodes that hang on documents or units and share their presence: sections, tables, figures, statements. */

type Owner = "document" | "unit";

export async function parkParts(w: Work, of: Owner, owners: unknown[], now: number): Promise<void> {
  for (const part of w.shapes.parts(of)) await runParts(w, part.park, owners, { now: w.int(now) });
}

export async function showParts(w: Work, of: Owner, owners: unknown[]): Promise<void> {
  for (const part of w.shapes.parts(of)) await runParts(w, part.show, owners, {});
}

export async function purgeParts(w: Work, of: Owner, owners: unknown[]): Promise<void> {
  for (const part of w.shapes.parts(of)) await runParts(w, part.purge, owners, {});
}

async function runParts(w: Work, statement: string, owners: unknown[], parameters: Record<string, unknown>): Promise<void> {
  for (let i = 0; i < owners.length; i += 1_000) {
    await w.tx.run(statement, { group: w.groupId, owners: owners.slice(i, i + 1_000), ...parameters });
  }
}
