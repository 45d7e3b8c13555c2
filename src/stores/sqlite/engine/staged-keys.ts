import { Buffer } from "node:buffer";
import type { Row, Session } from "./session.ts";

/** The lists of keys that a publication begins or ends; see the table `staged`. */

/** A row whose `to_epoch` this is has no end yet. Small enough for a double, larger than any epoch. */
export const FOREVER = 2 ** 50;

export const STAGED = { similarity: 0, community: 1, membership: 2, rank: 3 } as const;

/** Key of a row: similarity (a, b), community (a, 0), membership (level, entity), rank (entity, 0). */
export interface StagedKey {
  kind: number;
  a: number;
  b: number;
}

export const BEGINS = 0;
export const ENDS = 1;
type Ends = typeof BEGINS | typeof ENDS;

/** @param keys kind, a, b of each row, one after the other */
export function addStaged(session: Session, g: number, epoch: number, ends: Ends, keys: number[]): void {
  if (keys.length === 0) return;
  session.run(
    `INSERT INTO staged (g, epoch, ends, part, keys)
     SELECT ?1, ?2, ?3, ifnull(max(part), 0) + 1, ?4 FROM staged WHERE g = ?1 AND epoch = ?2 AND ends = ?3`,
    g,
    epoch,
    ends,
    bytesOf(keys),
  );
}

/** Takes up to `limit` keys off the list of one epoch. */
export function takeStaged(session: Session, g: number, epoch: number, ends: Ends, limit: number): StagedKey[] {
  const taken: StagedKey[] = [];
  while (taken.length < limit) {
    const row = session.get(
      "SELECT part, keys FROM staged WHERE g = ? AND epoch = ? AND ends = ? ORDER BY part DESC LIMIT 1",
      g,
      epoch,
      ends,
    );
    if (!row) break;
    const keys = keysOf(row);
    const from = Math.max(0, keys.length - 3 * (limit - taken.length));
    for (let i = from; i < keys.length; i += 3) {
      taken.push({ kind: keys[i] as number, a: keys[i + 1] as number, b: keys[i + 2] as number });
    }
    const where = [g, epoch, ends, row.part as number] as const;
    if (from === 0) session.run("DELETE FROM staged WHERE g = ? AND epoch = ? AND ends = ? AND part = ?", ...where);
    else {
      const left = bytesOf(keys.slice(0, from));
      session.run("UPDATE staged SET keys = ? WHERE g = ? AND epoch = ? AND ends = ? AND part = ?", left, ...where);
    }
  }
  return taken;
}

function bytesOf(keys: number[]): Uint8Array {
  return new Uint8Array(Float64Array.from(keys).buffer);
}

function keysOf(row: Row): number[] {
  const bytes = Buffer.from(row.keys as Uint8Array);
  return Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(i * 8));
}
