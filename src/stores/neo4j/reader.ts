import { compareIds, type Hit, type StoredRecord, type StoredVector } from "../../core/ports.ts";
import { cosine } from "../../core/vectors.ts";
import type { CollectionKind, DocumentRecord, GroupCounts, Presence } from "../../core/words.ts";
import { readPublished } from "./analytics.ts";
import type { Row } from "./connection.ts";
import { idFromKey, type NodeKind, PARKED_VECTOR } from "./shapes.ts";
import { type DocumentState, documentState, type Reading } from "./work.ts";

export async function documentRecords(r: Reading, states: DocumentState[]): Promise<DocumentRecord[]> {
  const keys = states.map((d) => r.documentKey(d.id));
  const counts = await r.each<{ id: unknown; count: number }>("countUnits", "ids", keys);
  const count = new Map(counts.map((row) => [idFromKey(row.id), row.count]));
  return states.map((d) => ({ ...d, textUnits: count.get(d.id) ?? 0 }));
}

export async function documentsPage(
  r: Reading,
  query: { status?: string; cursor?: string; limit: number },
): Promise<DocumentState[]> {
  const rows = await r.run<{ id: string; title: string | null; state: Row | null }>("documentsPage", {
    after: query.cursor ?? "",
    status: query.status ?? null,
    limit: r.int(query.limit),
  });
  return rows.map((row) => documentState(row.id, row.title, row.state));
}

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
    .slice(0, query.k);
}

function vectorOf(r: Reading, kind: NodeKind, vectors: unknown): StoredVector | null {
  const property = r.shapes.vectors(kind)[0];
  if (property === undefined) return null;
  const all = vectors as Record<string, number[] | null>;
  const searchable = all[property];
  if (searchable) return { values: Float32Array.from(searchable), place: "searchable" };
  const parked = all[PARKED_VECTOR + property];
  return parked ? { values: Float32Array.from(parked), place: "parked" } : null;
}

const presence = (live: unknown): Presence => (live === true ? "live" : "parked");

/** Every record of the group, in the order that the port names. */
export async function allRecords(r: Reading, facts: boolean, epoch: number): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  const append = <T extends StoredRecord>(rows: T[], order: (a: T, b: T) => number) => {
    for (const row of rows.sort(order)) records.push(row);
  };
  const byId = (a: { id: string }, b: { id: string }) => compareIds(a.id, b.id);

  const documents: DocumentState[] = [];
  for (let cursor = ""; ; ) {
    const page = await documentsPage(r, { cursor, limit: 1_000 });
    documents.push(...page);
    if (page.length < 1_000) break;
    cursor = (page.at(-1) as DocumentState).id;
  }
  append(
    documents.map(({ createdAt: _c, deprecatedAt: _d, ...document }) => ({ kind: "document" as const, ...document })),
    byId,
  );

  const units: Extract<StoredRecord, { kind: "text_unit" }>[] = [];
  for await (const row of r.stream("scanUnits")) {
    units.push({
      kind: "text_unit",
      id: idFromKey(row.id),
      documents: (row.owners as unknown[]).map(idFromKey).sort(compareIds),
      text: row.text as string,
      presence: presence(row.live),
      vector: vectorOf(r, "unit", row.vectors),
    });
  }
  append(units, byId);

  const candidates: Record<string, Set<string>> = {
    orphan_entities: new Set(),
    stale_edges: new Set(),
    deprecated_vectors: new Set(),
  };
  for (const row of await r.run<{ kind: string; id: string }>("allCandidates")) candidates[row.kind]?.add(row.id);
  const entities: Extract<StoredRecord, { kind: "entity" }>[] = [];
  for await (const row of r.stream("scanEntities")) {
    const id = idFromKey(row.id);
    entities.push({
      kind: "entity",
      id,
      name: row.name as string,
      type: row.type as string | null,
      description: row.description as string | null,
      presence: presence(row.live),
      vector: vectorOf(r, "entity", row.vectors),
      everMentioned: row.everMentioned === true,
      createdAt: (row.createdAt as number | null) ?? 0,
      candidate: (["orphan_entities", "deprecated_vectors"] as const).filter((kind) => candidates[kind]?.has(id)),
    });
  }
  append(entities, byId);

  const mentions: Extract<StoredRecord, { kind: "mention" }>[] = [];
  for await (const row of r.stream("scanMentions"))
    mentions.push({ kind: "mention", textUnit: idFromKey(row.unit), entity: idFromKey(row.entity) });
  append(mentions, (a, b) => compareIds(a.textUnit, b.textUnit) || compareIds(a.entity, b.entity));

  const relationships: Extract<StoredRecord, { kind: "relationship" }>[] = [];
  for (const [name, live] of [
    ["scanFacts", true],
    ["scanParked", false],
  ] as const) {
    for await (const row of r.stream(name)) {
      const id = String(row.id);
      relationships.push({
        kind: "relationship",
        id,
        source: idFromKey(row.source),
        target: idFromKey(row.target),
        type: row.type as string,
        description: typeof row.description === "string" ? row.description : null,
        weight: typeof row.weight === "number" ? row.weight : 1,
        textUnits:
          row.support === null || row.support === undefined ? null : [...(row.support as string[])].sort(compareIds),
        presence: live ? "live" : "parked",
        candidate: candidates.stale_edges?.has(id) ?? false,
      });
    }
  }
  append(relationships, byId);
  if (facts) return records;
  const published = await readPublished(r, epoch);
  for (const row of published.similarity) records.push({ kind: "similarity", a: row.a, b: row.b, score: row.score });
  for (const community of published.communities) records.push({ kind: "community", community });
  for (const row of published.memberships) records.push({ kind: "membership", ...row });
  for (const row of published.ranks) records.push({ kind: "rank", ...row });
  return records;
}
