import {
  type CsrGraph,
  csrFromEdges,
  disconnectedCommunities,
  IncrementalCommunities,
  leiden,
} from "../../src/algorithms/index.ts";
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
      "identical communities (possible)",
      "the same after a full run",
      "members changed",
      "members or edges changed (at least)",
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
        `${percent(of("identical"))} (${percent(1 - of("torn"))})`,
        percent(of("identicalFull")),
        percent(of("members")),
        `${percent(of("dirty"))} (${percent(of("edged"))})`,
        percent(1 - of("identicalFull")),
        of("difference").toExponential(1),
        Math.max(...runs.map((run) => run.broken)),
      ]);
    }
  }
  return `${table(rows)}\n`;
}

/** A sequence of changes of 0.1 %, long enough for a refresh: what stays, and where modularity ends. */
export function compareSequence(graphs: EdgePairs[], changes: number): string {
  const head = ["changes", "identical, median", "identical in the refresh", "modularity", "full run", "difference"];
  const rows: (string | number)[][] = [head];
  for (const graph of graphs) {
    const csr = csrFromEdges(graph.n, graph.sources, graph.targets);
    for (const local of [true, false]) {
      const state = IncrementalCommunities.fromGraph(csr);
      const same: number[] = [];
      const refreshed: number[] = [];
      let before = membersOf(state.membership());
      for (let i = 0; i < changes; i++) {
        const count = Math.round(0.001 * state.graph.edges);
        const { kind } = state.update(
          randomEdits(graph.n, (v) => state.graph.neighbours(v), count, local, 100 * i + 7),
        );
        const after = membersOf(state.membership());
        (kind === "update" ? same : refreshed).push(shareOfSame(before, after));
        before = after;
      }
      const full = leiden(state.graph.toCsr(), { iterations: state.options.iterations }).modularity;
      const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
      const difference = `${(100 * (state.modularity() / full - 1)).toFixed(2)} %`;
      const figures = [state.modularity().toFixed(5), full.toFixed(5), difference];
      const name = `${changes} of ${graph.name}, ${local ? "local" : "random"}`;
      rows.push([name, percent(median(same)), refreshed.map(percent).join(), ...figures]);
    }
  }
  return `${table(rows)}\n`;
}

type Run = Record<
  "ms" | "fullMs" | "identical" | "identicalFull" | "torn" | "members" | "dirty" | "edged" | "difference" | "broken",
  number
>;

function runOnce(state: IncrementalCommunities, edits: Edits): Run {
  const then = state.membership();
  const before = membersOf(then);
  const graphThen = state.graph.toCsr();
  const { result: change, ms } = timed(() => state.update(edits));
  const now = state.graph.toCsr();
  const full = timed(() => leiden(now, { iterations: state.options.iterations }));
  const after = membersOf(state.membership());
  const top = change.levels.at(-1)!;
  const sizes = sizesById(state.membership());
  const bounds = unavoidable(graphThen, now, then, edits);
  const share = (ids: Iterable<number>) =>
    [...new Set(ids)].filter((id) => sizes.get(id)! > 1).length / Math.max(1, after.size);
  return {
    ms,
    fullMs: full.ms,
    identical: shareOfSame(before, after),
    identicalFull: shareOfSame(before, membersOf(full.result.membership)),
    torn: bounds.members / Math.max(1, before.size),
    members: share(top.members),
    dirty: share([...top.members, ...top.edges]),
    edged: bounds.edges / Math.max(1, before.size),
    difference: state.modularity() - full.result.modularity,
    broken: state.levels.reduce(
      (sum, l) => sum + disconnectedCommunities(now, l.community.subarray(0, state.n)).length,
      0,
    ),
  };
}

/**
 * What no algorithm could spare, in communities of more than one member as they were before the change. Members: the
 * change tore the community apart, or all edges of a node from elsewhere (or from nowhere) lead into it now. Edges: one
 * inside it really came or went.
 */
function unavoidable(then: CsrGraph, now: CsrGraph, membership: Float64Array, edits: Edits) {
  const sizes = sizesById(membership);
  const row = ({ offsets, targets }: CsrGraph, v: number) => targets.subarray(offsets[v]!, offsets[v + 1]!);
  const members = new Set(disconnectedCommunities(now, membership));
  for (let v = 0; v < now.n; v++) {
    const near = new Set(Array.from(row(now, v), (u) => membership[u]!));
    const [id] = near;
    if (near.size === 1 && id !== membership[v] && sizes.get(id!)! > 1) members.add(id!);
  }
  const edges = new Set<number>();
  for (const [e, a] of edits.sources.entries()) {
    const b = edits.targets[e]!;
    if (membership[a] !== membership[b]) continue;
    if (row(then, a).includes(b) !== row(now, a).includes(b)) edges.add(membership[a]!);
  }
  return { members: members.size, edges: edges.size };
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
