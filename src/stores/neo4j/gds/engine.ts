import type { AnalyticsEngine, EngineAnalytics, LiveGraph } from "../../../core/ports.ts";
import type { Fence } from "../../../core/words.ts";
import type { Row } from "../connection.ts";
import { type ProjectableGraph, readProjectableGraph } from "../live-graph.ts";
import { gdsStatements } from "../statements/gds.ts";
import type { Statements } from "../statements/index.ts";
import type { Transactions } from "../transactions.ts";
import { GdsCalls, type GdsStatements } from "./calls.ts";
import { type AlgorithmConfigs, algorithmConfigs } from "./configs.ts";
import { refuseWhatDoesNotFit } from "./estimate.ts";
import { dropLeftOvers, dropProjections } from "./left-overs.ts";
import { projectionNames } from "./names.ts";
import { componentsOf, partitionsOf, scoresOf, similarityOf } from "./results.ts";
import { gdsVersion } from "./version.ts";

type Options = Parameters<AnalyticsEngine["analyse"]>[1];
type Control = Parameters<AnalyticsEngine["analyse"]>[2];

/** How often a projection that a change came in between is made again, before the earlier generation is good enough. */
const ATTEMPTS = 3;

/** The Graph Data Science plugin of the Neo4j server that holds the graph. Every projection is dropped, however a run ends. */
export class GdsEngine implements AnalyticsEngine {
  readonly name = "gds";
  readonly #store: Transactions;
  readonly #statements: Statements & GdsStatements;

  constructor(store: Transactions) {
    this.#store = store;
    this.#statements = { ...store.statements, ...gdsStatements(store.shapes) };
  }

  version(): Promise<string | null> {
    return gdsVersion(this.#store.connection);
  }

  async dropLeftOvers(groupId: string | null): Promise<number> {
    if ((await this.version()) === null) return 0;
    return dropLeftOvers(this.#store.connection, this.#statements, groupId);
  }

  async analyse(
    fence: Fence,
    options: Options,
    control: Control,
  ): Promise<{ graph: LiveGraph; computed: EngineAnalytics }> {
    const { connection } = this.#store;
    const calls = new GdsCalls(connection, this.#statements, control);
    const names = projectionNames(fence);
    const configs = algorithmConfigs(connection, options);
    try {
      const check = async (live: ProjectableGraph) => {
        control.check?.(live.graph);
        await refuseWhatDoesNotFit(calls, live, configs, options.k);
      };
      const live = await this.#project(calls, fence, names.facts, check);
      const { graph } = live;
      if (graph.ids.length === 0) return { graph, computed: await alone(live) };
      const similarity = await this.#neighbours(calls, names.facts, live, configs, options.k);
      const pairs = joinable(similarity, live);
      const facts = graph.sources.length;
      if (facts + pairs.weights.length === 0) return { graph, computed: { ...(await alone(live)), similarity } };
      const join = facts === 0 ? "gdsJoinNeighbours" : "gdsJoin";
      await calls.during("join", names.joined, (job) =>
        calls.run(join, { name: names.facts, joined: names.joined, job, ...pairs }),
      );
      // What is not needed any more makes room for the algorithms.
      await dropProjections(connection, this.#statements, [names.facts]);
      return { graph, computed: { similarity, ...(await this.#algorithms(calls, names.joined, live, configs)) } };
    } finally {
      // What a server that is away keeps is dropped at the next start.
      const drop = () => dropProjections(connection, this.#statements, [names.facts, names.joined]).catch(() => {});
      await drop();
      // A projection that was nearly there when it was aborted is stored all the same; nobody waits for that.
      if (control.signal?.aborted) void calls.ended.then(drop);
    }
  }

  /**
   * Reads and projects what is live. A change meanwhile makes both begin again; a group that is never still is published as of
   * the generation before, and so stays stale.
   */
  async #project(
    calls: GdsCalls,
    fence: Fence,
    name: string,
    check: (live: ProjectableGraph) => Promise<void>,
  ): Promise<ProjectableGraph> {
    for (let attempt = 1; ; attempt++) {
      const generation = await this.#generation(fence);
      const live = await this.#store.read(fence.groupId, (r) =>
        readProjectableGraph(r, generation, this.#statements.gdsEntities),
      );
      if (live.graph.ids.length === 0) return live;
      await check(live);
      await dropProjections(calls.connection, this.#statements, [name]);
      const dimension = calls.connection.int(live.dimension);
      await calls.during("project", name, (jobId) =>
        calls.run("gdsProject", { group: fence.groupId, name, dimension, config: { jobId } }),
      );
      if (attempt === ATTEMPTS || (await this.#generation(fence)) === generation) return live;
    }
  }

  /** Behind the group's lock: what was committed before it is seen as a whole. */
  #generation(fence: Fence): Promise<number> {
    return this.#store.write(fence.groupId, async (w) => w.group.generation);
  }

  async #neighbours(
    calls: GdsCalls,
    name: string,
    { graph, nodes, vectors }: ProjectableGraph,
    configs: AlgorithmConfigs,
    k: number,
  ): Promise<EngineAnalytics["similarity"]> {
    return calls.during("similarity", name, (jobId) => {
      const rows = vectors < 2 ? nothing() : calls.stream("gdsKnn", { name, config: { ...configs.knn, jobId } });
      return similarityOf(rows, nodes, graph.ids.length, k);
    });
  }

  async #algorithms(
    calls: GdsCalls,
    name: string,
    { nodes, graph }: ProjectableGraph,
    configs: AlgorithmConfigs,
  ): Promise<Omit<EngineAnalytics, "similarity">> {
    const n = graph.ids.length;
    const call = <T>(
      phase: string,
      statement: "gdsLeiden" | "gdsPageRank" | "gdsWcc",
      config: Row,
      read: (rows: AsyncIterable<Row>, nodes: Map<number, number>, n: number) => Promise<T>,
    ) =>
      calls.during(phase, name, (jobId) =>
        read(calls.stream(statement, { name, config: { ...config, jobId } }), nodes, n),
      );
    const weighted = { relationshipWeightProperty: "weight" };
    return {
      partitions: await call("communities", "gdsLeiden", { ...configs.leiden, ...weighted }, partitionsOf),
      scores: await call("ranks", "gdsPageRank", { ...configs.pageRank, ...weighted }, scoresOf),
      components: await call("components", "gdsWcc", configs.wcc, componentsOf),
    };
  }
}

/** Pairs as the library knows them, by its numbers of nodes; communities and ranks know no weight that is not positive. */
function joinable(
  { sources, targets, scores }: EngineAnalytics["similarity"],
  { nodes, graph }: ProjectableGraph,
): { sources: number[]; targets: number[]; weights: number[] } {
  const nodeOf = new Float64Array(graph.ids.length);
  for (const [node, v] of nodes) nodeOf[v] = node;
  const positive = (_: number, i: number) => (scores[i] as number) > 0;
  const numbers = (ends: Uint32Array) => Array.from(ends.filter(positive), (v) => nodeOf[v] as number);
  return { sources: numbers(sources), targets: numbers(targets), weights: Array.from(scores.filter(positive)) };
}

/** Analytics of a graph without edges. */
async function alone({ graph, nodes }: ProjectableGraph): Promise<EngineAnalytics> {
  const n = graph.ids.length;
  return {
    similarity: await similarityOf(nothing(), nodes, 0, 0),
    partitions: await partitionsOf(nothing(), nodes, n),
    scores: await scoresOf(nothing(), nodes, n),
    components: await componentsOf(nothing(), nodes, n),
  };
}

async function* nothing(): AsyncGenerator<Row, void, undefined> {}
