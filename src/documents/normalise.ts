import { GraphkeeperError } from "../core/errors.ts";
import { checkEmbedding, checkId } from "../core/law.ts";
import { compareIds } from "../core/ports.ts";
import { withStatedMentions } from "../core/stated-mentions.ts";
import type { EntityInput, ImportBlock, RelationshipInput, TextUnitInput } from "../core/words.ts";

/** Text above this is not a text unit any more: 4 million characters. */
const MAX_TEXT = 4_000_000;

/**
 * Brings a block into the form that stores take: every id checked, every number finite, what is given twice merged, every
 * unit with an owner, and every supporting unit of a relationship mentioning both of its ends.
 *
 * @throws GraphkeeperError `INVALID_VALUE`, `INVALID_EMBEDDING` with the field and id
 */
export function normaliseBlock(block: ImportBlock): ImportBlock {
  const documents = unique(block.documents, (d) => checkId(d.id, "document.id"), "document");
  for (const document of documents) {
    if (document.contentHash !== undefined)
      checkText(document.contentHash, "document.content_hash", document.id, 1_024);
    if (document.title !== undefined) checkText(document.title, "document.title", document.id, 10_000);
  }
  const textUnits = unique(block.textUnits.map(normaliseTextUnit), (u) => u.id, "text_unit");
  const entities = mergeEntities(block.entities);
  const relationships = mergeRelationships(block.relationships.map(normaliseRelationship));
  for (const { textUnit, entity } of block.mentions) {
    checkId(textUnit, "mention.text_unit");
    checkId(entity, "mention.entity");
  }
  return withStatedMentions({ documents, textUnits, entities, mentions: block.mentions, relationships });
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
function mergeEntities(entities: EntityInput[]): EntityInput[] {
  const byId = new Map<string, EntityInput>();
  for (const entity of entities) {
    checkId(entity.id, "entity.id");
    checkText(entity.name, "entity.name", entity.id, 10_000);
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

function checkText(text: string, field: string, id: string, limit: number): void {
  if (text.length === 0 || text.length > limit || !text.isWellFormed() || text.includes("\u0000")) {
    throw new GraphkeeperError(
      "INVALID_VALUE",
      `${field} of ${id} must have 1 to ${limit.toLocaleString("en")} characters, well-formed and without NUL.`,
      { field, id },
    );
  }
}
