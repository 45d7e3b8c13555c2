import { entityHash, relationshipHash } from "../../../core/canonical.ts";
import type { LiveGraph } from "../../../core/ports.ts";
import { type GroupRow, needGroup } from "./change.ts";
import type { Row, Session } from "./session.ts";
import { vectorOf } from "./vectors.ts";

/** The live graph in columns, in one snapshot. Cost: one pass over entities, their vectors, and relationships. */
export function readGraph(session: Session, groupId: string): LiveGraph {
  return session.read(() => {
    const group = needGroup(session, groupId);
    const { ids, entityHashes, index } = readEntities(session, group);
    return {
      groupId,
      generation: group.generation,
      ids,
      entityHashes,
      ...readVectors(session, group, index),
      ...readRelationships(session, group, index),
    };
  });
}

function readEntities(session: Session, group: GroupRow) {
  const ids: string[] = [];
  const index = new Map<number, number>();
  const hashes = new Column(BigUint64Array, group.entities_live);
  for (const row of iterate(
    session,
    "SELECT key, id, name, type, description FROM entities WHERE g = ? AND live = 1 ORDER BY id",
    group.g,
  )) {
    index.set(row.key as number, ids.length);
    ids.push(row.id as string);
    hashes.push(
      entityHash({
        name: row.name as string,
        type: row.type as string | null,
        description: row.description as string | null,
      }),
    );
  }
  return { ids, index, entityHashes: hashes.values() };
}

function readVectors(session: Session, group: GroupRow, index: Map<number, number>) {
  let dimension = 0;
  let vectors = new Float32Array(0);
  const hasVector = new Uint8Array(index.size);
  for (const row of iterate(session, "SELECT key, vector FROM entity_vectors WHERE g = ?", group.g)) {
    const i = index.get(row.key as number);
    // The vector of a parked entity that waits for its collection.
    if (i === undefined) continue;
    const vector = vectorOf(row.vector) as Float32Array;
    if (dimension === 0) {
      dimension = vector.length;
      vectors = new Float32Array(index.size * dimension);
    }
    vectors.set(vector, i * dimension);
    hasVector[i] = 1;
  }
  return { dimension, vectors, hasVector };
}

function readRelationships(session: Session, group: GroupRow, index: Map<number, number>) {
  const sources = new Column(Uint32Array, group.relationships_live);
  const targets = new Column(Uint32Array, group.relationships_live);
  const weights = new Column(Float64Array, group.relationships_live);
  const hashes = new Column(BigUint64Array, group.relationships_live);
  // Most relationships have no description, and there are few types.
  const hashOfType = new Map<string, bigint>();
  for (const row of iterate(
    session,
    "SELECT source, target, weight, type, description FROM relationships WHERE g = ? AND live = 1 ORDER BY id",
    group.g,
  )) {
    const source = index.get(row.source as number);
    const target = index.get(row.target as number);
    // An end that is parked, while the relationship waits for its collection.
    if (source === undefined || target === undefined) continue;
    const type = row.type as string;
    const description = row.description as string | null;
    let hash = description === null ? hashOfType.get(type) : undefined;
    if (hash === undefined) {
      hash = relationshipHash({ type, description });
      if (description === null) hashOfType.set(type, hash);
    }
    sources.push(source);
    targets.push(target);
    weights.push(row.weight as number);
    hashes.push(hash);
  }
  return {
    sources: sources.values(),
    targets: targets.values(),
    weights: weights.values(),
    relationshipHashes: hashes.values(),
  };
}

type Typed = Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>;

/** A typed array that grows; with the right first size it is filled once and never copied. */
class Column<T extends Typed> {
  readonly #type: new (
    length: number,
  ) => T;
  #values: T;
  #length = 0;

  constructor(type: new (length: number) => T, size: number) {
    this.#type = type;
    this.#values = new type(size);
  }

  push(value: T[number]): void {
    if (this.#length === this.#values.length) {
      const larger = new this.#type(Math.max(1_024, 2 * this.#length));
      larger.set(this.#values as never);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  values(): T {
    if (this.#length === this.#values.length) return this.#values;
    return this.#values.slice(0, this.#length) as T;
  }
}

function iterate(session: Session, sql: string, g: number): Iterable<Row> {
  return session.sql(sql).iterate(g) as unknown as Iterable<Row>;
}
