import { entityHash, relationshipHash } from "../../core/canonical.ts";
import { byId } from "../../core/order.ts";
import type { LiveGraph } from "../../core/ports.ts";
import type { Row } from "./connection.ts";
import { idFromKey } from "./shapes.ts";
import { Spool } from "./spool.ts";
import type { Reading } from "./work.ts";

/** What is read of an entity, sorted outside of memory: the columns are then filled in place, and nothing else is held. */
interface Found {
  id: string;
  hash: bigint;
}

/** The rows in order of their ids; `fill` is told first how many there are. */
async function inOrder<T extends { id: string }>(
  rows: AsyncIterable<T>,
  fill: (count: number) => (row: T, i: number) => void,
): Promise<void> {
  const spool = new Spool<T>();
  try {
    await spool.read(rows, byId);
    const put = fill(spool.size);
    let i = 0;
    for await (const chunk of spool) for (const row of chunk) put(row, i++);
  } finally {
    await spool.close();
  }
}

function found(row: Row): Found {
  const { name, type, description } = row as unknown as {
    name: string;
    type: string | null;
    description: string | null;
  };
  return { id: idFromKey(row.id), hash: entityHash({ name: name ?? "", type, description }) };
}

async function* liveEntities(r: Reading): AsyncGenerator<Found & { vector: Float32Array | null }> {
  const property = r.shapes.vectors("entity")[0];
  for await (const row of r.stream("scanEntities")) {
    if (row.live !== true) continue;
    const value = property === undefined ? null : (row.vectors as Record<string, number[] | null>)[property];
    yield { ...found(row), vector: value ? Float32Array.from(value) : null };
  }
}

export async function readGraph(r: Reading, generation: number): Promise<LiveGraph> {
  const ids: string[] = [];
  let entityHashes = new BigUint64Array(0);
  let dimension = 0;
  let vectors = new Float32Array(0);
  let hasVector = new Uint8Array(0);
  await inOrder(liveEntities(r), (count) => {
    entityHashes = new BigUint64Array(count);
    hasVector = new Uint8Array(count);
    return ({ id, hash, vector }, i) => {
      ids.push(id);
      entityHashes[i] = hash;
      if (vector === null || vector.length === 0) return;
      if (dimension === 0) {
        dimension = vector.length;
        vectors = new Float32Array(count * dimension);
      }
      if (vector.length !== dimension) return;
      vectors.set(vector, i * dimension);
      hasVector[i] = 1;
    };
  });
  const facts = await readFacts(r, new Map(ids.map((id, i) => [id, i])));
  return { groupId: r.groupId, generation, ids, entityHashes, dimension, vectors, hasVector, ...facts };
}

export interface ProjectableGraph {
  /** Without vectors: `dimension` 0. */
  graph: LiveGraph;
  /** Index of the entity of each node, by Neo4j's internal number, which is what the Graph Data Science library answers with. */
  nodes: Map<number, number>;
  /** Of the vectors that are projected; 0 when no live entity has one. */
  dimension: number;
  /** How many entities have a vector of that dimension. */
  vectors: number;
}

/** The live graph for an engine that reads the vectors itself. */
export async function readProjectableGraph(
  r: Reading,
  generation: number,
  entities: string,
): Promise<ProjectableGraph> {
  async function* live(): AsyncGenerator<Found & { node: number; size: number | null }> {
    for await (const row of r.tx.stream(entities, { group: r.groupId }))
      yield { ...found(row), node: row.node as number, size: row.dimension as number | null };
  }
  const ids: string[] = [];
  const nodes = new Map<number, number>();
  const sizes = new Map<number, number>();
  let entityHashes = new BigUint64Array(0);
  let dimension = 0;
  await inOrder(live(), (count) => {
    entityHashes = new BigUint64Array(count);
    return ({ id, hash, node, size }, i) => {
      ids.push(id);
      entityHashes[i] = hash;
      nodes.set(node, i);
      if (!size) return;
      if (dimension === 0) dimension = size;
      sizes.set(size, (sizes.get(size) ?? 0) + 1);
    };
  });
  const graph: LiveGraph = {
    groupId: r.groupId,
    generation,
    ids,
    entityHashes,
    dimension: 0,
    vectors: new Float32Array(0),
    hasVector: new Uint8Array(ids.length),
    ...(await readFacts(r, new Map(ids.map((id, i) => [id, i])))),
  };
  return { graph, nodes, dimension, vectors: sizes.get(dimension) ?? 0 };
}

type Facts = Pick<LiveGraph, "sources" | "targets" | "weights" | "relationshipHashes">;

interface Fact {
  id: string;
  source: number;
  target: number;
  weight: number;
  hash: bigint;
}

async function* liveFacts(r: Reading, index: Map<string, number>): AsyncGenerator<Fact> {
  for await (const row of r.stream("scanFacts")) {
    if (row.endsLive !== true) continue;
    const source = index.get(idFromKey(row.source));
    const target = index.get(idFromKey(row.target));
    if (source === undefined || target === undefined) continue;
    const { type, description, weight } = row as { type: string; description: unknown; weight: unknown };
    const text = typeof description === "string" ? description : null;
    const hash = relationshipHash({ type, description: text });
    yield { id: String(row.id), source, target, weight: weightOf(weight), hash };
  }
}

/** Live facts between the entities of the index, in order of their ids. */
async function readFacts(r: Reading, index: Map<string, number>): Promise<Facts> {
  let columns: Facts | undefined;
  await inOrder(liveFacts(r, index), (count) => {
    const sources = new Uint32Array(count);
    const targets = new Uint32Array(count);
    const weights = new Float64Array(count);
    const relationshipHashes = new BigUint64Array(count);
    columns = { sources, targets, weights, relationshipHashes };
    return ({ source, target, weight, hash }, i) => {
      sources[i] = source;
      targets[i] = target;
      weights[i] = weight;
      relationshipHashes[i] = hash;
    };
  });
  return columns as Facts;
}

function weightOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 1;
}
