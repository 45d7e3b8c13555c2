import { GraphkeeperError } from "../../../core/errors.ts";
import type { ProjectableGraph } from "../live-graph.ts";
import type { GdsCalls, GdsStatements } from "./calls.ts";
import type { AlgorithmConfigs } from "./configs.ts";

interface Estimate extends Record<string, unknown> {
  bytesMax: number;
  heapPercentageMax: number;
}

/** Shares of the heap are rounded up to tenths: of a graph this large the size of the heap follows to a per mille. */
const LARGE = 10_000_000_000;

/**
 * Asks the library what the run would take, before anything is loaded, and refuses what does not fit into the server's heap.
 * What is free just then the library checks itself, call by call.
 *
 * @throws GraphkeeperError `OUT_OF_BUDGET` with the estimate
 */
export async function refuseWhatDoesNotFit(
  calls: GdsCalls,
  live: ProjectableGraph,
  configs: AlgorithmConfigs,
  k: number,
): Promise<void> {
  const int = (value: number) => calls.connection.int(value);
  const { graph, vectors, dimension } = live;
  const nodes = graph.ids.length;
  const facts = graph.sources.length;
  // Undirected relationships are stored from both ends.
  const edges = 2 * (facts + vectors * k);
  const projection = async (nodeCount: number, relationshipCount: number) => {
    const config = {
      nodeCount: int(nodeCount),
      relationshipCount: int(relationshipCount),
      relationshipProperties: "weight",
    };
    return (await calls.run<Estimate>("gdsProjectEstimate", { config }))[0] as Estimate;
  };
  const algorithm = async (name: keyof GdsStatements, relationships: number, config: Record<string, unknown>) => {
    const sized = { nodeCount: int(nodes), relationshipCount: int(relationships) };
    const fictive = { ...sized, nodeProjection: "*", relationshipProjection: "*" };
    return ((await calls.run<Estimate>(name, { graph: fictive, config }))[0] as Estimate).bytesMax;
  };
  const large = await projection(LARGE, 1);
  const heap = large.bytesMax / large.heapPercentageMax;
  // Lists of floats are doubles there, and the estimate knows no dimension.
  const embeddings = vectors * (dimension * 8 + 24);
  const loaded = (await projection(nodes, facts)).bytesMax + embeddings;
  const joined = (await projection(nodes, edges)).bytesMax;
  const steps = [loaded + joined];
  if (vectors > 1) steps.push(embeddings + (await algorithm("gdsKnnEstimate", facts, configs.knn)));
  steps.push(await algorithm("gdsLeidenEstimate", edges, configs.leiden));
  steps.push(await algorithm("gdsPageRankEstimate", edges, configs.pageRank));
  steps.push(await algorithm("gdsWccEstimate", edges, configs.wcc));
  const needed = Math.max(...steps);
  if (needed <= heap) return;
  const mb = (bytes: number) => Math.ceil(bytes / 1_048_576);
  throw new GraphkeeperError(
    "OUT_OF_BUDGET",
    `The recompute of ${graph.groupId} by the Graph Data Science library needs about ${mb(needed)} MB of Neo4j's heap; it has ${mb(heap)}.`,
    { estimate_mb: mb(needed), budget_mb: mb(heap), engine: "gds", field: "server.memory.heap.max_size" },
  );
}
