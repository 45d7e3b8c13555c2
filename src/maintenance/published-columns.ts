import type { CommunityRecord, PublishedAnalytics } from "../core/ports.ts";

/** A name for each of many rows: `names[of[row]]`, or none where `of` is -1. */
export interface Labels {
  names: string[];
  of: Int32Array;
}

/** Those of entity `v`, by its smaller end: `offsets[v]` to `offsets[v + 1]`. */
interface EdgeRows {
  offsets: Uint32Array;
  targets: Uint32Array;
  scores: Float64Array;
}

const FIRST_EDGES = 1_024;
const noEdges = () => ({ count: 0, a: new Uint32Array(0), b: new Uint32Array(0), scores: new Float64Array(0) });

/**
 * What is published, in columns over the entities of a live graph: rows come in parts and are let go. As objects, what a
 * million entities have took 2 GB.
 */
export class PublishedColumns {
  readonly #ids: string[];
  /** Entities by id, while rows come. */
  #rows: Map<string, number> | null = null;
  #edges = noEdges();
  readonly #communityNames: string[] = [];
  readonly #communityNumbers = new Map<string, number>();
  readonly #componentNumbers = new Map<string, number>();

  /** Edges between live entities, once sealed. */
  similarity: EdgeRows = { offsets: new Uint32Array(1), targets: new Uint32Array(0), scores: new Float64Array(0) };
  readonly communities: CommunityRecord[] = [];
  /** By level; community of each entity. */
  readonly memberships = new Map<number, Labels>();
  /** Score of each entity; NaN where none is published. */
  readonly scores: Float64Array;
  readonly components: Labels;
  /** Rows of entities that are not live any more. */
  readonly gone: {
    similarity: { a: string; b: string }[];
    memberships: { level: number; entity: string }[];
    ranks: string[];
  } = { similarity: [], memberships: [], ranks: [] };

  /** @param ids entities of the live graph, ascending */
  constructor(ids: string[]) {
    this.#ids = ids;
    this.scores = new Float64Array(ids.length).fill(Number.NaN);
    this.components = { names: [], of: new Int32Array(ids.length).fill(-1) };
  }

  add(part: PublishedAnalytics): void {
    for (const { a, b, score } of part.similarity) this.#addEdge(a, b, score);
    for (const community of part.communities) this.communities.push(community);
    for (const { level, entity, community } of part.memberships) {
      const row = this.#rowOf(entity);
      if (row === undefined) this.gone.memberships.push({ level, entity });
      else this.#ofLevel(level).of[row] = this.#communityNumber(community);
    }
    for (const { entity, score, component } of part.ranks) {
      const row = this.#rowOf(entity);
      if (row === undefined) {
        this.gone.ranks.push(entity);
        continue;
      }
      this.scores[row] = score;
      this.components.of[row] = numberIn(this.#componentNumbers, this.components.names, component);
    }
  }

  /** All rows have come: similarity is put into rows, and what only served to take rows in is let go. */
  seal(): void {
    this.similarity = this.#edgesInRows();
    this.#edges = noEdges();
    this.#rows = null;
    this.#communityNumbers.clear();
    this.#componentNumbers.clear();
  }

  #edgesInRows(): EdgeRows {
    const { count, a, b, scores } = this.#edges;
    const offsets = new Uint32Array(this.#ids.length + 1);
    for (let e = 0; e < count; e++) offsets[a[e]! + 1]!++;
    for (let v = 0; v < this.#ids.length; v++) offsets[v + 1]! += offsets[v]!;
    const next = offsets.slice();
    const rows = { offsets, targets: new Uint32Array(count), scores: new Float64Array(count) };
    for (let e = 0; e < count; e++) {
      const at = next[a[e]!]!++;
      rows.targets[at] = b[e]!;
      rows.scores[at] = scores[e]!;
    }
    return rows;
  }

  #rowOf(id: string): number | undefined {
    if (!this.#rows) {
      this.#rows = new Map();
      for (const [row, known] of this.#ids.entries()) this.#rows.set(known, row);
    }
    return this.#rows.get(id);
  }

  #addEdge(a: string, b: string, score: number): void {
    const [v, u] = [this.#rowOf(a), this.#rowOf(b)];
    if (v === undefined || u === undefined) {
      this.gone.similarity.push({ a, b });
      return;
    }
    const edges = this.#edges;
    if (edges.count === edges.a.length) {
      const size = Math.max(FIRST_EDGES, edges.count * 2);
      const grown = { a: new Uint32Array(size), b: new Uint32Array(size), scores: new Float64Array(size) };
      grown.a.set(edges.a);
      grown.b.set(edges.b);
      grown.scores.set(edges.scores);
      Object.assign(edges, grown);
    }
    edges.a[edges.count] = v;
    edges.b[edges.count] = u;
    edges.scores[edges.count++] = score;
  }

  #communityNumber(name: string): number {
    return numberIn(this.#communityNumbers, this.#communityNames, name);
  }

  #ofLevel(level: number): Labels {
    let known = this.memberships.get(level);
    if (!known) {
      known = { names: this.#communityNames, of: new Int32Array(this.#ids.length).fill(-1) };
      this.memberships.set(level, known);
    }
    return known;
  }
}

function numberIn(numbers: Map<string, number>, names: string[], name: string): number {
  let number = numbers.get(name);
  if (number === undefined) {
    number = names.length;
    names.push(name);
    numbers.set(name, number);
  }
  return number;
}
