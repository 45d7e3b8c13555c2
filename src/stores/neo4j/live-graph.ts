import { entityHash, relationshipHash } from "../../core/canonical.ts";
import { compareIds, type LiveGraph } from "../../core/ports.ts";
import { idFromKey } from "./shapes.ts";
import type { Reading } from "./work.ts";

export async function readGraph(r: Reading, generation: number): Promise<LiveGraph> {
  interface Found {
    id: string;
    hash: bigint;
    vector: Float32Array | null;
  }
  const found: Found[] = [];
  const property = r.shapes.vectors("entity")[0];
  for await (const row of r.stream("scanEntities")) {
    if (row.live !== true) continue;
    const { name, type, description } = row as { name: string; type: string | null; description: string | null };
    const value = property === undefined ? null : (row.vectors as Record<string, number[] | null>)[property];
    found.push({
      id: idFromKey(row.id),
      hash: entityHash({ name: name ?? "", type, description }),
      vector: value ? Float32Array.from(value) : null,
    });
  }
  found.sort((a, b) => compareIds(a.id, b.id));
  const ids = found.map((f) => f.id);
  const index = new Map(ids.map((id, i) => [id, i]));
  const dimension = found.find((f) => f.vector)?.vector?.length ?? 0;
  const vectors = new Float32Array(ids.length * dimension);
  const hasVector = new Uint8Array(ids.length);
  found.forEach(({ vector }, i) => {
    if (vector?.length !== dimension || dimension === 0) return;
    vectors.set(vector, i * dimension);
    hasVector[i] = 1;
  });
  return {
    groupId: r.groupId,
    generation,
    ids,
    entityHashes: BigUint64Array.from(found, (f) => f.hash),
    dimension,
    vectors,
    hasVector,
    ...(await readFacts(r, index)),
  };
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
  const found: { id: string; node: number; hash: bigint; dimension: number | null }[] = [];
  for await (const row of r.tx.stream(entities, { group: r.groupId })) {
    const { name, type, description } = row as { name: string; type: string | null; description: string | null };
    found.push({
      id: idFromKey(row.id),
      node: row.node as number,
      hash: entityHash({ name: name ?? "", type, description }),
      dimension: row.dimension as number | null,
    });
  }
  found.sort((a, b) => compareIds(a.id, b.id));
  const ids = found.map((f) => f.id);
  const dimension = found.find((f) => f.dimension)?.dimension ?? 0;
  const graph: LiveGraph = {
    groupId: r.groupId,
    generation,
    ids,
    entityHashes: BigUint64Array.from(found, (f) => f.hash),
    dimension: 0,
    vectors: new Float32Array(0),
    hasVector: new Uint8Array(ids.length),
    ...(await readFacts(r, new Map(ids.map((id, i) => [id, i])))),
  };
  return {
    graph,
    nodes: new Map(found.map((f, i) => [f.node, i])),
    dimension,
    vectors: dimension === 0 ? 0 : found.filter((f) => f.dimension === dimension).length,
  };
}

type Facts = Pick<LiveGraph, "sources" | "targets" | "weights" | "relationshipHashes">;

/** Live facts between the entities of the index, in order of their ids. */
async function readFacts(r: Reading, index: Map<string, number>): Promise<Facts> {
  const facts: { id: string; source: number; target: number; weight: number; hash: bigint }[] = [];
  for await (const row of r.stream("scanFacts")) {
    if (row.endsLive !== true) continue;
    const source = index.get(idFromKey(row.source));
    const target = index.get(idFromKey(row.target));
    if (source === undefined || target === undefined) continue;
    const { type, description, weight } = row as { type: string; description: unknown; weight: unknown };
    const text = typeof description === "string" ? description : null;
    facts.push({
      id: String(row.id),
      source,
      target,
      weight: weightOf(weight),
      hash: relationshipHash({ type, description: text }),
    });
  }
  facts.sort((a, b) => compareIds(a.id, b.id));
  return {
    sources: Uint32Array.from(facts, (f) => f.source),
    targets: Uint32Array.from(facts, (f) => f.target),
    weights: Float64Array.from(facts, (f) => f.weight),
    relationshipHashes: BigUint64Array.from(facts, (f) => f.hash),
  };
}

function weightOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 1;
}
