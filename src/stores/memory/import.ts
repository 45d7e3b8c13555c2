import { blockHash } from "../../core/canonical.ts";
import { GraphkeeperError } from "../../core/errors.ts";
import { checkEmbedding, supportGiven } from "../../core/law.ts";
import { leaveOut } from "../../core/leave-out.ts";
import { type Asked, importOutcome, isEffective, leftOut } from "../../core/outcomes.ts";
import { ownTextUnits } from "../../core/own-text-units.ts";
import { withStatedMentions } from "../../core/stated-mentions.ts";
import type {
  DocumentInput,
  EntityInput,
  ImportBlock,
  Operation,
  Outcome,
  RelationshipInput,
  TextUnitInput,
} from "../../core/words.ts";
import { lawOfRelationship, liveMentions, noteLoss, revive, settleTextUnits } from "./derive.ts";
import { markOf, purgedAmong } from "./documents.ts";
import { type Group, sortedIds, type TextUnitRow } from "./state.ts";

/** Imports a block, or replaces a document by it. @returns outcomes by document, and whether anything was written */
export function importBlock(
  group: Group,
  operation: Operation,
  given: ImportBlock,
  asked: Asked,
): { outcomes: { id: string; outcome: Outcome }[]; changed: boolean } {
  const hashOfBlock = given.documents.some((d) => d.contentHash === undefined) ? blockHash(given) : "";
  const named = [...given.documents.map(({ id }) => id), ...given.textUnits.flatMap((unit) => unit.documents)];
  const purged = new Set(asked.again ? [] : purgedAmong(group, named));
  const outcomes = given.documents.map((input) => ({
    id: input.id,
    outcome: importOutcome(
      operation,
      input.id,
      group.documents.get(input.id) ?? (purged.has(input.id) ? "purged" : null),
      input.contentHash ?? hashOfBlock,
      asked,
    ),
  }));
  if (outcomes.length > 0 && !outcomes.some(({ outcome }) => isEffective(outcome))) return { outcomes, changed: false };
  const block = leaveOut(given, new Set([...leftOut(outcomes).map(({ id }) => id), ...purged]));
  checkVectors(group, block);

  const replaced = new Set(outcomes.filter(({ outcome }) => outcome === "replaced").map(({ id }) => id));
  const stored = new Set(block.documents.map(({ id }) => id).filter((id) => group.documents.has(id)));
  const ids = ownTextUnits(block.textUnits, stored, {
    textOf: (id) => group.textUnits.get(id)?.text,
    unitsOf: (documentId) =>
      sortedIds(group.textUnits.keys())
        .map((id) => group.textUnits.get(id) as TextUnitRow)
        .filter((unit) => unit.documents.includes(documentId)),
  });
  const outcomeOf = new Map(outcomes.map(({ id, outcome }) => [id, outcome]));
  for (const input of block.documents)
    writeDocument(group, operation, input, outcomeOf.get(input.id) as Outcome, hashOfBlock);
  const dropped = dropOldTextUnits(group, block, replaced, ids);
  const touched = new Set([...writeTextUnits(group, block, ids), ...dropped]);
  for (const unit of group.textUnits.values()) if (unit.documents.some((id) => stored.has(id))) touched.add(unit.id);
  for (const entity of block.entities) writeEntity(group, operation, entity);
  const mentioned = writeMentions(group, withStatedMentions(block), ids);
  const relationships = block.relationships.map((r) => writeRelationship(group, operation, r, ids));

  settleTextUnits(group, touched, operation.at);
  revive(group, mentioned, relationships, operation.at);
  noteHidden(group, mentioned, relationships);
  return { outcomes, changed: outcomes.length > 0 || !isEmpty(block) };
}

function isEmpty(block: ImportBlock): boolean {
  return block.textUnits.length + block.entities.length + block.mentions.length + block.relationships.length === 0;
}

function writeDocument(
  group: Group,
  operation: Operation,
  input: DocumentInput,
  outcome: Outcome,
  hashOfBlock: string,
): void {
  const stored = group.documents.get(input.id);
  const content = {
    title: input.title ?? null,
    contentHash: input.contentHash ?? hashOfBlock,
    metadata: input.metadata ?? null,
  };
  const active = { status: "active", successor: null, deprecatedAt: null } as const;
  if (!stored) {
    const first = { id: input.id, version: 1, legalHold: false, createdAt: operation.at };
    group.documents.set(input.id, { ...first, ...content, ...active });
    group.purged.delete(markOf(group, input.id));
  } else if (outcome === "replaced") {
    group.documents.set(input.id, { ...stored, ...content, ...active, version: stored.version + 1 });
  } else {
    group.documents.set(input.id, { ...stored, ...active });
  }
}

/**
 * Old units of replaced documents that the new version does not have lose the document; without any owner they go.
 *
 * @returns the units that lost a document and stay
 */
function dropOldTextUnits(group: Group, block: ImportBlock, replaced: Set<string>, ids: Map<string, string>): string[] {
  const idOf = (unit: TextUnitInput) => ids.get(unit.id) as string;
  const named = new Map(block.textUnits.map((u) => [idOf(u), u.text]));
  const lost = new Set<string>();
  for (const documentId of replaced) {
    // By id and text: an id that the new version uses for another text is not the old unit.
    const kept = new Map(block.textUnits.filter((u) => u.documents.includes(documentId)).map((u) => [idOf(u), u.text]));
    for (const unit of [...group.textUnits.values()]) {
      if (!unit.documents.includes(documentId) || kept.get(unit.id) === unit.text) continue;
      lost.add(unit.id);
      const documents = unit.documents.filter((id) => id !== documentId);
      // What the block gives to another document has no owner for this moment only: it is not removed.
      if (documents.length > 0 || named.get(unit.id) === unit.text)
        group.textUnits.set(unit.id, { ...unit, documents });
      else deleteTextUnit(group, unit.id);
    }
  }
  return [...lost];
}

function deleteTextUnit(group: Group, id: string): void {
  noteLoss(group, id);
  for (const relationship of group.relationships.values()) {
    if (!relationship.textUnits?.includes(id)) continue;
    const textUnits = relationship.textUnits.filter((unit) => unit !== id);
    group.relationships.set(relationship.id, { ...relationship, textUnits });
  }
  group.mentions.delete(id);
  group.textUnits.delete(id);
}

function writeTextUnits(group: Group, block: ImportBlock, ids: Map<string, string>): string[] {
  return block.textUnits.map((input) => {
    const id = ids.get(input.id) as string;
    for (const owner of input.documents) {
      if (!group.documents.has(owner))
        throw missing("documents", owner, `The text unit ${input.id} names the document`);
    }
    const stored = group.textUnits.get(id);
    if (stored && stored.text !== input.text) {
      throw new GraphkeeperError(
        "CONFLICT",
        `The text unit ${id} is stored with another text, and other documents own it.`,
        {
          field: "text_unit",
          id,
        },
      );
    }
    const vector =
      stored?.vector ?? (input.embedding ? { values: input.embedding.slice(), place: "parked" as const } : null);
    const documents = sortedIds(new Set([...(stored?.documents ?? []), ...input.documents]));
    const presence = stored?.presence ?? "parked";
    group.textUnits.set(id, {
      id,
      documents,
      text: input.text,
      presence,
      vector: vector && { values: vector.values, place: presence === "live" ? "searchable" : "parked" },
    });
    if (!group.mentions.has(id)) group.mentions.set(id, new Set());
    return id;
  });
}

function writeEntity(group: Group, operation: Operation, input: EntityInput): void {
  // A new entity that nothing live mentions waits, visible, for the collection to judge it by policy and age.
  const stored = group.entities.get(input.id);
  const place = stored?.vector?.place ?? (stored?.presence === "parked" ? "parked" : "searchable");
  group.entities.set(input.id, {
    id: input.id,
    name: input.name,
    type: input.type ?? stored?.type ?? null,
    description: input.description ?? stored?.description ?? null,
    presence: stored?.presence ?? "live",
    parkedAt: stored?.parkedAt ?? null,
    vector: input.embedding ? { values: input.embedding.slice(), place } : (stored?.vector ?? null),
    everMentioned: stored?.everMentioned ?? false,
    createdAt: stored?.createdAt ?? operation.at,
  });
}

function writeMentions(group: Group, block: ImportBlock, ids: Map<string, string>): Set<string> {
  const mentioned = new Set<string>();
  for (const mention of block.mentions) {
    const unit = ids.get(mention.textUnit) ?? mention.textUnit;
    if (!group.textUnits.has(unit)) throw missing("text_unit", mention.textUnit, "A mention names the text unit");
    const entity = group.entities.get(mention.entity);
    if (!entity) throw missing("entity", mention.entity, "A mention names the entity");
    group.mentions.set(unit, new Set([...(group.mentions.get(unit) ?? []), mention.entity]));
    if (!entity.everMentioned) group.entities.set(entity.id, { ...entity, everMentioned: true });
    mentioned.add(mention.entity);
  }
  return mentioned;
}

function writeRelationship(
  group: Group,
  operation: Operation,
  input: RelationshipInput,
  ids: Map<string, string>,
): string {
  for (const [field, end] of [
    ["source", input.source],
    ["target", input.target],
  ] as const) {
    if (!group.entities.has(end)) throw missing(field, end, `The relationship ${input.id} names the entity`);
  }
  const support = supportGiven(input)?.map((unit) => {
    const id = ids.get(unit) ?? unit;
    if (!group.textUnits.has(id)) throw missing("text_units", unit, `The relationship ${input.id} names the text unit`);
    return id;
  });
  const stored = group.relationships.get(input.id);
  if (!stored) {
    group.relationships.set(input.id, {
      id: input.id,
      source: input.source,
      target: input.target,
      type: input.type,
      description: input.description ?? null,
      weight: input.weight ?? 1,
      textUnits: support ? sortedIds(new Set(support)) : null,
      presence: "parked", // Set to live below when the law says so; nothing visible is hidden by it.
      parkedAt: operation.at,
    });
    return input.id;
  }
  if (stored.source !== input.source || stored.target !== input.target || stored.type !== input.type) {
    throw new GraphkeeperError("CONFLICT", `The relationship ${input.id} is stored with other ends or another type.`, {
      field: "relationship",
      id: input.id,
    });
  }
  group.relationships.set(input.id, {
    ...stored,
    description: input.description ?? stored.description,
    weight: input.weight ?? stored.weight,
    textUnits: stored.textUnits && support ? sortedIds(new Set([...stored.textUnits, ...support])) : null,
  });
  return input.id;
}

/** What the block touched and the law does not want visible stays as it stands, for the collection to judge. */
function noteHidden(group: Group, entities: Iterable<string>, relationships: Iterable<string>): void {
  for (const id of entities) {
    if (group.entities.get(id)?.presence === "live" && liveMentions(group, id) === 0) {
      group.candidates.orphan_entities.add(id);
    }
  }
  for (const id of relationships) {
    const relationship = group.relationships.get(id);
    if (relationship?.presence === "live" && lawOfRelationship(group, relationship) === "parked") {
      group.candidates.stale_edges.add(id);
    }
  }
}

function checkVectors(group: Group, block: ImportBlock): void {
  for (const [kind, rows] of [
    ["text_unit", block.textUnits],
    ["entity", block.entities],
  ] as const) {
    for (const row of rows) {
      if (!row.embedding) continue;
      checkEmbedding(row.embedding, group.dimensions[kind], `${kind.replace("_", " ")} ${row.id}`);
      group.dimensions[kind] = row.embedding.length;
    }
  }
}

function missing(field: string, id: string, what: string): GraphkeeperError {
  return new GraphkeeperError("INVALID_VALUE", `${what} ${id}, which is neither in the block nor in the group.`, {
    field,
    id,
  });
}
