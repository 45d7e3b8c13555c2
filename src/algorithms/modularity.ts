import type { CsrGraph } from "./csr.ts";

/**
 * Newman's modularity with a resolution: sum over communities of `inside/2m - resolution * (strength/2m)^2`.
 *
 * Shape: `membership[v]` is the community of node v, any number from 0 up. A graph without edges has modularity 0.
 * Cost: O(n + m). Source: Newman (2004), Reichardt and Bornholdt (2006); equals networkx and igraph.
 */
export function modularity(graph: CsrGraph, membership: ArrayLike<number>, resolution = 1): number {
  const { n, offsets, targets, weights } = graph;
  let communities = 0;
  for (let v = 0; v < n; v++) if (membership[v]! >= communities) communities = membership[v]! + 1;
  const total = new Float64Array(communities);
  let inside = 0;
  let all = 0;
  for (let v = 0; v < n; v++) {
    const c = membership[v]!;
    let strength = 0;
    for (let p = offsets[v]!, end = offsets[v + 1]!; p < end; p++) {
      strength += weights[p]!;
      if (membership[targets[p]!] === c) inside += weights[p]!;
    }
    total[c]! += strength;
    all += strength;
  }
  if (all === 0) return 0;
  let expected = 0;
  for (let c = 0; c < communities; c++) expected += (total[c]! / all) ** 2;
  return inside / all - resolution * expected;
}

/**
 * The communities that are not connected inside themselves, ascending. Leiden promises that there are none.
 *
 * Cost: O(n + m).
 */
export function disconnectedCommunities(graph: CsrGraph, membership: ArrayLike<number>): number[] {
  const { n } = graph;
  const pieces = connectedPieces(graph, membership);
  const owner = new Map<number, number>();
  const bad = new Set<number>();
  for (let v = 0; v < n; v++) {
    const c = membership[v]!;
    const first = owner.get(c);
    if (first === undefined) owner.set(c, pieces[v]!);
    else if (first !== pieces[v]) bad.add(c);
  }
  return [...bad].sort((a, b) => a - b);
}

/** Cuts each community into its connected pieces, numbered in order of their smallest node. O(n + m). */
export function connectedPieces(graph: Omit<CsrGraph, "weights">, membership: ArrayLike<number>): Int32Array {
  const { n, offsets, targets } = graph;
  const piece = new Int32Array(n).fill(-1);
  const stack = new Uint32Array(n);
  let pieces = 0;
  for (let start = 0; start < n; start++) {
    if (piece[start]! >= 0) continue;
    const c = membership[start]!;
    piece[start] = pieces;
    stack[0] = start;
    let height = 1;
    while (height > 0) {
      const v = stack[--height]!;
      for (let p = offsets[v]!, end = offsets[v + 1]!; p < end; p++) {
        const u = targets[p]!;
        if (piece[u]! < 0 && membership[u] === c) {
          piece[u] = pieces;
          stack[height++] = u;
        }
      }
    }
    pieces++;
  }
  return piece;
}
