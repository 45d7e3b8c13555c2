import { checkEmbedding } from "../../../core/law.ts";
import type { StoredVector } from "../../../core/ports.ts";
import type { Change } from "./change.ts";
import type { Row, Session } from "./session.ts";

export type VectorOwner = "unit" | "entity";

/** Statements by owner, spelled out: no part of a statement is ever put together from what a caller gives. */
const STATEMENTS = {
  unit: {
    searchable: "unit_vectors",
    parked: "unit_vectors_parked",
    dimension: "unit_dimension",
  },
  entity: {
    searchable: "entity_vectors",
    parked: "entity_vectors_parked",
    dimension: "entity_dimension",
  },
} as const;

/** Moves a vector to the place that its owner's presence asks for. @returns whether it was elsewhere */
export function placeVector(change: Change, owner: VectorOwner, key: number, place: StoredVector["place"]): boolean {
  const { session, g, group } = change;
  const to = STATEMENTS[owner][place];
  const from = STATEMENTS[owner][place === "searchable" ? "parked" : "searchable"];
  const moved = session.run(
    `INSERT INTO ${to} (key, g, vector) SELECT key, g, vector FROM ${from} WHERE key = ? AND g = ?`,
    key,
    g,
  );
  if (moved === 0) return false;
  session.run(`DELETE FROM ${from} WHERE key = ? AND g = ?`, key, g);
  const sign = place === "searchable" ? 1 : -1;
  group.vectors_searchable += sign;
  group.vectors_parked -= sign;
  countChanged(change, key);
  return true;
}

/** @throws GraphkeeperError `INVALID_EMBEDDING` when it has not the dimension of the group's vectors of this kind */
export function addVector(
  change: Change,
  owner: VectorOwner,
  key: number,
  vector: Float32Array,
  place: StoredVector["place"],
  name: string,
): void {
  const { session, g, group } = change;
  const column = STATEMENTS[owner].dimension;
  checkEmbedding(vector, group[column], name);
  group[column] ??= vector.length;
  session.run(`INSERT INTO ${STATEMENTS[owner][place]} (key, g, vector) VALUES (?, ?, ?)`, key, g, bytesOf(vector));
  if (place === "searchable") group.vectors_searchable++;
  else group.vectors_parked++;
  change.effect.vectors++;
}

export function hasVector(session: Session, owner: VectorOwner, g: number, key: number): boolean {
  const { searchable, parked } = STATEMENTS[owner];
  return (
    session.get(`SELECT 1 AS found FROM ${searchable} WHERE key = ? AND g = ?`, key, g) !== undefined ||
    session.get(`SELECT 1 AS found FROM ${parked} WHERE key = ? AND g = ?`, key, g) !== undefined
  );
}

export function isSearchable(session: Session, owner: VectorOwner, g: number, key: number): boolean {
  return (
    session.get(`SELECT 1 AS found FROM ${STATEMENTS[owner].searchable} WHERE key = ? AND g = ?`, key, g) !== undefined
  );
}

export function deleteVector(change: Change, owner: VectorOwner, key: number): void {
  const { session, g, group } = change;
  const searchable = session.run(`DELETE FROM ${STATEMENTS[owner].searchable} WHERE key = ? AND g = ?`, key, g);
  const parked = session.run(`DELETE FROM ${STATEMENTS[owner].parked} WHERE key = ? AND g = ?`, key, g);
  group.vectors_searchable -= searchable;
  group.vectors_parked -= parked;
  change.effect.vectors += searchable + parked;
}

/** The components as their bytes; all platforms that Node runs on are little-endian but s390x, which SQLite files of ours exclude. */
function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

export function vectorOf(bytes: Row[string] | undefined): Float32Array | null {
  if (!(bytes instanceof Uint8Array)) return null;
  // A copy when the bytes don't begin at a multiple of four, which a Float32Array must.
  if (bytes.byteOffset % 4 !== 0) return new Float32Array(new Uint8Array(bytes).buffer);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** Units and entities share one sequence of keys. */
function countChanged(change: Change, key: number): void {
  if (change.changedVectors.has(key)) return;
  change.changedVectors.add(key);
  change.effect.vectors++;
}

/** Gives an owner another vector, in the place where the old one is. @returns false when it has none yet */
export function replaceVector(
  change: Change,
  owner: VectorOwner,
  key: number,
  vector: Float32Array,
  name: string,
): boolean {
  const { session, g, group } = change;
  for (const place of ["searchable", "parked"] as const) {
    const table = STATEMENTS[owner][place];
    const row = session.get(`SELECT vector FROM ${table} WHERE key = ? AND g = ?`, key, g);
    if (!row) continue;
    checkEmbedding(vector, group[STATEMENTS[owner].dimension], name);
    if (Buffer.compare(row.vector as Uint8Array, bytesOf(vector)) === 0) return true;
    session.run(`UPDATE ${table} SET vector = ? WHERE key = ? AND g = ?`, bytesOf(vector), key, g);
    countChanged(change, key);
    return true;
  }
  return false;
}

/** A vector with its place, as one comparable string; null when there is none. */
export function vectorLook(session: Session, owner: VectorOwner, g: number, key: number): string | null {
  for (const place of ["searchable", "parked"] as const) {
    const row = session.get(`SELECT vector FROM ${STATEMENTS[owner][place]} WHERE key = ? AND g = ?`, key, g);
    if (row) return `${place} ${Buffer.from(row.vector as Uint8Array).toString("base64")}`;
  }
  return null;
}
