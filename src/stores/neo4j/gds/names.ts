import { sha256 } from "../../../core/canonical.ts";
import type { Fence } from "../../../core/words.ts";

/** Names of projections show in lists and logs that other users may see: they hold hashes, never the id of a group. */
export const PREFIX = "graphkeeper-";

const hash = (text: string) => sha256(text).slice(0, 16);

/** What the names of a group's projections begin with. */
export function groupPrefix(groupId: string): string {
  return `${PREFIX}${hash(groupId)}-`;
}

/** What the names of a run's projections begin with: a run is known by its fencing token, which no other run ever has. */
export function runPrefix({ groupId, token }: Fence): string {
  return `${groupPrefix(groupId)}${hash(`${groupId}\u0000${token}`)}-`;
}

/** `facts`: live entities, facts, and neighbours once they are found; `joined`: both as one undirected graph. */
export function projectionNames(fence: Fence): { facts: string; joined: string } {
  return { facts: `${runPrefix(fence)}facts`, joined: `${runPrefix(fence)}joined` };
}
