import type { SimilarityEdges } from "../algorithms/index.ts";
import { hash64, sha256 } from "../core/canonical.ts";
import type { LiveGraph } from "../core/ports.ts";
import type { Labels } from "./published-columns.ts";

/** What a run computed, in columns over the entities of the graph. */
export interface ComputedAnalytics {
  similarity: SimilarityEdges;
  /** Finest first; community of each entity, by the id with which it is published. */
  memberships: Labels[];
  communities: {
    id: string;
    level: number;
    parent: string | null;
    size: number;
    memberHash: string;
    edgeHash: string;
    textHash: string;
  }[];
  scores: Float64Array;
  components: Labels;
}

/**
 * Gives communities their published ids and three hashes each: of the members' ids, of the relationships inside (ends and
 * weight), and of the texts that a summary is written from (names, types and descriptions of members and of the
 * relationships inside).
 *
 * A hash is the sum modulo 2^64 of 64-bit hashes of its elements, so that it does not depend on their order and costs one
 * addition each; it is then hashed once more with the number of elements.
 */
export function hashCommunities(
  graph: LiveGraph,
  parts: { similarity: SimilarityEdges; levels: Float64Array[]; scores: Float64Array; components: Int32Array },
): ComputedAnalytics {
  const { ids } = graph;
  const memberHashes = BigUint64Array.from(ids, (id) => hash64(id));
  const edgeHashes = BigUint64Array.from(graph.sources, (source, e) =>
    hash64(`${ids[source]}\u0000${ids[graph.targets[e]!]}\u0000${graph.weights[e]}`),
  );
  const memberships: Labels[] = [];
  const communities: ComputedAnalytics["communities"] = [];
  for (const [level, numbers] of parts.levels.entries()) {
    const slots = new Map<number, number>();
    const slot = Int32Array.from(numbers, (number) => {
      const known = slots.get(number);
      if (known !== undefined) return known;
      slots.set(number, slots.size);
      return slots.size - 1;
    });
    const sums = Array.from({ length: 3 }, () => new BigUint64Array(slots.size));
    const [members, edges, texts] = sums as [BigUint64Array, BigUint64Array, BigUint64Array];
    const counts = Array.from({ length: 2 }, () => new Uint32Array(slots.size));
    const [size, inside] = counts as [Uint32Array, Uint32Array];
    const parent = new Array<string | null>(slots.size).fill(null);
    const above = parts.levels[level + 1];
    for (let v = 0; v < ids.length; v++) {
      const c = slot[v]!;
      members[c] = members[c]! + memberHashes[v]!;
      texts[c] = texts[c]! + graph.entityHashes[v]!;
      size[c]!++;
      if (above) parent[c] = communityId(level + 1, above[v]!);
    }
    for (let e = 0; e < graph.sources.length; e++) {
      const c = slot[graph.sources[e]!]!;
      if (c !== slot[graph.targets[e]!]!) continue;
      edges[c] = edges[c]! + edgeHashes[e]!;
      texts[c] = texts[c]! + graph.relationshipHashes[e]! * 3n;
      inside[c]!++;
    }
    for (const [number, c] of slots) {
      communities.push({
        id: communityId(level, number),
        level,
        parent: parent[c]!,
        size: size[c]!,
        memberHash: finish(members[c]!, size[c]!),
        edgeHash: finish(edges[c]!, inside[c]!),
        textHash: finish(texts[c]!, size[c]! + inside[c]!),
      });
    }
    memberships.push({ names: Array.from(slots.keys(), (number) => communityId(level, number)), of: slot });
  }
  return {
    similarity: parts.similarity,
    memberships,
    communities,
    scores: parts.scores,
    components: componentsOf(ids, parts.components),
  };
}

function componentsOf(ids: string[], smallest: Int32Array): Labels {
  const numbers = new Map<number, number>();
  const names: string[] = [];
  const of = smallest.map((v) => {
    const known = numbers.get(v);
    if (known !== undefined) return known;
    numbers.set(v, names.length);
    return names.push(componentName(ids[v]!)) - 1;
  });
  return { names, of };
}

function communityId(level: number, number: number): string {
  return `${level}-${number}`;
}

/** The level that an id of ours names, also when the community is gone; NaN for an id of another form. */
export function levelOfCommunity(id: string): number {
  return /^\d+-/.test(id) ? Number.parseInt(id, 10) : Number.NaN;
}

/**
 * Named after its smallest entity, so that the name stays from run to run, but by a hash: once that entity is purged, its id must
 * not stand in the rows of all others until the next recompute.
 */
function componentName(smallest: string): string {
  return sha256(smallest).slice(0, 16);
}

function finish(sum: bigint, count: number): string {
  return sha256(`${sum}:${count}`).slice(0, 16);
}
