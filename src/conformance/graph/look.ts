import assert from "node:assert/strict";
import type { GroupReader, StoredRecord } from "../../core/ports.ts";
import { recordsOf } from "./dump.ts";

/** Looks at single rows, by way of the full scan. */

type Kind<K extends StoredRecord["kind"]> = Extract<StoredRecord, { kind: K }>;
interface Watched {
  store: GroupReader;
}

async function find<K extends "document" | "text_unit" | "entity" | "relationship">(
  { store }: Watched,
  groupId: string,
  kind: K,
  id: string,
): Promise<Kind<K> | undefined> {
  const records = await recordsOf(store, groupId, { facts: true });
  return records.find((record): record is Kind<K> => record.kind === kind && (record as { id: string }).id === id);
}

export async function textUnit(w: Watched, groupId: string, id: string): Promise<Kind<"text_unit">> {
  const found = await find(w, groupId, "text_unit", id);
  assert.ok(found, `text unit ${id} is there`);
  return found;
}

export async function entity(w: Watched, groupId: string, id: string): Promise<Kind<"entity">> {
  const found = await find(w, groupId, "entity", id);
  assert.ok(found, `entity ${id} is there`);
  return found;
}

export async function relationship(w: Watched, groupId: string, id: string): Promise<Kind<"relationship">> {
  const found = await find(w, groupId, "relationship", id);
  assert.ok(found, `relationship ${id} is there`);
  return found;
}

/** Ids of the rows of a kind, of one presence or of both. */
export async function idsOf(
  { store }: Watched,
  groupId: string,
  kind: "document" | "text_unit" | "entity" | "relationship",
  presence?: "live" | "parked",
): Promise<string[]> {
  const records = await recordsOf(store, groupId, { facts: true });
  return records
    .filter((row): row is Kind<"text_unit" | "entity" | "relationship"> => row.kind === kind)
    .filter((row) => presence === undefined || row.presence === presence)
    .map((row) => row.id);
}

export async function mentionsOf({ store }: Watched, groupId: string, unit: string): Promise<string[]> {
  const records = await recordsOf(store, groupId, { facts: true });
  return records.flatMap((row) => (row.kind === "mention" && row.textUnit === unit ? [row.entity] : []));
}
