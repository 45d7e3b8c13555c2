import { blockHash } from "../../../core/canonical.ts";
import { leaveOut } from "../../../core/leave-out.ts";
import { type Asked, importOutcome, isEffective, leftOut } from "../../../core/outcomes.ts";
import { withStatedMentions } from "../../../core/stated-mentions.ts";
import type { DocumentInput, ImportBlock, Operation, Outcome } from "../../../core/words.ts";
import { type Change, newKey } from "./change.ts";
import { type DocumentRow, findDocument, standingOf } from "./documents.ts";
import { writeEntities, writeMentions, writeRelationships } from "./import-facts.ts";
import { type BlockUnits, type DeletedUnit, writeTextUnits } from "./import-units.ts";
import { hashOf, ownUnits, unitsOf } from "./own-units.ts";
import { forgetPurged, purgedAmong } from "./purged.ts";
import { deleteUnit, noteRemains, type Remains } from "./remove.ts";
import { settleReview, settleUnit } from "./review.ts";
import { vectorLook } from "./vectors.ts";

type Outcomes = { id: string; outcome: Outcome }[];

/** Imports a block, or replaces a document by it. @returns outcomes by document, and whether anything was written */
export function importBlock(
  change: Change,
  operation: Operation,
  given: ImportBlock,
  asked: Asked,
): { outcomes: Outcomes; changed: boolean } {
  const hashOfBlock = given.documents.some((d) => d.contentHash === undefined) ? blockHash(given) : "";
  const stored = new Map<string, DocumentRow>();
  const named = [...given.documents.map(({ id }) => id), ...given.textUnits.flatMap((unit) => unit.documents)];
  const purged = new Set(asked.again ? [] : purgedAmong(change.session, change.group, [...new Set(named)]));
  const outcomes = given.documents.map((input) => {
    const row = findDocument(change.session, change.g, input.id);
    if (row) stored.set(input.id, row);
    return {
      id: input.id,
      outcome: importOutcome(
        operation,
        input.id,
        row ? { ...standingOf(row), contentHash: row.contentHash } : purged.has(input.id) ? "purged" : null,
        input.contentHash ?? hashOfBlock,
        asked,
      ),
    };
  });
  if (outcomes.length > 0 && !outcomes.some(({ outcome }) => isEffective(outcome))) return { outcomes, changed: false };
  const left = new Set([...leftOut(outcomes).map(({ id }) => id), ...purged]);
  const block = leaveOut(given, left);
  for (const id of left) stored.delete(id);

  const hashes = new Map(block.textUnits.map((unit) => [unit.id, hashOf(unit.text)]));
  const ids = ownUnits(change, block, hashes, stored);
  const documents = new Map<string, number>();
  const outcomeOf = new Map(outcomes.map(({ id, outcome }) => [id, outcome]));
  for (const input of block.documents) {
    const outcome = outcomeOf.get(input.id) as Outcome;
    documents.set(
      input.id,
      writeDocument(change, operation, input, stored.get(input.id) ?? null, outcome, hashOfBlock),
    );
  }
  change.session.failpoint("import:documents");
  const replaced = outcomes
    .filter(({ outcome }) => outcome === "replaced")
    .map(({ id }) => stored.get(id) as DocumentRow);
  const old = dropOldUnits(change, block, replaced, hashes, ids);
  const units: BlockUnits = writeTextUnits(change, block, documents, hashes, ids, old.deleted);
  // Of documents that came back, also the units that the block does not name.
  for (const row of stored.values()) {
    if (row.active) continue;
    for (const unit of unitsOf(change, row.key)) settleUnit(change, unit.key);
  }
  for (const unit of old.kept) settleUnit(change, unit);
  change.session.failpoint("import:units");
  const entities = writeEntities(change, operation, block);
  writeMentions(change, withStatedMentions(block), units, entities);
  change.session.failpoint("import:mentions");
  writeRelationships(change, operation, block, units, entities);
  settleReview(change);
  const { textUnits, mentions, relationships } = block;
  const empty = textUnits.length + block.entities.length + mentions.length + relationships.length === 0;
  return { outcomes, changed: outcomes.length > 0 || !empty };
}

function writeDocument(
  change: Change,
  operation: Operation,
  input: DocumentInput,
  stored: DocumentRow | null,
  outcome: Outcome,
  hashOfBlock: string,
): number {
  const { session, g, group } = change;
  const content = [
    input.contentHash ?? hashOfBlock,
    input.title ?? null,
    input.metadata == null ? null : JSON.stringify(input.metadata),
  ] as const;
  if (!stored) {
    const key = newKey(session);
    session.run(
      `INSERT INTO documents (key, g, id, active, version, created_at, content_hash, title, metadata)
       VALUES (?, ?, ?, 1, 1, ?, ?, ?, ?)`,
      key,
      g,
      input.id,
      operation.at,
      ...content,
    );
    forgetPurged(change, input.id);
    group.documents_active++;
    change.effect.documents++;
    return key;
  }
  if (outcome === "unchanged") return stored.key;
  if (outcome === "replaced") {
    session.run(
      "UPDATE documents SET content_hash = ?, title = ?, metadata = ?, version = version + 1 WHERE key = ? AND g = ?",
      ...content,
      stored.key,
      g,
    );
  }
  session.run(
    "UPDATE documents SET active = 1, deprecated_at = NULL, successor = NULL WHERE key = ? AND g = ?",
    stored.key,
    g,
  );
  change.effect.documents++;
  if (!stored.active) {
    group.documents_active++;
    group.documents_deprecated--;
  }
  return stored.key;
}

/**
 * Old units of replaced documents that the new version does not have lose the document; without any owner they go.
 *
 * @returns keys of units that lost a document and stay, and the deleted ones by id
 */
function dropOldUnits(
  change: Change,
  block: ImportBlock,
  replaced: DocumentRow[],
  hashes: Map<string, Buffer>,
  ids: Map<string, string>,
): { kept: Set<number>; deleted: Map<string, DeletedUnit> } {
  const { session, g } = change;
  const kept = new Set<number>();
  const deleted = new Map<string, DeletedUnit>();
  const remains: Remains = { entities: new Set(), relationships: new Set() };
  const named = new Map(block.textUnits.map((u) => [ids.get(u.id) as string, hashes.get(u.id) as Buffer]));
  for (const document of replaced) {
    // By id and text: an id that the new version uses for another text is not the old unit.
    const mine = block.textUnits.filter((u) => u.documents.includes(document.id));
    const wanted = new Map(mine.map((u) => [ids.get(u.id) as string, hashes.get(u.id) as Buffer]));
    for (const unit of unitsOf(change, document.key)) {
      if (wanted.get(unit.id)?.equals(unit.hash)) continue;
      session.run("DELETE FROM owners WHERE g = ? AND document = ? AND unit = ?", g, document.key, unit.key);
      const owner = session.get("SELECT 1 AS found FROM owners WHERE g = ? AND unit = ? LIMIT 1", g, unit.key);
      // What the block gives to another document has no owner for this moment only: it is not removed.
      if (owner || named.get(unit.id)?.equals(unit.hash)) {
        kept.add(unit.key);
        continue;
      }
      deleted.set(unit.id, { vector: vectorLook(session, "unit", g, unit.key) });
      kept.delete(unit.key);
      deleteUnit(change, unit.key, remains);
    }
  }
  noteRemains(change, remains);
  return { kept, deleted };
}
