import { byEnds, byEntity, byId, byLevelAndEntity, byLevelAndId } from "../../core/order.ts";
import { compareIds, type StoredRecord, type StoredVector } from "../../core/ports.ts";
import type { CollectionKind, Presence } from "../../core/words.ts";
import { readCommunities } from "./acknowledged.ts";
import { publishedMemberships, publishedRanks, publishedSimilarity } from "./analytics.ts";
import { documentStates } from "./reader.ts";
import { idFromKey, type NodeKind, PARKED_VECTOR } from "./shapes.ts";
import type { Spool } from "./spool.ts";
import type { Reading } from "./work.ts";

type Of<K extends StoredRecord["kind"]> = Extract<StoredRecord, { kind: K }>;

const reader =
  (into: Spool<StoredRecord>) =>
  <T extends StoredRecord>(rows: AsyncIterable<T>, order: (a: T, b: T) => number) =>
    into.read(rows, order as (a: StoredRecord, b: StoredRecord) => number);

/** Reads every record of the group, in the order that the port names. */
export async function readRecords(r: Reading, into: Spool<StoredRecord>, facts: boolean, epoch: number): Promise<void> {
  const read = reader(into);
  await read(documents(r), byId);
  await read(textUnits(r), byId);
  const candidates: Record<string, Set<string>> = {};
  for await (const { kind, id } of r.stream("allCandidates")) {
    const ids = candidates[kind as string] ?? new Set();
    candidates[kind as string] = ids.add(id as string);
  }
  await read(entities(r, candidates), byId);
  await read(mentions(r), (a, b) => compareIds(a.textUnit, b.textUnit) || compareIds(a.entity, b.entity));
  await read(relationships(r, candidates), byId);
  if (!facts) await readAnalytics(r, into, epoch);
}

/** Reads what is published. */
export async function readAnalytics(r: Reading, into: Spool<StoredRecord>, epoch: number): Promise<void> {
  const read = reader(into);
  await read(each("similarity", publishedSimilarity(r, epoch)), byEnds);
  const communities = (await readCommunities(r, epoch)).map((community) => ({ kind: "community" as const, community }));
  await read(each("community", communities), (a, b) => byLevelAndId(a.community, b.community));
  await read(each("membership", publishedMemberships(r, epoch)), byLevelAndEntity);
  await read(each("rank", publishedRanks(r, epoch)), byEntity);
}

async function* each<K extends string, T extends object>(
  kind: K,
  rows: Iterable<T> | AsyncIterable<T>,
): AsyncGenerator<T & { kind: K }> {
  for await (const row of rows) yield { kind, ...row };
}

async function* documents(r: Reading): AsyncGenerator<Of<"document">> {
  const states = documentStates(r, { limit: Number.MAX_SAFE_INTEGER });
  for await (const { createdAt: _c, deprecatedAt: _d, ...document } of states) yield { kind: "document", ...document };
}

async function* textUnits(r: Reading): AsyncGenerator<Of<"text_unit">> {
  for await (const row of r.stream("scanUnits")) {
    yield {
      kind: "text_unit",
      id: idFromKey(row.id),
      documents: (row.owners as unknown[]).map(idFromKey).sort(compareIds),
      text: row.text as string,
      presence: presence(row.live),
      vector: vectorOf(r, "unit", row),
    };
  }
}

async function* entities(r: Reading, candidates: Record<string, Set<string>>): AsyncGenerator<Of<"entity">> {
  const kinds: CollectionKind[] = ["orphan_entities", "deprecated_vectors"];
  for await (const row of r.stream("scanEntities")) {
    const id = idFromKey(row.id);
    yield {
      kind: "entity",
      id,
      name: row.name as string,
      type: row.type as string | null,
      description: row.description as string | null,
      presence: presence(row.live),
      vector: vectorOf(r, "entity", row),
      everMentioned: row.everMentioned === true,
      ...(r.shapes.profile.mentions.trust === "complete" && row.cut !== true ? {} : { kept: true as const }),
      createdAt: (row.createdAt as number | null) ?? 0,
      candidate: kinds.filter((kind) => candidates[kind]?.has(id)),
    };
  }
}

async function* mentions(r: Reading): AsyncGenerator<Of<"mention">> {
  for await (const row of r.stream("scanMentions"))
    yield { kind: "mention", textUnit: idFromKey(row.unit), entity: idFromKey(row.entity) };
}

async function* relationships(r: Reading, candidates: Record<string, Set<string>>): AsyncGenerator<Of<"relationship">> {
  const { imports, relationships: shape } = r.shapes.profile;
  const byDocuments = shape.support.by === "documents";
  for (const name of ["scanFacts", "scanParked"] as const) {
    for await (const row of r.stream(name)) {
      const id = String(row.id);
      const support = row.support as string[] | null | undefined;
      // An empty list tells of a writer nothing; in our own shapes, that nothing is left.
      const named = support && (imports || support.length > 0) ? [...new Set(support)].sort(compareIds) : null;
      yield {
        kind: "relationship",
        id,
        source: idFromKey(row.source),
        target: idFromKey(row.target),
        type: row.type as string,
        description: typeof row.description === "string" ? row.description : null,
        weight: typeof row.weight === "number" ? row.weight : 1,
        textUnits: byDocuments ? null : named,
        ...(byDocuments && named ? { documents: named } : {}),
        ...(row.cut === true ? { kept: true as const } : {}),
        presence: presence(name === "scanFacts"),
        candidate: candidates.stale_edges?.has(id) ?? false,
      };
    }
  }
}

function vectorOf(r: Reading, kind: NodeKind, row: Record<string, unknown>): StoredVector | null {
  const property = r.shapes.vectors(kind)[0];
  if (property === undefined) return null;
  const all = row.vectors as Record<string, number[] | null>;
  const searchable = all[property];
  // Under label a hidden vector stays in its place: readers filter by the label.
  const seen = r.shapes.mode !== "label" || row.live === true;
  if (searchable) return { values: Float32Array.from(searchable), place: seen ? "searchable" : "parked" };
  const parked = all[PARKED_VECTOR + property];
  return parked ? { values: Float32Array.from(parked), place: "parked" } : null;
}

const presence = (live: unknown): Presence => (live === true ? "live" : "parked");
