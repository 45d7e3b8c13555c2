import { atOnce, type Steps } from "./turns.ts";
import type { ImportBlock, MentionInput } from "./words.ts";

/**
 * The block with a mention of both ends by each text unit that supports a relationship: a text that states a fact about an
 * entity mentions it. Without that, purging another document could take an end away from a supported fact.
 */
export function withStatedMentions(block: ImportBlock): ImportBlock {
  return atOnce(statedMentionSteps(block));
}

/** The same, for a thread that has others to serve as well. */
export function* statedMentionSteps(block: ImportBlock): Steps<ImportBlock> {
  const mentions = new Map<string, MentionInput>();
  const mention = (textUnit: string, entity: string) =>
    mentions.set(`${textUnit}\u0000${entity}`, { textUnit, entity });
  for (const { textUnit, entity } of block.mentions) {
    mention(textUnit, entity);
    yield;
  }
  for (const { source, target, textUnits = [] } of block.relationships) {
    for (const textUnit of textUnits) {
      mention(textUnit, source);
      mention(textUnit, target);
    }
    yield;
  }
  return { ...block, mentions: [...mentions.values()] };
}
