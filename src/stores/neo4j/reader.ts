import { documentSize, hitMeter } from "../../core/page.ts";
import { compareIds, type Hit } from "../../core/ports.ts";
import { cosine } from "../../core/vectors.ts";
import type { CollectionKind, DocumentRecord, GroupCounts } from "../../core/words.ts";
import type { Row } from "./connection.ts";
import { idFromKey } from "./shapes.ts";
import { type DocumentState, documentState, type Reading } from "./work.ts";

export async function documentRecords(r: Reading, states: DocumentState[]): Promise<DocumentRecord[]> {
  const keys = states.map((d) => r.documentKey(d.id));
  const counts = await r.each<{ id: unknown; count: number }>("countUnits", "ids", keys);
  const count = new Map(counts.map((row) => [idFromKey(row.id), row.count]));
  return states.map((d) => ({ ...d, textUnits: count.get(d.id) ?? 0 }));
}

/** Documents by id, asked for in parts that stay small while documents are large. */
export async function* documentStates(
  r: Reading,
  query: { status?: string; cursor?: string; limit: number },
): AsyncGenerator<DocumentState> {
  let cursor = query.cursor ?? "";
  let left = query.limit;
  for (let part = FIRST_PART; left > 0; ) {
    const limit = Math.min(left, part);
    const rows = await r.run<{ id: string; title: string | null; state: Row | null }>("documentsPage", {
      after: cursor,
      status: query.status ?? null,
      limit: r.int(limit),
    });
    const states = rows.map((row) => documentState(row.id, row.title, row.state));
    yield* states;
    const last = states.at(-1);
    if (states.length < limit || last === undefined) return;
    left -= limit;
    cursor = last.id;
    const size = states.reduce((sum, d) => sum + documentSize(d.title, d.metadata), 0);
    if (size < SMALL_PART && part < LAST_PART) part *= 4;
  }
}

const FIRST_PART = 101;
const LAST_PART = 1_000;
/** Characters of a part after which the next one may have more documents. */
const SMALL_PART = 262_144;

export async function countsOf(r: Reading, epoch: number): Promise<GroupCounts> {
  const documents = await r.run<{ status: string; count: number }>("countDocuments");
  const nodes = await r.run<{ kind: string; live: boolean; count: number; searchable: number; parked: number }>(
    "countNodes",
  );
  const [facts] = await r.run<{ count: number }>("countFacts");
  const [parked] = await r.run<{ count: number }>("countParked");
  const candidates = await r.run<{ kind: CollectionKind; count: number }>("countCandidates");
  const rows = async (kind: string) =>
    (await r.run<{ count: number }>("countRows", { kind, epoch: r.int(epoch) }))[0]?.count ?? 0;
  const of = (kind: string, live: boolean) =>
    nodes.filter((n) => n.kind === kind && n.live === live).reduce((sum, n) => sum + n.count, 0);
  const candidate = (kind: CollectionKind) => candidates.find((c) => c.kind === kind)?.count ?? 0;
  return {
    documents: {
      active: documents.find((d) => d.status === "active")?.count ?? 0,
      deprecated: documents.find((d) => d.status === "deprecated")?.count ?? 0,
    },
    textUnits: { live: of("unit", true), parked: of("unit", false) },
    entities: { live: of("entity", true), parked: of("entity", false) },
    relationships: { live: facts?.count ?? 0, parked: parked?.count ?? 0 },
    vectors: {
      searchable: nodes.reduce((sum, n) => sum + n.searchable, 0),
      parked: nodes.reduce((sum, n) => sum + n.parked, 0),
    },
    candidates: {
      orphan_entities: candidate("orphan_entities"),
      stale_edges: candidate("stale_edges"),
      deprecated_vectors: candidate("deprecated_vectors"),
    },
    similarityEdges: await rows("similarity"),
    communities: await rows("community"),
  };
}

/** Neo4j finds what is near; scores and ties are then told in doubles, as everywhere else. */
export async function search(
  r: Reading,
  query: { of: "text_unit" | "entity"; vector: Float32Array; k: number },
): Promise<Hit[]> {
  const name = query.of === "text_unit" ? "searchUnits" : "searchEntities";
  interface Found extends Row {
    id: unknown;
    near: number;
    vector: number[];
    text: string;
    owners: unknown[];
  }
  const ask = (limit: number) =>
    r.run<Found>(name, { vector: [...query.vector], dimension: r.int(query.vector.length), limit: r.int(limit) });
  if (query.k <= 0) return [];
  let limit = query.k + 16;
  let rows = await ask(limit);
  // Everything that is as near as the last one that counts, in single precision, must be compared.
  while (rows.length === limit && (rows.at(-1) as Found).near > (rows[query.k - 1] as Found).near - 1e-5) {
    limit *= 4;
    rows = await ask(limit);
  }
  const documents =
    query.of === "text_unit"
      ? await r.documents(rows.flatMap((row) => row.owners.map(idFromKey)))
      : new Map<string, DocumentState>();
  return rows
    .map((row) => ({
      id: idFromKey(row.id),
      score: cosine(query.vector, row.vector),
      text: row.text,
      documents: row.owners
        .map(idFromKey)
        .filter((id) => documents.get(id)?.status === "active")
        .sort(compareIds),
    }))
    .sort((a, b) => b.score - a.score || compareIds(a.id, b.id))
    .slice(0, query.k)
    .map(hitMeter());
}
