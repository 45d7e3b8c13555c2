import { checkEmbedding } from "../../../core/law.ts";
import { hitMeter } from "../../../core/page.ts";
import { compareIds, type Hit } from "../../../core/ports.ts";
import { cosine } from "../../../core/vectors.ts";
import { needGroup } from "./change.ts";
import type { Row, Session } from "./session.ts";
import { vectorOf } from "./vectors.ts";

interface Found {
  key: number;
  id: string;
  score: number;
}

/** Exact cosine search over the searchable vectors of live owners. Cost: one scan of the group's vectors. */
export function search(
  session: Session,
  groupId: string,
  query: { of: "text_unit" | "entity"; vector: Float32Array; k: number },
): Hit[] {
  return session.read(() => {
    const group = needGroup(session, groupId);
    const dimension = query.of === "text_unit" ? group.unit_dimension : group.entity_dimension;
    if (dimension === null || query.k <= 0) return [];
    checkEmbedding(query.vector, dimension, "the query");
    const best: Found[] = [];
    const meter = hitMeter();
    let floor = Number.NEGATIVE_INFINITY;
    const rows = session.sql(query.of === "text_unit" ? UNITS : ENTITIES).iterate(group.g) as unknown as Iterable<Row>;
    for (const row of rows) {
      const score = cosine(query.vector, vectorOf(row.vector) as Float32Array);
      if (score < floor) continue;
      best.push({ key: row.key as number, id: row.id as string, score });
      // Kept loosely ordered: sorting at each hit would cost more than a little slack.
      if (best.length < 2 * query.k + 64) continue;
      best.sort(byScore).splice(query.k);
      floor = best.at(-1)?.score ?? floor;
    }
    return best
      .sort(byScore)
      .slice(0, query.k)
      .map((found) => meter(hit(session, group.g, query.of, found)));
  });
}

const UNITS = `SELECT v.key, u.id, v.vector FROM unit_vectors v CROSS JOIN text_units u WHERE v.g = ? AND u.key = v.key AND u.live = 1`;
const ENTITIES = `SELECT v.key, e.id, v.vector FROM entity_vectors v CROSS JOIN entities e WHERE v.g = ? AND e.key = v.key AND e.live = 1`;

function byScore(a: Found, b: Found): number {
  return b.score - a.score || compareIds(a.id, b.id);
}

function hit(session: Session, g: number, of: "text_unit" | "entity", { key, id, score }: Found): Hit {
  if (of === "entity") {
    return {
      id,
      score,
      text: session.get("SELECT name FROM entities WHERE key = ? AND g = ?", key, g)?.name as string,
      documents: [],
    };
  }
  const documents = session
    .all(
      "SELECT d.id FROM owners o CROSS JOIN documents d WHERE o.g = ? AND o.unit = ? AND d.key = o.document AND d.active = 1",
      g,
      key,
    )
    .map((row) => row.id as string)
    .sort(compareIds);
  return {
    id,
    score,
    text: session.get("SELECT text FROM texts WHERE key = ? AND g = ?", key, g)?.text as string,
    documents,
  };
}
