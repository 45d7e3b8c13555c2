import { createHash } from "node:crypto";
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

/**
 * Which stored unit each unit of the block is: a unit of a stored document with an equal text stays the unit that it was,
 * with its id, vector and mentions, whatever id the block gives it. Equal ids with equal texts come first, then texts in
 * the order of the stored ids, one to one, so that a text that stands twice stays twice.
 *
 * Ids that count positions move when a text is put in front: old `0 1`, new `0 1 2` whose 1 and 2 are the old 0 and 1. The
 * new text of 0 then takes the id that became free, 2.
 *
 * @returns stored id by the block's id, for all units of the block
 */
export function ownTextUnits(
  change: Pick<Change, "session" | "g">,
  block: ImportBlock,
  hashes: Map<string, Buffer>,
  storedDocuments: Map<string, number>,
): Map<string, string> {
  const ids = new Map<string, string>();
  const taker = new Map<string, string>();
  const match = (blockId: string, storedId: string) => {
    ids.set(blockId, storedId);
    taker.set(storedId, blockId);
  };
  const hash = (id: string) => hashes.get(id) as Buffer;
  for (const unit of block.textUnits) {
    if (findUnit(change, unit.id)?.hash.equals(hash(unit.id))) match(unit.id, unit.id);
  }
  for (const [documentId, document] of storedDocuments) {
    const byText = new Map<string, string[]>();
    for (const old of unitsOf(change, document)) {
      const text = old.hash.toString("latin1");
      const same = byText.get(text);
      if (same) same.push(old.id);
      else byText.set(text, [old.id]);
    }
    for (const unit of block.textUnits) {
      if (ids.has(unit.id) || !unit.documents.includes(documentId)) continue;
      const same = byText.get(hash(unit.id).toString("latin1"))?.find((id) => !taker.has(id));
      if (same !== undefined) match(unit.id, same);
    }
  }
  for (const unit of block.textUnits) {
    if (ids.has(unit.id)) continue;
    let free = unit.id;
    for (let by = taker.get(free); by !== undefined; by = taker.get(free)) free = by;
    ids.set(unit.id, free);
  }
  return ids;
}
