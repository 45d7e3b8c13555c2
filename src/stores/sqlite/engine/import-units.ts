import { GraphkeeperError } from "../../../core/errors.ts";
import type { ImportBlock } from "../../../core/words.ts";
import { type Change, newKey } from "./change.ts";
import { findDocument } from "./documents.ts";
import { findUnit } from "./own-units.ts";
import { settleUnit, unitIsLive } from "./review.ts";
import { addVector, hasVector, vectorLook } from "./vectors.ts";

/** Keys of text units by the id that the block gives them; looks up those that only the store knows. */
export interface BlockUnits {
  key(blockId: string, field: string, what: string): number;
  isLive(key: number): boolean;
}

/** What stood under the id of a unit that the new version of its document does not have. */
export interface DeletedUnit {
  vector: string | null;
}

/** Inserts the block's units, or adds their owners and vectors to those that are stored. */
export function writeTextUnits(
  change: Change,
  block: ImportBlock,
  documents: Map<string, number>,
  hashes: Map<string, Buffer>,
  ids: Map<string, string>,
  deleted: Map<string, DeletedUnit>,
): BlockUnits {
  const { session, g, group } = change;
  const keys = new Map<string, number>();
  const live = new Map<number, boolean>();
  for (const input of block.textUnits) {
    const id = ids.get(input.id) as string;
    const hash = hashes.get(input.id) as Buffer;
    const owners = input.documents.map(
      (owner) => documents.get(owner) ?? storedOwner(change, documents, owner, input.id),
    );
    const stored = findUnit(change, id);
    if (stored && !stored.hash.equals(hash)) {
      throw new GraphkeeperError(
        "CONFLICT",
        `The text unit ${id} is stored with another text, and other documents own it.`,
        {
          field: "text_unit",
          id,
        },
      );
    }
    const key = stored?.key ?? newKey(session);
    keys.set(input.id, key);
    for (const owner of owners)
      session.run("INSERT OR IGNORE INTO owners (g, document, unit) VALUES (?, ?, ?)", g, owner, key);
    if (stored) {
      settleUnit(change, key);
      if (input.embedding && !hasVector(session, "unit", g, key)) {
        addVector(
          change,
          "unit",
          key,
          input.embedding,
          unitIsLive(session, g, key) ? "searchable" : "parked",
          `text unit ${id}`,
        );
      }
      continue;
    }
    const isLive = unitIsLive(session, g, key);
    live.set(key, isLive);
    session.run(
      "INSERT INTO text_units (key, g, live, hash, id) VALUES (?, ?, ?, ?, ?)",
      key,
      g,
      isLive ? 1 : 0,
      hash,
      id,
    );
    session.run("INSERT INTO texts (key, g, text) VALUES (?, ?, ?)", key, g, input.text);
    if (isLive) group.units_live++;
    else group.units_parked++;
    if (input.embedding)
      addVector(change, "unit", key, input.embedding, isLive ? "searchable" : "parked", `text unit ${id}`);
    countOnce(change, key, deleted.get(id));
  }
  return {
    key(blockId, field, what) {
      const known = keys.get(blockId);
      if (known !== undefined) return known;
      const key = findUnit(change, blockId)?.key;
      if (key === undefined) throw missing(field, blockId, what);
      keys.set(blockId, key);
      return key;
    },
    isLive(key) {
      let known = live.get(key);
      if (known === undefined) {
        known = session.get("SELECT live FROM text_units WHERE key = ? AND g = ?", key, g)?.live === 1;
        live.set(key, known);
      }
      return known;
    },
  };
}

/** A unit that takes the id of one that was deleted in this transaction is one change to readers, not two. */
function countOnce(change: Change, key: number, deleted: DeletedUnit | undefined): void {
  if (!deleted) {
    change.effect.textUnits++;
    return;
  }
  const vector = vectorLook(change.session, "unit", change.g, key);
  if (vector !== null && deleted.vector !== null) change.effect.vectors -= vector === deleted.vector ? 2 : 1;
}

function storedOwner(change: Change, documents: Map<string, number>, id: string, unit: string): number {
  const key = findDocument(change.session, change.g, id)?.key;
  if (key === undefined) throw missing("documents", id, `The text unit ${unit} names the document`);
  documents.set(id, key);
  return key;
}

export function missing(field: string, id: string, what: string): GraphkeeperError {
  return new GraphkeeperError("INVALID_VALUE", `${what} ${id}, which is neither in the block nor in the group.`, {
    field,
    id,
  });
}
