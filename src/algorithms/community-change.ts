import type { CommunityLevel } from "./community-level.ts";

/** What became of the communities of one level, by id, ascending. */
export interface LevelChange {
  /** Communities that exist and whose members changed, new ones included. */
  members: number[];
  created: number[];
  removed: number[];
  /** Communities whose inner edges changed. */
  edges: number[];
}

export interface CommunityChange {
  /** What was done: nothing, moves near the change, moves of all nodes, or a full run that was adopted. */
  kind: "none" | "update" | "refresh" | "full";
  /** Finest level first. */
  levels: LevelChange[];
  /** Nodes that were moved at the top level, new nodes included. */
  movedNodes: number;
  modularity: number;
}

/** Reads a level's record of changes since its last `resetChanges`. */
export function changeOf(level: CommunityLevel, edited: [number, number][]): LevelChange {
  const edges = new Set<number>();
  for (const [a, b] of edited) {
    const c = level.community[a]!;
    // The loop of a removed node: its community is gone.
    if (c === level.community[b] && !level.removed.has(level.id[c]!)) edges.add(level.id[c]!);
  }
  return {
    members: ascending([...level.touched].map((c) => level.id[c]!)),
    created: ascending(level.created),
    removed: ascending(level.removed),
    edges: ascending(edges),
  };
}

function ascending(ids: Iterable<number>): number[] {
  return [...ids].sort((a, b) => a - b);
}
