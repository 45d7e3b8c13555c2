import type { CommunityLevel } from "./community-level.ts";
import { type Control, stopIfAsked } from "./control.ts";

/** Relative to a node's strength; smaller gains are rounding noise. */
const NOISE = 1e-10;
/**
 * Shares of its strength that a node must gain to leave others. Nodes between two communities would otherwise swing with
 * every change nearby. Measured on 50 changes of 0.1 % each and the refresh that then follows (LFR, 100 k nodes): 98 to 100 %
 * instead of 94 to 95 % of the communities stay as they are per change and 96 instead of 67 % in the refresh, at the same
 * modularity within 0.01 %. On R-MAT, where hardly anything holds nodes together, 0.05 in a refresh would cost 0.3 %.
 */
export const LEAVE_ABOVE = { update: 0.1, refresh: 0.01 } as const;
/** Nodes looked at between two polls for cancellation. */
const POLL = 2048;

/** Working memory, reused from node to node and from batch to batch: all zero between calls. */
export class Scratch {
  /** Weight from the node at hand to each community, and the communities that have one. */
  weight = new Float64Array(0);
  communities: number[] = [];
  /** 1 for nodes that wait in the queue. */
  queued = new Uint8Array(0);

  /** Sums the weights from v to each community; `only`, if given, is the parent that they must have. */
  gather(level: CommunityLevel, v: number, only = -1): void {
    const { graph, community, parent } = level;
    const { starts, lengths, targets, weights } = graph;
    this.communities.length = 0;
    for (let p = starts[v]!, end = p + lengths[v]!; p < end; p++) {
      const c = community[targets[p]!]!;
      if (only >= 0 && parent[c] !== only) continue;
      if (this.weight[c] === 0) this.communities.push(c);
      this.weight[c]! += weights[p]!;
    }
  }

  fit(slots: number): void {
    if (this.weight.length >= slots) return;
    this.weight = new Float64Array(slots);
    this.queued = new Uint8Array(slots);
  }

  clear(): void {
    for (const c of this.communities) this.weight[c] = 0;
  }
}

/**
 * Moves the nodes of the frontier, and whatever they unsettle, to the community with the largest gain in modularity; to
 * leave others, the gain must be above the share `leaveAbove` of the node's strength. Returns what the weight inside
 * communities gained (each edge counted from both ends).
 */
export function moveFrontier(
  level: CommunityLevel,
  frontier: Iterable<number>,
  scale: number,
  scratch: Scratch,
  control: Control,
  leaveAbove: number,
): number {
  const { graph } = level;
  scratch.fit(level.size.length);
  const { queued } = scratch;
  const queue = [...frontier];
  for (const v of queue) queued[v] = 1;
  let gained = 0;
  for (let head = 0; head < queue.length; head++) {
    if (head % POLL === POLL - 1) stopIfAsked(control);
    const v = queue[head]!;
    queued[v] = 0;
    const from = level.community[v]!;
    scratch.gather(level, v);
    const k = graph.strength[v]!;
    const expected = k * scale;
    const bar = level.size[from]! > 1 ? leaveAbove : NOISE;
    let best = from;
    let bestGain = scratch.weight[from]! - expected * (level.total[from]! - k) + bar * k;
    for (const c of scratch.communities) {
      if (c === from) continue;
      const gain = scratch.weight[c]! - expected * level.total[c]!;
      // Of equal gains the older community wins, so that the outcome does not depend on the numbering of slots.
      if (gain > bestGain || (gain === bestGain && best !== from && level.id[c]! < level.id[best]!)) {
        bestGain = gain;
        best = c;
      }
    }
    if (bestGain < 0 && level.size[from]! > 1) best = level.open(-1);
    if (best !== from) {
      gained += 2 * (scratch.weight[best]! - scratch.weight[from]!);
      level.move(v, best);
      for (let p = graph.starts[v]!, end = p + graph.lengths[v]!; p < end; p++) {
        const u = graph.targets[p]!;
        if (level.community[u] === best || queued[u] === 1) continue;
        queued[u] = 1;
        queue.push(u);
      }
    }
    scratch.clear();
  }
  return gained;
}

/**
 * Brings a level in line after nodes moved between communities of the level above: a community that moved as a whole goes
 * along, nodes that left the others are taken out and join the best community near them below their new parent, and
 * connectivity is repaired. What did not move stays as it is: that is what keeps the lower levels stable.
 */
export function followParents(
  level: CommunityLevel,
  above: CommunityLevel,
  movedAbove: ReadonlySet<number>,
  scale: number,
  scratch: Scratch,
  control: Control,
): void {
  scratch.fit(level.size.length);
  const displaced = displace(level, above, movedAbove);
  for (const v of movedAbove) if (level.size[level.community[v]!] === 1) displaced.push(v);
  displaced.sort((a, b) => a - b);
  let seen = 0;
  for (const v of displaced) {
    if (++seen % POLL === 0) stopIfAsked(control);
    const own = level.community[v]!;
    // Only nodes alone are merged, as in Leiden's refinement; one that others joined stays.
    if (level.size[own] !== 1) continue;
    const parent = above.community[v]!;
    scratch.gather(level, v, parent);
    const k = level.graph.strength[v]!;
    let best = own;
    let bestGain = NOISE * k;
    for (const c of scratch.communities) {
      if (c === own) continue;
      const gain = scratch.weight[c]! - scale * k * level.total[c]!;
      if (gain > bestGain || (gain === bestGain && best !== own && level.id[c]! < level.id[best]!)) {
        bestGain = gain;
        best = c;
      }
    }
    scratch.clear();
    if (best !== own) level.move(v, best);
  }
  level.repair(control);
}

/** Hands communities that moved as a whole to their new parent; makes the other moved nodes communities of their own. */
function displace(level: CommunityLevel, above: CommunityLevel, movedAbove: ReadonlySet<number>): number[] {
  const away = new Map<number, number[]>();
  for (const v of movedAbove) {
    const c = level.community[v]!;
    if (above.community[v] === level.parent[c]) continue;
    const nodes = away.get(c);
    if (nodes === undefined) away.set(c, [v]);
    else nodes.push(v);
  }
  const displaced: number[] = [];
  for (const [c, nodes] of away) {
    if (nodes.length === level.size[c]) level.parent[c] = commonest(nodes, above);
    for (const v of nodes) if (above.community[v] !== level.parent[c]) displaced.push(v);
  }
  for (const v of displaced) level.move(v, level.open(above.community[v]!));
  return displaced;
}

/** The community above that most of the nodes are in; of equals, the one with the older id. */
function commonest(nodes: number[], above: CommunityLevel): number {
  const counts = new Map<number, number>();
  for (const v of nodes) counts.set(above.community[v]!, (counts.get(above.community[v]!) ?? 0) + 1);
  let best = -1;
  for (const [c, count] of counts) {
    const most = best < 0 ? -1 : counts.get(best)!;
    if (count > most || (count === most && above.id[c]! < above.id[best]!)) best = c;
  }
  return best;
}
