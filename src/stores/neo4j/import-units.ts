import { GraphkeeperError } from "../../core/errors.ts";
import type { ImportBlock } from "../../core/words.ts";
import type { DocumentState, Work } from "./work.ts";

export interface StoredUnit extends Record<string, unknown> {
  id: string;
  handle: string;
  text: string;
  owners: string[];
  parked: boolean;
  vector: boolean;
}

/** Creates the units of the block, or adds their owners and vectors to those that are stored. */
export async function writeUnits(
  w: Work,
  block: ImportBlock,
  documents: Map<string, DocumentState>,
  units: Map<string, StoredUnit>,
  ids: Map<string, string>,
): Promise<void> {
  const create: { id: string; text: string; vector: number[] | null }[] = [];
  const vectors: { handle: string; vector: number[] }[] = [];
  const owners: { id: string; document: string }[] = [];
  for (const input of block.textUnits) {
    const id = ids.get(input.id) as string;
    for (const owner of input.documents) {
      if (!documents.has(owner)) throw missing("documents", owner, `The text unit ${input.id} names the document`);
    }
    const stored = units.get(id);
    if (stored && stored.text !== input.text) {
      throw new GraphkeeperError(
        "CONFLICT",
        `The text unit ${id} is stored with another text, and other documents own it.`,
        { field: "text_unit", id },
      );
    }
    if (!stored) {
      create.push({ id, text: input.text, vector: input.embedding ? [...input.embedding] : null });
      units.set(id, {
        id,
        handle: "",
        text: input.text,
        owners: [],
        parked: false,
        vector: input.embedding !== undefined,
      });
    } else if (!stored.vector && input.embedding) {
      if (stored.handle === "") (create.find((c) => c.id === id) as { vector: number[] }).vector = [...input.embedding];
      else vectors.push({ handle: stored.handle, vector: [...input.embedding] });
      stored.vector = true;
    }
    const unit = units.get(id) as StoredUnit;
    for (const document of input.documents) {
      if (unit.owners.includes(document)) continue;
      unit.owners.push(document);
      owners.push({ id, document });
    }
  }
  for (const row of await w.each<{ id: string; handle: string }>("createUnits", "rows", create))
    (units.get(row.id) as StoredUnit).handle = row.handle;
  await w.each("giveVectors", "rows", vectors);
  await w.each(
    "ownUnits",
    "rows",
    owners.map((o) => ({ handle: units.get(o.id)?.handle, document: o.document })),
  );
  w.effect.textUnits += create.length;
  w.countVectors([
    ...create.filter((c) => c.vector).map((c) => units.get(c.id)?.handle as string),
    ...vectors.map((v) => v.handle),
  ]);
}

export function missing(field: string, id: string, what: string): GraphkeeperError {
  return new GraphkeeperError("INVALID_VALUE", `${what} ${id}, which is neither in the block nor in the group.`, {
    field,
    id,
  });
}
