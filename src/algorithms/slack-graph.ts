import type { CsrGraph } from "./csr.ts";

/**
 * An undirected weighted graph that changes: compressed sparse rows with room to spare at the end of each row.
 *
 * Rows are ascending, so that the same graph looks the same whatever its history. Self-loops are kept apart, in `loops`
 * (plain weight); they count twice in `strength`. A row that outgrows its room moves to the end of the arrays with twice the
 * room; when half of the arrays is such waste, they are written anew.
 */
export class SlackGraph {
  /** Number of nodes. */
  n = 0;
  /** Number of distinct edges, loops not counted. */
  edges = 0;
  /** Sum of all strengths: twice the weight of all edges. */
  twiceWeight = 0;
  starts = new Uint32Array(0);
  lengths = new Uint32Array(0);
  strength = new Float64Array(0);
  loops = new Float64Array(0);
  targets = new Uint32Array(0);
  weights = new Float64Array(0);
  private rooms = new Uint32Array(0);
  private used = 0;
  private wasted = 0;

  static fromCsr(graph: CsrGraph): SlackGraph {
    const result = new SlackGraph();
    const { n, offsets, targets, weights } = graph;
    result.addNodes(n);
    let needed = 0;
    for (let v = 0; v < n; v++) needed += roomFor(offsets[v + 1]! - offsets[v]!);
    result.targets = new Uint32Array(needed + (needed >> 3));
    result.weights = new Float64Array(needed + (needed >> 3));
    let halves = 0;
    for (let v = 0; v < n; v++) {
      const degree = offsets[v + 1]! - offsets[v]!;
      result.starts[v] = result.used;
      result.rooms[v] = roomFor(degree);
      let q = result.used;
      let sum = 0;
      for (let p = offsets[v]!; p < offsets[v + 1]!; p++) {
        const w = weights[p]!;
        sum += w;
        if (targets[p] === v) {
          result.loops[v] = w / 2;
          continue;
        }
        result.targets[q] = targets[p]!;
        result.weights[q] = w;
        q++;
      }
      result.lengths[v] = q - result.used;
      halves += result.lengths[v]!;
      result.strength[v] = sum;
      result.twiceWeight += sum;
      result.used += result.rooms[v]!;
    }
    result.edges = halves / 2;
    return result;
  }

  /** Adds isolated nodes; returns the index of the first. */
  addNodes(count: number): number {
    const first = this.n;
    const needed = first + count;
    if (needed > this.starts.length) {
      const room = Math.max(needed, Math.ceil(this.starts.length * 1.5));
      this.starts = enlarged(this.starts, room);
      this.lengths = enlarged(this.lengths, room);
      this.rooms = enlarged(this.rooms, room);
      this.strength = enlarged(this.strength, room);
      this.loops = enlarged(this.loops, room);
    }
    this.n = needed;
    return first;
  }

  /** The weight of the edge {a, b}; 0 if there is none. O(log degree). */
  weightOf(a: number, b: number): number {
    this.check(a);
    this.check(b);
    if (a === b) return this.loops[a]!;
    const p = this.find(a, b);
    return p < this.starts[a]! + this.lengths[a]! && this.targets[p] === b ? this.weights[p]! : 0;
  }

  /**
   * Sets the weight of the edge {a, b}: inserts it, changes it, or removes it (0). Returns the weight before.
   *
   * Cost: O(log degree) to find, and moving the rest of both rows to insert or remove.
   */
  setWeight(a: number, b: number, weight: number): number {
    this.check(a);
    this.check(b);
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) throw new RangeError(`weight ${weight} of {${a}, ${b}}`);
    if (a === b) {
      const before = this.loops[a]!;
      this.loops[a] = weight;
      this.strength[a]! += 2 * (weight - before);
      this.twiceWeight += 2 * (weight - before);
      return before;
    }
    const before = this.setHalf(a, b, weight);
    this.setHalf(b, a, weight);
    if (before === 0 && weight > 0) this.edges++;
    if (before > 0 && weight === 0) this.edges--;
    this.strength[a]! += weight - before;
    this.strength[b]! += weight - before;
    // What is left of a strength when the last edge goes is rounding noise, and noise would count as strength.
    if (this.lengths[a] === 0) this.strength[a] = 2 * this.loops[a]!;
    if (this.lengths[b] === 0) this.strength[b] = 2 * this.loops[b]!;
    this.twiceWeight += 2 * (weight - before);
    if (this.wasted > 1024 && this.wasted * 2 > this.used) this.compact();
    return before;
  }

  /** The neighbours of v, ascending; valid until the next change. */
  neighbours(v: number): Uint32Array {
    return this.targets.subarray(this.starts[v]!, this.starts[v]! + this.lengths[v]!);
  }

  toCsr(): CsrGraph {
    const { n, starts, lengths, loops } = this;
    const offsets = new Uint32Array(n + 1);
    for (let v = 0; v < n; v++) offsets[v + 1] = offsets[v]! + lengths[v]! + (loops[v]! > 0 ? 1 : 0);
    const targets = new Uint32Array(offsets[n]!);
    const weights = new Float64Array(offsets[n]!);
    for (let v = 0; v < n; v++) {
      let q = offsets[v]!;
      let looped = !(loops[v]! > 0);
      for (let p = starts[v]!, end = p + lengths[v]!; p < end; p++) {
        if (!looped && this.targets[p]! > v) {
          targets[q] = v;
          weights[q++] = 2 * loops[v]!;
          looped = true;
        }
        targets[q] = this.targets[p]!;
        weights[q++] = this.weights[p]!;
      }
      if (!looped) {
        targets[q] = v;
        weights[q] = 2 * loops[v]!;
      }
    }
    return { n, offsets, targets, weights };
  }

  /** Bytes held by the arrays. */
  get bytes(): number {
    return this.targets.length * 12 + this.starts.length * 28;
  }

  private check(v: number): void {
    if (!(v >= 0 && v < this.n)) throw new RangeError(`node ${v} is outside 0..${this.n - 1}`);
  }

  /** Position of the first neighbour of a that is not below b. */
  private find(a: number, b: number): number {
    let low = this.starts[a]!;
    let high = low + this.lengths[a]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.targets[middle]! < b) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private setHalf(a: number, b: number, weight: number): number {
    let p = this.find(a, b);
    const end = this.starts[a]! + this.lengths[a]!;
    if (p < end && this.targets[p] === b) {
      const before = this.weights[p]!;
      if (weight > 0) {
        this.weights[p] = weight;
      } else {
        this.targets.copyWithin(p, p + 1, end);
        this.weights.copyWithin(p, p + 1, end);
        this.lengths[a]!--;
      }
      return before;
    }
    if (weight === 0) return 0;
    if (this.lengths[a] === this.rooms[a]) p += this.moveRow(a);
    const last = this.starts[a]! + this.lengths[a]!;
    this.targets.copyWithin(p + 1, p, last);
    this.weights.copyWithin(p + 1, p, last);
    this.targets[p] = b;
    this.weights[p] = weight;
    this.lengths[a]!++;
    return 0;
  }

  /** Gives a row twice its room at the end of the arrays; returns by how much it moved. */
  private moveRow(a: number): number {
    const from = this.starts[a]!;
    const room = Math.max(4, 2 * this.rooms[a]!);
    if (this.used + room > this.targets.length) {
      const size = Math.ceil(this.targets.length * 1.5) + room;
      this.targets = enlarged(this.targets, size);
      this.weights = enlarged(this.weights, size);
    }
    const to = this.used;
    this.targets.copyWithin(to, from, from + this.lengths[a]!);
    this.weights.copyWithin(to, from, from + this.lengths[a]!);
    this.wasted += this.rooms[a]!;
    this.starts[a] = to;
    this.rooms[a] = room;
    this.used += room;
    return to - from;
  }

  private compact(): void {
    let needed = 0;
    for (let v = 0; v < this.n; v++) needed += roomFor(this.lengths[v]!);
    const targets = new Uint32Array(needed + (needed >> 3));
    const weights = new Float64Array(needed + (needed >> 3));
    let q = 0;
    for (let v = 0; v < this.n; v++) {
      const from = this.starts[v]!;
      const end = from + this.lengths[v]!;
      targets.set(this.targets.subarray(from, end), q);
      weights.set(this.weights.subarray(from, end), q);
      this.starts[v] = q;
      this.rooms[v] = roomFor(this.lengths[v]!);
      q += this.rooms[v]!;
    }
    this.targets = targets;
    this.weights = weights;
    this.used = q;
    this.wasted = 0;
  }
}

/** An eighth more than the row has, and at least two. */
function roomFor(degree: number): number {
  return degree + 2 + (degree >> 3);
}

/** A copy of a typed array with more room. */
export function enlarged<T extends Uint32Array | Int32Array | Float32Array | Float64Array | Uint8Array>(
  array: T,
  length: number,
): T {
  const larger = new (array.constructor as new (length: number) => T)(length);
  larger.set(array);
  return larger;
}
