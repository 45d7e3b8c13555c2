import { createHash } from "node:crypto";
import { ownTextUnits } from "../../../core/own-text-units.ts";
import type { ImportBlock } from "../../../core/words.ts";
import type { Change } from "./change.ts";

/** A stored text unit. */
export interface StoredUnit {
  key: number;
  id: string;
  hash: Buffer;
}

export function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

export function findUnit(change: Pick<Change, "session" | "g">, id: string): StoredUnit | null {
  const row = change.session.get("SELECT key, hash FROM text_units WHERE g = ? AND id = ?", change.g, id);
  return row ? { key: row.key as number, id, hash: Buffer.from(row.hash as Uint8Array) } : null;
}

/** Units of a document, by id. */
export function unitsOf(change: Pick<Change, "session" | "g">, document: number): StoredUnit[] {
  return change.session
    .all(
      "SELECT u.key, u.id, u.hash FROM owners o JOIN text_units u ON u.key = o.unit WHERE o.g = ? AND o.document = ? ORDER BY u.id",
      change.g,
      document,
    )
    .map((row) => ({ key: row.key as number, id: row.id as string, hash: Buffer.from(row.hash as Uint8Array) }));
}

/** See the rule in the core; texts are compared by their hashes. */
export function ownUnits(
  change: Pick<Change, "session" | "g">,
  block: ImportBlock,
  hashes: Map<string, Buffer>,
  stored: Map<string, { key: number }>,
): Map<string, string> {
  const text = (hash: Buffer | undefined) => hash?.toString("latin1");
  return ownTextUnits(
    block.textUnits.map(({ id, documents }) => ({ id, documents, text: text(hashes.get(id)) as string })),
    stored.keys(),
    {
      textOf: (id) => text(findUnit(change, id)?.hash),
      unitsOf: (id) =>
        unitsOf(change, (stored.get(id) as { key: number }).key).map((unit) => ({
          id: unit.id,
          text: text(unit.hash) as string,
        })),
    },
  );
}
