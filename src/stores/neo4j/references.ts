import type { Connection } from "./connection.ts";
import type { Shapes } from "./shapes.ts";
import type { Statements } from "./statements/index.ts";

const BATCH = 500;

/**
 * Gives units that exist only as ids in lists on entities nodes of ours, with the document that the id names, so that
 * provenance can be walked in both directions. Idempotent.
 */
export async function referAll(
  connection: Connection,
  statements: Statements,
  shapes: Shapes,
  group: string,
): Promise<void> {
  const { tenant, textUnits } = shapes.profile;
  if (textUnits.as !== "reference" || ("group" in tenant && tenant.group !== group)) return;
  const documentOf = (unit: string) => {
    const at = unit.lastIndexOf(textUnits.document.before);
    return at < 0 ? unit : unit.slice(0, at);
  };
  for (let after = ""; ; ) {
    const rows = await connection.read((tx) =>
      tx.run(statements.entityLists, { group, after, limit: connection.int(BATCH) }),
    );
    if (rows.length === 0) return;
    after = rows.at(-1)?.handle as string;
    const write = rows.map((row) => ({
      handle: row.handle,
      units: ((row.units as string[] | null) ?? [])
        .filter((id) => id !== "")
        .map((id) => ({ id, document: documentOf(id) })),
    }));
    await connection.write((tx) => tx.run(statements.referUnits, { group, rows: write }));
  }
}
