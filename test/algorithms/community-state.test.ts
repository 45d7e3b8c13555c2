import { expect, test } from "vitest";
import {
  BrokenState,
  csrFromEdges,
  deserializeCommunities,
  IncrementalCommunities,
  openCommunities,
  serializeCommunities,
} from "../../src/algorithms/index.ts";
import { seeded } from "../data/seeded.ts";
import { planted } from "./graphs.ts";

const { n, sources, targets, weights } = planted(6, 20, 6, 2, 3);
const csr = csrFromEdges(n, sources, targets, weights);

function edited(): IncrementalCommunities {
  const state = IncrementalCommunities.fromGraph(csr, { seed: 5, maxLevels: 2 });
  state.addNodes(4);
  update(state, 1);
  state.update({ sources: Uint32Array.of(3, 2), targets: Uint32Array.of(3, 120), weights: [2, 1] }, {}, [7, 8]);
  return state;
}

function update(state: IncrementalCommunities, seed: number) {
  const random = seeded(seed);
  const pick = () => Uint32Array.from({ length: 9 }, () => 9 + Math.floor(random() * (state.n - 9)));
  return state.update({ sources: pick(), targets: pick(), weights: Array.from({ length: 9 }, (_, i) => (i % 3) / 2) });
}

test("what is read is what was written, and goes on in the same way", () => {
  const state = edited();
  const bytes = serializeCommunities(state);
  const again = deserializeCommunities(bytes);
  expect(serializeCommunities(again)).toEqual(bytes);
  expect(again.options).toEqual(state.options);
  expect(again.absent).toEqual(new Set([7, 8]));
  expect(again.modularity()).toBeCloseTo(state.modularity(), 12);
  for (let seed = 2; seed < 30; seed++) {
    expect(update(again, seed)).toEqual(update(state, seed));
    for (const l of state.levels.keys()) expect(again.membership(l)).toEqual(state.membership(l));
  }
});

test("bytes that are not what was written are refused, whichever of them changed, and the state is built anew", () => {
  const bytes = serializeCommunities(edited());
  const random = seeded(8);
  const places = [
    0,
    4,
    8,
    12,
    16,
    20,
    bytes.length - 1,
    ...Array.from({ length: 200 }, () => Math.floor(random() * bytes.length)),
  ];
  for (const place of places) {
    const altered = bytes.slice();
    altered[place]! ^= 1 << Math.floor(random() * 8);
    expect(() => deserializeCommunities(altered)).toThrow(BrokenState);
  }
  for (const length of [0, 8, 24, bytes.length - 8, bytes.length - 1]) {
    expect(() => deserializeCommunities(bytes.subarray(0, length))).toThrow(BrokenState);
  }
  const altered = bytes.slice();
  altered[100]! ^= 1;
  for (const [stored, rebuilt] of [
    [null, "missing"],
    [altered, "broken"],
    [bytes, false],
  ] as const) {
    const opened = openCommunities(stored, () => csr);
    expect(opened.rebuilt).toBe(rebuilt);
    expect(opened.state.n).toBe(rebuilt === false ? n + 4 : n);
  }
});
