import type { ImportBlock } from "./words.ts";

/** Text units as they are stored; a text may be told as itself or as its hash, as long as the block's are told alike. */
export interface StoredTexts {
  /** Undefined when no unit has the id. */
  textOf(unitId: string): string | undefined;
  /** Those that the document owns, in the order of ids. */
  unitsOf(documentId: string): Iterable<{ id: string; text: string }>;
}

/**
 * Which stored unit each unit of the block is: a unit of a stored document with an equal text stays the unit that it was,
 * with its id, vector and mentions, whatever id the block gives it. Equal ids with equal texts come first, then texts in
 * the order of the stored ids, one to one, so that a text that stands twice stays twice.
 *
 * Ids that count positions move when a text is put in front: old `0 1`, new `0 1 2` whose 1 and 2 are the old 0 and 1. The
 * new text of 0 then takes the id that became free, 2.
 *
 * @param documents those of the block that are stored
 * @returns stored id by the block's id, for all units of the block
 */
export function ownTextUnits(
  block: readonly Pick<ImportBlock["textUnits"][number], "id" | "text" | "documents">[],
  documents: Iterable<string>,
  stored: StoredTexts,
): Map<string, string> {
  const ids = new Map<string, string>();
  const takers = new Map<string, string>();
  const match = (blockId: string, storedId: string) => {
    ids.set(blockId, storedId);
    takers.set(storedId, blockId);
  };
  for (const unit of block) if (stored.textOf(unit.id) === unit.text) match(unit.id, unit.id);
  for (const documentId of documents) {
    const byText = new Map<string, string[]>();
    for (const { id, text } of stored.unitsOf(documentId)) {
      const same = byText.get(text);
      if (same) same.push(id);
      else byText.set(text, [id]);
    }
    for (const unit of block) {
      if (ids.has(unit.id) || !unit.documents.includes(documentId)) continue;
      const same = byText.get(unit.text)?.find((id) => !takers.has(id));
      if (same !== undefined) match(unit.id, same);
    }
  }
  for (const unit of block) {
    if (ids.has(unit.id)) continue;
    let free = unit.id;
    for (let taker = takers.get(free); taker !== undefined; taker = takers.get(free)) free = taker;
    ids.set(unit.id, free);
  }
  return ids;
}
