import { GraphkeeperError } from "../core/errors.ts";
import { MAX_DEPTH } from "../core/json.ts";
import { checkEmbedding, checkId } from "../core/law.ts";
import { compareIds } from "../core/ports.ts";
import { statedMentionSteps } from "../core/stated-mentions.ts";
import { atOnce, type Steps } from "../core/turns.ts";
import type { DocumentInput, EntityInput, ImportBlock, RelationshipInput, TextUnitInput } from "../core/words.ts";

/** Text above this is not a text unit any more: 4 million characters. */
const MAX_TEXT = 4_000_000;
const MAX_DESCRIPTION = 1_000_000;
/** Metadata is given back with every document: a page of a thousand has to stay small. */
const MAX_METADATA = 1_000_000;
const MAX_METADATA_VALUES = 10_000;

/**
 * Brings a block into the form that stores take: every id checked, every number finite, what is given twice merged, every
 * unit with an owner, and every supporting unit of a relationship mentioning both of its ends.
 *
 * @throws GraphkeeperError `INVALID_VALUE`, `INVALID_EMBEDDING` with the field and id
 */
export function normaliseBlock(block: ImportBlock): ImportBlock {
  return atOnce(normaliseSteps(block));
}

/** The same, for a thread that has others to serve as well. */
export function* normaliseSteps(block: ImportBlock): Steps<ImportBlock> {
  const documents = unique(block.documents, (d) => checkId(d.id, "document.id"), "document");
  for (const document of documents) {
    checkDocument(document);
    yield;
  }
  const textUnits = unique(yield* each(block.textUnits, normaliseTextUnit), (u) => u.id, "text_unit");
  yield;
  const entities = yield* mergeEntities(block.entities);
  const relationships = mergeRelationships(yield* each(block.relationships, normaliseRelationship));
  for (const { textUnit, entity } of block.mentions) {
    checkId(textUnit, "mention.text_unit");
    checkId(entity, "mention.entity");
    yield;
  }
  return yield* statedMentionSteps({ documents, textUnits, entities, mentions: block.mentions, relationships });
}

function* each<T, U>(items: readonly T[], work: (item: T) => U): Steps<U[]> {
  const done: U[] = [];
  for (const item of items) {
    done.push(work(item));
    yield;
  }
  return done;
}

function checkDocument({ id, contentHash, title, metadata }: DocumentInput): void {
  if (contentHash !== undefined) checkText(contentHash, "document.content_hash", id, 1_024);
  if (title !== undefined) checkText(title, "document.title", id, 10_000);
  if (metadata === undefined || metadata === null) return;
  const refuse = (limit: string) =>
    new GraphkeeperError("INVALID_VALUE", `The metadata of document ${id} has more than ${limit}.`, {
      field: "metadata",
      document: id,
    });
  const { values, levels } = extent(metadata, MAX_METADATA_VALUES);
  if (values > MAX_METADATA_VALUES) throw refuse(`${MAX_METADATA_VALUES.toLocaleString("en")} values`);
  if (levels > MAX_DEPTH) throw refuse(`${MAX_DEPTH} levels`);
  if (JSON.stringify(metadata).length > MAX_METADATA) throw refuse(`${MAX_METADATA.toLocaleString("en")} characters`);
}

/** How many values there are, and how deep; counts no further than one more than `most` values or `MAX_DEPTH` levels. */
function extent(root: unknown, most: number): { values: number; levels: number } {
  let values = 0;
  let levels = 0;
  const waiting: [value: unknown, level: number][] = [[root, 0]];
  for (let next = waiting.pop(); next !== undefined && values <= most && levels <= MAX_DEPTH; next = waiting.pop()) {
    const [value, level] = next;
    values++;
    if (typeof value !== "object" || value === null) continue;
    levels = Math.max(levels, level + 1);
    const members = Object.values(value);
    if (values + waiting.length + members.length > most + 1) return { values: most + 1, levels };
    for (const member of members) waiting.push([member, level + 1]);
  }
  return { values, levels };
}

function normaliseTextUnit(unit: TextUnitInput): TextUnitInput {
  checkId(unit.id, "text_unit.id");
  if (unit.documents.length === 0) {
    throw new GraphkeeperError("INVALID_VALUE", `Text unit ${unit.id} names no document; name at least one owner.`, {
      field: "documents",
      text_unit: unit.id,
    });
  }
  checkText(unit.text, "text_unit.text", unit.id, MAX_TEXT);
  if (unit.embedding) checkEmbedding(unit.embedding, null, `text unit ${unit.id}`);
  const documents = [...new Set(unit.documents.map((d) => checkId(d, "text_unit.documents")))].sort(compareIds);
  return { ...unit, documents };
}

function normaliseRelationship(relationship: RelationshipInput): RelationshipInput {
  checkId(relationship.id, "relationship.id");
  checkId(relationship.source, "relationship.source");
  checkId(relationship.target, "relationship.target");
  checkText(relationship.type, "relationship.type", relationship.id, 1_024);
  checkDescription(relationship, "relationship");
  const { weight } = relationship;
  if (weight !== undefined && !(Number.isFinite(weight) && weight > 0)) {
    throw new GraphkeeperError(
      "INVALID_VALUE",
      `The weight of relationship ${relationship.id} must be a positive finite number.`,
      {
        field: "weight",
        relationship: relationship.id,
      },
    );
  }
  if (!relationship.textUnits) return relationship;
  const textUnits = [...new Set(relationship.textUnits.map((u) => checkId(u, "relationship.text_units")))].sort(
    compareIds,
  );
  return { ...relationship, textUnits };
}

/** The same entity may be described by several lines of a block: later members win. */
function* mergeEntities(entities: EntityInput[]): Steps<EntityInput[]> {
  const byId = new Map<string, EntityInput>();
  for (const entity of entities) {
    checkId(entity.id, "entity.id");
    checkText(entity.name, "entity.name", entity.id, 10_000);
    checkDescription(entity, "entity");
    yield;
    if (entity.embedding) checkEmbedding(entity.embedding, null, `entity ${entity.id}`);
    const defined = Object.fromEntries(Object.entries(entity).filter(([, member]) => member !== undefined));
    byId.set(entity.id, { ...byId.get(entity.id), ...(defined as unknown as EntityInput) });
  }
  return [...byId.values()];
}

/** The same relationship may be stated by several lines of a block: support is united, later members win. */
function mergeRelationships(relationships: RelationshipInput[]): RelationshipInput[] {
  const byId = new Map<string, RelationshipInput>();
  for (const relationship of relationships) {
    const known = byId.get(relationship.id);
    if (!known) {
      byId.set(relationship.id, relationship);
      continue;
    }
    if (
      known.source !== relationship.source ||
      known.target !== relationship.target ||
      known.type !== relationship.type
    ) {
      throw new GraphkeeperError(
        "CONFLICT",
        `The relationship ${relationship.id} stands twice in one block with different ends or types.`,
        {
          field: "id",
          relationship: relationship.id,
        },
      );
    }
    const textUnits =
      known.textUnits && relationship.textUnits
        ? [...new Set([...known.textUnits, ...relationship.textUnits])].sort(compareIds)
        : undefined;
    byId.set(relationship.id, {
      ...known,
      description: relationship.description ?? known.description,
      weight: relationship.weight ?? known.weight,
      textUnits,
    });
  }
  return [...byId.values()];
}

function unique<T extends { id: string }>(items: T[], key: (item: T) => string, kind: string): T[] {
  const byId = new Map<string, T>();
  for (const item of items) {
    const id = key(item);
    if (byId.has(id)) {
      throw new GraphkeeperError("INVALID_VALUE", `The ${kind.replace("_", " ")} ${id} stands twice in one block.`, {
        field: "id",
        [kind]: id,
      });
    }
    byId.set(id, item);
  }
  return [...byId.values()];
}

function checkDescription({ id, description }: { id: string; description?: string }, kind: string): void {
  if (description === undefined || description.length <= MAX_DESCRIPTION) return;
  const limit = MAX_DESCRIPTION.toLocaleString("en");
  throw new GraphkeeperError("INVALID_VALUE", `The description of ${kind} ${id} has more than ${limit} characters.`, {
    field: "description",
    [kind]: id,
  });
}

function checkText(text: string, field: string, id: string, limit: number): void {
  if (text.length === 0 || text.length > limit || !text.isWellFormed() || text.includes("\u0000")) {
    throw new GraphkeeperError(
      "INVALID_VALUE",
      `${field} of ${id} must have 1 to ${limit.toLocaleString("en")} characters, well-formed and without NUL.`,
      { field, id },
    );
  }
}
