import { describe, expect, test } from "vitest";
import {
  adoptPartitions,
  communitiesFromPartitions,
  csrFromEdges,
  deserializeCommunities,
  disconnectedCommunities,
  IncrementalCommunities,
  leiden,
  modularity,
  serializeCommunities,
} from "../../src/algorithms/index.ts";
import { seeded } from "../data/seeded.ts";
import { planted } from "./graphs.ts";

const NO_EDITS = { sources: new Uint32Array(0), targets: new Uint32Array(0), weights: [] };

function graph(seed: number) {
  const { n, sources, targets, weights } = planted(8, 12, 6, 2, seed);
  return csrFromEdges(n, sources, targets, weights);
}

function expectNestedAndConnected(state: IncrementalCommunities): void {
  const csr = state.graph.toCsr();
  for (const [l, level] of state.levels.entries()) {
    const slots = level.community.subarray(0, state.n);
    expect(disconnectedCommunities(csr, slots)).toEqual([]);
    const above = state.levels[l + 1];
    if (!above) continue;
    const parent = new Map<number, number>();
    for (let v = 0; v < state.n; v++) {
      if (state.absent.has(v)) continue;
      const known = parent.get(slots[v]!) ?? above.community[v]!;
      expect(above.community[v]).toBe(known);
      parent.set(slots[v]!, known);
    }
  }
  expect(state.modularity()).toBeCloseTo(modularity(csr, state.top.community.subarray(0, state.n)), 9);
}

describe("communities that somebody else computed", () => {
  test("are taken as they are when they are nested and connected", () => {
    const csr = graph(3);
    const { levels } = leiden(csr, { seed: 9 });
    const state = communitiesFromPartitions(csr, levels);
    const ours = state.membership();
    const theirs = levels.at(-1)!;
    for (let v = 0; v < csr.n; v++)
      for (let u = 0; u < v; u++) expect(ours[u] === ours[v]).toBe(theirs[u] === theirs[v]);
    expectNestedAndConnected(state);
  });

  test("come out nested and connected whatever they are", () => {
    const csr = graph(4);
    const random = seeded(5);
    const noise = (k: number) => Int32Array.from({ length: csr.n }, () => Math.floor(random() * k));
    expectNestedAndConnected(communitiesFromPartitions(csr, [noise(40), noise(9), noise(3)]));
  });

  test("keep their ids when nothing changed, and most of them when little did", () => {
    const csr = graph(6);
    const state = communitiesFromPartitions(csr, leiden(csr, { seed: 1 }).levels);
    const before = state.membership();
    // The same partition under other numbers.
    const renumbered = leiden(csr, { seed: 1 }).levels.map((level) => level.map((c) => 1_000 - c));
    adoptPartitions(state, NO_EDITS, renumbered);
    expect(state.membership()).toEqual(before);
    const [removed] = [...state.graph.neighbours(0)];
    const edits = { sources: Uint32Array.of(0), targets: Uint32Array.of(removed!), weights: [0] };
    const next = IncrementalCommunities.fromGraph(csr);
    next.update(edits);
    adoptPartitions(state, edits, leiden(next.graph.toCsr(), { seed: 1 }).levels);
    const after = state.membership();
    expect(before.filter((id, v) => id === after[v]).length).toBeGreaterThan(0.9 * csr.n);
    expect(state.graph.toCsr()).toEqual(next.graph.toCsr());
    expectNestedAndConnected(state);
  });

  test("whose numbers shift keep their ids: one that is split off in front renames no other", () => {
    const csr = graph(8);
    const { levels } = leiden(csr, { seed: 2 });
    const state = communitiesFromPartitions(csr, levels, { maxLevels: 1 });
    const before = state.membership();
    const split = levels.at(-1)!.map((c, v) => (v === 0 ? csr.n : c));
    adoptPartitions(state, NO_EDITS, [split]);
    const after = state.membership();
    const others = [...before.keys()].filter((v) => before[v] !== before[0]);
    expect(others.length).toBeGreaterThan(csr.n / 2);
    for (const v of others) expect(after[v]).toBe(before[v]);
    expect(before).not.toContain(after[0]);
  });

  test("leave a state from which the built-in algorithms go on, also past nodes that went", () => {
    const csr = graph(7);
    const state = communitiesFromPartitions(csr, leiden(csr).levels);
    adoptPartitions(state, NO_EDITS, leiden(csr).levels, [3, 11]);
    expect([...state.membership()].flatMap((id, v) => (id === -1 ? [v] : []))).toEqual([3, 11]);
    expect(state.graph.neighbours(3)).toHaveLength(0);
    const again = deserializeCommunities(serializeCommunities(state));
    const [v] = again.addNodes(1);
    expect(v).toBe(3);
    again.update({ sources: Uint32Array.of(3), targets: Uint32Array.of(4), weights: [5] });
    expect(again.membership()[3]).toBe(again.membership()[4]);
    expectNestedAndConnected(again);
  });
});
