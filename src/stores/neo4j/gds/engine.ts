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
      const similarity = await this.#neighbours(calls, names, live, configs);
      const [facts, pairs] = [graph.sources.length, similarity.sources.length];
      if (facts + pairs === 0) return { graph, computed: { ...(await alone(live)), similarity } };
      const join = facts === 0 ? "gdsJoinNeighbours" : pairs === 0 ? "gdsJoinFacts" : "gdsJoin";
      const job = `${names.joined}-project`;
      await calls.during("join", job, () => calls.run(join, { name: names.facts, joined: names.joined, job }));
      // What is not needed any more makes room for the algorithms.
      await dropProjections(connection, this.#statements, [names.facts]);
      return { graph, computed: { similarity, ...(await this.#algorithms(calls, names.joined, live, configs)) } };
    } finally {
      // What a server that is away keeps is dropped at the next start.
      await dropProjections(connection, this.#statements, [names.facts, names.joined]).catch(() => {});
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
      const config = { jobId: `${name}-project` };
      const parameters = { group: fence.groupId, name, dimension, config };
      await calls.during("project", config.jobId, () => calls.run("gdsProject", parameters));
      if (attempt === ATTEMPTS || (await this.#generation(fence)) === generation) return live;
    }
  }

  /** Behind the group's lock: what was committed before it is seen as a whole. */
  #generation(fence: Fence): Promise<number> {
    return this.#store.write(fence.groupId, async (w) => w.group.generation);
  }

  async #neighbours(
    calls: GdsCalls,
    names: { facts: string },
    live: ProjectableGraph,
    configs: AlgorithmConfigs,
  ): Promise<EngineAnalytics["similarity"]> {
    if (live.vectors < 2) return similarityOf(nothing(), live.nodes);
    const job = `${names.facts}-knn`;
    const parameters = { name: names.facts, config: { ...configs.knn, jobId: job } };
    const [row] = await calls.during("similarity", job, () => calls.run<{ count: number }>("gdsKnn", parameters));
    const found = (row?.count ?? 0) > 0 ? calls.stream("gdsNeighbours", { name: names.facts }) : nothing();
    return similarityOf(found, live.nodes);
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
    ) => {
      const job = `${name}-${phase}`;
      return calls.during(phase, job, () =>
        read(calls.stream(statement, { name, config: { ...config, jobId: job } }), nodes, n),
      );
    };
    const weighted = { relationshipWeightProperty: "weight" };
    return {
      partitions: await call("communities", "gdsLeiden", { ...configs.leiden, ...weighted }, partitionsOf),
      scores: await call("ranks", "gdsPageRank", { ...configs.pageRank, ...weighted }, scoresOf),
      components: await call("components", "gdsWcc", configs.wcc, componentsOf),
    };
  }
}

/** Analytics of a graph without edges. */
async function alone({ graph, nodes }: ProjectableGraph): Promise<EngineAnalytics> {
  const n = graph.ids.length;
  return {
    similarity: await similarityOf(nothing(), nodes),
    partitions: await partitionsOf(nothing(), nodes, n),
    scores: await scoresOf(nothing(), nodes, n),
    components: await componentsOf(nothing(), nodes, n),
  };
}

async function* nothing(): AsyncGenerator<Row, void, undefined> {}
