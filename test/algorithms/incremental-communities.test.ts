import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { linkParents } from "../../src/algorithms/community-hierarchy.ts";
import { CommunityLevel } from "../../src/algorithms/community-level.ts";
import {
  AlgorithmCancelled,
  type CommunityChange,
  csrFromEdges,
  disconnectedCommunities,
  IncrementalCommunities,
  leiden,
  modularity,
  SlackGraph,
} from "../../src/algorithms/index.ts";
import { seeded } from "../data/seeded.ts";
import { planted } from "./graphs.ts";

const NO_EDITS = { sources: new Uint32Array(0), targets: new Uint32Array(0), weights: [] };

function start(seed: number, communities = 8, size = 12, maxLevels = 3): IncrementalCommunities {
  const { n, sources, targets, weights } = planted(communities, size, 6, 2, seed);
  return IncrementalCommunities.fromGraph(csrFromEdges(n, sources, targets, weights), { maxLevels, seed });
}

/** Community ids at each level, and the members of each community as text. */
function snapshot(state: IncrementalCommunities): Map<number, string>[] {
  return state.levels.map((_, l) => {
    const members = new Map<number, number[]>();
    state.membership(l).forEach((id, v) => {
      if (id >= 0) members.set(id, [...(members.get(id) ?? []), v]);
    });
    return new Map([...members].map(([id, nodes]) => [id, nodes.join()]));
  });
}

/** Every promise that must hold after every batch. */
function expectSound(state: IncrementalCommunities): void {
  const csr = state.graph.toCsr();
  const { community } = state.top;
  expect(state.modularity()).toBeCloseTo(modularity(csr, community.subarray(0, state.n), state.options.resolution), 8);
  for (const [l, level] of state.levels.entries()) {
    expect(disconnectedCommunities(csr, level.community.subarray(0, state.n))).toEqual([]);
    const ids = new Set<number>();
    const sizes = new Map<number, number>();
    const totals = new Map<number, number>();
    for (let v = 0; v < state.n; v++) {
      const c = level.community[v]!;
      ids.add(level.id[c]!);
      sizes.set(c, (sizes.get(c) ?? 0) + 1);
      totals.set(c, (totals.get(c) ?? 0) + state.graph.strength[v]!);
      const above = state.levels[l + 1];
      if (above !== undefined) expect(level.parent[c]).toBe(above.community[v]);
    }
    expect(ids.size).toBe(sizes.size);
    expect(level.count).toBe(sizes.size);
    for (const [c, size] of sizes) expect(level.size[c]).toBe(size);
    for (const [c, total] of totals) expect(level.total[c]).toBeCloseTo(total, 6);
  }
}

/** The record of a change is exactly the difference between before and after. */
function expectDifference(before: Map<number, string>[], after: Map<number, string>[], change: CommunityChange): void {
  if (before.length !== after.length) return;
  for (const [l, level] of change.levels.entries()) {
    const then = before[l]!;
    const now = after[l]!;
    const created = [...now.keys()].filter((id) => !then.has(id));
    const removed = [...then.keys()].filter((id) => !now.has(id));
    const changed = [...now.keys()].filter((id) => then.get(id) !== now.get(id));
    const ascending = (ids: number[]) => ids.sort((a, b) => a - b);
    expect(level.created).toEqual(ascending(created));
    expect(level.removed).toEqual(ascending(removed));
    // A community that lost a member and got it back in one batch may be listed; none may be missing.
    for (const id of changed) expect(level.members).toContain(id);
    for (const id of level.members) expect(now.has(id)).toBe(true);
  }
}

interface Script {
  edits: [number, number, number][];
  addNodes: number;
  remove: number[];
}

/** A batch of edits of one of several kinds: scattered, around a hub, a whole new topic, a document's nodes going. */
function randomBatch(state: IncrementalCommunities, random: () => number): Script {
  const pick = () => Math.floor(random() * state.n);
  const live = () => {
    for (let tries = 0; tries < 50; tries++) {
      const v = pick();
      if (!state.absent.has(v)) return v;
    }
    return 0;
  };
  const edits: [number, number, number][] = [];
  const neighbourOf = (v: number) => {
    const row = state.graph.neighbours(v);
    return row.length > 0 ? row[Math.floor(random() * row.length)]! : v;
  };
  const kind = random();
  const script: Script = { edits, addNodes: 0, remove: [] };
  const count = 1 + Math.floor(random() * 12);
  if (kind < 0.35) {
    for (let i = 0; i < count; i++) {
      const v = live();
      if (random() < 0.55) edits.push([v, neighbourOf(v), 0]);
      else edits.push([v, live(), random() < 0.5 ? 1 : Math.ceil(random() * 8) / 4]);
    }
  } else if (kind < 0.55) {
    const v = live();
    for (const u of state.graph.neighbours(v)) if (random() < 0.7) edits.push([v, u, 0]);
    for (let i = 0; i < count; i++) edits.push([v, neighbourOf(neighbourOf(v)), random() < 0.5 ? 0 : 2]);
  } else if (kind < 0.7) {
    const hub = live();
    for (let i = 0; i < 4 * count; i++) edits.push([hub, live(), random() < 0.3 ? 0 : 0.5]);
  } else if (kind < 0.85) {
    script.addNodes = 2 + Math.floor(random() * 8);
  } else {
    for (let i = 0; i < 4; i++) {
      const v = live();
      if (!script.remove.includes(v)) script.remove.push(v);
    }
  }
  return script;
}

function run(
  state: IncrementalCommunities,
  { edits, addNodes, remove }: Script,
  random: () => number,
): CommunityChange {
  const all = [...edits];
  const fresh = state.addNodes(addNodes);
  for (const v of fresh) for (const u of fresh) if (u < v && random() < 0.6) all.push([v, u, 1]);
  for (const v of fresh) if (random() < 0.3) all.push([v, state.absent.has(0) ? v : 0, 1]);
  const gone = new Set([...state.absent, ...remove]);
  const usable = all.filter(([a, b]) => !gone.has(a) && !gone.has(b));
  const edges = {
    sources: Uint32Array.from(usable, (e) => e[0]),
    targets: Uint32Array.from(usable, (e) => e[1]),
    weights: usable.map((e) => e[2]),
  };
  return state.update(edges, {}, remove);
}

describe("incremental communities", () => {
  test("hold all promises after each of many random batches: over 10,000 edits, hubs, new topics, removed nodes", () => {
    let edits = 0;
    const kinds = new Set<string>();
    for (const [seed, size, levels] of [
      [1, 12, 3],
      [2, 12, 3],
      [3, 40, 3],
      [4, 8, 1],
      [5, 25, 4],
    ] as const) {
      const state = start(seed, 8, size, levels);
      const random = seeded(seed * 77);
      for (let batch = 0; batch < 230; batch++) {
        const before = snapshot(state);
        const script = randomBatch(state, random);
        const change = run(state, script, random);
        edits += script.edits.length + 4 * script.remove.length + 3 * script.addNodes;
        kinds.add(change.kind);
        expectSound(state);
        expectDifference(before, snapshot(state), change);
      }
    }
    expect(edits).toBeGreaterThan(10_000);
    expect([...kinds].sort()).toEqual(expect.arrayContaining(["full", "refresh", "update"]));
  }, 60_000);

  test("hold them for arbitrary scripts (shrinks to the smallest that fails)", () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 12 }), fc.constantFrom(1, 2, 3), (seed, batches, levels) => {
        const state = start(seed % 50, 4, 6, levels);
        const random = seeded(seed);
        for (let batch = 0; batch < batches; batch++) {
          const before = snapshot(state);
          const change = run(state, randomBatch(state, random), random);
          expectSound(state);
          expectDifference(before, snapshot(state), change);
        }
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  test("a bridge that goes splits a community at every level; the larger part keeps the id", () => {
    // Two cliques of 4 and 3 joined by one edge, alone in the graph: one community at resolution 0.05.
    const edges: [number, number][] = [];
    for (const clique of [
      [0, 1, 2, 3],
      [4, 5, 6],
    ]) {
      for (const a of clique) for (const b of clique) if (a < b) edges.push([a, b]);
    }
    edges.push([3, 4]);
    const csr = csrFromEdges(
      7,
      Uint32Array.from(edges, (e) => e[0]),
      Uint32Array.from(edges, (e) => e[1]),
    );
    const state = IncrementalCommunities.fromGraph(csr, { resolution: 0.05 });
    const [id] = state.membership();
    expect(new Set(state.membership())).toEqual(new Set([id]));
    const change = state.update({ sources: Uint32Array.of(3), targets: Uint32Array.of(4), weights: [0] });
    const now = state.membership();
    expect([...now.subarray(0, 4)]).toEqual([id, id, id, id]);
    expect(new Set(now.subarray(4)).size).toBe(1);
    expect(change.levels.at(-1)).toMatchObject({ created: [now[4]], removed: [], members: [id, now[4]] });
    expectSound(state);
  });

  test("a community that moves as a whole takes its parts along, ids and all", () => {
    // Four cliques of six; the parts are the cliques, the wholes are the first two and the last two of them.
    const edges: [number, number][] = [];
    for (let first = 0; first < 24; first += 6) {
      for (let a = first; a < first + 6; a++) for (let b = a + 1; b < first + 6; b++) edges.push([a, b]);
      edges.push([first, (first + 7) % 24]);
    }
    const csr = csrFromEdges(
      24,
      Uint32Array.from(edges, (e) => e[0]),
      Uint32Array.from(edges, (e) => e[1]),
    );
    const graph = SlackGraph.fromCsr(csr);
    const node = Array.from({ length: 24 }, (_, v) => v);
    const levels = [6, 12].map(
      (size) =>
        new CommunityLevel(
          graph,
          node.map((v) => Math.floor(v / size)),
        ),
    );
    linkParents(levels);
    const state = new IncrementalCommunities(graph, levels, { resolution: 0.3 });
    const parts = state.membership(0);
    // Much weight between the first and the third clique: they become one whole.
    state.update({
      sources: Uint32Array.of(0, 1, 2, 3, 4, 5),
      targets: Uint32Array.of(12, 13, 14, 15, 16, 17),
      weights: [9, 9, 9, 9, 9, 9],
    });
    state.refresh();
    expectSound(state);
    const wholes = state.membership(1);
    expect(wholes[0]).toBe(wholes[12]);
    expect(new Set(wholes).size).toBeLessThan(4);
    expect(new Set(state.membership(0))).toEqual(new Set(parts));
  });

  test("a node leaves others in an update for a clear gain only, in a refresh for a small one; one alone joins at once", () => {
    const edges: [number, number][] = [];
    for (const first of [0, 6]) {
      for (let a = first; a < first + 6; a++) for (let b = a + 1; b < first + 6; b++) edges.push([a, b]);
    }
    // Node 12 has three edges to the first clique and two to the other, node 13 has none.
    edges.push([12, 0], [12, 1], [12, 2], [12, 6], [12, 7]);
    const [sources, targets] = [0, 1].map((end) => Uint32Array.from(edges, (e) => e[end]!));
    const state = IncrementalCommunities.fromGraph(csrFromEdges(14, sources!, targets!));
    const set = (a: number, b: number, weight: number) =>
      state.update({ sources: Uint32Array.of(a), targets: Uint32Array.of(b), weights: [weight] });
    const [first, other] = [state.membership()[0], state.membership()[6]];
    expect(state.membership()[12]).toBe(first);
    expect(set(12, 8, 1.02).movedNodes).toBe(0);
    expect(state.refresh().movedNodes).toBe(0);
    expect(set(12, 8, 1.2).movedNodes).toBe(0);
    expect(state.refresh().movedNodes).toBe(1);
    expect(state.membership()[12]).toBe(other);
    expect(set(12, 3, 1.5).movedNodes).toBe(1);
    expect(state.membership()[12]).toBe(first);
    set(13, 9, 0.01);
    expect(state.membership()[13]).toBe(other);
    expectSound(state);
  });

  test("an unchanged graph gives no change at all", () => {
    const state = start(3);
    const { sources, targets, weights } = planted(8, 12, 6, 2, 3);
    const csr = csrFromEdges(state.n, sources, targets, weights);
    const same = { sources: Uint32Array.of(0), targets: csr.targets.slice(0, 1), weights: csr.weights.slice(0, 1) };
    for (const change of [state.update(same), state.update(NO_EDITS)]) {
      expect(change.kind).toBe("none");
      expect(change.movedNodes).toBe(0);
      for (const level of change.levels) expect(level).toEqual({ members: [], created: [], removed: [], edges: [] });
    }
  });

  test("a local change leaves the other communities as they are, within 0.5 % of a full run", () => {
    const state = start(6, 40, 30);
    const before = snapshot(state);
    const random = seeded(5);
    for (let batch = 0; batch < 20; batch++) {
      const v = Math.floor(random() * 30);
      const edits = [
        [v, Math.floor(random() * 30), 1],
        [v, state.graph.neighbours(v)[0] ?? 1, 0],
      ] as const;
      state.update({
        sources: Uint32Array.from(edits, (e) => e[0]),
        targets: Uint32Array.from(edits, (e) => e[1]),
        weights: edits.map((e) => e[2]),
      });
    }
    const after = snapshot(state);
    const kept = [...before.at(-1)!].filter(([id, members]) => after.at(-1)!.get(id) === members);
    expect(kept.length).toBeGreaterThanOrEqual(36);
    const full = leiden(state.graph.toCsr());
    expect(state.modularity()).toBeGreaterThan(full.modularity * 0.995);
  });

  test("a full run is adopted only if it is clearly better, and ids are carried over", () => {
    const state = start(8, 10, 20);
    expect(state.compare().kind).toBe("none");
    // Everything into one community per level: any full run beats that.
    const worse = IncrementalCommunities.fromGraph(state.graph.toCsr(), { resolution: 1e-9 });
    worse.options.resolution = 1;
    worse.recount();
    const before = snapshot(worse);
    const change = worse.compare();
    expect(change.kind).toBe("full");
    expectSound(worse);
    expect(snapshot(worse).at(-1)!.size).toBeGreaterThan(5);
    // The one community from before lives on as the part that overlaps it most.
    expect(
      snapshot(worse)
        .at(-1)!
        .has([...before.at(-1)!.keys()][0]!),
    ).toBe(true);
  });

  test("is deterministic, stops when asked to, refuses nonsense", () => {
    const runs = [1, 2].map(() => {
      const state = start(9);
      const random = seeded(4);
      for (let batch = 0; batch < 30; batch++) run(state, randomBatch(state, random), random);
      return snapshot(state);
    });
    expect(runs[0]).toEqual(runs[1]);
    const gone = start(9);
    gone.update(NO_EDITS, {}, [5]);
    const toGone = { sources: Uint32Array.of(0), targets: Uint32Array.of(5), weights: [1] };
    expect(() => gone.update(toGone)).toThrow(RangeError);
    expect(gone.addNodes(2)).toEqual([5, gone.n - 1]);
    gone.update(toGone);
    expectSound(gone);
    const state = start(9);
    expect(() => state.refresh({ shouldStop: () => true })).toThrow(AlgorithmCancelled);
    expect(() => start(9).update({ sources: Uint32Array.of(0), targets: Uint32Array.of(1e6), weights: [1] })).toThrow(
      RangeError,
    );
    expect(() => start(9).update({ sources: Uint32Array.of(0), targets: Uint32Array.of(1), weights: [-1] })).toThrow(
      RangeError,
    );
  });
});
