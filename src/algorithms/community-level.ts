import { type Control, stopIfAsked } from "./control.ts";
import { enlarged, type SlackGraph } from "./slack-graph.ts";

/**
 * One level of the hierarchy of communities of a changing graph: who belongs where, and the exact repair of connectivity.
 *
 * A community lives in a slot; slots are used again, ids never are. The invariant on which the repair rests: each community
 * is connected by its edges together with the pending links. Taking away an edge or a node replaces it by links; `repair`
 * then tests each link by a search from both ends, and where the ends turn out to be apart, the side that was exhausted
 * becomes a community of its own. So nothing that became disconnected is missed, whatever the order of moves.
 */
export class CommunityLevel {
  readonly graph: SlackGraph;
  /** Slot of each node. */
  community: Int32Array;
  /** Per slot: members (0 = unused), total strength, id, slot at the level above (-1 at the top). */
  size: Int32Array;
  total: Float64Array;
  id: Float64Array;
  parent: Int32Array;
  /** The id that the next new community gets. */
  nextId = 1;
  /** Since `resetChanges`: nodes that changed their slot, slots whose members changed, ids that came or went. */
  readonly moved = new Set<number>();
  readonly touched = new Set<number>();
  readonly created = new Set<number>();
  readonly removed = new Set<number>();
  private unused: Int32Array;
  private unusedCount = 0;
  private linkA: number[] = [];
  private linkB: number[] = [];
  private readonly linksOf = new Map<number, number[]>();
  private mark: Int32Array;
  private stamp = 0;
  private reached: Int32Array;

  /** `membership` gives each node's slot, from 0 to n - 1; ids are drawn from `nextId` in order of the slots. */
  constructor(graph: SlackGraph, membership: ArrayLike<number>, nextId = 1) {
    const { n } = graph;
    this.graph = graph;
    this.nextId = nextId;
    this.community = Int32Array.from(membership);
    this.size = new Int32Array(n);
    this.total = new Float64Array(n);
    this.id = new Float64Array(n);
    this.parent = new Int32Array(n).fill(-1);
    this.unused = new Int32Array(n);
    this.mark = new Int32Array(n);
    this.reached = new Int32Array(n);
    for (let v = 0; v < n; v++) this.size[this.community[v]!]!++;
    for (let c = 0; c < n; c++) if (this.size[c]! > 0) this.id[c] = this.nextId++;
    for (let c = n - 1; c >= 0; c--) if (this.size[c] === 0) this.unused[this.unusedCount++] = c;
    this.sumTotals();
  }

  /** Sums the strengths anew, which takes away the rounding of many small changes. O(n). */
  sumTotals(): void {
    this.total.fill(0);
    for (let v = 0; v < this.graph.n; v++) this.total[this.community[v]!]! += this.graph.strength[v]!;
  }

  /** Makes room for nodes that the graph has gained, each in a community of its own. */
  addNodes(first: number): void {
    const { n } = this.graph;
    if (n > this.community.length) {
      const room = this.graph.starts.length;
      const slots = this.size.length;
      this.community = enlarged(this.community, room);
      this.size = enlarged(this.size, room);
      this.total = enlarged(this.total, room);
      this.id = enlarged(this.id, room);
      this.parent = enlarged(this.parent, room);
      this.unused = enlarged(this.unused, room);
      this.mark = enlarged(this.mark, room);
      this.reached = enlarged(this.reached, room);
      for (let c = room - 1; c >= slots; c--) this.unused[this.unusedCount++] = c;
    }
    for (let v = first; v < n; v++) {
      const c = this.open(-1);
      this.community[v] = c;
      this.size[c] = 1;
      this.total[c] = this.graph.strength[v]!;
      this.moved.add(v);
    }
  }

  /** Number of communities, singletons included. */
  get count(): number {
    return this.size.length - this.unusedCount;
  }

  resetChanges(): void {
    this.moved.clear();
    this.touched.clear();
    this.created.clear();
    this.removed.clear();
  }

  /** Says that the edge {a, b} is gone: if both ends are in one community, they must still be connected. */
  edgeRemoved(a: number, b: number): void {
    if (a !== b && this.community[a] === this.community[b]) this.link(a, b);
  }

  /** Opens an empty community with a new id. The caller fills it at once. */
  open(parent: number): number {
    const c = this.unused[--this.unusedCount]!;
    this.id[c] = this.nextId++;
    this.parent[c] = parent;
    this.total[c] = 0;
    this.created.add(this.id[c]!);
    this.touched.add(c);
    return c;
  }

  /** Says that node v, alone and without edges by now, is no more: its community is removed. */
  retire(v: number): void {
    const c = this.community[v]!;
    if (!this.created.delete(this.id[c]!)) this.removed.add(this.id[c]!);
    this.touched.delete(c);
    this.moved.delete(v);
  }

  /** Gives a node that takes the place of a retired one a new community. */
  revive(v: number): void {
    const c = this.community[v]!;
    this.id[c] = this.nextId++;
    this.created.add(this.id[c]!);
    this.touched.add(c);
    this.moved.add(v);
  }

  /** Moves a node to a community in which it has a neighbour (or to an empty one); links keep what it held together. */
  move(v: number, to: number): void {
    const { graph, community } = this;
    const from = community[v]!;
    if (this.size[from]! > 1) {
      let first = -1;
      for (let p = graph.starts[v]!, end = p + graph.lengths[v]!; p < end; p++) {
        const u = graph.targets[p]!;
        if (community[u] !== from) continue;
        if (first < 0) first = u;
        else this.link(first, u);
      }
      for (const partner of this.takeLinks(v)) {
        if (first < 0) first = partner;
        else if (first !== partner) this.link(first, partner);
      }
    }
    this.transfer(v, to);
  }

  /** Moves a node without looking at what it held together. */
  transfer(v: number, to: number): void {
    const from = this.community[v]!;
    const strength = this.graph.strength[v]!;
    this.community[v] = to;
    this.size[to]!++;
    this.total[to]! += strength;
    this.total[from]! -= strength;
    this.moved.add(v);
    this.touched.add(from);
    this.touched.add(to);
    if (--this.size[from]! === 0) this.close(from);
  }

  /** Tests all pending links; returns the nodes that became communities of their own. Afterwards all are connected. */
  repair(control: Control): number[] {
    const split: number[] = [];
    for (let link = this.linkA.length - 1; link >= 0; link = this.linkA.length - 1) {
      const a = this.linkA[link]!;
      const b = this.linkB[link]!;
      if (a < 0) {
        this.linkA.pop();
        this.linkB.pop();
        continue;
      }
      const apart = this.search(a, b, control);
      this.linkA[link] = -1;
      if (apart === undefined) continue;
      const outside: number[] = apart.includes(a) ? [b] : [a];
      const inside = new Set(apart);
      for (const x of apart) {
        for (const partner of this.takeLinks(x, inside)) outside.push(partner);
        split.push(x);
      }
      this.splitOff(apart);
      for (let i = 1; i < outside.length; i++) if (outside[i] !== outside[0]) this.link(outside[0]!, outside[i]!);
    }
    this.linksOf.clear();
    return split;
  }

  /** Makes a connected piece of a community one of its own. The larger part keeps the id. */
  private splitOff(nodes: ArrayLike<number>): void {
    const from = this.community[nodes[0]!]!;
    const to = this.open(this.parent[from]!);
    if (2 * nodes.length > this.size[from]!) {
      const fresh = this.id[to]!;
      this.id[to] = this.id[from]!;
      this.id[from] = fresh;
    }
    for (let i = 0; i < nodes.length; i++) this.transfer(nodes[i]!, to);
  }

  private close(c: number): void {
    this.unused[this.unusedCount++] = c;
    this.touched.delete(c);
    const id = this.id[c]!;
    if (!this.created.delete(id)) this.removed.add(id);
    this.total[c] = 0;
  }

  private link(a: number, b: number): void {
    const link = this.linkA.length;
    this.linkA.push(a);
    this.linkB.push(b);
    for (const v of [a, b]) {
      const links = this.linksOf.get(v);
      if (links === undefined) this.linksOf.set(v, [link]);
      else links.push(link);
    }
  }

  /** Removes the links of v, except those to nodes of `except`, and returns their other ends. */
  private takeLinks(v: number, except?: ReadonlySet<number>): number[] {
    const links = this.linksOf.get(v);
    if (links === undefined) return [];
    const partners: number[] = [];
    const kept: number[] = [];
    for (const link of links) {
      const a = this.linkA[link];
      const b = this.linkB[link];
      // Numbers of links that were tested are used again for others.
      if (a === undefined || a < 0 || (a !== v && b !== v)) continue;
      const partner = a === v ? b! : a;
      if (except?.has(partner)) {
        kept.push(link);
        continue;
      }
      this.linkA[link] = -1;
      partners.push(partner);
    }
    if (kept.length > 0) this.linksOf.set(v, kept);
    else this.linksOf.delete(v);
    return partners;
  }

  /**
   * Searches from both ends, in their community, on the side that has cost less so far: about twice the work of the
   * smaller side if they are apart. Returns that side, or undefined if they meet.
   */
  private search(a: number, b: number, control: Control): number[] | undefined {
    const { graph, community, mark, reached } = this;
    if (a === b) return undefined;
    const c = community[a]!;
    if (this.stamp > 2e9) {
      mark.fill(0);
      this.stamp = 0;
    }
    const left = ++this.stamp;
    const right = ++this.stamp;
    // One array holds both: what a reaches from the left end, what b reaches from the right end.
    const last = reached.length - 1;
    const heads = [0, 0];
    const counts = [1, 1];
    const work = [0, 0];
    reached[0] = a;
    reached[last] = b;
    mark[a] = left;
    mark[b] = right;
    let polled = 0;
    for (;;) {
      const side = work[0]! <= work[1]! ? 0 : 1;
      if (heads[side] === counts[side]) {
        const result = new Array<number>(counts[side]!);
        for (let i = 0; i < result.length; i++) result[i] = reached[side === 0 ? i : last - i]!;
        return result;
      }
      const v = reached[side === 0 ? heads[0]! : last - heads[1]!]!;
      heads[side]!++;
      const mine = side === 0 ? left : right;
      const other = side === 0 ? right : left;
      let count = counts[side]!;
      for (let p = graph.starts[v]!, end = p + graph.lengths[v]!; p < end; p++) {
        const u = graph.targets[p]!;
        if (community[u] !== c) continue;
        const seen = mark[u]!;
        if (seen === other) return undefined;
        if (seen === mine) continue;
        mark[u] = mine;
        reached[side === 0 ? count : last - count] = u;
        count++;
      }
      counts[side] = count;
      work[side]! += graph.lengths[v]! + 1;
      if (work[side]! - polled > 1e6) {
        polled = work[side]!;
        stopIfAsked(control);
      }
    }
  }
}
