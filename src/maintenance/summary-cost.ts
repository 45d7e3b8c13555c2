import type { GroupReader, StoredRecord } from "../core/ports.ts";

/** About four characters of English make a token of the usual tokenizers: an estimate, not a bill. */
const CHARACTERS_PER_TOKEN = 4;

export interface ChangeCost {
  /** Of reading what the summaries of the listed communities are written from. */
  tokens: number;
  /** The same for all communities of all levels for which a summary is written, as a rebuild from zero would. */
  tokensFullRebuild: number;
  saved: number;
}

/**
 * Estimates the tokens that a model reads to write summaries: names, types and descriptions of the live members, types and
 * descriptions of the live relationships between them; of each community. Prompts and answers come on top.
 *
 * Cost: one scan of the records, a number or two in memory per entity and relationship.
 *
 * @param communities ids of those whose summaries are to be written, and of those that have summaries at all
 */
export async function costOfSummaries(
  store: GroupReader,
  groupId: string,
  communities: { wanted: ReadonlySet<string>; all: ReadonlySet<string> },
): Promise<ChangeCost> {
  const texts = new Texts();
  // By level: the community of each entity, by their numbers.
  const levels = new Map<number, Map<number, string>>();
  for await (const chunk of store.records(groupId)) {
    for (const record of chunk) {
      if (record.kind === "entity") texts.entity(record);
      else if (record.kind === "relationship") texts.relationship(record);
      else if (record.kind === "membership") {
        const number = texts.numberOf(record.entity);
        if (number === undefined) continue;
        const members = levels.get(record.level) ?? new Map<number, string>();
        levels.set(record.level, members.set(number, record.community));
      }
    }
  }
  let [all, listed] = [0, 0];
  for (const communityOf of levels.values()) {
    for (const { characters, community } of texts.inside(communityOf)) {
      if (communities.all.has(community)) all += characters;
      if (communities.wanted.has(community)) listed += characters;
    }
  }
  const tokens = Math.ceil(listed / CHARACTERS_PER_TOKEN);
  const tokensFullRebuild = Math.ceil(all / CHARACTERS_PER_TOKEN);
  return { tokens, tokensFullRebuild, saved: tokensFullRebuild - tokens };
}

type Kind<K extends StoredRecord["kind"]> = Extract<StoredRecord, { kind: K }>;

/** Lengths of the live graph's texts. */
class Texts {
  readonly #numbers = new Map<string, number>();
  readonly #entities: number[] = [];
  /** Source, target and length, one relationship after the other. */
  readonly #relationships: number[] = [];

  entity({ id, name, type, description, presence }: Kind<"entity">): void {
    if (presence !== "live") return;
    this.#numbers.set(id, this.#entities.length);
    this.#entities.push(name.length + (type?.length ?? 0) + (description?.length ?? 0));
  }

  relationship({ source, target, type, description, presence }: Kind<"relationship">): void {
    const ends = [this.#numbers.get(source), this.#numbers.get(target)] as const;
    if (presence !== "live" || ends[0] === undefined || ends[1] === undefined) return;
    this.#relationships.push(...(ends as [number, number]), type.length + (description?.length ?? 0));
  }

  numberOf(entity: string): number | undefined {
    return this.#numbers.get(entity);
  }

  /** Of one level: each member and each relationship inside, with the community that it is in. */
  *inside(communityOf: Map<number, string>): Iterable<{ characters: number; community: string }> {
    for (const [entity, community] of communityOf) yield { characters: this.#entities[entity]!, community };
    for (let i = 0; i < this.#relationships.length; i += 3) {
      const community = communityOf.get(this.#relationships[i]!);
      if (community === undefined || communityOf.get(this.#relationships[i + 1]!) !== community) continue;
      yield { characters: this.#relationships[i + 2]!, community };
    }
  }
}
