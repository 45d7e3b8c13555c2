import type { ImportBlock } from "../../core/words.ts";
import { type Group, sortedIds } from "./state.ts";

/**
 * Which stored unit each unit of the block is: a unit of a stored document with an equal text stays the unit that it was,
 * with its id, vector and mentions, whatever id the block gives it. Equal ids with equal texts come first, then texts in
 * the order of the stored ids, one to one, so that a text that stands twice stays twice.
 *
 * Ids that count positions move when a text is put in front: old `0 1`, new `0 1 2` whose 1 and 2 are the old 0 and 1. The
 * new text of 0 then takes the id that became free, 2.
 *
 * @returns stored id by the block's id, for units whose id in the store is not that of the block
 */
export function ownTextUnits(group: Group, block: ImportBlock, documents: Set<string>): Map<string, string> {
  const ids = new Map<string, string>();
  const unitOf = new Map<string, string>();
  const match = (blockId: string, storedId: string) => {
    ids.set(blockId, storedId);
    unitOf.set(storedId, blockId);
  };
  for (const unit of block.textUnits) if (group.textUnits.get(unit.id)?.text === unit.text) match(unit.id, unit.id);
  for (const documentId of documents) {
    const old = sortedIds(group.textUnits.keys()).filter((id) =>
      group.textUnits.get(id)?.documents.includes(documentId),
    );
    for (const unit of block.textUnits) {
      if (ids.has(unit.id) || !unit.documents.includes(documentId)) continue;
      const same = old.find((id) => !unitOf.has(id) && group.textUnits.get(id)?.text === unit.text);
      if (same !== undefined) match(unit.id, same);
    }
  }
  for (const unit of block.textUnits) {
    if (ids.has(unit.id)) continue;
    let free = unit.id;
    for (let taker = unitOf.get(free); taker !== undefined; taker = unitOf.get(free)) free = taker;
    if (free !== unit.id) ids.set(unit.id, free);
  }
  return ids;
}
