import { GraphkeeperError } from "../../../core/errors.ts";
import { supportGiven } from "../../../core/law.ts";
import type { EntityInput, ImportBlock, Operation, RelationshipInput } from "../../../core/words.ts";
import { type Change, newKey } from "./change.ts";
import { type BlockUnits, missing } from "./import-units.ts";
import { expireRelationship } from "./remove.ts";
import {
  CANDIDATE,
  judgeRelationship,
  liveMention,
  noteCandidate,
  reviveEntity,
  reviveRelationship,
} from "./review.ts";
import { addVector, replaceVector } from "./vectors.ts";

interface BlockEntity {
  key: number;
  live: boolean;
  everMentioned: boolean;
}

/** Entities by id: the block's, and those that only the store knows. */
export interface BlockEntities {
  find(id: string, field: string, what: string): BlockEntity;
}

export function writeEntities(change: Change, operation: Operation, block: ImportBlock): BlockEntities {
  const known = new Map<string, BlockEntity>();
  for (const input of block.entities) known.set(input.id, writeEntity(change, operation, input));
  return {
    find(id, field, what) {
      const here = known.get(id) ?? findEntity(change, id);
      if (!here) throw missing(field, id, what);
      known.set(id, here);
      return here;
    },
  };
}

function findEntity(change: Change, id: string): BlockEntity | null {
  const row = change.session.get("SELECT key, live, ever_mentioned FROM entities WHERE g = ? AND id = ?", change.g, id);
  return row ? { key: row.key as number, live: row.live === 1, everMentioned: row.ever_mentioned === 1 } : null;
}

function writeEntity(change: Change, operation: Operation, input: EntityInput): BlockEntity {
  const { session, g, group } = change;
  const stored = findEntity(change, input.id);
  const name = `entity ${input.id}`;
  if (stored) {
    session.run(
      `UPDATE entities SET name = ?1, type = ifnull(?2, type), description = ifnull(?3, description)
       WHERE key = ?4 AND g = ?5 AND (name, type, description) IS NOT (?1, ifnull(?2, type), ifnull(?3, description))`,
      input.name,
      input.type ?? null,
      input.description ?? null,
      stored.key,
      g,
    );
    if (input.embedding && !replaceVector(change, "entity", stored.key, input.embedding, name)) {
      addVector(change, "entity", stored.key, input.embedding, stored.live ? "searchable" : "parked", name);
    }
    return stored;
  }
  // A new entity that nothing live mentions waits, visible, for the collection to judge it by policy and age.
  const key = newKey(session);
  session.run(
    `INSERT INTO entities (key, g, live, ever_mentioned, created_at, id, name, type, description)
     VALUES (?, ?, 1, 0, ?, ?, ?, ?, ?)`,
    key,
    g,
    operation.at,
    input.id,
    input.name,
    input.type ?? null,
    input.description ?? null,
  );
  group.entities_live++;
  change.effect.entities++;
  if (input.embedding) addVector(change, "entity", key, input.embedding, "searchable", name);
  return { key, live: true, everMentioned: false };
}

/** Adds mentions; what a live unit mentions is live at once, what only parked ones mention becomes a candidate. */
export function writeMentions(change: Change, block: ImportBlock, units: BlockUnits, entities: BlockEntities): void {
  const { session, g } = change;
  const mentioned = new Map<BlockEntity, boolean>();
  for (const { textUnit, entity } of block.mentions) {
    const unit = units.key(textUnit, "text_unit", "A mention names the text unit");
    const row = entities.find(entity, "entity", "A mention names the entity");
    session.run("INSERT OR IGNORE INTO mentions (g, unit, entity) VALUES (?, ?, ?)", g, unit, row.key);
    if (!row.everMentioned) {
      session.run("UPDATE entities SET ever_mentioned = 1 WHERE key = ? AND g = ?", row.key, g);
      row.everMentioned = true;
    }
    mentioned.set(row, mentioned.get(row) === true || units.isLive(unit));
  }
  for (const [row, byLiveUnit] of mentioned) {
    // Asked again: an entity that this transaction's units brought back is live by now.
    const live = session.get("SELECT live FROM entities WHERE key = ? AND g = ?", row.key, g)?.live === 1;
    const supported = byLiveUnit || liveMention(session, g, row.key, null) !== null;
    if (supported && !live) reviveEntity(change, row.key);
    if (!supported && live) noteCandidate(change, CANDIDATE.orphan_entities, row.key);
    row.live = supported || live;
  }
}

export function writeRelationships(
  change: Change,
  operation: Operation,
  block: ImportBlock,
  units: BlockUnits,
  entities: BlockEntities,
): void {
  for (const input of block.relationships) {
    const what = `The relationship ${input.id} names the`;
    const source = entities.find(input.source, "source", `${what} entity`).key;
    const target = entities.find(input.target, "target", `${what} entity`).key;
    const support = supportGiven(input)?.map((unit) => units.key(unit, "text_units", `${what} text unit`));
    writeRelationship(change, operation, input, source, target, support);
  }
}

function writeRelationship(
  change: Change,
  operation: Operation,
  input: RelationshipInput,
  source: number,
  target: number,
  support: number[] | undefined,
): void {
  const { session, g, group } = change;
  const stored = session.get(
    "SELECT key, source, target, type, support_known FROM relationships WHERE g = ? AND id = ?",
    g,
    input.id,
  );
  if (stored && (stored.source !== source || stored.target !== target || stored.type !== input.type)) {
    throw new GraphkeeperError("CONFLICT", `The relationship ${input.id} is stored with other ends or another type.`, {
      field: "relationship",
      id: input.id,
    });
  }
  const key = (stored?.key as number | undefined) ?? newKey(session);
  const known = support !== undefined && (stored?.support_known ?? 1) === 1;
  if (!stored) {
    // Parked until it is judged, below: nothing that was visible is hidden by it.
    session.run(
      `INSERT INTO relationships (key, g, live, source, target, support_known, parked_at, weight, id, type, description)
       VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)`,
      key,
      g,
      source,
      target,
      known ? 1 : 0,
      operation.at,
      input.weight ?? 1,
      input.id,
      input.type,
      input.description ?? null,
    );
    group.relationships_parked++;
    change.effect.relationships++;
  } else {
    session.run(
      `UPDATE relationships SET description = ifnull(?1, description), weight = ifnull(?2, weight), support_known = ?3
       WHERE key = ?4 AND g = ?5
         AND (description, weight, support_known) IS NOT (ifnull(?1, description), ifnull(?2, weight), ?3)`,
      input.description ?? null,
      input.weight ?? null,
      known ? 1 : 0,
      key,
      g,
    );
  }
  if (known) {
    for (const unit of support)
      session.run("INSERT OR IGNORE INTO supports (g, relationship, unit) VALUES (?, ?, ?)", g, key, unit);
  } else if (stored?.support_known === 1) {
    session.run("DELETE FROM supports WHERE g = ? AND relationship = ?", g, key);
  }
  const judged = judgeRelationship(session, g, key);
  if (!judged) return;
  if (judged.wanted && !judged.live) {
    reviveRelationship(change, judged);
    if (!stored) change.effect.relationships--; // Created and shown is one change.
  } else if (!judged.wanted && judged.live) {
    noteCandidate(change, CANDIDATE.stale_edges, key);
  }
  if (!judged.wanted && !judged.live) expireRelationship(change, key);
}
