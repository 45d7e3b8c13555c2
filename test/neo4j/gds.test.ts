import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import neo4j, { type Driver, type Plan } from "neo4j-driver";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { compose } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/config.ts";
import { World } from "../../src/conformance/index.ts";
import { type ErrorCode, GraphkeeperError } from "../../src/core/errors.ts";
import type { ImportBlock } from "../../src/core/words.ts";
import type { EngineName } from "../../src/maintenance/engine.ts";
import { type RecomputeOptions, type RecomputeResult, recompute } from "../../src/maintenance/recompute.ts";
import { checkProfile } from "../../src/profiles/format.ts";
import { PROFILES } from "../../src/profiles/index.ts";
import { diagnose } from "../../src/stores/neo4j/doctor.ts";
import { groupPrefix, projectionNames, runPrefix } from "../../src/stores/neo4j/gds/names.ts";
import type { Neo4jStore } from "../../src/stores/neo4j/index.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { Shapes } from "../../src/stores/neo4j/shapes.ts";
import { gdsStatements } from "../../src/stores/neo4j/statements/gds.ts";
import { type Neo4jServer, startNeo4j } from "../servers/neo4j.ts";
import { installStandIn } from "./gds-stand-in/build.ts";
import { SMALL_GRAPHS } from "./server.ts";

/**
 * The adapter over real Bolt on a real server: first without the plugin, then with a stand-in that has the names and signatures
 * of Graph Data Science 2.13 (test/neo4j/gds-stand-in). The library itself is not on Maven Central.
 */

let home: string;
let server: Neo4jServer;
let driver: Driver;
let store: Neo4jStore;
let w: World;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "graphkeeper-gds-"));
  server = await startNeo4j({
    home,
    settings: { ...SMALL_GRAPHS, "dbms.security.procedures.unrestricted": "gds.*" },
  });
  driver = neo4j.driver(server.uri, undefined, { disableLosslessIntegers: true });
}, 600_000);

afterAll(async () => {
  await driver?.close();
  await server?.stop();
  await rm(home, { recursive: true, force: true });
}, 60_000);

const run = async (statement: string, parameters: Record<string, unknown> = {}) =>
  (await driver.executeQuery(statement, parameters)).records.map((r) => r.toObject());

beforeEach(async () => {
  await run("MATCH (n) DETACH DELETE n");
  // A server that was just started takes its time over the first plans.
  store = await openNeo4jStore({ uri: server.uri, patienceMs: 10_000 });
  w = new World(store);
}, 60_000);

afterEach(() => store.close());

/** Real time, so that leases are alive for the server's clock too. */
const clock = () => w.now;

async function recomputed(
  group: string,
  name: EngineName,
  options: Partial<RecomputeOptions> & { threshold?: number } = {},
): Promise<RecomputeResult> {
  const { threshold = 1_000_000, ...rest } = options;
  return w.withLease(group, (fence) => recompute(store, fence, { clock, engine: { name, threshold }, ...rest }));
}

async function failure(work: Promise<unknown>, code: ErrorCode): Promise<GraphkeeperError> {
  const error = await work.then(
    () => null,
    (e: unknown) => e,
  );
  expect(GraphkeeperError.is(error, code), `${code}: ${String(error)}`).toBe(true);
  return error as GraphkeeperError;
}

const CLUSTERS = 4;
const SIZE = 6;

/**
 * Documents d0 to d3 with six entities each, whose vectors are near each other and which are tied by facts; a fact joins d0's to
 * d1's; `plain` has no vector, `alone` neither vector nor fact.
 */
function clusters(): ImportBlock {
  const block: ImportBlock = { documents: [], textUnits: [], entities: [], mentions: [], relationships: [] };
  for (let c = 0; c < CLUSTERS; c++) {
    block.documents.push({ id: `d${c}` });
    block.textUnits.push({ id: `u${c}`, documents: [`d${c}`], text: `text ${c}` });
    for (let i = 0; i < SIZE; i++) {
      const embedding = Float32Array.from({ length: CLUSTERS }, (_, d) => (d === c ? 1 : 0.01 * (i + 1) * (d + 1)));
      block.entities.push({ id: `e${c}${i}`, name: `Entity ${c} ${i}`, embedding });
      block.mentions.push({ textUnit: `u${c}`, entity: `e${c}${i}` });
      if (i > 0) fact(`e${c}${i - 1}`, `e${c}${i}`, 1 + i / 4, c);
    }
  }
  fact("e00", "e10", 0.5, 0);
  for (const id of ["plain", "alone"]) {
    block.entities.push({ id, name: id });
    block.mentions.push({ textUnit: "u0", entity: id });
  }
  fact("plain", "e01", 2, 0);
  return block;

  function fact(source: string, target: string, weight: number, c: number) {
    block.relationships.push({
      id: `${source}-${target}`,
      source,
      target,
      type: "relates to",
      weight,
      textUnits: [`u${c}`],
    });
  }
}

async function membersByCommunity(group: string, level: number): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const m of (await store.readPublished(group)).memberships) {
    if (m.level === level) found.set(m.community, [...(found.get(m.community) ?? []), m.entity]);
  }
  return found;
}

describe("a server without the plugin", () => {
  test("the built-in engine computes for auto, and gds is a plain error", async () => {
    await w.import("g", clusters());
    expect(await store.engine.version()).toBeNull();
    expect(await store.engine.dropLeftOvers(null)).toBe(0);
    const error = await failure(recomputed("g", "gds"), "ENGINE_UNAVAILABLE");
    expect(error.message).toContain("gds");
    expect(error.remedy).toContain("builtin");
    const result = await recomputed("g", "auto", { threshold: 0 });
    expect(result).toMatchObject({ engine: "builtin", fresh: true, similarityRecall: 1 });
    const published = (await store.audit("g", { afterSeq: 0, limit: 100 })).find((a) => a.action === "publish");
    expect(published?.detail.engine).toBe("builtin");
    expect((await diagnose({ uri: server.uri })).server.gds).toBeNull();
  }, 120_000);
});

describe("a server with the stand-in for Graph Data Science", () => {
  beforeAll(async () => {
    await installStandIn(home);
    await server.restart();
    await driver.close();
    driver = neo4j.driver(server.uri, undefined, { disableLosslessIntegers: true });
  }, 120_000);
  beforeEach(async () => {
    await run("CALL standin.reset()");
  });
  const turn = (name: string, value: string | null) => run("CALL standin.turn($name, $value)", { name, value });
  const projections = async () =>
    (await run("CALL gds.graph.list() YIELD graphName RETURN graphName ORDER BY graphName")).map((r) => r.graphName);
  const projected = () => run("CALL standin.projected() YIELD name, nodes, edges RETURN name, nodes, edges");
  const calls = async () =>
    (await run("CALL standin.calls() YIELD name, graph, configuration RETURN name, graph, configuration")) as {
      name: string;
      graph: string;
      configuration: Record<string, unknown>;
    }[];

  test("auto takes it above the threshold only; health and doctor say that it is there", async () => {
    await w.import("g", clusters());
    const live = CLUSTERS * SIZE + 2;
    expect((await recomputed("g", "auto", { threshold: live })).engine).toBe("builtin");
    expect(await calls()).toEqual([]);
    const result = await recomputed("g", "auto", { threshold: live - 1 });
    expect(result).toMatchObject({ engine: "gds 2.13.10", fresh: true, similarityRecall: null, entities: live });
    expect((await recomputed("g", "builtin", { threshold: 0 })).engine).toBe("builtin");
    expect((await diagnose({ uri: server.uri })).server.gds).toBe("2.13.10");
  }, 120_000);

  test("what it answers is published: neighbours, ranks and components equal the built-in engine's, communities its own", async () => {
    await w.import("theirs", clusters());
    await w.import("ours", clusters());
    await recomputed("theirs", "gds");
    await recomputed("ours", "builtin");
    const [theirs, ours] = [await store.readPublished("theirs"), await store.readPublished("ours")];
    expect(theirs.similarity.length).toBeGreaterThan(20);
    expect(theirs.similarity.map(({ a, b }) => [a, b])).toEqual(ours.similarity.map(({ a, b }) => [a, b]));
    for (const [i, row] of theirs.similarity.entries()) expect(row.score).toBeCloseTo(ours.similarity[i]!.score, 6);
    expect(theirs.ranks.map((r) => [r.entity, r.component])).toEqual(ours.ranks.map((r) => [r.entity, r.component]));
    for (const [i, row] of theirs.ranks.entries()) expect(row.score / ours.ranks[i]!.score).toBeCloseTo(1, 6);
    expect(theirs.ranks.reduce((sum, r) => sum + r.score, 0)).toBeCloseTo(1, 9);
    // The stand-in's top level is that of connected components: {0, 1, plain}, {2}, {3}, {alone}.
    const top = Math.max(...theirs.communities.map((c) => c.level));
    const sizes = [...(await membersByCommunity("theirs", top)).values()].map((m) => m.length).sort((a, b) => a - b);
    expect(sizes).toEqual([1, SIZE, SIZE, 2 * SIZE + 1]);
    const parents = new Map(theirs.communities.map((c) => [c.id, c.parent]));
    const ofTop = new Map(theirs.memberships.filter((m) => m.level === top).map((m) => [m.entity, m.community]));
    for (const m of theirs.memberships.filter((m) => m.level === top - 1))
      expect(parents.get(m.community)).toBe(ofTop.get(m.entity));
    expect(await projections()).toEqual([]);
  }, 120_000);

  test("an unchanged graph has no changed community, though the library numbers them anew; after a change the others stay", async () => {
    await w.import("g", clusters());
    const first = await recomputed("g", "gds");
    expect(first.changedCommunities).toBe(
      first.rowsWritten === 0 ? 0 : (await store.readPublished("g")).communities.length,
    );
    const second = await recomputed("g", "gds");
    expect(second).toMatchObject({ changedCommunities: 0, removedCommunities: 0, rowsWritten: 0, fresh: true });
    const before = await membersByCommunity("g", 0);
    // The first of all, so that whoever only counts communities would number the others anew.
    await w.deprecate("g", "d0");
    await w.collect("g");
    const third = await recomputed("g", "gds");
    const after = await membersByCommunity("g", 0);
    expect(third.removedCommunities).toBeGreaterThan(0);
    const untouched = [...after].filter(([, members]) => /^e[23]/.test(members[0]!));
    expect(untouched).toHaveLength(2);
    for (const [id, members] of untouched) expect(before.get(id)).toEqual(members);
    expect([...after.values()].flat().filter((e) => e.startsWith("e0"))).toEqual([]);
    // What the library computed the built-in engine goes on from.
    expect((await recomputed("g", "builtin")).engine).toBe("builtin");
    await w.restore("g", "d0");
    expect((await recomputed("g", "gds")).entities).toBe(CLUSTERS * SIZE + 2);
  }, 120_000);

  test("nothing parked and nothing of another group is projected, and no name holds a group's id", async () => {
    await w.import("tenant-secret", clusters());
    await w.import("other", clusters());
    await w.deprecate("tenant-secret", "d1");
    await w.collect("tenant-secret");
    await recomputed("tenant-secret", "gds");
    const live = await run(
      "MATCH (e:Entity {group_id: 'tenant-secret'}) WHERE coalesce(e.lc_active, true) RETURN id(e) AS node",
    );
    const seen = await projected();
    expect(seen.map((p) => String(p.name).split("-").at(-1))).toEqual(["facts", "joined"]);
    expect(new Set(seen[0]!.nodes as number[])).toEqual(new Set(live.map((r) => r.node)));
    expect(live).toHaveLength((CLUSTERS - 1) * SIZE + 2);
    for (const { nodes } of seen) for (const node of nodes as number[]) expect(live.map((r) => r.node)).toContain(node);
    const said = JSON.stringify(await calls());
    expect(said).not.toContain("tenant-secret");
    expect(said).not.toContain("other");
    for (const { name } of seen) expect(name).toMatch(/^graphkeeper-[0-9a-f]{16}-[0-9a-f]{16}-(facts|joined)$/);
  }, 120_000);

  test("it is called with what makes it reproducible and near to exact", async () => {
    await w.import("g", clusters());
    await recomputed("g", "gds", { k: 3, cutoff: 0.2, resolution: 1.5, seed: 7 });
    const configuration = (name: string) => calls().then((all) => all.find((c) => c.name === name)?.configuration);
    expect(await configuration("gds.knn.mutate")).toMatchObject({
      topK: 3,
      similarityCutoff: 0.6,
      sampleRate: 1,
      deltaThreshold: 0,
      randomJoins: 100,
      randomSeed: 7,
      concurrency: 1,
    });
    expect(await configuration("gds.leiden.stream")).toMatchObject({
      gamma: 1.5,
      randomSeed: 7,
      concurrency: 1,
      relationshipWeightProperty: "weight",
    });
    expect(await configuration("gds.pageRank.stream")).toMatchObject({ dampingFactor: 0.85, maxIterations: 400 });
    const order = (await calls()).map((c) => c.name).filter((name) => !name.endsWith("estimate"));
    expect(order).toEqual([
      "gds.graph.project",
      "gds.knn.mutate",
      "gds.graph.project",
      "gds.graph.drop",
      "gds.leiden.stream",
      "gds.pageRank.stream",
      "gds.wcc.stream",
      "gds.graph.drop",
    ]);
  }, 120_000);

  test("graphs without a vector, without a fact, without either, and without a live entity", async () => {
    const all = clusters();
    const bare = all.entities.map(({ embedding: _, ...entity }) => entity);
    await w.import("no-vectors", { ...all, entities: bare });
    await w.import("no-facts", { ...all, relationships: [] });
    await w.import("neither", { ...all, entities: bare, relationships: [] });
    expect(await recomputed("no-vectors", "gds")).toMatchObject({ similarityEdges: 0, fresh: true });
    expect((await recomputed("no-facts", "gds")).similarityEdges).toBeGreaterThan(0);
    const alone = await recomputed("neither", "gds");
    expect(alone).toMatchObject({ edges: 0, communities: CLUSTERS * SIZE + 2, fresh: true });
    await w.deprecate("neither", ["d0", "d1", "d2", "d3"]);
    await w.collect("neither");
    expect(await recomputed("neither", "gds")).toMatchObject({ entities: 0, communities: 0, fresh: true });
    expect(await projections()).toEqual([]);
  }, 120_000);

  describe("however a run ends, nothing stays in the library's memory and what was published stays", () => {
    test.each(["gds.graph.project", "gds.knn.mutate", "gds.leiden.stream", "gds.wcc.stream"])(
      "%s fails",
      async (name) => {
        await w.import("g", clusters());
        await recomputed("g", "builtin");
        const before = await store.readPublished("g");
        await turn("fail", name);
        const error = await failure(recomputed("g", "gds"), "RUN_FAILED");
        expect(error.message).toContain("planted");
        expect(await projections()).toEqual([]);
        expect(await store.readPublished("g")).toEqual(before);
      },
      120_000,
    );

    test("the library finds too little free memory", async () => {
      await w.import("g", clusters());
      await turn("full", "gds.leiden.stream");
      const error = await failure(recomputed("g", "gds"), "OUT_OF_BUDGET");
      expect(error.message).toContain("42 GiB");
      expect(await projections()).toEqual([]);
    }, 120_000);

    test.each(["gds.knn.mutate.estimate", "gds.leiden.stream.estimate"])(
      "%s does not fit: refused with the estimate before anything is projected",
      async (name) => {
        await w.import("g", clusters());
        await turn("huge", name);
        const error = await failure(recomputed("g", "gds"), "OUT_OF_BUDGET");
        const { estimate_mb: needed, budget_mb: heap } = error.details as Record<string, number>;
        expect(needed).toBeGreaterThan(heap!);
        expect(heap).toBeGreaterThan(500);
        expect(heap).toBeLessThan(1_100);
        expect(await projected()).toEqual([]);
      },
      120_000,
    );

    test("this process may not take the memory that publishing needs: refused before anything is projected", async () => {
      await w.import("g", clusters());
      await failure(recomputed("g", "gds", { memoryMb: 0 }), "OUT_OF_BUDGET");
      expect(await projected()).toEqual([]);
    }, 120_000);

    test("cancelled in the middle: within 2 s, and the server's work ends too", async () => {
      await w.import("g", clusters());
      await recomputed("g", "builtin");
      const before = await store.readPublished("g");
      await turn("hold", "gds.leiden.stream");
      const cancel = new AbortController();
      let cancelledAt = 0;
      const seen: [string, number][] = [];
      const onPhase = (phase: string, done: number) => {
        seen.push([phase, done]);
        if (phase !== "communities" || done !== 43 || cancelledAt > 0) return;
        cancelledAt = performance.now();
        cancel.abort("cancelled");
      };
      await failure(recomputed("g", "gds", { signal: cancel.signal, onPhase }), "CANCELLED");
      expect(performance.now() - cancelledAt).toBeLessThan(2_000);
      expect(seen).toContainEqual(["communities", 43]);
      expect(await projections()).toEqual([]);
      expect(await store.readPublished("g")).toEqual(before);
      await expect
        .poll(() => run("CALL standin.knob('terminated') YIELD value RETURN value"), { timeout: 5_000 })
        .toEqual([{ value: expect.stringContaining("communities") }]);
    }, 120_000);

    test("its time budget runs out", async () => {
      await w.import("g", clusters());
      await turn("hold", "gds.knn.mutate");
      await failure(recomputed("g", "gds", { timeBudgetMs: 3_000 }), "OUT_OF_BUDGET");
      expect(await projections()).toEqual([]);
    }, 120_000);
  });

  test("a change that comes in between makes it read and project again; one that never ends leaves the group stale", async () => {
    await w.import("g", clusters());
    const { connection } = store;
    const original = connection.interruptible.bind(connection);
    let changes = 1;
    connection.interruptible = async function* (statement, parameters, signal) {
      if (statement.includes("UNION ALL") && statement.includes("$dimension") && changes-- > 0)
        await w.import("g", { ...clusters(), documents: [{ id: `more${changes}` }], textUnits: [], mentions: [] });
      yield* original(statement, parameters, signal);
    };
    expect(await recomputed("g", "gds")).toMatchObject({ generation: 2, fresh: true });
    expect((await projected()).map((p) => String(p.name).split("-").at(-1))).toEqual(["facts", "facts", "joined"]);
    changes = 100;
    expect(await recomputed("g", "gds")).toMatchObject({ fresh: false });
    expect(await projections()).toEqual([]);
  }, 120_000);

  test("left-overs of a crash go with the group's next run, whoever computes it, and when a service starts", async () => {
    await w.import("g", clusters());
    await w.import("busy", clusters());
    const fence = await w.lease("busy");
    const dead = projectionNames({ groupId: "g", token: 77 });
    const plant = (name: string, database = "neo4j") => run("CALL standin.plant($name, $database)", { name, database });
    const unknown = projectionNames({ groupId: "a group that is gone", token: 3 }).facts;
    const working = projectionNames(fence).facts;
    for (const name of [dead.facts, dead.joined, unknown, working, "somebody else's"]) await plant(name);
    expect(await projections()).toHaveLength(5);
    await recomputed("g", "builtin");
    expect(await projections()).toEqual([unknown, working, "somebody else's"].sort());
    await plant(dead.facts);
    await plant(`${PREFIX_OF_ANOTHER_DATABASE}facts`, "elsewhere");
    const config = loadConfig({ NEO4J_URI: server.uri, GRAPHKEEPER_DATA: join(home, "keys.db") });
    const service = await compose(config, { serve: {} });
    try {
      await expect
        .poll(projections, { timeout: 10_000 })
        .toEqual([`${PREFIX_OF_ANOTHER_DATABASE}facts`, working, "somebody else's"].sort());
    } finally {
      await service.close();
    }
    await store.releaseLease(fence);
    expect(await store.engine.dropLeftOvers(null)).toBe(1);
    expect(runPrefix(fence).startsWith(groupPrefix("busy"))).toBe(true);
  }, 120_000);
  const PREFIX_OF_ANOTHER_DATABASE = runPrefix({ groupId: "g", token: 78 });

  test("a run of the service takes the engine that it is told, else the configured one", async () => {
    await w.import("g", clusters());
    const config = loadConfig({
      NEO4J_URI: server.uri,
      GRAPHKEEPER_DATA: join(home, "service.db"),
      GRAPHKEEPER_GDS_THRESHOLD: "10",
    });
    const service = await compose(config);
    try {
      await service.jobs.start({ roles: ["worker"] });
      const engineOf = async (params: Record<string, string>) => {
        const { run: begun } = await service.run({ kind: "recompute", groupId: "g", actor: "tester", params });
        const ended = await service.jobs.wait(begun.id, 60_000);
        expect(ended.error).toBeNull();
        return ended.result?.engine;
      };
      expect(await engineOf({})).toBe("gds 2.13.10");
      expect(await engineOf({ engine: "builtin" })).toBe("builtin");
      expect(await engineOf({ engine: "gds" })).toBe("gds 2.13.10");
    } finally {
      await service.close();
    }
  }, 120_000);

  test("the statements of every profile are understood, and read no node that is none of theirs", async () => {
    const operators = (plan: Plan): string[] => [
      plan.operatorType.replace(/@.*/, ""),
      ...plan.children.flatMap(operators),
    ];
    const session = driver.session();
    try {
      for (const make of Object.values(PROFILES)) {
        const shapes = new Shapes(checkProfile(make("tenant")));
        for (const [name, statement] of Object.entries(gdsStatements(shapes))) {
          const { summary } = await session.run(`EXPLAIN ${statement}`, {});
          // The indexes that lookups need are those of the profile that the database was prepared for.
          if (shapes.profile.name !== "native") continue;
          const bad = operators(summary.plan as Plan).filter((o) =>
            /^(AllNodesScan|.*CartesianProduct|.*AllRelationshipsScan)$/.test(o),
          );
          expect(bad, `${shapes.profile.name} ${name}`).toEqual([]);
        }
      }
    } finally {
      await session.close();
    }
  }, 120_000);
});
