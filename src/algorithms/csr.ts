/**
 * An undirected weighted graph in compressed sparse rows.
 *
 * Shape: the neighbours of node `v` are `targets[offsets[v] .. offsets[v+1])`, ascending and distinct, with `weights` beside
 * them. Each edge {a, b} stands in both rows. A self-loop of weight w stands once, with 2w, so that a row's sum is the
 * node's strength and all weights together are 2m.
 */
export interface CsrGraph {
  readonly n: number;
  /** n + 1 entries. */
  readonly offsets: Uint32Array;
  readonly targets: Uint32Array;
  readonly weights: Float64Array;
}

export type NodeIndices = Uint32Array | Int32Array;

/**
 * Builds the graph from an edge list; parallel edges (in either direction) are merged by summing their weights.
 *
 * Shape: `sources`, `targets` and `weights` (1 when absent; finite and above 0) are equally long.
 * Cost: O(n + m) time; at its peak 24 bytes per half-edge.
 * @throws RangeError for a node outside 0..n-1, an unusable weight or unequal lengths.
 */
export function csrFromEdges(n: number, sources: NodeIndices, targets: NodeIndices, weights?: Float64Array): CsrGraph {
  const m = sources.length;
  if (targets.length !== m || (weights !== undefined && weights.length !== m)) {
    throw new RangeError("sources, targets and weights differ in length");
  }
  const starts = new Uint32Array(n + 1);
  for (let e = 0; e < m; e++) {
    const a = sources[e]!;
    const b = targets[e]!;
    if (a < 0 || a >= n || b < 0 || b >= n) throw new RangeError(`edge ${e} joins ${a} and ${b}, outside 0..${n - 1}`);
    if (weights !== undefined && !(weights[e]! > 0 && weights[e]! < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`edge ${e} has the weight ${weights[e]}`);
    }
    starts[a + 1]!++;
    if (a !== b) starts[b + 1]!++;
  }
  for (let v = 0; v < n; v++) starts[v + 1]! += starts[v]!;
  const halves = starts[n]!;
  const unsortedTargets = new Uint32Array(halves);
  const unsortedWeights = new Float64Array(halves);
  const next = starts.slice(0, n);
  for (let e = 0; e < m; e++) {
    const a = sources[e]!;
    const b = targets[e]!;
    const w = weights === undefined ? 1 : weights[e]!;
    const p = next[a]!++;
    unsortedTargets[p] = b;
    unsortedWeights[p] = a === b ? 2 * w : w;
    if (a !== b) {
      const q = next[b]!++;
      unsortedTargets[q] = a;
      unsortedWeights[q] = w;
    }
  }
  // The matrix is symmetric, so transposing it once leaves the same graph with ascending rows, in linear time.
  const sortedTargets = new Uint32Array(halves);
  const sortedWeights = new Float64Array(halves);
  next.set(starts.subarray(0, n));
  for (let v = 0; v < n; v++) {
    for (let p = starts[v]!, end = starts[v + 1]!; p < end; p++) {
      const q = next[unsortedTargets[p]!]!++;
      sortedTargets[q] = v;
      sortedWeights[q] = unsortedWeights[p]!;
    }
  }
  return mergeParallel(n, starts, sortedTargets, sortedWeights);
}

/** Merges equal neighbours that stand side by side in ascending rows; works in place and cuts the arrays to size. */
function mergeParallel(n: number, starts: Uint32Array, targets: Uint32Array, weights: Float64Array): CsrGraph {
  const offsets = new Uint32Array(n + 1);
  let q = 0;
  for (let v = 0; v < n; v++) {
    const rowStart = q;
    for (let p = starts[v]!, end = starts[v + 1]!; p < end; p++) {
      if (q > rowStart && targets[q - 1] === targets[p]) {
        weights[q - 1]! += weights[p]!;
      } else {
        targets[q] = targets[p]!;
        weights[q] = weights[p]!;
        q++;
      }
    }
    offsets[v + 1] = q;
  }
  if (q === targets.length) return { n, offsets, targets, weights };
  return { n, offsets, targets: targets.slice(0, q), weights: weights.slice(0, q) };
}

/** The strength of each node: the sum of its row (a self-loop counts twice). */
export function strengths(graph: CsrGraph): Float64Array {
  const { n, offsets, weights } = graph;
  const result = new Float64Array(n);
  for (let v = 0; v < n; v++) {
    let sum = 0;
    for (let p = offsets[v]!, end = offsets[v + 1]!; p < end; p++) sum += weights[p]!;
    result[v] = sum;
  }
  return result;
}

/** The distinct edges a ≤ b of the graph, ascending; a self-loop has its plain weight again. */
export function edgesOf(graph: CsrGraph): { sources: Uint32Array; targets: Uint32Array; weights: Float64Array } {
  const { n, offsets, targets, weights } = graph;
  let count = 0;
  for (let v = 0; v < n; v++) {
    for (let p = offsets[v]!, end = offsets[v + 1]!; p < end; p++) if (targets[p]! >= v) count++;
  }
  const result = {
    sources: new Uint32Array(count),
    targets: new Uint32Array(count),
    weights: new Float64Array(count),
  };
  let e = 0;
  for (let v = 0; v < n; v++) {
    for (let p = offsets[v]!, end = offsets[v + 1]!; p < end; p++) {
      const u = targets[p]!;
      if (u < v) continue;
      result.sources[e] = v;
      result.targets[e] = u;
      result.weights[e] = u === v ? weights[p]! / 2 : weights[p]!;
      e++;
    }
  }
  return result;
}
