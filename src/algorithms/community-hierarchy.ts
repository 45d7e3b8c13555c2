import { CommunityLevel } from "./community-level.ts";
import { matchCommunities } from "./match.ts";
import type { SlackGraph } from "./slack-graph.ts";

/** A level is kept if it has at least this many times the communities of the next one above. */
const STEP = 2;

/**
 * Makes levels from the nested partitions of a full run (finest first). With the levels from before, matched top to top,
 * each community takes over the id of the one that it overlaps most, and the record of changes says what became of them.
 */
export function levelsFrom(
  graph: SlackGraph,
  partitions: Int32Array[],
  maxLevels: number,
  before?: CommunityLevel[],
): CommunityLevel[] {
  const chosen = choosePartitions(partitions, maxLevels);
  const levels = chosen.map((partition, l) => {
    const old = before?.[before.length - chosen.length + l];
    const level = new CommunityLevel(graph, partition, old?.nextId);
    if (old !== undefined) takeOver(level, old);
    return level;
  });
  linkParents(levels);
  return levels;
}

/** The top partition, and below it those that are clearly finer. */
function choosePartitions(partitions: Int32Array[], maxLevels: number): Int32Array[] {
  const chosen = [partitions.at(-1)!];
  for (let l = partitions.length - 2; l >= 0 && chosen.length < maxLevels; l--) {
    if (countOf(partitions[l]!) >= STEP * countOf(chosen[0]!)) chosen.unshift(partitions[l]!);
  }
  return chosen;
}

function countOf(partition: Int32Array): number {
  let largest = -1;
  for (const c of partition) if (c > largest) largest = c;
  return largest + 1;
}

/** Writes the parent of each community, from the level above it. */
export function linkParents(levels: CommunityLevel[]): void {
  for (let l = 0; l + 1 < levels.length; l++) {
    const level = levels[l]!;
    const above = levels[l + 1]!;
    for (let v = 0; v < level.graph.n; v++) level.parent[level.community[v]!] = above.community[v]!;
  }
}

/** Gives the communities of `level` the ids of those of `old` that they continue, and carries the record of changes on. */
function takeOver(level: CommunityLevel, old: CommunityLevel): void {
  const { n } = level.graph;
  const now = level.community.subarray(0, n);
  const then = old.community.subarray(0, n);
  const match = matchCommunities(now, then);
  const common = new Int32Array(match.length);
  for (let v = 0; v < n; v++) if (match[now[v]!] === then[v]) common[now[v]!]!++;
  const continued = new Uint8Array(old.size.length);
  level.nextId = old.nextId;
  for (let c = 0; c < match.length; c++) {
    const from = match[c]!;
    if (from < 0) {
      level.id[c] = level.nextId++;
      level.created.add(level.id[c]!);
      level.touched.add(c);
      continue;
    }
    continued[from] = 1;
    level.id[c] = old.id[from]!;
    if (old.created.has(old.id[from]!)) level.created.add(old.id[from]!);
    const same = common[c] === level.size[c] && common[c] === old.size[from];
    if (!same || old.touched.has(from)) level.touched.add(c);
  }
  for (const id of old.removed) level.removed.add(id);
  for (let c = 0; c < continued.length; c++) {
    if (old.size[c]! > 0 && continued[c] === 0 && !old.created.has(old.id[c]!)) level.removed.add(old.id[c]!);
  }
  for (const v of old.moved) level.moved.add(v);
  for (let v = 0; v < n; v++) if (level.id[now[v]!] !== old.id[then[v]!]) level.moved.add(v);
}
