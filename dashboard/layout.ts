export interface Point {
  x: number;
  y: number;
}

/** Rounds of the simulation; beyond that nothing moves that one would see. */
const ROUNDS = 200;

/**
 * Places for nodes so that linked ones are near and others are not: Fruchterman and Reingold (1991), from a spiral, so that the
 * same graph always looks the same.
 *
 * Cost: rounds × nodes²; 150 nodes take some 50 ms.
 */
export function layout(nodes: number, edges: readonly { source: number; target: number }[]): Point[] {
  const points = Array.from({ length: nodes }, (_, i): Point => {
    // The golden angle: no two begin at the same place.
    const [radius, angle] = [Math.sqrt(i), i * 2.399963];
    return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
  });
  for (let round = 0; round < ROUNDS; round++) {
    const step = 1 - round / ROUNDS;
    const moves = points.map((): Point => ({ x: 0, y: 0 }));
    const push = (i: number, j: number, force: (distance: number) => number) => {
      const [a, b] = [points[i]!, points[j]!];
      const [dx, dy] = [a.x - b.x, a.y - b.y];
      const distance = Math.max(0.01, Math.hypot(dx, dy));
      const share = force(distance) / distance;
      moves[i]!.x += dx * share;
      moves[i]!.y += dy * share;
      moves[j]!.x -= dx * share;
      moves[j]!.y -= dy * share;
    };
    for (let i = 0; i < nodes; i++) for (let j = 0; j < i; j++) push(i, j, (distance) => 1 / distance);
    for (const { source, target } of edges) if (source !== target) push(source, target, (d) => -(d * d));
    for (let i = 0; i < nodes; i++) {
      const { x, y } = moves[i]!;
      const length = Math.max(0.01, Math.hypot(x, y));
      const most = Math.min(length, step) / length;
      points[i]!.x += x * most;
      points[i]!.y += y * most;
    }
  }
  return points;
}
