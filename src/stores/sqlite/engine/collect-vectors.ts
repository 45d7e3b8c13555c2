import { type Batch, type Phase, roomOf } from "./batch.ts";
import { CANDIDATE } from "./review.ts";
import { placeVector } from "./vectors.ts";

/** deprecated_vectors: vectors of parked entities leave the index that readers search, those of live ones return to it. */
export const VECTOR_PHASES: readonly Phase[] = [{ name: "candidates", run: moveVectors }];

function moveVectors(batch: Batch, after: number[]): number[] | null {
  const { change } = batch;
  const { session, g } = change;
  const room = roomOf(batch);
  const rows = session.all(
    `SELECT c.key, e.id, e.live FROM candidates c LEFT JOIN entities e ON e.key = c.key AND e.g = c.g
     WHERE c.g = ? AND c.kind = ${CANDIDATE.deprecated_vectors} AND c.key > ? ORDER BY c.key LIMIT ?`,
    g,
    after[0] ?? 0,
    room + 1,
  );
  const judged = rows.slice(0, room);
  for (const row of judged) {
    batch.examined++;
    const key = row.key as number;
    session.run("DELETE FROM candidates WHERE g = ? AND kind = ? AND key = ?", g, CANDIDATE.deprecated_vectors, key);
    if (row.id === null || !placeVector(change, "entity", key, row.live === 1 ? "searchable" : "parked")) continue;
    batch.changed = true;
    if (row.live === 1) continue;
    batch.deleted++;
    batch.ids.push(row.id as string);
  }
  return rows.length > room ? [judged.at(-1)?.key as number] : null;
}
