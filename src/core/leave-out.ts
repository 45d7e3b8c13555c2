import { withStatedMentions } from "./stated-mentions.ts";
import type { ImportBlock } from "./words.ts";

/**
 * A block without some of its documents, and without what it says of these alone: units that no other document owns, their
 * mentions and their part of support, entities that nothing else of the block mentions or joins, facts that stand on
 * nothing else. What the block says of other documents stays, word for word; so does what it hangs on no document at all.
 */
export function leaveOut(given: ImportBlock, documentIds: ReadonlySet<string>): ImportBlock {
  if (documentIds.size === 0) return given;
  const block = withStatedMentions(given);
  const textUnits = block.textUnits.flatMap((unit) => {
    const documents = unit.documents.filter((id) => !documentIds.has(id));
    return documents.length === 0 ? [] : [{ ...unit, documents }];
  });
  const kept = new Set(textUnits.map(({ id }) => id));
  const gone = new Set(block.textUnits.map(({ id }) => id).filter((id) => !kept.has(id)));
  const mentions = block.mentions.filter(({ textUnit }) => !gone.has(textUnit));
  const mentioned = new Set(mentions.map(({ entity }) => entity));
  const lost = new Set(block.mentions.map(({ entity }) => entity).filter((id) => !mentioned.has(id)));
  const relationships = block.relationships.flatMap((relationship) => {
    if (lost.has(relationship.source) || lost.has(relationship.target)) return [];
    const support = relationship.textUnits?.filter((id) => !gone.has(id));
    if (relationship.textUnits?.length && support?.length === 0) return [];
    return [support === undefined ? relationship : { ...relationship, textUnits: support }];
  });
  return {
    documents: block.documents.filter(({ id }) => !documentIds.has(id)),
    textUnits,
    entities: block.entities.filter(({ id }) => !lost.has(id)),
    mentions,
    relationships,
  };
}
