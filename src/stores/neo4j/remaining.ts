import type { CollectionKind, Policy } from "../../core/words.ts";
import { expiredFacts } from "./collect-edges.ts";
import { expiredEntities, lawOf } from "./collect-entities.ts";
import { misplaced } from "./collect-vectors.ts";
import { entityFactsById, entityVectors, factRowsById, judged, parkedRows } from "./judge.ts";
import { staleSimilarity } from "./similarity.ts";
import type { Reading } from "./work.ts";

/** Bound of a count of what is left. */
const MANY = 100_000;

/** What a run of the kind would still change, counted anew. */
export async function remainingOf(
  r: Reading,
  kind: CollectionKind,
  policy: Policy,
  now: number,
  epoch: number,
): Promise<number> {
  const before = now - policy.restoreWindowMs;
  let count = 0;
  for (let after = ""; ; ) {
    const ids = (await r.run<{ id: string }>("candidates", { kind, after, limit: r.int(1_000) })).map((row) => row.id);
    if (ids.length === 0) break;
    after = ids.at(-1) as string;
    if (kind === "stale_edges") {
      const [live, hidden] = await Promise.all([factRowsById(r, ids), parkedRows(r, ids)]);
      count += (await judged(r, live)).filter((v) => !v.live).length;
      count += (await judged(r, hidden)).filter((v) => v.live).length;
      continue;
    }
    if (kind === "orphan_entities")
      count += (await entityFactsById(r, ids)).filter(
        (e) => lawOf(r, e, policy, now) !== (e.parked ? "parked" : "live"),
      ).length;
    else count += (await entityVectors(r, ids)).filter((e) => misplaced(r, e)).length;
  }
  if (kind === "orphan_entities") {
    const documents = await r.run("expiredDocuments", { before, after: "", limit: r.int(MANY) });
    count += documents.length + (await expiredEntities(r, before, "", MANY)).length;
    const [row] = await r.run<{ g: { reconcileDue?: boolean } }>("readGroup");
    if (row?.g.reconcileDue) count++;
  }
  if (kind === "stale_edges") {
    count += (await staleSimilarity(r, epoch)).size + (await expiredFacts(r, before, "", MANY)).length;
  }
  return count;
}
