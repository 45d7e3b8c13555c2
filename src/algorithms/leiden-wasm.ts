import type { LeidenKernel } from "./leiden-kernel.ts";
import { leidenModule } from "./wasm/leiden.wasm.ts";
import { instantiate, type WasmMemory } from "./wasm-memory.ts";

/** The kernel's functions take addresses and numbers; see `assembly/leiden.ts` for the order. */
type LeidenExports = Record<"moveNodes" | "sumExternal" | "refine" | "aggregate", (...numbers: number[]) => number>;

/** The kernel on the memory that holds the workspace. */
export function wasmLeidenKernel(memory: WasmMemory): LeidenKernel {
  const wasm = instantiate<LeidenExports>(leidenModule, memory.memory);
  const addresses = (...arrays: ArrayBufferView[]) => arrays.map((array) => array.byteOffset);
  return {
    moveNodes(space, graph, scale, budget) {
      const rows = addresses(graph.offsets, graph.targets, graph.weights, graph.strength);
      const communities = addresses(space.community, space.total, space.members, space.empty);
      const work = addresses(space.queue, space.queued, space.linked, space.touched, space.state);
      return wasm.moveNodes(graph.n, ...rows, ...communities, ...work, scale, budget) === 1;
    },
    sumExternal(space, graph, from, budget) {
      const arrays = addresses(graph.offsets, graph.targets, graph.weights, space.community, space.external);
      return wasm.sumExternal(graph.n, ...arrays, from, budget);
    },
    refine(space, graph, scale, theta, from, budget) {
      const rows = addresses(graph.offsets, graph.targets, graph.weights, graph.strength);
      const work = addresses(space.community, space.total, space.linked, space.touched);
      const refined = addresses(space.refined, space.refinedTotal, space.refinedMembers, space.external);
      const state = space.state.byteOffset;
      return wasm.refine(graph.n, ...rows, ...work, ...refined, state, scale, theta, from, budget);
    },
    aggregate(space, graph, coarse, communities, from, budget) {
      const rows = addresses(graph.offsets, graph.targets, graph.weights, graph.strength);
      const out = addresses(coarse.offsets, coarse.targets, coarse.weights, coarse.strength);
      const work = addresses(space.linked, space.touched, space.refined, space.order, space.starts, space.state);
      return wasm.aggregate(...rows, ...out, ...work, communities, from, budget);
    },
  };
}
