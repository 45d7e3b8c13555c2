import type { LeidenKernel } from "./leiden-kernel.ts";
import type { LeidenWorkspace, LevelGraph } from "./leiden-workspace.ts";
import { leidenModule } from "./wasm/leiden.wasm.ts";
import { instantiate, type WasmMemory } from "./wasm-memory.ts";

/** The kernel's functions take addresses and numbers; see `assembly/leiden.ts` for the order. */
type LeidenExports = Record<"moveNodes" | "sumExternal" | "refine" | "aggregate", (...numbers: number[]) => number>;

/** The kernel for the workspace, which lies in this memory. */
export function wasmLeidenKernel(memory: WasmMemory, space: LeidenWorkspace): LeidenKernel {
  const wasm = instantiate<LeidenExports>(leidenModule, memory.memory);
  /** Writes a table of addresses for the kernel and returns its own address. */
  const table = (...arrays: ArrayBufferView[]): number => {
    const addresses = memory.u32(arrays.length);
    for (const [i, array] of arrays.entries()) addresses[i] = array.byteOffset;
    return addresses.byteOffset;
  };
  const work = table(
    ...[space.state, space.community, space.total, space.members, space.empty, space.queue, space.queued],
    ...[space.linked, space.touched, space.refined, space.refinedTotal, space.refinedMembers, space.external],
    ...[space.order, space.starts],
  );
  const graphs = new Map(space.graphs.map((g) => [g, table(g.offsets, g.targets, g.weights, g.strength)]));
  const rows = (graph: LevelGraph) => graphs.get(graph)!;
  const integers = space.integers ? 1 : 0;
  return {
    moveNodes: (_, graph, scale, budget) => wasm.moveNodes(work, rows(graph), integers, graph.n, scale, budget) === 1,
    sumExternal: (_, graph, from, budget) => wasm.sumExternal(work, rows(graph), integers, graph.n, from, budget),
    refine: (_, graph, scale, theta, from, budget) =>
      wasm.refine(work, rows(graph), integers, graph.n, scale, theta, from, budget),
    aggregate: (_, graph, coarse, communities, from, budget) =>
      wasm.aggregate(work, rows(graph), rows(coarse), integers, communities, from, budget),
  };
}
