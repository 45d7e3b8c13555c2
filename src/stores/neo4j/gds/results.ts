import type { EngineAnalytics } from "../../../core/ports.ts";
import type { Row } from "../connection.ts";
import { DAMPING } from "./configs.ts";

/** What the library answers, as columns over the entities. Rows of nodes that are not among them are passed over. */

/** Of each of the `n` entities the `k` nearest that are told; pairs that are told from either end or from both, each once. */
export async function similarityOf(
  rows: AsyncIterable<Row>,
  nodes: Map<number, number>,
  n: number,
  k: number,
): Promise<EngineAnalytics["similarity"]> {
  // Best first; -1 where there are no more.
  const nearest = new Int32Array(n * k).fill(-1);
  const cosines = new Float64Array(n * k);
  for await (const row of rows) {
    const source = nodes.get(row.source as number);
    const target = nodes.get(row.target as number);
    if (source === undefined || target === undefined) continue;
    const cosine = row.cosine as number;
    let p = (source + 1) * k;
    for (; p > source * k; p--) {
      const other = nearest[p - 1] as number;
      const known = cosines[p - 1] as number;
      if (other >= 0 && (known > cosine || (known === cosine && other < target))) break;
      if (p === (source + 1) * k) continue;
      nearest[p] = other;
      cosines[p] = known;
    }
    if (p === (source + 1) * k) continue;
    nearest[p] = target;
    cosines[p] = cosine;
  }
  const sources: number[] = [];
  const targets: number[] = [];
  const scores: number[] = [];
  for (let v = 0; v < n; v++) {
    for (let p = v * k; p < (v + 1) * k; p++) {
      const u = nearest[p] as number;
      if (u < 0) break;
      if (u < v && nearest.subarray(u * k, (u + 1) * k).includes(v)) continue; // Told by the other end.
      sources.push(v);
      targets.push(u);
      scores.push(cosines[p] as number);
    }
  }
  return {
    sources: Uint32Array.from(sources),
    targets: Uint32Array.from(targets),
    scores: Float64Array.from(scores),
  };
}

/** Levels of communities, finest first. Entities without an edge are no part of the joined graph: each is alone. */
export async function partitionsOf(
  rows: AsyncIterable<Row>,
  nodes: Map<number, number>,
  n: number,
): Promise<Int32Array[]> {
  const levels: { numbers: Map<number, number>; partition: Int32Array }[] = [];
  for await (const row of rows) {
    const v = nodes.get(row.node as number);
    if (v === undefined) continue;
    const communities = [...((row.levels as number[] | null) ?? [])];
    // The last level is the result; it is said once more in case no level is told.
    if (communities.at(-1) !== row.community) communities.push(row.community as number);
    for (const [l, community] of communities.entries()) {
      levels[l] ??= { numbers: new Map(), partition: new Int32Array(n).fill(-1) };
      const { numbers, partition } = levels[l];
      const number = numbers.get(community) ?? numbers.size;
      numbers.set(community, number);
      partition[v] = number;
    }
  }
  if (levels.length === 0) return [Int32Array.from({ length: n }, (_, v) => v)];
  for (const { numbers, partition } of levels) {
    let next = numbers.size;
    for (let v = 0; v < n; v++) if (partition[v] === -1) partition[v] = next++;
  }
  return levels.map((level) => level.partition);
}

/**
 * The library's scores are `(1 - d) + d * sum`, without a share of what nodes without edges hold. Divided by their sum they are
 * those of the built-in engine, which deals that share out evenly: both solve the same equations but for a factor.
 */
export async function scoresOf(rows: AsyncIterable<Row>, nodes: Map<number, number>, n: number): Promise<Float64Array> {
  const scores = new Float64Array(n).fill(1 - DAMPING);
  for await (const row of rows) {
    const v = nodes.get(row.node as number);
    if (v !== undefined) scores[v] = row.score as number;
  }
  let sum = 0;
  for (const score of scores) sum += score;
  return scores.map((score) => score / sum);
}

/** The smallest entity of each entity's component. */
export async function componentsOf(
  rows: AsyncIterable<Row>,
  nodes: Map<number, number>,
  n: number,
): Promise<Int32Array> {
  const component = new Map<number, number>();
  const smallest = new Map<number, number>();
  for await (const row of rows) {
    const v = nodes.get(row.node as number);
    if (v === undefined) continue;
    const number = row.component as number;
    component.set(v, number);
    smallest.set(number, Math.min(v, smallest.get(number) ?? v));
  }
  return Int32Array.from({ length: n }, (_, v) => smallest.get(component.get(v) ?? -1) ?? v);
}
