import type { Presence } from "./words.ts";

/** What lies around a document or an entity: for people who want to see why something is live or parked. */
export interface NeighbourhoodQuery {
  of: "document" | "entity";
  id: string;
  /** Most nodes of the answer. */
  limit: number;
}

export interface NeighbourNode {
  kind: "document" | "text_unit" | "entity";
  id: string;
  /** Title, name, or the beginning of the text; the id where there is none. */
  label: string;
  /** Of an entity. */
  type: string | null;
  /** Of a document: parked = deprecated. */
  presence: Presence;
}

/** From and to are positions in `nodes`. Documents own text units, text units mention entities. */
export interface NeighbourEdge {
  kind: "owns" | "mentions" | "relationship";
  source: number;
  target: number;
  /** Of a relationship. */
  id: string | null;
  type: string | null;
  presence: Presence;
}

export interface Neighbourhood {
  groupId: string;
  /** The first is what was asked for. */
  nodes: NeighbourNode[];
  edges: NeighbourEdge[];
  /** Something was left out. */
  truncated: boolean;
}

/** Characters of a text that label its unit. */
export const LABEL_LENGTH = 80;
/** Relationships that are looked at per entity: a hub has more than anybody can look at. */
export const RELATIONSHIPS_LOOKED_AT = 500;

/** Text units that are shown at most, so that there is room for what they mention and for their owners. */
export function unitShare(limit: number): number {
  return Math.max(1, Math.ceil(limit / 3));
}

/** Puts a neighbourhood together within its limit: each node once, an edge only between nodes that are there. */
export class NeighbourhoodBuilder {
  readonly #limit: number;
  readonly #groupId: string;
  readonly #positions = new Map<string, number>();
  readonly #nodes: NeighbourNode[] = [];
  readonly #edges = new Map<string, NeighbourEdge>();
  #truncated = false;

  constructor(groupId: string, limit: number) {
    this.#groupId = groupId;
    this.#limit = limit;
  }

  /** @returns whether the node is part of the answer */
  add(node: NeighbourNode): boolean {
    const key = `${node.kind} ${node.id}`;
    if (this.#positions.has(key)) return true;
    if (this.#nodes.length >= this.#limit) {
      this.#truncated = true;
      return false;
    }
    this.#positions.set(key, this.#nodes.length);
    this.#nodes.push(node);
    return true;
  }

  owns(document: string, unit: string, presence: Presence): void {
    this.#link("owns", ["document", document], ["text_unit", unit], null, null, presence);
  }

  mentions(unit: string, entity: string, presence: Presence): void {
    this.#link("mentions", ["text_unit", unit], ["entity", entity], null, null, presence);
  }

  relates(row: { id: string; type: string; source: string; target: string; presence: Presence }): void {
    this.#link("relationship", ["entity", row.source], ["entity", row.target], row.id, row.type, row.presence);
  }

  /** More was there than was read. */
  truncate(): void {
    this.#truncated = true;
  }

  build(): Neighbourhood {
    return { groupId: this.#groupId, nodes: this.#nodes, edges: [...this.#edges.values()], truncated: this.#truncated };
  }

  #link(
    kind: NeighbourEdge["kind"],
    from: [NeighbourNode["kind"], string],
    to: [NeighbourNode["kind"], string],
    id: string | null,
    type: string | null,
    presence: Presence,
  ): void {
    const source = this.#positions.get(from.join(" "));
    const target = this.#positions.get(to.join(" "));
    if (source === undefined || target === undefined) return;
    this.#edges.set(`${kind} ${source} ${target} ${id ?? ""}`, { kind, source, target, id, type, presence });
  }
}
