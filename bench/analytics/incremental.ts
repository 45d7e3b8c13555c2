import { csrFromEdges, disconnectedCommunities, IncrementalCommunities, leiden } from "../../src/algorithms/index.ts";
import { type EdgePairs, type Edits, randomEdits } from "./generators.ts";
import { median, milliseconds, table, timed } from "./table.ts";

/** Incremental updates against full runs: time, modularity, and what remains of the communities. */
export function compareIncremental(graph: EdgePairs, rounds: number, shares: number[]): string {
  const csr = csrFromEdges(graph.n, graph.sources, graph.targets);
  const rows: (string | number)[][] = [
    [
      `incremental, ${graph.name}`,
      "ms",
      "full run, ms",
      "times faster",
      "identical communities",
      "the same after a full run",
      "members changed",
      "members or edges changed",
      "changed after a full run",
      "modularity − full",
      "disconnected",
    ],
  ];
  for (const share of shares) {
    for (const local of [true, false]) {
      // The first is to warm up and not counted; each round starts from the state of the one before.
      const state = IncrementalCommunities.fromGraph(csr);
      const runs: Run[] = [];
      for (let round = 0; round <= rounds; round++) {
        const count = Math.round(share * state.graph.edges);
        const edits = randomEdits(graph.n, (v) => state.graph.neighbours(v), count, local, 100 * round + 7);
        const run = runOnce(state, edits);
        if (round > 0 || rounds === 1) runs.push(run);
      }
      const of = (key: keyof Run) => median(runs.map((run) => run[key]));
      const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
      rows.push([
        `${local ? "local" : "random"} ${100 * share} %`,
        milliseconds(of("ms")),
        milliseconds(of("fullMs")),
        `${(of("fullMs") / of("ms")).toFixed(0)} ×`,
        percent(of("identical")),
        percent(of("identicalFull")),
        percent(of("members")),
        percent(of("dirty")),
        percent(1 - of("identicalFull")),
        of("difference").toExponential(1),
        Math.max(...runs.map((run) => run.broken)),
      ]);
    }
  }
  return `${table(rows)}\n`;
}

type Run = Record<
  "ms" | "fullMs" | "identical" | "identicalFull" | "members" | "dirty" | "difference" | "broken",
  number
>;

function runOnce(state: IncrementalCommunities, edits: Edits): Run {
  const before = membersOf(state.membership());
  const { result: change, ms } = timed(() => state.update(edits));
  const now = state.graph.toCsr();
  const full = timed(() => leiden(now, { iterations: state.options.iterations }));
  const after = membersOf(state.membership());
  const top = change.levels.at(-1)!;
  const sizes = sizesById(state.membership());
  const share = (ids: Iterable<number>) =>
    [...new Set(ids)].filter((id) => sizes.get(id)! > 1).length / Math.max(1, after.size);
  return {
    ms,
    fullMs: full.ms,
    identical: shareOfSame(before, after),
    identicalFull: shareOfSame(before, membersOf(full.result.membership)),
    members: share(top.members),
    dirty: share([...top.members, ...top.edges]),
    difference: state.modularity() - full.result.modularity,
    broken: state.levels.reduce(
      (sum, l) => sum + disconnectedCommunities(now, l.community.subarray(0, state.n)).length,
      0,
    ),
  };
}

/** Number of members of each community; -1, for nodes that were removed, is none. */
export function sizesById(membership: Float64Array): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const id of membership) if (id >= 0) sizes.set(id, (sizes.get(id) ?? 0) + 1);
  return sizes;
}

/** The member lists of communities with more than one member: single nodes have no summary. */
export function membersOf(membership: ArrayLike<number>): Set<string> {
  const members = new Map<number, number[]>();
  for (let v = 0; v < membership.length; v++) {
    const list = members.get(membership[v]!);
    if (list === undefined) members.set(membership[v]!, [v]);
    else list.push(v);
  }
  return new Set([...members.values()].filter((list) => list.length > 1).map((list) => list.join()));
}

/** The share of the communities before that are there after, member for member. */
export function shareOfSame(before: Set<string>, after: Set<string>): number {
  let same = 0;
  for (const members of before) if (after.has(members)) same++;
  return before.size === 0 ? 1 : same / before.size;
}
