import type { GraphkeeperError } from "../core/errors.ts";
import type { Steps } from "../core/turns.ts";
import type { EntityInput, ImportBlock, RelationshipInput, TextUnitInput } from "../core/words.ts";
import { normaliseBlock } from "./normalise.ts";
import { countItems, isRefusal, type LocatedBlock, type OnReject } from "./rejects.ts";

type Kind = keyof ImportBlock;
type Item = ImportBlock[Kind][number];

/**
 * Takes out of a block what cannot be imported, each thing by itself, and with it what would hang in the air: mentions and
 * facts that name it, and entities that nothing of the block is left to mention. A fact keeps the support that stays.
 */
export class Sieve {
  readonly #located: LocatedBlock;
  readonly #onReject: OnReject;
  readonly #block: ImportBlock;
  readonly #gone = new Set<Item>();
  readonly #places = new Map<object, string | undefined>();

  constructor(located: LocatedBlock, onReject: OnReject) {
    this.#located = located;
    this.#onReject = onReject;
    const { documents, textUnits, entities, mentions, relationships } = located.block;
    this.#block = { documents, textUnits, entities, mentions, relationships };
  }

  /** What is left. */
  get block(): ImportBlock {
    return this.#block;
  }

  get isEmpty(): boolean {
    return countItems(this.#block) === 0;
  }

  /** Refuses what is wrong by itself, whatever the group holds. */
  *checkEach(): Steps<void> {
    const first = new Map<string, Item>();
    for (const kind of ["documents", "textUnits", "entities", "mentions", "relationships"] as const) {
      for (const item of this.#block[kind] as Item[]) {
        if (this.#gone.has(item)) continue;
        yield;
        const id = "id" in item && kind !== "entities" ? `${kind} ${item.id}` : null;
        const before = id === null ? undefined : first.get(id);
        const error = refusalOf(kind, before ? [before, item] : [item]);
        if (!error) {
          if (id !== null && !before) first.set(id, item);
        } else if (error.code === "INVALID_EMBEDDING")
          this.#refuseVector(kind as "textUnits" | "entities", item, error);
        else this.#refuse(kind, item, error);
      }
    }
  }

  /** Refuses what the group does not take. @returns false when the error names nothing of the block */
  refuse(error: GraphkeeperError): boolean {
    const before = this.#gone.size;
    const { field, id, owner, expected } = error.details;
    if (typeof owner === "string") {
      for (const [kind, word] of [
        ["textUnits", "text unit"],
        ["entities", "entity"],
      ] as const) {
        if (!owner.startsWith(`${word} `)) continue;
        for (const item of this.#block[kind] as (TextUnitInput | EntityInput)[]) {
          const named = `${word} ${item.id}` === owner;
          // All of another dimension at once: each by itself would cost a transaction.
          const other = typeof expected === "number" && item.embedding && item.embedding.length !== expected;
          if (item.embedding && (named || other)) this.#refuseVector(kind, item, error);
        }
      }
    } else if (typeof field === "string" && typeof id === "string") {
      for (const [kind, item] of this.#named(error.code === "CONFLICT", field, id)) {
        this.#refuse(kind, item, error);
        // The support that the group has goes in.
        const { textUnits } = item as RelationshipInput;
        const rest = textUnits?.filter((unit) => unit !== id) ?? [];
        if (kind === "relationships" && error.code !== "CONFLICT" && textUnits?.includes(id) && rest.length > 0)
          this.#block.relationships.push(this.#inPlaceOf(item, { ...(item as RelationshipInput), textUnits: rest }));
      }
    }
    return this.#gone.size > before;
  }

  /** Refuses all that is left. */
  refuseAll(error: GraphkeeperError): void {
    const { line } = this.#located;
    const ids = this.#block.documents.map((document) => document.id).slice(0, 3);
    const place = line > 0 ? `the block that begins on line ${line}` : `the block of ${ids.join(", ")}`;
    this.#onReject({ line, place, code: error.code, reason: error.message, content: { ...this.#block } });
    for (const kind of Object.keys(this.#block) as Kind[]) this.#block[kind] = [];
  }

  /** What of the block names the thing that the group does not have, or contradicts. */
  #named(contradicts: boolean, field: string, id: string): [Kind, Item][] {
    const { documents, textUnits, mentions, relationships } = this.#block;
    if (contradicts) {
      if (field === "text_unit") return pick("textUnits", textUnits, (unit) => unit.id === id);
      return field === "relationship" ? pick("relationships", relationships, (fact) => fact.id === id) : [];
    }
    if (field === "documents" && !documents.some((document) => document.id === id))
      return pick("textUnits", textUnits, (unit) => unit.documents.includes(id));
    // A fact mentions its ends in each text that states it, so that a store may say this of either.
    if (field === "text_unit" || field === "text_units") {
      return [
        ...pick("mentions", mentions, ({ textUnit }) => textUnit === id),
        ...pick("relationships", relationships, (fact) => fact.textUnits?.includes(id) ?? false),
      ];
    }
    if (field === "entity" || field === "source" || field === "target") {
      return [
        ...pick("mentions", mentions, ({ entity }) => entity === id),
        ...pick("relationships", relationships, ({ source, target }) => source === id || target === id),
      ];
    }
    return [];
  }

  #refuse(kind: Kind, item: Item, error: GraphkeeperError): void {
    if (!this.#gone.has(item)) this.#tell(item, error, this.#drop(kind, item));
  }

  /** The text or entity goes in without its vector; what is refused is the whole line, since a vector alone is none. */
  #refuseVector(kind: "textUnits" | "entities", item: Item, error: GraphkeeperError): void {
    const { embedding: _, ...rest } = item as TextUnitInput & EntityInput;
    const content = emptied();
    (content[kind] as Item[]).push(item);
    this.#tell(item, error, content);
    this.#gone.add(item);
    this.#inPlaceOf(item, rest);
    this.#block[kind] = (this.#block[kind] as Item[]).map((other) => (other === item ? rest : other)) as never;
  }

  /** Says that an item is what is left of another, so that it is known to stand there. */
  #inPlaceOf<T extends Item>(item: Item, rest: T): T {
    this.#places.set(rest, this.#placeOf(item));
    return rest;
  }

  #placeOf(item: object): string | undefined {
    return this.#places.get(item) ?? this.#located.placeOf?.(item);
  }

  #tell(item: Item, error: GraphkeeperError, content: ImportBlock): void {
    const place = this.#placeOf(item);
    const line = Number(/^line (\d+)$/.exec(place ?? "")?.[1] ?? 0);
    const reason = error.message;
    this.#onReject({ line, place: place ?? placeless(this.#located), code: error.code, reason, content });
  }

  /** Takes an item out, and what only it held. @returns all that went, the item among it */
  #drop(kind: Kind, item: Item): ImportBlock {
    const gone = emptied();
    this.#remove(kind, item, gone);
    if (kind === "textUnits" || kind === "entities") this.#dropNames(kind, (item as TextUnitInput).id, gone);
    else if (kind === "documents") {
      const id = (item as { id: string }).id;
      if (!this.#block.documents.some((other) => other.id === id)) {
        for (const unit of this.#block.textUnits.filter(({ documents }) => documents.includes(id))) {
          this.#remove("textUnits", unit, gone);
          this.#dropNames("textUnits", unit.id, gone);
        }
      }
    }
    const tied = new Set([...this.#block.mentions.map(({ entity }) => entity), ...endsOf(this.#block.relationships)]);
    const untied = new Set([...gone.mentions.map(({ entity }) => entity), ...endsOf(gone.relationships)]);
    for (const entity of this.#block.entities)
      if (untied.has(entity.id) && !tied.has(entity.id)) this.#remove("entities", entity, gone);
    return gone;
  }

  /** Mentions and facts that name a text unit or an entity of which no other line of the block tells. */
  #dropNames(kind: "textUnits" | "entities", id: string, gone: ImportBlock): void {
    if ((this.#block[kind] as { id: string }[]).some((other) => other.id === id)) return;
    const member = kind === "textUnits" ? "textUnit" : "entity";
    for (const mention of this.#block.mentions.filter((m) => m[member] === id)) this.#remove("mentions", mention, gone);
    for (const fact of this.#block.relationships) {
      if (kind === "entities") {
        if (fact.source === id || fact.target === id) this.#remove("relationships", fact, gone);
        continue;
      }
      if (!fact.textUnits?.includes(id)) continue;
      const textUnits = fact.textUnits.filter((unit) => unit !== id);
      // Without any support it would count as a fact of unknown support, which lives by itself.
      if (textUnits.length === 0) this.#remove("relationships", fact, gone);
      else {
        gone.relationships.push(fact);
        const rest = this.#inPlaceOf(fact, { ...fact, textUnits });
        this.#block.relationships = this.#block.relationships.map((other) => (other === fact ? rest : other));
      }
    }
  }

  #remove(kind: Kind, item: Item, gone: ImportBlock): void {
    this.#gone.add(item);
    (gone[kind] as Item[]).push(item);
    this.#block[kind] = (this.#block[kind] as Item[]).filter((other) => other !== item) as never;
  }
}

function refusalOf(kind: Kind, items: Item[]): GraphkeeperError | null {
  try {
    normaliseBlock({ ...emptied(), [kind]: items });
    return null;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return error;
  }
}

function pick<T extends Item>(kind: Kind, items: T[], test: (item: T) => boolean): [Kind, Item][] {
  return items.filter(test).map((item) => [kind, item]);
}

function endsOf(relationships: RelationshipInput[]): string[] {
  return relationships.flatMap(({ source, target }) => [source, target]);
}

function emptied(): ImportBlock {
  return { documents: [], textUnits: [], entities: [], mentions: [], relationships: [] };
}

function placeless({ line }: LocatedBlock): string {
  return line > 0 ? `the block that begins on line ${line}` : "the block";
}
